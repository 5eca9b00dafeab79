//! The table built from the real contract.

use prost::Message as _;
use prost_reflect::{DynamicMessage, ReflectMessage as _, Value};

use super::*;
use crate::faces;

fn table() -> Table {
    Table::read(bsm_proto::DESCRIPTORS).unwrap()
}

fn rpc_at<'t>(table: &'t Table, method: &str, path: &str, want: Want) -> Option<Match<'t>> {
    match table.find(&method.parse().unwrap(), path, want) {
        Found::Route(found) => Some(found),
        Found::OtherMethod { .. } | Found::Nothing => None,
    }
}

#[test]
fn the_contracts_paths_lead_to_their_rpcs() {
    let table = table();
    for (method, path, rpc) in [
        ("GET", "/health", "GetHealth"),
        ("GET", "/api/health", "GetHealth"),
        ("GET", "/api/health/detailed", "GetDetailedHealth"),
        ("GET", "/api/health/circuit-breakers", "ListMeshBreakers"),
        ("GET", "/api/status", "GetStatus"),
        ("GET", "/api/agents", "ListAgents"),
        ("GET", "/api/agents/status", "ListAgentStatuses"),
        ("GET", "/api/agents/legal-agent/status", "GetAgentStatus"),
        ("POST", "/api/agents/legal-agent/start", "StartAgent"),
        ("POST", "/api/agents/start/legal-agent", "StartAgent"),
        ("POST", "/api/agents/legal-agent/stop", "StopAgent"),
        ("POST", "/api/agents/stop/legal-agent", "StopAgent"),
        ("GET", "/api/admin/agents", "ListAllAgents"),
        ("POST", "/api/agents/run", "RunAgent"),
        ("GET", "/api/knowledge", "ListDocuments"),
        ("GET", "/api/knowledge/guide", "GetDocument"),
        ("POST", "/api/chat/direct", "ChatDirect"),
        ("POST", "/api/orchestrator/run", "SubmitEvent"),
        ("POST", "/api/control/run", "SubmitEvent"),
        ("GET", "/api/orchestrator/config", "ListStrategies"),
        ("GET", "/api/orchestrator/jobs", "ListJobs"),
        ("GET", "/api/orchestrator/jobs/j1", "GetJob"),
        ("GET", "/api/orchestrator/jobs/j1/report", "GetJobReport"),
        ("POST", "/api/orchestrator/jobs/j1/rerun", "RerunJob"),
        ("GET", "/api/orchestrator/jobs/j1/events", "WatchJob"),
        ("POST", "/api/memory/reviews", "StoreReview"),
        ("POST", "/api/memory/reviews/search", "FindSimilarReviews"),
    ] {
        let found = rpc_at(&table, method, path, Want::Whole).unwrap_or_else(|| panic!("{method} {path}"));
        assert_eq!(found.route.rpc.name.rsplit('.').next(), Some(rpc), "{method} {path}");
    }
}

#[test]
fn a_literal_wins_over_a_parameter() {
    let table = table();
    assert!(rpc_at(&table, "GET", "/api/agents/status", Want::Whole).unwrap().params.is_empty());
    let found = rpc_at(&table, "GET", "/api/agents/status/status", Want::Whole).unwrap();
    assert_eq!(found.params, [("agent_id", "status".to_owned())]);
}

#[test]
fn parameters_are_decoded_and_must_be_utf8() {
    let table = table();
    let found = rpc_at(&table, "GET", "/api/knowledge/a%2Fb%20%C3%A4", Want::Whole).unwrap();
    assert_eq!(found.params, [("document_id", "a/b ä".to_owned())]);
    assert!(rpc_at(&table, "GET", "/api/knowledge/%FF", Want::Whole).is_none());
}

#[test]
fn a_trailing_slash_is_tolerated_and_an_empty_segment_is_not() {
    let table = table();
    assert!(rpc_at(&table, "GET", "/api/agents/", Want::Whole).is_some());
    for path in ["/api/agents//", "/api/agents//status", "/api//agents", "/API/agents", "/", ""] {
        assert!(rpc_at(&table, "GET", path, Want::Whole).is_none(), "{path}");
    }
}

#[test]
fn head_is_allowed_wherever_get_is() {
    let table = table();
    assert!(rpc_at(&table, "HEAD", "/api/agents", Want::Whole).is_some());
    assert!(rpc_at(&table, "HEAD", "/api/agents/run", Want::Whole).is_none());
}

#[test]
fn a_known_path_with_another_method_names_its_methods() {
    let table = table();
    for (path, methods) in [("/api/agents", "GET, HEAD, OPTIONS"), ("/api/agents/run", "OPTIONS, POST")] {
        match table.find(&Method::DELETE, path, Want::Whole) {
            Found::OtherMethod { allow } => assert_eq!(allow, methods),
            other => panic!("{path}: {other:?}"),
        }
    }
}

#[test]
fn of_two_rpcs_at_one_place_the_stream_is_taken_when_wanted() {
    let table = table();
    let whole = rpc_at(&table, "POST", "/api/chat/direct", Want::Whole).unwrap();
    let stream = rpc_at(&table, "POST", "/api/chat/direct", Want::Stream).unwrap();
    assert!(!whole.route.rpc.streams && stream.route.rpc.streams);
    // Where there is one way only, it is taken whatever is wanted.
    assert!(rpc_at(&table, "GET", "/api/orchestrator/jobs/j/events", Want::Whole).unwrap().route.rpc.streams);
    assert!(!rpc_at(&table, "GET", "/api/agents", Want::Stream).unwrap().route.rpc.streams);
}

