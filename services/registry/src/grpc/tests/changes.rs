//! Starts and stops as callers make them: what they change, what is refused, and what the audit log says of both.

use serde_json::{Value, json};

use super::*;
use crate::tests::process_in;

/// One agent that everything allows, and others that one rule each forbids.
const AGENTS: [(&str, &str, &str); 7] = [
    ("plain", "", ""),
    ("staged", "[development]", "[staging]"),
    ("talker", "[api, mobile]", "[chat]"),
    ("wide", "[api, mobile]", "[api, ci, mobile]"),
    ("grave", "level: low", "level: critical"),
    (
        "careful",
        "required: false, type: none, approvers: []",
        "required: true, type: manual, approvers: [boss]",
    ),
    ("inner", "selectable: true, internal_only: false", "selectable: false, internal_only: true"),
];

fn entry(id: &str, from: &str, to: &str) -> String {
    let entry = format!(
        "  - id: {id}
    name: {id}
    category: system
    contexts: {{ allowed: [api, mobile] }}
    expose: {{ selectable: true, internal_only: false }}
    risk: {{ level: low, rationale: It only writes text. }}
    approval: {{ required: false, type: none, approvers: [] }}
    startup: {{ auto_start: false, allowed_profiles: [development] }}
    healthcheck: {{ endpoint: /api/agents/{id}/health, interval_seconds: 60 }}
"
    );
    assert!(entry.contains(from));
    entry.replacen(from, to, 1)
}

fn files() -> Catalog {
    let entries: String = AGENTS.iter().map(|(id, from, to)| entry(id, from, to)).collect();
    let ids = AGENTS.iter().map(|(id, ..)| *id).chain(["loner"]);
    let definitions: Vec<String> = ids.map(|id| format!("id: {id}\nname: N\nrole: R\n")).collect();
    let definitions: Vec<&str> = definitions.iter().map(String::as_str).collect();
    catalog_of(&format!("agents:\n{entries}"), &definitions)
}

/// A registry and its folder, which another one may share or take up again.
struct Desk {
    dir: tempfile::TempDir,
    registry: Registry,
}

const DEVELOPMENT: Here = Here { profile: Profile::Development, safe_mode: false, mobile_mode: false };

impl Desk {
    fn new(here: Here) -> Desk {
        let dir = tempfile::tempdir().unwrap();
        let registry = Desk::registry(dir.path(), here);
        Desk { dir, registry }
    }

    fn registry(dir: &std::path::Path, here: Here) -> Registry {
        let states = States::new(&process_in(dir));
        Registry::new(Versions::new(files()), states, here, CancellationToken::new())
    }

    /// The same folder after a restart, with these settings.
    fn restarted(self, here: Here) -> Desk {
        let registry = Desk::registry(self.dir.path(), here);
        Desk { registry, ..self }
    }

    async fn start(&self, id: &str, context: Option<&str>) -> Result<StartAgentResponse, String> {
        let request = StartAgentRequest { agent_id: id.to_owned(), context: context.map(str::to_owned) };
        told(self.registry.start_agent(Request::new(request)).await)
    }

    async fn stop(&self, id: &str) -> Result<StopAgentResponse, String> {
        told(self.registry.stop_agent(Request::new(StopAgentRequest { agent_id: id.to_owned() })).await)
    }

    async fn state(&self, id: &str) -> bsm_proto::registry::v1::AgentState {
        let request = Request::new(GetAgentStatusRequest { agent_id: id.to_owned() });
        self.registry.get_agent_status(request).await.unwrap().into_inner().state.unwrap()
    }

    async fn running(&self) -> Vec<String> {
        let request = Request::new(ListAgentStatusesRequest::default());
        let all = self.registry.list_agent_statuses(request).await.unwrap().into_inner();
        let running =
            all.agents.into_iter().filter(|agent| agent.state.as_ref().unwrap().status == "running");
        let running: Vec<_> = running.map(|agent| agent.id).collect();
        assert_eq!(all.running_agents as usize, running.len());
        running
    }

