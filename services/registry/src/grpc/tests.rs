use bsm_proto::registry::v1::Governance;
use bsm_runtime::{
    caller::Caller,
    diagnostic::{Findings, Strictness},
    json, status,
};
use futures_util::{FutureExt as _, StreamExt as _};
use tonic::Code;

use super::*;
use crate::{catalog, files::Files, tests::process_in as process};

mod changes;

const REGISTRY: &str = r#"
agents:
  - id: reviewer
    name: The Reviewer
    category: system
    safety: { mode: restricted }
    contexts: { allowed: [github, api] }
    expose: { selectable: true, internal_only: false }
    risk: { level: low, rationale: It only writes text. }
    approval: { required: false, type: none, approvers: [] }
    startup: { auto_start: false, allowed_profiles: [development, production] }
    healthcheck: { endpoint: /api/agents/reviewer/health, interval_seconds: 60 }
  - id: chatter
    name: The Chatter
    category: conversational
    contexts: { allowed: [chat] }
    expose: { selectable: false, internal_only: true }
    risk: { level: high, rationale: People believe what it says. }
    approval: { required: true, type: manual, approvers: [admins] }
    startup: { auto_start: false, allowed_profiles: [development] }
    healthcheck: { endpoint: /api/agents/chatter/health, interval_seconds: 60 }
"#;

const DEFINITIONS: [&str; 3] = [
    "id: chatter\nname: Chatter\nrole: Talks\nversion: 2.0.0\nanswer: text\n",
    "id: loner\nname: Loner\nrole: None\nrisk: { level: low }\n",
    "id: reviewer\nname: Reviewer\nrole: Reviews\nversion: 1\nsafety: { mode: restricted }\nactions: [label.add]\n\
     modelName: m\nsystemPrompt: \"Be strict, {{ agentName }}\"\nconditions: { min_compliance_score: 7 }\n",
];

fn catalog(definitions: &[&str]) -> Catalog {
    catalog_of(REGISTRY, definitions)
}

fn catalog_of(registry: &str, definitions: &[&str]) -> Catalog {
    let definitions = definitions.iter().map(|text| Findings::new("d.yaml", *text, Strictness::Strict));
    let files = Files {
        registry: Findings::new("registry.yaml", registry, Strictness::Strict),
        definitions: definitions.collect(),
        found: Vec::new(),
    };
    let (catalog, found) = catalog::join(files, "2026-01-01".parse().unwrap());
    catalog.unwrap_or_else(|| panic!("{found:#?}"))
}

fn registry(here: Here) -> Registry {
    of_files(REGISTRY, &DEFINITIONS, here)
}

/// Keeps no state: no folder can be made where a file is.
fn of_files(registry: &str, definitions: &[&str], here: Here) -> Registry {
    let process = process(std::path::Path::new("/dev/null"));
    let catalogs = Versions::new(catalog_of(registry, definitions));
    Registry::new(catalogs, States::new(&process), here, CancellationToken::new())
}

fn development() -> Registry {
    registry(Here { profile: Profile::Development, safe_mode: false, mobile_mode: false })
}

async fn list(mode: Option<&str>) -> Result<ListAgentsResponse, Status> {
    let request = Request::new(ListAgentsRequest { mode: mode.map(str::to_owned), ..Default::default() });
    development().list_agents(request).await.map(Response::into_inner)
}

async fn resolve(
    registry: &Registry,
    agent: &str,
    context: &str,
    mobile: bool,
) -> Result<ResolveAgentResponse, String> {
    let request = ResolveAgentRequest {
        agent_id: agent.to_owned(),
        context: context.to_owned(),
        mobile,
        outside: false,
    };
    let answer = registry.resolve_agent(Request::new(request)).await;
    answer.map(Response::into_inner).map_err(|refused| status::reason(&refused).unwrap())
}

