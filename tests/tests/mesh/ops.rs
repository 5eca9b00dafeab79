//! An operator changes a running mesh, process by process, and it is so, stays so, and is written down.

use std::{process::Output, time::Duration};

use bsm_runtime::role::Role;
use bsm_testkit::{Provider, Reply};
use bsm_tests::{Mesh, node, rest};
use reqwest::Method;
use serde_json::{Value, json};

const TOKEN: &str = "a-token-of-sixteen";

async fn admin(mesh: &Mesh, method: Method, path: &str, body: Value) -> rest::Answer {
    let request = mesh.rest().request(method, path).header("x-admin-token", TOKEN).json(&body);
    rest::send(request).await
}

fn audit(mesh: &Mesh, role: Role) -> Vec<Value> {
    let text = std::fs::read_to_string(mesh.folder(role).join("audit.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// `bsm ops` against the gateway of the mesh.
fn bsm_ops(mesh: &Mesh, args: &[&str], token: Option<&str>) -> Output {
    let mut command = node::command();
    command.arg("ops").args(args).args(["--url", &mesh.url(Role::Gateway)]);
    command.envs(token.map(|token| ("ADMIN_TOKEN", token))).output().unwrap()
}

async fn chat(mesh: &Mesh) -> rest::Answer {
    mesh.rest().post("/api/chat/direct", json!({"message": "hello", "language": "en"})).await
}

#[tokio::test]
async fn a_breaker_of_another_process_obeys_and_a_flag_outlives_its_process() {
    let provider = Provider::start(|_| Reply::Says("Fine.".to_owned())).await.unwrap();
    let url = provider.base_url();
    let mut mesh = Mesh::start(&[
        ("ADMIN_TOKEN", TOKEN),
        ("OPENAI_API_KEY", "sk-test"),
        ("BSM_OPENAI_BASE_URL", &url),
        ("BSM_OFFLINE", "never"),
    ]);
    assert_eq!(chat(&mesh).await.code, 200);

    let path = "/api/admin/breakers/openai%2Fgpt-4o";
    let refused =
        rest::send(mesh.rest().request(Method::POST, &format!("{path}/reset")).json(&json!({}))).await;
    assert_eq!(refused.code, 401, "{}", refused.text);
    let forced = admin(&mesh, Method::PUT, &format!("{path}/mode"), json!({"mode": "forced_open"})).await;
    assert_eq!(
        (forced.code, &forced.json["breakers"][0]["service"]),
        (200, &json!("models")),
        "{}",
        forced.text
    );
    let asked = provider.asked().len();
    let refused = chat(&mesh).await;
    assert_eq!((refused.code, provider.asked().len()), (503, asked), "{}", refused.text);
    let held = admin(&mesh, Method::POST, &format!("{path}/reset"), json!({})).await;
    assert_eq!((held.code, &held.json["code"]), (409, &json!("BREAKER_FORCED_OPEN")), "{}", held.text);
    admin(&mesh, Method::PUT, &format!("{path}/mode"), json!({"mode": "normal"})).await;
    let reset = admin(&mesh, Method::POST, &format!("{path}/reset"), json!({})).await;
    assert_eq!((reset.code, &reset.json["breakers"][0]["state"]), (200, &json!("CLOSED")), "{}", reset.text);
    assert_eq!(chat(&mesh).await.code, 200, "it is well again at once");

    let changed = admin(&mesh, Method::PUT, "/api/admin/flags/hedging", json!({"percent": 10})).await;
    assert_eq!((changed.code, &changed.json["flag"]["percent"]), (200, &json!(10)), "{}", changed.text);
    assert_eq!(changed.json["flag"]["services"].as_array().unwrap().len(), 6, "in every process");
    mesh.node(Role::Models).kill();
    mesh.restart(Role::Models);
    for _ in 0..200 {
        let flag = admin(&mesh, Method::GET, "/api/admin/flags/hedging", Value::Null).await;
        let services = flag.json["flag"]["services"].as_array().unwrap().clone();
        if services.len() == 6 {
            assert_eq!(flag.json["flag"]["percent"], 10, "{}", flag.text);
            let actions: Vec<_> =
                audit(&mesh, Role::Models).iter().map(|line| line["action"].clone()).collect();
            assert_eq!(actions, ["breaker.mode", "breaker.mode", "breaker.reset", "flag.set"]);
            assert!(audit(&mesh, Role::Memory).iter().all(|line| line["address"] == "127.0.0.1"));
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the models do not come back");
}

#[tokio::test]
async fn the_command_line_shows_and_changes_the_same_and_says_by_its_code_how_it_went() {
    let mut mesh = Mesh::start(&[("ADMIN_TOKEN", TOKEN)]);
    let text = |output: &Output| String::from_utf8_lossy(&output.stdout).into_owned();
    let shown = bsm_ops(&mesh, &["breakers"], None);
    assert!(shown.status.success() && text(&shown).contains("orchestrator->models"), "{shown:?}");
    for (token, why) in [(None, "give it as ADMIN_TOKEN"), (Some("a-token-of-sixteem"), "is wrong")] {
        let refused = bsm_ops(&mesh, &["flag", "retry", "50"], token);
        assert_eq!(refused.status.code(), Some(77), "{refused:?}");
        assert!(String::from_utf8_lossy(&refused.stderr).contains(why), "{refused:?}");
    }
    assert_eq!(bsm_ops(&mesh, &["flag", "retry", "101"], Some(TOKEN)).status.code(), Some(64));
    assert_eq!(bsm_ops(&mesh, &["reset", "nothing"], Some(TOKEN)).status.code(), Some(64));

    let changed = bsm_ops(&mesh, &["flag", "retry", "50", "--json"], Some(TOKEN));
    assert_eq!(changed.status.code(), Some(0), "{changed:?}");
    let changed: Value = serde_json::from_slice(&changed.stdout).unwrap();
    assert_eq!((changed["flags"].as_array().unwrap().len(), &changed["unreached"]), (6, &json!([])));
    let flag = admin(&mesh, Method::GET, "/api/admin/flags/retry", Value::Null).await;
    assert_eq!(flag.json["flag"]["percent"], 50, "{}", flag.text);

    mesh.node(Role::Memory).kill();
    let partly = bsm_ops(&mesh, &["clear", "agents"], Some(TOKEN));
    assert_eq!(partly.status.code(), Some(1), "{partly:?}");
    assert!(String::from_utf8_lossy(&partly.stderr).contains("memory did not answer"), "{partly:?}");
    mesh.node(Role::Gateway).kill();
    assert_eq!(bsm_ops(&mesh, &["breakers"], None).status.code(), Some(69));
}

#[tokio::test]
async fn an_operator_who_only_looks_is_not_held_back_by_what_strangers_used_up() {
    let mesh = Mesh::start(&[("ADMIN_TOKEN", TOKEN), ("BSM_PROFILE", "staging"), ("RATE_LIMIT_MAX", "2")]);
    let strangers: Vec<_> =
        (0..4).map(|_| bsm_ops(&mesh, &["caches"], None).status.code().unwrap()).collect();
    assert_eq!(strangers.last(), Some(&69), "{strangers:?}");
    let operator = bsm_ops(&mesh, &["caches"], Some(TOKEN));
    assert_eq!(operator.status.code(), Some(0), "{operator:?}");
}