    fn audit(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.dir.path().join("registry/audit.jsonl")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn told<T>(answer: Result<Response<T>, Status>) -> Result<T, String> {
    answer.map(Response::into_inner).map_err(|refused| status::reason(&refused).unwrap())
}

fn by<T>(mut request: Request<T>, actor: &str, address: &str) -> Request<T> {
    let caller = Caller { actor: actor.to_owned(), address: address.to_owned(), via: None };
    request.extensions_mut().insert(caller);
    request
}

#[tokio::test]
async fn nothing_runs_until_somebody_starts_it() {
    let desk = Desk::new(DEVELOPMENT);
    assert_eq!(desk.running().await, [""; 0]);
    assert!(!desk.dir.path().join("registry").exists(), "to say so, nothing has to be made");
    let started = desk.start("plain", None).await.unwrap();
    assert!(started.success);
    assert_eq!((started.agent_id.as_str(), started.status.as_str()), ("plain", "running"));
    assert_eq!(started.message, "Agent plain is running, for the context api.");
    assert_eq!(desk.running().await, ["plain"]);
    assert_eq!(desk.start("plain", None).await.unwrap_err(), "AGENT_ALREADY_RUNNING");
    let stopped = desk.stop("plain").await.unwrap();
    assert_eq!((stopped.success, stopped.status.as_str()), (true, "stopped"));
    assert!((0.0..60_000.0).contains(&stopped.uptime), "{}", stopped.uptime);
    assert_eq!(desk.stop("plain").await.unwrap_err(), "AGENT_NOT_RUNNING");
    assert_eq!(desk.running().await, [""; 0]);
}

#[tokio::test]
async fn what_was_started_is_running_after_a_restart_and_nothing_else() {
    let desk = Desk::new(DEVELOPMENT);
    desk.start("plain", Some("mobile")).await.unwrap();
    desk.start("wide", None).await.unwrap();
    desk.stop("wide").await.unwrap();
    let before = desk.state("plain").await;
    let desk = desk.restarted(DEVELOPMENT);
    desk.registry.recheck().await.unwrap();
    assert_eq!(desk.running().await, ["plain"]);
    let after = desk.state("plain").await;
    assert_eq!((&after, after.context.as_deref()), (&before, Some("mobile")));
    assert_eq!(desk.state("wide").await.reason, None, "somebody stopped it");
}

#[tokio::test]
async fn every_rule_refuses_a_start_by_its_name_and_the_audit_log_says_so() {
    let safe = Here { safe_mode: true, ..DEVELOPMENT };
    let mobile = Here { mobile_mode: true, ..DEVELOPMENT };
    let production = Here { profile: Profile::Production, ..DEVELOPMENT };
    for (here, id, context, reason, sentence) in [
        (DEVELOPMENT, "nobody", None, "AGENT_NOT_FOUND", "agent \"nobody\" is not registered"),
        (
            DEVELOPMENT,
            "palin",
            None,
            "AGENT_NOT_FOUND",
            "agent \"palin\" is not registered; did you mean plain?",
        ),
        (
            DEVELOPMENT,
            "../plain",
            None,
            "AGENT_NOT_FOUND",
            "agent \"../plain\" is not registered; did you mean plain?",
        ),
        (
            DEVELOPMENT,
            "plain",
            Some("tv"),
            "INVALID_MODE",
            "\"tv\" is not a context; use one of chat, api, github, ci, system, security, mobile",
        ),
        (
            DEVELOPMENT,
            "plain",
            Some(""),
            "INVALID_MODE",
            "\"\" is not a context; use one of chat, api, github, ci, system, security, mobile",
        ),
        (
            DEVELOPMENT,
            "loner",
            None,
            "AGENT_UNGOVERNED",
            "agent loner has no entry in the registry and is never run",
        ),
        (DEVELOPMENT, "inner", None, "AGENT_INTERNAL", "agent inner is used by the mesh alone"),
        (
            DEVELOPMENT,
            "staged",
            None,
            "PROFILE_FORBIDDEN",
            "agent staged is not allowed in the profile development",
        ),
        (
            production,
            "plain",
            None,
            "PROFILE_FORBIDDEN",
            "agent plain is not allowed in the profile production",
        ),
        (DEVELOPMENT, "talker", None, "CONTEXT_FORBIDDEN", "agent talker is not allowed in the context api"),
        (
            DEVELOPMENT,
            "plain",
            Some("chat"),
            "CONTEXT_FORBIDDEN",
            "agent plain is not allowed in the context chat",
        ),
        (safe, "wide", None, "SAFE_MODE_FORBIDDEN", "agent wide can reach outside, which safe mode forbids"),
        (mobile, "grave", None, "MOBILE_MODE_RESTRICTION", "agent grave is too risky for mobile mode"),
        (
            DEVELOPMENT,
            "grave",
            Some("mobile"),
            "MOBILE_MODE_RESTRICTION",
            "agent grave is too risky for mobile mode",
        ),
        (
            DEVELOPMENT,
            "careful",
            None,
            "APPROVAL_REQUIRED",
            "agent careful needs a valid approval, and approvals cannot be given yet",
        ),
    ] {
        let desk = Desk::new(here);
        let request = StartAgentRequest { agent_id: id.to_owned(), context: context.map(str::to_owned) };
        let refused = desk.registry.start_agent(Request::new(request)).await.unwrap_err();
        assert_eq!(status::reason(&refused).as_deref(), Some(reason), "{id}");
        assert_eq!(refused.message(), sentence);
        assert_eq!(desk.running().await, [""; 0]);
        let line = &desk.audit()[0];
        assert_eq!(
            (&line["action"], &line["target"], &line["new"]),
            (&json!("agent.start"), &json!(id), &json!("running"))
        );
        assert_eq!(line["failed"], format!("{reason}: {sentence}"));
    }
}

#[tokio::test]
async fn an_operator_starts_and_stops_what_only_the_mesh_uses_and_what_mobile_mode_keeps_from_others() {
    let desk = Desk::new(Here { mobile_mode: true, ..DEVELOPMENT });
    for id in ["inner", "grave"] {
        let start = StartAgentRequest { agent_id: id.to_owned(), context: None };
        desk.registry.start_agent(by(Request::new(start), "admin", "10.0.0.9")).await.unwrap();
    }
    assert_eq!(desk.running().await, ["grave", "inner"]);
    assert_eq!(
        desk.stop("inner").await.unwrap_err(),
        "AGENT_INTERNAL",
        "others stop it no more than they start it"
    );
    let stop = StopAgentRequest { agent_id: "inner".to_owned() };
    desk.registry.stop_agent(by(Request::new(stop), "admin", "10.0.0.9")).await.unwrap();
    assert_eq!(desk.running().await, ["grave"]);
}

#[tokio::test]
async fn every_change_and_every_refusal_names_who_asked_from_where_under_which_id() {
    let desk = Desk::new(DEVELOPMENT);
    let call = || {
        let mut request = Request::new(StartAgentRequest { agent_id: "plain".to_owned(), context: None });
        request.extensions_mut().insert(bsm_runtime::call::Call::background("c-7"));
        by(request, "admin", "203.0.113.9")
    };
    desk.registry.start_agent(call()).await.unwrap();
    desk.registry.start_agent(call()).await.unwrap_err();
    desk.stop("plain").await.unwrap();
    let lines = desk.audit();
    let part = |line: &Value| {
        ["actor", "address", "correlationId", "action", "target"]
            .map(|field| line[field].as_str().unwrap().to_owned())
    };
    assert_eq!(part(&lines[0]), ["admin", "203.0.113.9", "c-7", "agent.start", "plain"]);
    assert_eq!(
        (&lines[0]["old"], &lines[0]["new"]),
        (&json!({"status": "stopped"}), &json!({"status": "running", "context": "api"}))
    );
    assert_eq!(part(&lines[1]), ["admin", "203.0.113.9", "c-7", "agent.start", "plain"]);
    assert_eq!(lines[1]["failed"], "AGENT_ALREADY_RUNNING: agent plain is running already");
    assert_eq!(part(&lines[2])[3..], ["agent.stop", "plain"]);
    assert_eq!((lines.len(), &lines[2]["actor"], lines[2].get("failed")), (3, &json!("anonymous"), None));
}

#[tokio::test]
async fn what_is_running_and_forbidden_by_now_is_stopped_and_the_reason_is_kept() {
    let desk = Desk::new(DEVELOPMENT);
    desk.start("plain", None).await.unwrap();
    desk.start("wide", None).await.unwrap();
    let desk = desk.restarted(Here { safe_mode: true, ..DEVELOPMENT });
    desk.registry.recheck().await.unwrap();
    assert_eq!(desk.running().await, ["plain"]);
    let state = desk.state("wide").await;
    assert_eq!(state.reason.as_deref(), Some("It can reach outside, which safe mode forbids."));
    let line = desk.audit().pop().unwrap();
    assert_eq!(
        (&line["actor"], &line["action"], &line["target"]),
        (&json!("registry"), &json!("agent.stop"), &json!("wide"))
    );
    assert_eq!(line["new"]["reason"], "It can reach outside, which safe mode forbids.");

    desk.registry.catalogs.replace(catalog_of(
        &format!("agents:\n{}", entry("wide", "", "")),
        &["id: wide\nname: N\nrole: R\n"],
    ));
    desk.registry.recheck().await.unwrap();
    assert_eq!(desk.audit().pop().unwrap()["target"], "plain", "its entry is gone");
    assert_eq!(desk.running().await, [""; 0], "and what may be used again is not started by that");
}

#[tokio::test]
async fn of_two_who_start_at_once_one_is_refused_also_in_two_processes() {
    let desk = Desk::new(DEVELOPMENT);
    let other = Desk::registry(desk.dir.path(), DEVELOPMENT);
    let start = |registry: &Registry| {
        let registry = registry.clone();
        async move {
            let request = StartAgentRequest { agent_id: "plain".to_owned(), context: None };
            told(registry.start_agent(Request::new(request)).await)
        }
    };
    let all = futures_util::future::join_all((0..16).map(|n| {
        let registry = if n % 2 == 0 { &desk.registry } else { &other };
        tokio::spawn(start(registry))
    }));
    let all: Vec<_> = all.await.into_iter().map(Result::unwrap).collect();
    assert_eq!(all.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert!(
        all.iter().flat_map(|answer| answer.as_ref().err()).all(|reason| reason == "AGENT_ALREADY_RUNNING")
    );
    let request = Request::new(GetAgentStatusRequest { agent_id: "plain".to_owned() });
    let seen = other.get_agent_status(request).await.unwrap().into_inner().state.unwrap();
    assert_eq!(seen.status, "running");
}

#[tokio::test]
async fn without_a_line_in_the_audit_log_nothing_changes() {
    let desk = Desk::new(DEVELOPMENT);
    std::fs::create_dir_all(desk.dir.path().join("registry/audit.jsonl")).unwrap();
    assert_eq!(desk.start("plain", None).await.unwrap_err(), "LIFECYCLE_UNAVAILABLE");
    assert_eq!(desk.running().await, [""; 0]);
    assert_eq!(
        desk.start("staged", None).await.unwrap_err(),
        "PROFILE_FORBIDDEN",
        "a refusal holds all the same"
    );
}

#[tokio::test]
async fn a_file_of_something_else_is_left_alone_and_told() {
    let desk = Desk::new(DEVELOPMENT);
    std::fs::create_dir(desk.dir.path().join("registry")).unwrap();
    std::fs::write(desk.dir.path().join("registry/lifecycle.db"), "notes of mine").unwrap();
    assert_eq!(desk.start("plain", None).await.unwrap_err(), "LIFECYCLE_UNAVAILABLE");
    let request = Request::new(GetAgentStatusRequest { agent_id: "plain".to_owned() });
    assert_eq!(told(desk.registry.get_agent_status(request).await).unwrap_err(), "LIFECYCLE_UNAVAILABLE");
    assert!(desk.registry.recheck().await.is_err());
    assert_eq!(std::fs::read(desk.dir.path().join("registry/lifecycle.db")).unwrap(), b"notes of mine");
}
