//! What operators see and change of the mesh through REST: the gateway's own process and a service on a real socket.

use std::collections::BTreeSet;

use bsm_runtime::{
    flags::Flag,
    listen,
    server::{self, Service},
};
use bsm_stack::{
    Outcome,
    breaker::{Breaker, Config, Mode, State},
    cache::{self, Cache},
};
use http_body_util::BodyExt as _;
use serde_json::json;

use super::*;

const TOKEN: &str = "a-token-of-sixteen";

/// A gateway and a model service that knows the same token; the other roles answer nothing that operators ask.
struct Mesh {
    rig: Rig,
    models: Process,
    data: tempfile::TempDir,
}

async fn mesh() -> Mesh {
    let data = tempfile::tempdir().unwrap();
    let flags = [
        ("models.port", "0"),
        ("admin_token", TOKEN),
        ("profile", "staging"),
        ("data_dir", data.path().to_str().unwrap()),
    ];
    let flags = flags.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let settings = Settings::from_layers(&Layers::read(None, |_| None, &flags)).unwrap();
    let listeners = listen::bind(Role::Models, &settings).await.unwrap();
    let url = format!("http://{}", listeners.api.local_addr().unwrap());
    let drain = Drain::new(Duration::from_secs(1));
    let models = Process::new(Role::Models, settings.into(), drain, Metrics::default());
    models.restore_flags().unwrap();
    server::serve(&models, listeners, Service::new());
    let rig = Rig::start(&[("models.url", &url), ("admin_token", TOKEN)]).await;
    Mesh { rig, models, data }
}

impl Mesh {
    async fn admin(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let headers =
            [("x-admin-token", TOKEN), ("content-type", "application/json"), ("x-correlation-id", "c-1")];
        self.rig.json(request(method, path, &headers, body.to_string())).await
    }

