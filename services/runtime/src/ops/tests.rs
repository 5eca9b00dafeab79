//! The service over real sockets: what an operator sees and changes, and who may.

use std::{sync::Arc, time::Duration};

use bsm_proto::ops::v1::ops_service_client::OpsServiceClient;
use bsm_stack::{breaker, cache, retry::BudgetConfig};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tonic::{Code, Request, transport::Channel};

use bsm_proto::ops::v1::*;

use crate::{
    call::Call,
    client::{self, Traffic},
    drain::Drain,
    flags::Flag as Name,
    listen,
    metrics::Metrics,
    process::Process,
    role::Role,
    server::{self, Service},
    settings::{Layers, Settings},
    status::reason,
};

const TOKEN: &str = "a-token-of-sixteen";

/// Long enough for anything that happens at all.
const SOON: Duration = Duration::from_secs(20);

struct Running {
    process: Process,
    client: OpsServiceClient<Channel>,
    data: TempDir,
}

async fn run(flags: &[(&str, &str)]) -> Running {
    run_in(tempfile::tempdir().unwrap(), flags).await
}

async fn run_in(data: TempDir, flags: &[(&str, &str)]) -> Running {
    let mut all = vec![("models.port".to_owned(), "0".to_owned())];
    all.push(("data_dir".to_owned(), data.path().display().to_string()));
    all.extend(flags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    let settings = Settings::from_layers(&Layers::read(None, |_| None, &all)).unwrap();
    let listeners = listen::bind(Role::Models, &settings).await.unwrap();
    let url = format!("http://{}", listeners.api.local_addr().unwrap());
    let drain = Drain::new(Duration::from_secs(5));
    let process = Process::new(Role::Models, Arc::new(settings), drain, Metrics::default());
    process.restore_flags().unwrap();
    server::serve(&process, listeners, Service::new());
    process.readiness.set(true);
    let client = OpsServiceClient::connect(url).await.unwrap();
    Running { process, client, data }
}

impl Running {
    fn audit(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.data.path().join("models/audit.jsonl")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// A request of an operator, under a correlation id.
fn asks<M>(message: M) -> Request<M> {
    let mut request = Call::background("c-1").request(message);
    request.metadata_mut().insert("x-admin-token", TOKEN.parse().unwrap());
    request
}

fn set(flag: Name, percent: u32) -> SetFlagRequest {
    SetFlagRequest { flag: flag.name().to_owned(), percent: Some(percent) }
}

fn trip(breaker: &breaker::Breaker) {
    for _ in 0..5 {
        breaker.acquire().unwrap().record(bsm_stack::Outcome::Failure);
    }
}

async fn next(stream: &mut tonic::Streaming<WatchTransitionsResponse>) -> WatchTransitionsResponse {
    tokio::time::timeout(SOON, stream.next()).await.expect("in time").unwrap().unwrap()
}

#[tokio::test]
async fn every_guard_is_listed_with_what_it_does() {
    let mut mesh = run(&[]).await;
    let guards = &mesh.process.guards;
    let breaker = guards.breaker("openai", breaker::Config::provider());
    let _bulkhead = guards.bulkhead("openai", Default::default());
    let _budget = guards.retry_budget("models->openai", BudgetConfig::default());
    let config = cache::Config::with_ttl(Duration::from_secs(300));
    let cache = guards.cache(cache::Cache::new("agents", config, |key: u32| async move { Ok::<_, ()>(key) }));
    cache.get(&1).await.unwrap();
    cache.get(&1).await.unwrap();
    trip(&breaker);

    let seen = mesh.client.get_snapshot(GetSnapshotRequest {}).await.unwrap().into_inner();
    let openai = seen.breakers.iter().find(|b| b.name == "openai").unwrap();
    assert_eq!((&*openai.service, &*openai.state, &*openai.mode), ("models", "OPEN", "normal"));
    assert!(openai.next_attempt.unwrap() > openai.opened_at.unwrap());
    assert_eq!(openai.last_change.as_ref().unwrap().cause, "failures_in_a_row");
    assert_eq!(openai.stats.as_ref().unwrap().failures, 5.0);
    assert!(seen.bulkheads.iter().any(|b| b.name == "openai" && b.max_in_flight == 256));
    assert!(seen.retry_budgets.iter().any(|b| b.name == "models->openai" && b.available == 10.0));
    let limit = &seen.concurrency_limits[0];
    assert_eq!((&*limit.name, &*limit.service, limit.min, limit.max), ("models inbound", "models", 16, 1024));
    assert_eq!((limit.in_flight, limit.limit, limit.unloaded), (0, 256, None), "reading this takes no place");
    let agents = &seen.caches[0];
    assert_eq!((&*agents.name, agents.hits, agents.misses, agents.ttl), ("agents", 1.0, 1.0, 300_000.0));
    assert_eq!(seen.flags.len(), 5);
    let load = seen.load.unwrap();
    assert!(load.ready && load.role == "models" && load.process_id == std::process::id());

    // The lists say the same one by one.
    let breakers = mesh.client.list_breakers(ListBreakersRequest {}).await.unwrap().into_inner().breakers;
    let bulkheads = mesh.client.list_bulkheads(ListBulkheadsRequest {}).await.unwrap().into_inner();
    let budgets = mesh.client.list_retry_budgets(ListRetryBudgetsRequest {}).await.unwrap().into_inner();
    let limits = mesh.client.list_limits(ListLimitsRequest {}).await.unwrap().into_inner();
    assert_eq!(limits.concurrency_limits, seen.concurrency_limits);
    assert!(limits.rate_limits.is_empty(), "clients are limited where they come in, not here");
    let caches = mesh.client.list_caches(ListCachesRequest {}).await.unwrap().into_inner().caches;
    let flags = mesh.client.list_flags(ListFlagsRequest {}).await.unwrap().into_inner().flags;
    assert_eq!((breakers.len(), bulkheads.bulkheads.len()), (seen.breakers.len(), seen.bulkheads.len()));
    assert_eq!((budgets.retry_budgets, flags), (seen.retry_budgets, seen.flags));
    assert_eq!((caches.len(), caches[0].hits), (1, 1.0));
    let info = mesh.client.get_info(GetInfoRequest {}).await.unwrap().into_inner();
    assert_eq!((info.role.as_str(), info.ready), ("models", true));
}

#[tokio::test]
async fn no_change_is_made_without_the_token_and_no_read_needs_it() {
    let mut mesh = run(&[("admin_token", TOKEN)]).await;
    let breaker = mesh.process.guards.breaker("openai", breaker::Config::provider());
    trip(&breaker);
    let (name, mode) = ("openai".to_owned(), "disabled".to_owned());
    let mut wrong = Request::new(set(Name::Retry, 0));
    wrong.metadata_mut().insert("x-admin-token", "a-token-of-sixteem".parse().unwrap());
    let refused = [
        mesh.client.set_flag(set(Name::Retry, 0)).await.unwrap_err(),
        mesh.client.set_flag(wrong).await.unwrap_err(),
        mesh.client.reset_breaker(ResetBreakerRequest { name: name.clone() }).await.unwrap_err(),
        mesh.client.set_breaker_mode(SetBreakerModeRequest { name, mode }).await.unwrap_err(),
        mesh.client.clear_cache(ClearCacheRequest { cache: "all".to_owned() }).await.unwrap_err(),
    ];
    for status in refused {
        assert_eq!(status.code(), Code::Unauthenticated, "{status:?}");
        assert_eq!(reason(&status).as_deref(), Some("UNAUTHORIZED"));
        assert!(!status.message().contains(TOKEN));
    }
    assert_eq!(mesh.process.guards.flags().get(Name::Retry).get(), 100);
    assert_eq!(breaker.snapshot().state, breaker::State::Open);
    assert!(mesh.audit().is_empty(), "what was refused is no change");
    mesh.client.list_breakers(ListBreakersRequest {}).await.unwrap();
    mesh.client.set_flag(asks(set(Name::Retry, 0))).await.unwrap();
}

#[tokio::test]
async fn a_breaker_is_reset_and_its_mode_set_and_both_are_audited_and_told() {
    let mut mesh = run(&[("admin_token", TOKEN)]).await;
    let breaker = mesh.process.guards.breaker("openai", breaker::Config::provider());
    let watch = WatchTransitionsRequest::default();
    let mut told = mesh.client.watch_transitions(watch).await.unwrap().into_inner();
    trip(&breaker);
    let opened = next(&mut told).await;
    assert_eq!([&*opened.name, &*opened.from, &*opened.to], ["openai", "CLOSED", "OPEN"]);

    let reset = asks(ResetBreakerRequest { name: "openai".to_owned() });
    let now = mesh.client.reset_breaker(reset).await.unwrap().into_inner().breakers;
    assert_eq!((now.len(), &*now[0].state), (1, "CLOSED"));
    assert_eq!(next(&mut told).await.to, "CLOSED");

    for mode in ["forced_open", "metrics_only", "disabled", "normal"] {
        let request = SetBreakerModeRequest { name: "openai".to_owned(), mode: mode.to_owned() };
        let now = mesh.client.set_breaker_mode(asks(request)).await.unwrap().into_inner().breakers;
        assert_eq!(now[0].mode, mode);
        let change = next(&mut told).await;
        assert_eq!(
            (&*change.mode, &*change.cause, &*change.event_type),
            (mode, "mode_set", "breaker.transition")
        );
    }
    let audit = mesh.audit();
    assert_eq!(audit.len(), 5);
    assert_eq!(
        (&audit[0]["action"], &audit[0]["old"], &audit[0]["new"]),
        (&json!("breaker.reset"), &json!("OPEN"), &json!("CLOSED"))
    );
    assert_eq!((&audit[1]["old"], &audit[1]["new"]), (&json!("normal"), &json!("forced_open")));
    assert_eq!((&audit[1]["actor"], &audit[1]["address"]), (&json!("admin"), &json!("127.0.0.1")));
    assert_eq!(audit[1]["correlationId"], "c-1");
    let page = mesh.process.metrics.render();
    assert!(page.contains("bsm_breaker_transitions_total{breaker=\"openai\",to=\"OPEN\"}"), "{page}");
}

#[tokio::test]
async fn a_breaker_that_is_held_open_is_not_reset_but_refused_with_what_to_do() {
    let mut mesh = run(&[]).await;
    let breaker = mesh.process.guards.breaker("openai", breaker::Config::provider());
    breaker.set_mode(breaker::Mode::ForcedOpen);
    let reset = asks(ResetBreakerRequest { name: "openai".to_owned() });
    let status = mesh.client.reset_breaker(reset).await.unwrap_err();
    let expected = (Code::FailedPrecondition, Some("BREAKER_FORCED_OPEN"));
    assert_eq!((status.code(), reason(&status).as_deref()), expected);
    assert!(status.message().contains("set its mode to normal"), "{}", status.message());
    assert!(mesh.audit().is_empty(), "nothing was changed");
}

#[tokio::test]
async fn what_does_not_exist_is_refused_and_named() {
    let mut mesh = run(&[]).await; // no token: this machine may
    mesh.process.guards.breaker("openai", breaker::Config::provider());
    let unknown = ResetBreakerRequest { name: "opneai".to_owned() };
    let status = mesh.client.reset_breaker(asks(unknown)).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_deref()), (Code::NotFound, Some("BREAKER_NOT_FOUND")));
    assert!(status.message().contains("there are: openai"), "{}", status.message());
    let mode = SetBreakerModeRequest { name: "openai".to_owned(), mode: "off".to_owned() };
    assert_eq!(mesh.client.set_breaker_mode(asks(mode)).await.unwrap_err().code(), Code::InvalidArgument);
    for (flag, percent, code) in [
        ("retries", Some(1), Code::NotFound),
        ("retry", Some(101), Code::InvalidArgument),
        ("retry", None, Code::InvalidArgument),
    ] {
        let request = asks(SetFlagRequest { flag: flag.to_owned(), percent });
        assert_eq!(mesh.client.set_flag(request).await.unwrap_err().code(), code, "{flag} {percent:?}");
    }
    assert!(mesh.audit().is_empty());
}

#[tokio::test]
async fn a_flag_is_changed_at_run_time_and_after_a_restart() {
    let mut mesh = run(&[]).await;
    let watch = WatchTransitionsRequest::default();
    let mut told = mesh.client.watch_transitions(watch).await.unwrap().into_inner();
    let answer = mesh.client.set_flag(asks(set(Name::Hedging, 10))).await.unwrap().into_inner();
    assert_eq!((answer.previous, answer.flag.unwrap().percent), (100, 10));
    let change = next(&mut told).await;
    let shown = [&*change.event_type, &change.name, &change.from, &change.to, &change.service];
    assert_eq!(shown, ["flag.changed", "hedging", "100", "10", "models"]);
    let line = &mesh.audit()[0];
    assert_eq!((&line["action"], &line["target"]), (&json!("flag.set"), &json!("hedging")));
    assert_eq!((&line["old"], &line["new"], &line["actor"]), (&json!(100), &json!(10), &json!("local")));

    mesh.process.drain.finish().await.unwrap();
    let again = run_in(mesh.data, &[("flags.hedging", "50%"), ("flags.retry", "false")]).await;
    let flags = again.process.guards.flags();
    assert_eq!((flags.get(Name::Hedging).get(), flags.get(Name::Retry).get()), (10, 0));
}

#[tokio::test]
async fn a_call_outside_a_flag_runs_without_that_guard() {
    let mut mesh = run(&[]).await;
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let guards = mesh.process.guards.clone();
    let url = format!("http://{gone}");
    let edge = client::edge(Role::Models, Role::Memory, Traffic::Calls, &url, &guards).unwrap();
    let mut client = OpsServiceClient::new(edge);
    let mut reasons = async || {
        let mut reasons = Vec::new();
        for _ in 0..7 {
            let request = Call::background("c-1").request(GetInfoRequest {});
            reasons.push(reason(&client.get_info(request).await.unwrap_err()).unwrap());
        }
        reasons
    };
    mesh.client.set_flag(asks(set(Name::CircuitBreaker, 0))).await.unwrap();
    assert_eq!(reasons().await, ["UNREACHABLE"; 7], "neither judged nor refused");
    mesh.client.set_flag(asks(set(Name::CircuitBreaker, 100))).await.unwrap();
    assert_eq!(reasons().await.last().unwrap(), "CIRCUIT_OPEN");
}

#[tokio::test]
async fn a_change_that_cannot_be_audited_is_not_made() {
    let mut mesh = run(&[]).await;
    std::fs::write(mesh.data.path().join("models"), "a file where the folder should be").unwrap();
    let breaker = mesh.process.guards.breaker("openai", breaker::Config::provider());
    trip(&breaker);
    let reset = asks(ResetBreakerRequest { name: "openai".to_owned() });
    let status = mesh.client.reset_breaker(reset).await.unwrap_err();
    assert_eq!(reason(&status).as_deref(), Some("NOT_AUDITED"));
    assert!(!status.message().contains(&*mesh.data.path().to_string_lossy()), "{}", status.message());
    assert_eq!(breaker.snapshot().state, breaker::State::Open);
}

#[tokio::test]
async fn caches_are_cleared_by_name_or_all_and_their_flag_reaches_them() {
    let mut mesh = run(&[]).await;
    let make = |name: &'static str| {
        let config = cache::Config::with_ttl(Duration::from_secs(300));
        let cache = cache::Cache::new(name, config, |key: u32| async move { Ok::<_, ()>(key) });
        mesh.process.guards.cache(cache)
    };
    let (agents, registry) = (make("agents"), make("registry"));
    agents.get(&1).await.unwrap();
    registry.get(&1).await.unwrap();
    let mut clear = async |name: &str| {
        let request = asks(ClearCacheRequest { cache: name.to_owned() });
        mesh.client.clear_cache(request).await.unwrap().into_inner().cleared
    };
    assert_eq!(clear("agents").await, ["agents"]);
    assert_eq!((agents.stats().entries, registry.stats().entries), (0, 1));
    assert_eq!(clear("nothing").await, [""; 0]);
    assert_eq!(clear("all").await, ["agents", "registry"]);
    assert_eq!(mesh.audit()[2]["old"], 1);

    for (percent, expected) in [(0, cache::Stampede::Allowed), (5, cache::Stampede::Prevented)] {
        mesh.client.set_flag(asks(set(Name::CacheStampedeProtection, percent))).await.unwrap();
        assert_eq!((agents.stampede(), registry.stampede()), (expected, expected), "at {percent} %");
    }
}

