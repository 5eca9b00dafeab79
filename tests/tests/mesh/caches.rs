//! Caches over real processes: true as soon as a file is edited, still there when a service is not, seen and cleared by
//! operators.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use bsm_runtime::role::Role;
use bsm_tests::{Mesh, diffs, rest};
use reqwest::Method;
use serde_json::{Value, json};

const TOKEN: &str = "a-token-of-sixteen";

/// Half the time in which looking at the files would find an edit: it was an event. On a machine that does nothing else
/// an edit is shown within half a second; here a dozen processes may be starting beside it.
const BY_EVENT: Duration = Duration::from_secs(5);

/// Longer than anything else here takes.
const SOON: Duration = Duration::from_secs(30);

/// A mesh with agents of its own that may be edited.
struct Edited {
    mesh: Mesh,
    agents: tempfile::TempDir,
}

impl Edited {
    fn start() -> Edited {
        let agents = tempfile::tempdir().unwrap();
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../agents"), agents.path());
        let dir = agents.path().display().to_string();
        Edited { mesh: Mesh::start(&[("ADMIN_TOKEN", TOKEN), ("BSM_AGENTS_DIR", &dir)]), agents }
    }

    fn definition(&self, id: &str) -> PathBuf {
        self.agents.path().join(format!("definitions/{id}.yaml"))
    }

    /// Replaces a part of a definition, as an editor does.
    fn edit(&self, id: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.definition(id)).unwrap();
        assert!(text.contains(from), "{from} is not in {text}");
        fs::write(self.definition(id), text.replacen(from, to, 1)).unwrap();
    }

    async fn name(&self, id: &str) -> String {
        let agents = self.mesh.rest().get("/api/agents").await;
        assert_eq!(agents.code, 200, "{}", agents.text);
        let agents = agents.json["agents"].as_array().unwrap().clone();
        let agent = agents.iter().find(|agent| agent["id"] == id).unwrap_or_else(|| panic!("no {id}"));
        agent["name"].as_str().unwrap().to_owned()
    }

    /// Waits until a path answers in a way; returns the answer and how long that took.
    async fn until(
        &self,
        path: &str,
        what: &str,
        holds: impl Fn(&rest::Answer) -> bool,
    ) -> (rest::Answer, Duration) {
        let began = Instant::now();
        loop {
            let answer = self.mesh.rest().get(path).await;
            if holds(&answer) {
                return (answer, began.elapsed());
            }
            assert!(began.elapsed() < SOON, "never {what}: {} {}", answer.code, answer.text);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&to).unwrap();
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), &to).unwrap();
        }
    }
}

fn stats<'a>(answer: &'a rest::Answer, cache: &str) -> &'a Value {
    &answer.json[cache]
}

#[tokio::test]
async fn an_edited_agent_is_shown_at_once_and_a_bad_edit_only_in_the_health() {
    let mesh = Edited::start();
    let id = "governance-agent";
    let name = mesh.name(id).await;
    mesh.until("/api/cache/stats", "kept", |answer| stats(answer, "registry")["cached"] == true).await;

    let (mut last, mut quickest) = (name, SOON);
    for next in ["Edited Once", "Edited Twice", "Edited One"] {
        mesh.edit(id, &format!("name: {last}"), &format!("name: {next}"));
        let (_, took) = mesh.until("/api/agents", next, |answer| answer.text.contains(next)).await;
        println!("an edit is shown after {took:?}");
        (last, quickest) = (next.to_owned(), quickest.min(took));
    }
    assert!(quickest < BY_EVENT, "{quickest:?}");
    assert_eq!(mesh.name(id).await, "Edited One");

    mesh.edit(id, "name: Edited One", "nmae: Edited Two");
    let health = "/api/health/detailed";
    let (found, _) = mesh.until(health, "degraded", |answer| answer.json["status"] == "degraded").await;
    let message = found.json["checks"]["services"]["message"].as_str().unwrap();
    assert!(message.contains("registry: The agents were edited and are not usable"), "{message}");
    assert_eq!(mesh.name(id).await, "Edited One", "the last good one stays in force");
    let page = rest::Rest::new(&mesh.mesh.ops_url(Role::Registry)).get("/metrics").await.text;
    assert!(page.contains("bsm_reload_failures_total{what=\"agents\"} 1"), "{page}");

    mesh.edit(id, "nmae: Edited Two", "name: Edited Two");
    mesh.until("/api/agents", "mended", |answer| answer.text.contains("Edited Two")).await;
    mesh.until(health, "well again", |answer| {
        !answer.json["checks"]["services"]["message"].as_str().unwrap_or_default().contains("registry:")
    })
    .await;
}