#[test]
fn the_rules_of_an_rpc_are_read() {
    let table = table();
    let submit = rpc_at(&table, "POST", "/api/control/run", Want::Whole).unwrap().route;
    assert_eq!((submit.rpc.success, submit.rpc.scope), (StatusCode::ACCEPTED, Scope::Invoke));
    assert_eq!(submit.body, BodyRule::Whole);
    let report = rpc_at(&table, "GET", "/api/orchestrator/jobs/j/report", Want::Whole).unwrap().route;
    let text = report.rpc.text.as_ref().unwrap();
    assert_eq!((text.field.name(), text.media_type.as_str()), ("report", "text/markdown"));
    assert_eq!(report.body, BodyRule::None);
}

#[test]
fn no_internal_rpc_has_a_route() {
    let pool = DescriptorPool::decode(bsm_proto::DESCRIPTORS).unwrap();
    let routes = annotation::read(&pool).unwrap();
    assert!(routes.iter().all(|route| !matches!(route.rpc.scope, Scope::Internal | Scope::Unspecified)));
    assert!(routes.iter().all(|route| !route.rpc.name.contains("OpsService")));
}

/// The contract with the options of one rpc changed.
fn contract_with(rpc: &str, change: impl Fn(&mut DynamicMessage, &DescriptorPool)) -> Vec<u8> {
    let pool = DescriptorPool::decode(bsm_proto::DESCRIPTORS).unwrap();
    let descriptor = pool.get_message_by_name("google.protobuf.FileDescriptorProto").unwrap();
    let mut set = Vec::new();
    for file in pool.files() {
        let mut file = DynamicMessage::decode(descriptor.clone(), file.encode_to_vec().as_slice()).unwrap();
        for method in list(&mut file, "service").flat_map(|service| list(service, "method")) {
            if method.get_field_by_name("name").unwrap().as_str() == Some(rpc) {
                change(method.get_field_by_name_mut("options").unwrap().as_message_mut().unwrap(), &pool);
            }
        }
        // FileDescriptorSet: each file is field 1, a message.
        prost::encoding::bytes::encode(1, &file.encode_to_vec(), &mut set);
    }
    set
}

fn list<'m>(message: &'m mut DynamicMessage, field: &str) -> impl Iterator<Item = &'m mut DynamicMessage> {
    let values = message.get_field_by_name_mut(field).unwrap().as_list_mut().unwrap();
    values.iter_mut().filter_map(Value::as_message_mut)
}

#[test]
fn an_rpc_without_a_scope_is_refused() {
    let set = contract_with("ListAgents", |options, pool| {
        options.clear_extension(&pool.get_extension_by_name("bsm.api.v1.rule").unwrap());
    });
    let err = Table::read(&set).unwrap_err();
    assert_eq!(
        err.to_string(),
        "bsm.registry.v1.RegistryService.ListAgents declares no scope; give it an option (bsm.api.v1.rule)"
    );
}

#[test]
fn two_rpcs_that_want_the_same_requests_are_refused() {
    let set = contract_with("GetJobReport", |options, pool| {
        let http = pool.get_extension_by_name("google.api.http").unwrap();
        let rule = options.get_extension_mut(&http).as_message_mut().unwrap();
        assert_eq!(rule.descriptor().full_name(), "google.api.HttpRule");
        rule.set_field_by_name("get", Value::String("/api/orchestrator/jobs/{job_id}".to_owned()));
    });
    let err = Table::read(&set).unwrap_err().to_string();
    assert!(err.contains("GetJob and") && err.contains("both want GET"), "{err}");
}

#[test]
fn a_path_that_names_no_field_is_refused() {
    let set = contract_with("GetJob", |options, pool| {
        let http = pool.get_extension_by_name("google.api.http").unwrap();
        let rule = options.get_extension_mut(&http).as_message_mut().unwrap();
        rule.set_field_by_name("get", Value::String("/api/orchestrator/jobs/{id}".to_owned()));
    });
    let err = Table::read(&set).unwrap_err().to_string();
    assert!(err.contains("names {id}, which bsm.orchestrator.v1.GetJobRequest does not have"), "{err}");
}

#[test]
fn the_readme_lists_every_route_and_no_other() {
    let readme = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md"));
    let section = readme.split("\n## Routes").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let first_cells = rows.map(|row| row.trim_start_matches("| ").split(" | ").next().unwrap());
    let quoted = first_cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    let mut listed: Vec<_> = quoted.filter(|text| text.contains(' ')).map(str::to_owned).collect();

    let annotated = shown(bsm_proto::DESCRIPTORS).unwrap();
    let mut offered: Vec<_> = annotated.into_iter().chain(faces::routes()).map(|(_, route)| route).collect();
    offered.extend(["GET /metrics", "POST /webhook/github", "POST /api/webhooks/github"].map(str::to_owned));
    listed.sort();
    offered.sort();
    offered.dedup(); // a stream may share the place of its unary twin
    assert_eq!(listed, offered);
}