#[tokio::test]
async fn a_watcher_that_comes_back_misses_nothing_and_hears_of_the_end() {
    let mut mesh = run(&[]).await;
    let mut told =
        mesh.client.watch_transitions(WatchTransitionsRequest::default()).await.unwrap().into_inner();
    mesh.client.set_flag(asks(set(Name::Retry, 1))).await.unwrap();
    let last_event_id = Some(next(&mut told).await.event_id);
    drop(told);
    mesh.client.set_flag(asks(set(Name::Retry, 2))).await.unwrap();
    mesh.client.set_flag(asks(set(Name::Retry, 3))).await.unwrap();
    let again = WatchTransitionsRequest { last_event_id };
    let mut told = mesh.client.watch_transitions(again).await.unwrap().into_inner();
    assert_eq!([next(&mut told).await.to, next(&mut told).await.to], ["2", "3"]);
    mesh.process.drain.begin();
    let end = tokio::time::timeout(SOON, told.next()).await.expect("in time").unwrap().unwrap_err();
    assert_eq!((end.code(), reason(&end).as_deref()), (Code::Unavailable, Some("DRAINING")));
}

#[tokio::test]
async fn load_tells_calls_errors_and_latency_but_not_of_streams() {
    let mesh = run(&[]).await;
    let metrics = &mesh.process.metrics;
    for (method, code, ms) in [
        ("bsm.models.v1.ModelService/Complete", "Ok", 10),
        ("bsm.models.v1.ModelService/Complete", "Unavailable", 20),
        ("bsm.models.v1.ModelService/Complete", "NotFound", 20),
        ("bsm.models.v1.ModelService/StreamComplete", "Ok", 60_000),
    ] {
        metrics.served("models", method, code, Duration::from_millis(ms));
    }
    let load = super::snapshot(&mesh.process).load.unwrap();
    assert_eq!((load.calls, load.errors), (4.0, 1.0));
    let latency = load.latency.unwrap();
    assert!((20.0..=21.25).contains(&latency.p50), "{latency:?}");
    assert!(latency.p99 <= 21.25, "a stream has no latency: {latency:?}");
}