#[tokio::test]
async fn without_the_registry_agents_and_jobs_go_on_by_what_it_said_last_and_say_so() {
    let mut mesh = Edited::start();
    let rest = mesh.mesh.rest();
    mesh.until("/api/cache/stats", "known ahead", |answer| {
        ["agents", "knowledge", "registry"].iter().all(|cache| stats(answer, cache)["cached"] == true)
    })
    .await;
    let before = rest.get("/api/agents").await;
    assert_eq!((before.code, before.headers.get("x-bsm-stale")), (200, None));
    mesh.mesh.node(Role::Registry).kill();

    let marked = |answer: &rest::Answer| answer.headers.contains_key("x-bsm-stale");
    let (stale, _) = mesh.until("/api/agents", "marked", marked).await;
    assert_eq!((stale.code, &stale.json["agents"]), (200, &before.json["agents"]));
    assert!(stale.headers["warning"].to_str().unwrap().starts_with("110 "), "{:?}", stale.headers);
    assert!(stale.headers.contains_key("age"), "{:?}", stale.headers);

    let job_id = rest.submit("pull_request.opened", json!({"diff": diffs::clean()})).await;
    let job = rest.finished(&job_id).await;
    assert_eq!(job["decision"]["action"], "approve_and_merge", "{job:#}");
    let notes = job["notes"].to_string();
    assert!(notes.contains("the registry was unavailable") && notes.contains("security-agent"), "{notes}");
    let report = rest.get(&format!("/api/orchestrator/jobs/{job_id}/report")).await.text;
    assert!(report.contains("the registry was unavailable"), "{report}");

    mesh.mesh.restart(Role::Registry);
    mesh.until("/api/agents", "fresh again", |answer| answer.code == 200 && !marked(answer)).await;
}

#[tokio::test]
async fn a_revoked_agent_is_not_run_by_what_was_allowed_before() {
    let mesh = Edited::start();
    let rest = mesh.mesh.rest();
    let run = || rest.post("/api/agents/run", json!({"agentId": "my-agent", "input": "hello"}));
    assert_eq!(run().await.code, 200, "{}", run().await.text);
    let file = mesh.agents.path().join("registry.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let at = text.find("id: my-agent").unwrap();
    let (head, tail) = text.split_at(at);
    let everywhere = "allowed_profiles: [development, staging, production]";
    assert!(tail.contains(everywhere), "{tail}");
    let began = Instant::now();
    fs::write(&file, format!("{head}{}", tail.replacen(everywhere, "allowed_profiles: [production]", 1)))
        .unwrap();
    let refused = loop {
        let answer = run().await;
        if answer.code != 200 {
            break answer;
        }
        assert!(began.elapsed() < SOON, "it still runs");
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert_eq!((refused.code, &refused.json["code"]), (403, &json!("PROFILE_FORBIDDEN")), "{}", refused.text);
    println!("it is refused {:?} after the edit", began.elapsed());
}

#[tokio::test]
async fn operators_see_what_caches_do_and_clear_them_in_every_process() {
    let mesh = Edited::start();
    let rest = mesh.mesh.rest();
    let path = "/api/cache/stats";
    let all = ["agents", "knowledge", "registry"];
    let (before, _) = mesh
        .until(path, "known ahead", |answer| all.iter().all(|cache| stats(answer, cache)["cached"] == true))
        .await;
    for (cache, ttl) in [("agents", 300_000), ("knowledge", 600_000), ("registry", 900_000)] {
        let seen = stats(&before, cache);
        assert_eq!((&seen["ttl"], &seen["valid"]), (&json!(ttl), &json!(true)), "{seen}");
        assert!(seen["reloads"].as_f64().unwrap() > 0.0 && seen["age"].as_f64().is_some(), "{seen}");
    }
    for _ in 0..4 {
        assert_eq!(rest.get("/api/agents").await.code, 200);
    }
    let job_id = rest.submit("pull_request.opened", json!({"diff": diffs::clean()})).await;
    rest.finished(&job_id).await;
    let (after, _) =
        mesh.until(path, "hit", |answer| stats(answer, "agents")["hits"].as_f64() > Some(0.0)).await;
    let gained = |cache: &str| {
        stats(&after, cache)["hits"].as_f64().unwrap() - stats(&before, cache)["hits"].as_f64().unwrap()
    };
    assert!(
        gained("registry") >= 4.0 && gained("agents") > 0.0 && gained("knowledge") > 0.0,
        "{}",
        after.text
    );
    assert!(stats(&after, "agents")["hitRate"].as_f64().unwrap() > 0.0, "{}", after.text);

    let clear = mesh.mesh.rest().request(Method::POST, "/api/cache/clear").header("x-admin-token", TOKEN);
    let cleared = rest::send(clear.json(&json!({"cache": "all"}))).await;
    assert_eq!((cleared.code, &cleared.json["cleared"]), (200, &json!("all")), "{}", cleared.text);
    let after = rest.get(path).await;
    for cache in all {
        assert_eq!(stats(&after, cache)["cached"], false, "{}", after.text);
    }
    assert_eq!(rest.get("/api/agents").await.code, 200);
    assert_eq!(stats(&rest.get(path).await, "registry")["cached"], true);
}
