//! The JSON mapping, both ways, on messages of the contract.

use http::Method;
use prost_reflect::DescriptorPool;
use serde_json::json;

use super::*;
use crate::routes::{Found, Table, Want};

/// What the route makes of a request, as JSON, or the fault's code and message.
fn read(method: &str, path_and_query: &str, body: &str) -> Result<Value, (String, String)> {
    let table = Table::read(bsm_proto::DESCRIPTORS).unwrap();
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    let method: Method = method.parse().unwrap();
    let Found::Route(found) = table.find(&method, path, Want::Whole) else { panic!("no route {path}") };
    let given = Given { query, last_event_id: Some("41"), body: body.as_bytes() };
    match request::message(&found, &given) {
        Ok(message) => Ok(serde_json::to_value(&message).unwrap()),
        Err(fault) => Err((fault.code.into_owned(), fault.message)),
    }
}

#[test]
fn body_query_and_path_make_up_the_message() {
    for (method, path, body, message) in [
        ("GET", "/api/agents?mode=ci", "", json!({"mode": "ci"})),
        ("GET", "/api/agents?_=1700", "", json!({})),
        ("GET", "/api/agents", "not looked at", json!({})),
        ("GET", "/api/knowledge?audience=a&audience=b%20c", "", json!({"audience": ["a", "b c"]})),
        ("GET", "/api/orchestrator/jobs?limit=3&page_token=x", "", json!({"limit": 3, "pageToken": "x"})),
        ("GET", "/api/orchestrator/jobs/j%201", "", json!({"jobId": "j 1"})),
        ("GET", "/api/orchestrator/jobs/j1/events", "", json!({"jobId": "j1", "lastEventId": "41"})),
        ("POST", "/api/agents/run", "", json!({})),
        ("POST", "/api/agents/run", r#"{"agentId":"a","input":"ü"}"#, json!({"agentId": "a", "input": "ü"})),
        ("POST", "/api/agents/run", r#"{"agent_id":"a"}"#, json!({"agentId": "a"})),
        (
            "POST",
            "/api/orchestrator/run",
            r#"{"payload":{"n":1,"f":1.5,"l":[null,true]},"wait":2}"#,
            json!({"payload": {"n": 1.0, "f": 1.5, "l": [null, true]}, "wait": 2.0}),
        ),
        ("POST", "/api/memory/reviews/search", r#"{"code":"x","topK":null}"#, json!({"code": "x"})),
    ] {
        assert_eq!(read(method, path, body), Ok(message), "{method} {path} {body}");
    }
}

#[test]
fn what_is_not_json_is_told_with_line_and_column() {
    for (body, place) in [
        ("{\n  \"agentId\": ,\n}", "line 2, column 14"),
        ("{\"agentId\": \"a\"", "line 1, column 15"),
        ("{} x", "line 1, column 4"),
        ("nonsense", "line 1, column 2"),
        ("{\"input\": \"\u{1}\"}", "line 1, column 12"),
    ] {
        let (code, message) = read("POST", "/api/agents/run", body).unwrap_err();
        assert_eq!(code, "INVALID_JSON", "{body}: {message}");
        assert!(message.contains(place), "{body}: {message}");
    }
    let deep = format!("{{\"payload\": {}1{}}}", "[".repeat(40), "]".repeat(40));
    let (code, message) = read("POST", "/api/agents/run", &deep).unwrap_err();
    assert_eq!(code, "INVALID_JSON");
    assert!(message.contains("deeper than 32 levels, line 1, column 44"), "{message}");
}

#[test]
fn unknown_and_mistyped_fields_are_named() {
    for (path, body, named) in [
        ("/api/agents/run", r#"{"agentID":"a"}"#, "The field \"agentID\" (line 1, column 10)"),
        ("/api/agents/run", r#"{"input":5}"#, "The field \"input\" (line 1, column 10) has the wrong form"),
        ("/api/agents/run", r#"{"payload":"x"}"#, "The field \"payload\""),
        (
            "/api/chat/direct",
            r#"{"history":[{"role":"user"},{"rôle":"x"}]}"#,
            "The field \"history[1].rôle\"",
        ),
        ("/api/chat/direct", r#"{"history":[{"content":[]}]}"#, "The field \"history[0].content\""),
        ("/api/models/complete", r#"{"prompt":{"maxTokens":-1}}"#, "The field \"prompt.maxTokens\""),
        ("/api/orchestrator/run", r#"{"wait":true}"#, "The field \"wait\""),
        ("/api/agents/run", "[]", "The body (line 1, column 0) has the wrong form"),
        (
            "/api/agents/run?mode=x",
            "{}",
            "The parameter \"mode\" is not known here; it may be agentId, input, context.",
        ),
    ] {
        let (code, message) = read("POST", path, body).unwrap_err();
        assert_eq!(code, "INVALID_ARGUMENT", "{body}: {message}");
        assert!(message.contains(named), "{body}: {message}");
    }
}

#[test]
fn what_a_field_must_be_is_told_in_words_of_json() {
    for (path, body, told) in [
        ("/api/agents/run", "[]", "has the wrong form: it must be an object."),
        ("/api/agents/run", r#"{"payload":[]}"#, "has the wrong form: it must be an object."),
        ("/api/models/complete", r#"{"prompt":[]}"#, "has the wrong form: it must be an object."),
        ("/api/models/complete", r#"{"prompt":{"messages":{}}}"#, "has the wrong form: it must be a list."),
        (
            "/api/models/complete",
            r#"{"prompt":{"messages":[["user"]]}}"#,
            "has the wrong form: it must be an object.",
        ),
        (
            "/api/models/complete",
            r#"{"prompt":{"tools":[{"name":"a","parameters":[]}]}}"#,
            "it must be an object.",
        ),
    ] {
        let (code, message) = read("POST", path, body).unwrap_err();
        assert_eq!(code, "INVALID_ARGUMENT", "{body}: {message}");
        assert!(message.ends_with(told), "{body}: {message}");
    }
}

#[test]
fn an_unknown_field_is_told_with_the_names_that_are_known_at_its_place() {
    for (method, path, body, known) in [
        ("POST", "/api/agents/run", r#"{"repo":1}"#, "is not known here; it may be agentId, input, "),
        (
            "POST",
            "/api/chat/direct",
            r#"{"history":[{"x":1}]}"#,
            "is not known here; it may be role, content, ",
        ),
        ("PUT", "/api/admin/flags/retry", r#"{"share":1}"#, "is not known here; it may be percent."),
    ] {
        let (code, message) = read(method, path, body).unwrap_err();
        assert_eq!(code, "INVALID_ARGUMENT", "{body}: {message}");
        assert!(message.contains(known), "{body}: {message}");
    }
    let long = format!("{{\"{}\\n\":1}}", "x".repeat(100_000));
    let (_, message) = read("POST", "/api/agents/run", &long).unwrap_err();
    assert!(message.len() < 1_000, "{}", message.len());
    let names: Vec<String> = (0..30).map(|n| n.to_string()).collect();
    assert!(known::clause(&names, "").ends_with("22, 23 and 6 more"));
}

#[test]
fn a_field_of_the_wrong_kind_is_told_what_it_must_be() {
    let share = "must be a share, which is a whole number from 0 to 100.";
    for (method, path, body, right) in [
        ("PUT", "/api/admin/flags/retry", r#"{"percent":-1}"#, share),
        ("PUT", "/api/admin/flags/retry", r#"{"percent":"abc"}"#, share),
        ("PUT", "/api/admin/flags/retry", r#"{"percent":1.5}"#, share),
        ("POST", "/api/agents/run", r#"{"input":5}"#, "has the wrong form: it must be text."),
        (
            "POST",
            "/api/models/complete",
            r#"{"prompt":{"maxTokens":-1}}"#,
            "a whole number from 0 to 4294967295.",
        ),
        ("POST", "/api/chat/direct", r#"{"history":5}"#, "it must be a list."),
        ("POST", "/api/chat/direct", r#"{"history":[{"content":[]}]}"#, "it must be text."),
    ] {
        let (code, message) = read(method, path, body).unwrap_err();
        assert_eq!(code, "INVALID_ARGUMENT", "{body}: {message}");
        assert!(message.ends_with(right), "{body}: {message}");
    }
}

#[test]
fn what_contradicts_the_path_is_refused_and_what_repeats_it_is_not() {
    let flag = "/api/admin/flags/hedging";
    for body in [r#"{"percent":10,"flag":"hedging"}"#, r#"{"percent":10}"#] {
        assert_eq!(read("PUT", flag, body), Ok(json!({"flag": "hedging", "percent": 10})));
    }
    for (path, body) in [
        (flag.to_owned(), r#"{"percent":10,"flag":"retry"}"#),
        (format!("{flag}?flag=retry"), r#"{"percent":10}"#),
    ] {
        let (code, message) = read("PUT", &path, body).unwrap_err();
        assert_eq!(code, "INVALID_ARGUMENT");
        assert_eq!(message, "The field \"flag\" is given with another value than in the path; leave it out.");
    }
}

#[test]
fn wrong_parameters_are_named() {
    for (path, clause) in [
        ("/api/agents?moed=ci", "The parameter \"moed\" is not known here; it may be mode, context,"),
        ("/api/knowledge/a?x=1", "The parameter \"x\" is not known here; this route takes none."),
        (
            "/api/orchestrator/jobs?max=9",
            "The parameter \"max\" is not known here; it may be limit, status, event, pageToken.",
        ),
        ("/api/agents?mode=ci&mode=api", "The parameter \"mode\" is given more than once."),
        ("/api/agents?mode.x=ci", "The parameter \"mode.x\" reaches into a field that has no parts."),
        ("/api/orchestrator/jobs?limit=-1", "must be a whole number from 0 to 4294967295, not \"-1\""),
        ("/api/orchestrator/jobs?limit=", "must be a whole number from 0 to 4294967295, not \"\""),
        ("/api/agents?token=secret", "The parameter \"token\" is not known here; it may be mode, context,"),
    ] {
        let (code, message) = read("GET", path, "").unwrap_err();
        assert_eq!(code, "INVALID_ARGUMENT", "{path}: {message}");
        assert!(message.contains(clause), "{path}: {message}");
    }
}

#[test]
fn parameters_reach_into_messages() {
    let pool = DescriptorPool::decode(bsm_proto::DESCRIPTORS).unwrap();
    let descriptor = pool.get_message_by_name("bsm.models.v1.CompleteRequest").unwrap();
    let mut message = DynamicMessage::new(descriptor);
    scalar::set(&mut message, "prompt.temperature", "0.5").unwrap();
    scalar::set(&mut message, "prompt.maxTokens", "7").unwrap();
    assert_eq!(
        serde_json::to_value(&message).unwrap(),
        json!({"prompt": {"temperature": 0.5, "maxTokens": 7}})
    );
    for (path, text) in
        [("prompt", "x"), ("prompt.messages.role", "x"), ("prompt.temperature", "NaN"), ("x.y", "")]
    {
        assert!(scalar::set(&mut message, path, text).is_err(), "{path}");
    }
}

fn shown(name: &str, json: &Value) -> Value {
    let pool = DescriptorPool::decode(bsm_proto::DESCRIPTORS).unwrap();
    let descriptor = pool.get_message_by_name(name).unwrap();
    value(&DynamicMessage::deserialize(descriptor, json.clone()).unwrap()).unwrap()
}

#[test]
fn zero_values_and_empty_lists_are_shown_and_absent_options_are_not() {
    assert_eq!(shown("bsm.registry.v1.ListAgentsResponse", &json!({})).to_string(), r#"{"agents":[]}"#);
    assert_eq!(
        shown("bsm.registry.v1.ListAgentsResponse", &json!({"count": 0, "filtered": false})),
        json!({"agents": [], "count": 0, "filtered": false})
    );
    assert_eq!(
        shown("bsm.registry.v1.ListAgentStatusesResponse", &json!({})),
        json!({"timestamp": 0, "totalAgents": 0, "runningAgents": 0, "agents": []})
    );
}

#[test]
fn whole_numbers_are_shown_whole() {
    let text = shown("bsm.orchestrator.v1.SubmitEventResponse", &json!({"timestamp": 1.7e12})).to_string();
    assert!(text.contains(r#""timestamp":1700000000000,"#), "{text}");
    let agents = json!({"agents": [{"version": 1.0, "temperature": 0.2, "list": [2.0]}]});
    let text = shown("bsm.registry.v1.ListAgentsResponse", &agents).to_string();
    assert_eq!(text, r#"{"agents":[{"list":[2],"temperature":0.2,"version":1}]}"#);
}

#[test]
fn names_are_those_of_the_contract() {
    let governance = json!({"startup": {}, "expose": {}, "safety": {}, "healthcheck": {}});
    let shown = shown("bsm.registry.v1.Governance", &governance);
    assert_eq!(shown["startup"], json!({"auto_start": false, "allowed_profiles": []}));
    assert_eq!(shown["healthcheck"]["interval_seconds"], 0);
    assert_eq!(shown["networkOutbound"], json!([]));
}

#[test]
fn a_breaker_that_is_not_open_has_no_next_attempt() {
    for (name, at) in [
        ("bsm.ops.v1.ListMeshBreakersResponse", "/breakers/0/nextAttempt"),
        ("bsm.ops.v1.GetDetailedHealthResponse", "/checks/circuitBreakers/breakers/0/nextAttempt"),
    ] {
        let breakers = json!({"breakers": [{"name": "x"}]});
        let message = if at.starts_with("/checks") {
            json!({"checks": {"circuitBreakers": breakers}})
        } else {
            breakers
        };
        assert_eq!(shown(name, &message).pointer(at), Some(&Value::Null), "{name}");
    }
}