    fn audit(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.data.path().join("models/audit.jsonl")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn tripped(process: &Process, name: &str) -> Breaker {
    let breaker = process.guards.breaker(name, Config::provider());
    for _ in 0..5 {
        breaker.acquire().unwrap().record(Outcome::Failure);
    }
    breaker
}

async fn filled(process: &Process, name: &'static str) -> Cache<u32, u32, ()> {
    let config = cache::Config::with_ttl(Duration::from_secs(300));
    let cache = process.guards.cache(Cache::new(name, config, |key: u32| async move { Ok(key) }));
    cache.get(&1).await.unwrap();
    cache.get(&1).await.unwrap();
    cache
}

fn names(list: &Value) -> BTreeSet<&str> {
    list.as_array().unwrap().iter().map(|role| role["service"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_changes_the_mesh_needs_the_token() {
    let mesh = mesh().await;
    let breaker = tripped(&mesh.models, "openai");
    for (method, path, body) in [
        ("POST", "/api/cache/clear", json!({"cache": "all"})),
        ("POST", "/api/admin/breakers/openai/reset", json!({})),
        ("PUT", "/api/admin/breakers/openai/mode", json!({"mode": "disabled"})),
        ("PUT", "/api/admin/flags/retry", json!({"percent": 0})),
        ("GET", "/api/admin/flags", Value::Null),
        ("GET", "/api/admin/flags/retry", Value::Null),
        ("GET", "/api/admin/transitions", Value::Null),
    ] {
        for token in ["", "a-token-of-sixteem"] {
            let headers = [("content-type", "application/json"), ("x-admin-token", token)];
            let (status, answer) = mesh.rig.json(request(method, path, &headers, body.to_string())).await;
            assert_eq!((status, &answer["error"]), (401, &json!("Unauthorized")), "{method} {path}");
        }
    }
    assert_eq!(breaker.snapshot().state, State::Open);
    assert!(mesh.audit().is_empty());
}

#[tokio::test]
async fn cache_stats_keep_their_shape_with_caches_and_without() {
    let mesh = mesh().await;
    let (status, mut empty) = mesh.rig.json(get("/api/cache/stats")).await;
    assert!(empty["timestamp"].is_i64() && empty["correlationId"].is_string(), "{empty}");
    assert_eq!(status, 200);
    let agents = json!({
        "name": "agents", "cached": false, "age": 0, "valid": false, "ttl": 300_000, "hits": 0, "misses": 0,
        "reloads": 0, "stampedePrevented": 0, "staleServed": 0, "hitRate": 0
    });
    assert_eq!(empty["agents"].take(), agents);
    assert_eq!((&empty["knowledge"]["ttl"], &empty["registry"]["ttl"]), (&json!(600_000), &json!(900_000)));

    filled(&mesh.models, "agents").await;
    filled(&mesh.rig.process, "agents").await;
    let (_, stats) = mesh.rig.json(get("/api/cache/stats")).await;
    let agents = &stats["agents"];
    assert_eq!(
        (&agents["cached"], &agents["valid"], &agents["hits"]),
        (&json!(true), &json!(true), &json!(2))
    );
    assert_eq!(
        (&agents["misses"], &agents["reloads"], &agents["hitRate"]),
        (&json!(2), &json!(2), &json!(0.5))
    );
}

#[tokio::test]
async fn a_cache_is_cleared_in_every_process_and_an_unknown_one_is_refused_with_the_valid_names() {
    let mesh = mesh().await;
    let caches = [filled(&mesh.models, "agents").await, filled(&mesh.rig.process, "agents").await];
    let other = filled(&mesh.models, "registry").await;
    let providers = filled(&mesh.models, "providers").await;
    let (status, answer) = mesh.admin("POST", "/api/cache/clear", json!({"cache": "agents"})).await;
    assert_eq!((status, &answer["cleared"]), (200, &json!("agents")), "{answer}");
    assert!(answer["message"].is_string() && answer["timestamp"].is_i64(), "{answer}");
    assert_eq!(names(&answer["unreached"]), ["knowledge", "memory", "orchestrator", "registry"].into());
    assert!(caches.iter().all(|cache| cache.stats().entries == 0));
    assert_eq!((other.stats().entries, providers.stats().entries), (1, 1));
    assert_eq!(mesh.admin("POST", "/api/cache/clear", json!({"cache": "providers"})).await.0, 200);
    assert_eq!((other.stats().entries, providers.stats().entries), (1, 0));
    assert_eq!(mesh.admin("POST", "/api/cache/clear", json!({"cache": "all"})).await.0, 200);
    assert_eq!(other.stats().entries, 0);
    for wrong in [json!({"cache": "agent"}), json!({"cache": ""}), json!({})] {
        let (status, answer) = mesh.admin("POST", "/api/cache/clear", wrong).await;
        assert_eq!((status, &answer["code"]), (400, &json!("INVALID_CACHE")));
        let valid = ["agents", "knowledge", "registry", "providers", "responses", "idempotency", "all"];
        assert_eq!(answer["valid"], json!(valid));
    }
}

#[tokio::test]
async fn a_breaker_of_another_process_is_reset_and_its_mode_set_in_the_operators_name() {
    let mesh = mesh().await;
    let breaker = tripped(&mesh.models, "openai/gpt-4o");
    let (status, answer) = mesh.admin("POST", "/api/admin/breakers/openai%2Fgpt-4o/reset", json!({})).await;
    assert_eq!((status, &answer["breakers"][0]["state"]), (200, &json!("CLOSED")), "{answer}");
    assert_eq!(breaker.snapshot().state, State::Closed);
    let (status, answer) =
        mesh.admin("PUT", "/api/admin/breakers/openai%2Fgpt-4o/mode", json!({"mode": "forced_open"})).await;
    assert_eq!((status, &answer["breakers"][0]["mode"]), (200, &json!("forced_open")), "{answer}");
    assert_eq!(breaker.mode(), Mode::ForcedOpen);

    let audit = mesh.audit();
    assert_eq!(audit.len(), 2);
    let line = &audit[0];
    assert_eq!((&line["action"], &line["target"]), (&json!("breaker.reset"), &json!("openai/gpt-4o")));
    assert_eq!((&line["actor"], &line["address"]), (&json!("admin"), &json!("127.0.0.1")));
    assert_eq!((&line["via"], &line["correlationId"]), (&json!("127.0.0.1"), &json!("c-1")));
}

#[tokio::test]
async fn the_gateways_own_breaker_has_a_name_that_a_path_can_carry() {
    let mesh = mesh().await;
    let path = "/api/admin/breakers/gateway-%3Emodels/mode";
    let (status, answer) = mesh.admin("PUT", path, json!({"mode": "metrics_only"})).await;
    assert_eq!((status, &answer["breakers"][0]["service"]), (200, &json!("gateway")), "{answer}");
    let own =
        std::fs::read_to_string(mesh.rig.process.settings.data_dir.join("gateway/audit.jsonl")).unwrap();
    assert!(own.contains(r#""old":"normal","new":"metrics_only""#), "{own}");
}

#[tokio::test]
async fn a_breaker_that_nobody_has_is_told_apart_from_one_that_could_not_be_asked_for() {
    let mesh = mesh().await;
    let (status, answer) = mesh.admin("POST", "/api/admin/breakers/opneai/reset", json!({})).await;
    assert_eq!((status, &answer["code"]), (503, &json!("BREAKER_NOT_REACHED")), "four roles did not answer");
    assert!(answer["error"].as_str().unwrap().contains("registry"), "{answer}");
    let (status, answer) = mesh.admin("PUT", "/api/admin/breakers/x/mode", json!({"mode": "off"})).await;
    assert_eq!((status, &answer["code"]), (400, &json!("INVALID_MODE")), "{answer}");
}

#[tokio::test]
async fn a_flag_is_changed_everywhere_and_shows_who_differs() {
    let mesh = mesh().await;
    let (status, answer) = mesh.admin("PUT", "/api/admin/flags/hedging", json!({"percent": 10})).await;
    assert_eq!((status, &answer["flag"]["percent"]), (200, &json!(10)), "{answer}");
    assert_eq!(names(&answer["flag"]["services"]), ["gateway", "models"].into());
    assert_eq!(names(&answer["unreached"]).len(), 4);
    for process in [&mesh.models, &mesh.rig.process] {
        assert_eq!(process.guards.flags().get(Flag::Hedging).get(), 10);
    }
    mesh.models.guards.set_flag(Flag::Retry, bsm_runtime::flags::Percent::NONE).unwrap();
    let (_, all) = mesh.admin("GET", "/api/admin/flags", Value::Null).await;
    let find =
        |name: &str| all["flags"].as_array().unwrap().iter().find(|flag| flag["name"] == name).unwrap();
    assert_eq!(find("hedging")["percent"], 10);
    assert_eq!(find("retry").get("percent"), None, "they differ: {all}");
    let (status, one) = mesh.admin("GET", "/api/admin/flags/hedging", Value::Null).await;
    assert_eq!((status, &one["flag"]), (200, find("hedging")));

    for (path, body, status, code) in [
        ("/api/admin/flags/hedge", json!({"percent": 1}), 404, "FLAG_NOT_FOUND"),
        ("/api/admin/flags/retry", json!({"percent": 101}), 400, "INVALID_PERCENT"),
        ("/api/admin/flags/retry", json!({}), 400, "INVALID_PERCENT"),
        ("/api/admin/flags/retry", json!({"percent": -1}), 400, "INVALID_ARGUMENT"),
    ] {
        let (answered, answer) = mesh.admin("PUT", path, body).await;
        assert_eq!((answered, answer["code"].as_str().unwrap()), (status, code), "{answer}");
    }
    assert_eq!(mesh.audit().len(), 1, "what was refused is no change");
}

#[tokio::test]
async fn a_flag_that_the_gateway_cannot_keep_is_changed_nowhere() {
    let mesh = mesh().await;
    std::fs::write(mesh.rig.process.settings.data_dir.join("gateway"), "in the way").unwrap();
    let (status, answer) = mesh.admin("PUT", "/api/admin/flags/retry", json!({"percent": 0})).await;
    assert_eq!((status, &answer["code"]), (503, &json!("NOT_AUDITED")), "{answer}");
    assert_eq!(mesh.models.guards.flags().get(Flag::Retry).get(), 100);
}

#[tokio::test]
async fn metrics_show_every_process_that_answers() {
    let mesh = mesh().await;
    tripped(&mesh.models, "openai");
    filled(&mesh.models, "agents").await;
    mesh.rig.send(get("/health")).await;
    let (status, metrics) = mesh.rig.json(get("/api/metrics")).await;
    assert_eq!(status, 200, "{metrics}");
    let roles = metrics["roles"].as_array().unwrap();
    assert_eq!(
        roles.iter().map(|role| role["role"].as_str().unwrap()).collect::<Vec<_>>(),
        ["gateway", "models"]
    );
    assert_eq!((&roles[0]["calls"], &roles[0]["errors"]), (&json!(1), &json!(0)));
    assert!(roles[0]["latency"]["p99"].is_number() && roles[0]["processId"].is_number(), "{metrics}");
    let has =
        |list: &str, name: &str| metrics[list].as_array().unwrap().iter().any(|guard| guard["name"] == name);
    assert!(has("breakers", "openai") && has("breakers", "gateway->models"), "{metrics}");
    assert!(has("bulkheads", "gateway->models") && has("caches", "agents"), "{metrics}");
    assert!(metrics["retryBudgets"].is_array());
    assert_eq!(names(&metrics["unreached"]).len(), 4);
}

/// Reads events until one of each role came; returns the text so far.
async fn until_both(body: &mut Body, name: &str) -> String {
    let mut text = String::new();
    let both = async {
        while !["gateway", "models"]
            .iter()
            .all(|role| text.contains(&format!(r#""service":"{role}","name":"{name}""#)))
        {
            let frame = body.frame().await.unwrap().unwrap();
            text.push_str(&String::from_utf8_lossy(&frame.into_data().unwrap()));
        }
    };
    tokio::time::timeout(SOON, both).await.expect("in time");
    text
}

#[tokio::test]
async fn transitions_of_all_processes_are_events_and_a_client_that_comes_back_misses_none() {
    let mesh = mesh().await;
    let watch = |last: &str| {
        let headers = [("x-admin-token", TOKEN), ("accept", "text/event-stream"), ("last-event-id", last)];
        let headers = if last.is_empty() { &headers[..2] } else { &headers };
        request("GET", "/api/admin/transitions", headers, Body::empty())
    };
    let response = mesh.rig.send(watch("")).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut body = response.into_body();
    mesh.admin("PUT", "/api/admin/flags/retry", json!({"percent": 10})).await;
    let text = until_both(&mut body, "retry").await;
    assert!(text.contains("event: flag.changed") && text.contains(r#""from":"100","to":"10""#), "{text}");
    let last =
        text.lines().rfind(|line| line.starts_with("id: ")).unwrap().trim_start_matches("id: ").to_owned();
    assert!(last.contains("gateway=") && last.contains("models="), "{last}");
    drop(body);

    mesh.admin("PUT", "/api/admin/flags/hedging", json!({"percent": 20})).await;
    let mut body = mesh.rig.send(watch(&last)).await.into_body();
    let text = until_both(&mut body, "hedging").await;
    assert!(!text.contains(r#""name":"retry""#), "nothing comes twice: {text}");
}