#[tokio::test]
async fn all_agents_are_listed_in_order_as_written_and_as_governed() {
    let ListAgentsResponse { agents, count, mode, filtered } = list(None).await.unwrap();
    assert_eq!((count, mode, filtered), (None, None, None));
    let agents: Vec<_> = agents.iter().map(json::from_struct).collect();
    let ids: Vec<_> = agents.iter().map(|agent| agent["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["loner", "reviewer"], "chatter is for the mesh alone");
    assert_eq!(agents[1]["version"], 1);
    assert_eq!(agents[1]["modelName"], "m");
    assert_eq!(agents[1]["safety"], serde_json::json!({ "mode": "restricted", "requires_approval": false }));
    assert_eq!(agents[1]["contexts"]["allowed"], serde_json::json!(["github", "api"]));
    assert!(agents[1].contains_key("systemPrompt"), "every field of the definition, as written");
    assert_eq!(agents[0]["risk"]["level"], "low");
}

#[tokio::test]
async fn an_operator_lists_all_agents_with_what_they_do_and_whether_they_may() {
    let all = development().list_all_agents(Request::new(ListAllAgentsRequest::default())).await.unwrap();
    let ListAllAgentsResponse { agents, count } = all.into_inner();
    assert_eq!(count, 3);
    let chatter = json::from_struct(agents[0].agent.as_ref().unwrap());
    assert_eq!((&chatter["id"], &chatter["version"]), (&"chatter".into(), &"2.0.0".into()));
    assert_eq!(chatter["expose"], serde_json::json!({ "selectable": false, "internal_only": true }));
    assert_eq!(chatter["approval"]["type"], "manual");
    assert!(!chatter.contains_key("safety"), "the registry gives none");
    let here: Vec<_> = agents.iter().map(|agent| agent.here.clone().map(|here| here.reason)).collect();
    assert_eq!(here, [Some(Some("APPROVAL_REQUIRED".to_owned())), None, Some(None)]);
    let registered: Vec<_> = agents.iter().map(|agent| (agent.registered, agent.state.is_some())).collect();
    assert_eq!(registered, [(true, true), (false, false), (true, true)]);
    let grave = ListAllAgentsRequest { risk: Some("high".to_owned()), ..Default::default() };
    assert_eq!(development().list_all_agents(Request::new(grave)).await.unwrap().into_inner().count, 1);
}

#[tokio::test]
async fn a_mode_lists_only_what_the_registry_allows_there() {
    let answer = list(Some("github")).await.unwrap();
    assert_eq!(
        (answer.count, answer.mode.as_deref(), answer.filtered),
        (Some(1), Some("github"), Some(true))
    );
    assert_eq!(json::from_struct(&answer.agents[0])["id"], "reviewer");
    assert_eq!(list(Some("mobile")).await.unwrap().count, Some(0));
    for mode in ["GitHub", "", "all"] {
        let refused = list(Some(mode)).await.unwrap_err();
        assert_eq!(
            (refused.code(), status::reason(&refused).as_deref()),
            (Code::InvalidArgument, Some("INVALID_MODE"))
        );
    }
}

#[tokio::test]
async fn registered_agents_have_a_state_and_the_others_none() {
    let registry = development();
    let request = Request::new(ListAgentStatusesRequest::default());
    let all = registry.list_agent_statuses(request).await.unwrap().into_inner();
    assert_eq!((all.total_agents, all.running_agents), (2, 0));
    assert!(all.timestamp > 1.0e12);
    let first = &all.agents[0];
    assert_eq!(
        (first.id.as_str(), first.name.as_str(), first.risk.as_str()),
        ("reviewer", "The Reviewer", "low")
    );
    assert_eq!(first.state.as_ref().unwrap().status, "stopped");
    assert!(all.agents[1].config.as_ref().unwrap().approval_required);

    let ask = |id: &str| Request::new(GetAgentStatusRequest { agent_id: id.to_owned() });
    let one = registry.get_agent_status(ask("chatter")).await.unwrap().into_inner();
    let config = one.config.unwrap();
    assert_eq!((one.name.as_str(), config.risk.unwrap().level.as_str()), ("The Chatter", "high"));
    assert_eq!(config.startup.unwrap().allowed_profiles, ["development"]);
    for id in ["loner", "nobody", "", "../x"] {
        let refused = registry.get_agent_status(ask(id)).await.unwrap_err();
        assert_eq!(
            (refused.code(), status::reason(&refused).as_deref()),
            (Code::NotFound, Some("AGENT_NOT_FOUND"))
        );
    }
}

#[tokio::test]
async fn a_misspelt_agent_is_told_with_the_one_that_was_meant() {
    let registry = development();
    let sentence = |asked: Result<_, Status>| asked.err().unwrap().message().to_owned();
    let asked = Request::new(GetAgentStatusRequest { agent_id: "reviwer".to_owned() });
    let known = "agent \"reviwer\" is not registered; did you mean reviewer?";
    assert_eq!(sentence(registry.get_agent_status(asked).await.map(drop)), known);
    let wanted = ResolveAgentRequest {
        agent_id: "nobody".to_owned(),
        context: "api".to_owned(),
        ..Default::default()
    };
    let resolved = registry.resolve_agent(Request::new(wanted)).await.map(drop);
    assert_eq!(sentence(resolved), "agent \"nobody\" is not registered");
}

#[tokio::test]
async fn an_allowed_agent_is_resolved_in_full() {
    let registry = development();
    let answer = resolve(&registry, "reviewer", "github", false).await.unwrap();
    assert_eq!(answer.registry_version, registry.catalogs.current().version());
    let agent = answer.agent.unwrap();
    assert_eq!(agent.system_prompt, "Be strict, {{ agentName }}");
    assert_eq!((agent.complexity.as_str(), agent.answer), ("medium", 1));
    assert_eq!((agent.actions, agent.model_name), (vec!["label.add".to_owned()], Some("m".to_owned())));
    assert_eq!(json::from_struct(&agent.conditions.unwrap())["min_compliance_score"], 7);
    let Governance { safety, network_outbound, protected, .. } = agent.governance.unwrap();
    assert_eq!((safety.unwrap().mode.as_str(), network_outbound.len(), protected), ("restricted", 0, false));
}

#[tokio::test]
async fn no_caller_gets_past_the_rules() {
    let here = Here { profile: Profile::Development, safe_mode: false, mobile_mode: false };
    let plain = registry(here);
    let safe = registry(Here { safe_mode: true, ..here });
    let production = registry(Here { profile: Profile::Production, ..here });
    let outside = ResolveAgentRequest {
        agent_id: "chatter".to_owned(),
        context: "chat".to_owned(),
        mobile: true,
        outside: true,
    };
    let refused = plain.resolve_agent(Request::new(outside)).await.unwrap_err();
    assert_eq!(status::reason(&refused).as_deref(), Some("AGENT_INTERNAL"));
    for (registry, agent, context, mobile, reason) in [
        (&plain, "nobody", "chat", false, "AGENT_NOT_FOUND"),
        (&plain, "reviewer", "web", false, "INVALID_MODE"),
        (&plain, "loner", "chat", false, "AGENT_UNGOVERNED"),
        (&plain, "reviewer", "chat", false, "CONTEXT_FORBIDDEN"),
        (&plain, "chatter", "chat", false, "APPROVAL_REQUIRED"),
        (&plain, "chatter", "chat", true, "MOBILE_MODE_RESTRICTION"),
        (&production, "chatter", "chat", false, "PROFILE_FORBIDDEN"),
        (&safe, "reviewer", "api", false, "SAFE_MODE_FORBIDDEN"),
    ] {
        let refused = resolve(registry, agent, context, mobile).await.unwrap_err();
        assert_eq!(refused, reason, "{agent} in {context}");
    }
}

#[test]
fn mobile_mode_of_the_process_binds_callers_that_are_no_mobile_clients() {
    let here = Here { profile: Profile::Development, safe_mode: false, mobile_mode: true };
    let mobile = |registry: Registry, mobile: bool| {
        let request = ResolveAgentRequest { mobile, ..Default::default() };
        registry.wanted(Context::Chat, &request).mobile
    };
    assert_eq!(mobile(registry(here), false), Mobile::Admin);
    assert_eq!(mobile(registry(here), true), Mobile::Client);
    assert_eq!(mobile(development(), true), Mobile::Client);
    assert_eq!(mobile(development(), false), Mobile::Off);
}

#[tokio::test]
async fn a_watch_tells_the_agents_in_force_and_what_an_edit_changes() {
    let registry = development();
    let watch = |last: Option<&str>| {
        registry.watch_agents(Request::new(WatchAgentsRequest { last_version: last.map(str::to_owned) }))
    };
    let mut stream = watch(None).await.unwrap().into_inner();
    let first = stream.next().await.unwrap().unwrap();
    let ids: Vec<_> = first.agents.iter().map(|agent| agent.id.as_str()).collect();
    assert_eq!(ids, ["chatter", "loner", "reviewer"]);
    let resolved = resolve(&registry, "reviewer", "github", false).await.unwrap();
    assert_eq!(first.version, resolved.registry_version);

    let edited = DEFINITIONS.map(|text| text.replace("name: Loner", "name: Alone"));
    registry.catalogs.replace(catalog(&edited.each_ref().map(String::as_str)));
    let second = stream.next().await.unwrap().unwrap();
    assert_ne!(second.version, first.version);
    let differ = |at: usize| first.agents[at].hash != second.agents[at].hash;
    assert_eq!([differ(0), differ(1), differ(2)], [false, true, false]);

    let mut again = watch(Some(&second.version)).await.unwrap().into_inner();
    assert!(again.next().now_or_never().is_none(), "it has seen what is in force");
    registry.stopping.cancel();
    let end = again.next().await.unwrap().unwrap_err();
    assert_eq!(status::reason(&end).as_deref(), Some("DRAINING"));
}
