//! How often a client may call and how important its calls are, from end to end of the gateway.

use bsm_proto::ops::v1::{
    GetDetailedHealthRequest, GetHealthRequest, GetStatusRequest, mesh_service_client::MeshServiceClient,
};
use std::sync::atomic::Ordering::Relaxed;

use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpSocket,
};
use tonic::Code;

use super::{
    deliveries::{delivery, opened},
    fake::{KEY_ID, KEY_SECRET},
    sockets::listen,
    *,
};

const TOKEN: &str = "a-token-of-sixteen";

/// Two calls a minute, and nobody is at home.
const TWO: [(&str, &str); 4] = [
    ("profile", "staging"),
    ("admin_token", TOKEN),
    ("rate_limit.max", "2"),
    ("rate_limit.window_ms", "60000"),
];

/// A request from another address.
fn from(ip: &str, mut request: Request) -> Request {
    request.extensions_mut().insert(Peer(SocketAddr::new(ip.parse().unwrap(), 40_000)));
    request
}

async fn asked(rig: &Rig, ip: &str, path: &str) -> u16 {
    rig.send(from(ip, get(path))).await.status().as_u16()
}

/// Until the address hears no.
async fn flood(rig: &Rig, ip: &str) -> Answer {
    for _ in 0..3 {
        let answer = read(rig.send(from(ip, get("/api/agents/x/nothing"))).await).await;
        if answer.status == 429 {
            return answer;
        }
    }
    panic!("three calls passed where two may");
}

#[tokio::test]
async fn a_client_hears_what_is_left_of_its_quota_and_when_to_come_back() {
    let rig = Rig::start(&TWO).await;
    let first = read(rig.send(from("192.0.2.1", get("/api/status"))).await).await;
    let told = ["ratelimit-policy", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"]
        .map(|name| first.header(name).to_owned());
    assert_eq!((first.status, told), (200, ["2;w=60", "2", "1", "30"].map(str::to_owned)));
    let refused = flood(&rig, "192.0.2.1").await;
    assert_eq!(refused.json()["code"], "RATE_LIMITED");
    assert_eq!(refused.json()["correlationId"], refused.header("x-correlation-id"));
    assert!(["29", "30"].contains(&refused.header("retry-after")), "{}", refused.header("retry-after"));
    assert_eq!((refused.header("ratelimit-remaining"), refused.header("ratelimit-policy")), ("0", "2;w=60"));
}

#[tokio::test]
async fn a_flood_from_one_address_takes_nothing_from_another() {
    let rig = Rig::start(&TWO).await;
    flood(&rig, "192.0.2.1").await;
    assert_eq!(asked(&rig, "192.0.2.2", "/api/status").await, 200);
    flood(&rig, "2001:db8:1:2::1").await;
    assert_eq!(asked(&rig, "2001:db8:1:2:ffff::9", "/api/status").await, 429, "one subscriber");
    assert_eq!(asked(&rig, "2001:db8:1:3::1", "/api/status").await, 200, "another");
}

#[tokio::test]
async fn a_header_does_not_make_a_client_another_one() {
    let rig = Rig::start(&TWO).await;
    flood(&rig, "192.0.2.1").await;
    let forged = request("GET", "/api/status", &[("x-forwarded-for", "198.51.100.7")], Body::empty());
    assert_eq!(rig.send(from("192.0.2.1", forged)).await.status(), 429);
}

#[tokio::test]
async fn clients_behind_a_trusted_proxy_are_told_apart() {
    let behind = [&TWO[..], &[("trusted_proxies", "192.0.2.0/24")]].concat();
    let rig = Rig::start(&behind).await;
    let passed_on = |client: &str| {
        from("192.0.2.1", request("GET", "/api/status", &[("x-forwarded-for", client)], Body::empty()))
    };
    let (_, status) = rig.json(passed_on("198.51.100.7")).await;
    assert_eq!(status["client"]["ip"], "198.51.100.7");
    rig.send(passed_on("198.51.100.7")).await;
    assert_eq!(rig.send(passed_on("198.51.100.7")).await.status(), 429);
    assert_eq!(rig.send(passed_on("198.51.100.8")).await.status(), 200);
    let forged = passed_on("203.0.113.1, 198.51.100.7");
    assert_eq!(rig.send(forged).await.status(), 429, "what the client wrote itself is not looked at");
}

#[tokio::test]
async fn a_flood_never_makes_a_health_check_fail_nor_hides_the_metrics() {
    let rig = Rig::start(&TWO).await;
    flood(&rig, "192.0.2.1").await;
    for path in ["/health", "/api/health", "/api/health/circuit-breakers", "/metrics"] {
        for _ in 0..5 {
            assert_eq!(asked(&rig, "192.0.2.1", path).await, 200, "{path}");
        }
    }
    assert_ne!(asked(&rig, "192.0.2.1", "/api/health/detailed").await, 429);
    let preflight = request("OPTIONS", "/api/agents", &[], Body::empty());
    assert_eq!(rig.send(from("192.0.2.1", preflight)).await.status(), 204);
}

#[tokio::test]
async fn operators_have_a_quota_of_their_own_and_guessing_one_costs_that_of_the_address() {
    let rig = Rig::start(&TWO).await;
    let with = |token: &str| {
        from("192.0.2.1", request("GET", "/api/admin/flags", &[("x-admin-token", token)], Body::empty()))
    };
    let guesses = [rig.send(with("guess-one")).await, rig.send(with("guess-two")).await];
    assert!(guesses.iter().all(|answer| answer.status() == 401));
    assert_eq!(rig.send(with("guess-three")).await.status(), 429);
    assert_eq!(rig.send(with(TOKEN)).await.status(), 200);
    let elsewhere = from("192.0.2.2", with(TOKEN));
    assert_eq!(rig.send(with(TOKEN)).await.status(), 200);
    assert_eq!(rig.send(with(TOKEN)).await.status(), 429);
    assert_eq!(rig.send(elsewhere).await.status(), 200, "another operator");
}

#[tokio::test]
async fn a_keys_calls_are_counted_by_key_wherever_they_come_from_and_a_made_up_key_by_address() {
    let rig = Rig::start(&TWO).await;
    let (real, made_up) =
        (format!("bsm_{KEY_ID}_{KEY_SECRET}"), format!("bsm_{KEY_ID}_{}", KEY_SECRET.replace('0', "1")));
    let ask = async |ip: &str, key: &str| {
        let request = request("GET", "/api/knowledge", &[("x-api-key", key)], Body::empty());
        read(rig.send(from(ip, request)).await).await
    };
    assert_ne!(real, made_up);
    assert_eq!(
        ask("192.0.2.1", &real).await.status,
        200,
        "until it has proved to be one, the address is charged"
    );
    let left = ask("192.0.2.2", &real).await;
    assert_eq!((left.status, left.header("ratelimit-remaining")), (200, "1"));
    assert_eq!(ask("2001:db8::1", &real).await.status, 200);
    let refused = ask("192.0.2.3", &real).await;
    assert_eq!((refused.status, refused.json()["code"].as_str()), (429, Some("RATE_LIMITED")));
    assert!(!refused.header("retry-after").is_empty());
    assert_eq!(asked(&rig, "192.0.2.3", "/api/status").await, 200, "the address was not charged");

    assert_eq!(ask("192.0.2.9", &made_up).await.status, 401);
    assert_eq!(ask("192.0.2.9", &made_up).await.status, 401);
    assert_eq!(ask("192.0.2.9", &made_up).await.status, 429, "guesses are charged to who guesses");
    let v1 = request("GET", "/v1/models", &[("x-api-key", &real)], Body::empty());
    let told = read(rig.send(from("192.0.2.4", v1)).await).await;
    assert_eq!((told.status, told.json()["error"]["type"].as_str()), (429, Some("rate_limit_error")));
    assert!(!told.header("retry-after").is_empty());
}

#[tokio::test]
async fn a_developer_at_this_machine_is_not_limited_and_a_page_in_his_browser_is() {
    let rig = Rig::start(&[("rate_limit.max", "1")]).await;
    for _ in 0..5 {
        let answer = read(rig.send(get("/api/status")).await).await;
        assert_eq!((answer.status, answer.header("ratelimit-limit")), (200, ""));
    }
    let page = || request("GET", "/api/status", &[("origin", "https://evil.example")], Body::empty());
    assert_eq!(rig.send(page()).await.status(), 200);
    assert_eq!(rig.send(page()).await.status(), 429);
}

#[tokio::test]
async fn zero_means_no_limit() {
    let rig = Rig::start(&[("profile", "staging"), ("rate_limit.max", "0")]).await;
    for _ in 0..5 {
        assert_eq!(asked(&rig, "192.0.2.1", "/api/status").await, 200);
    }
    assert!(rig.process.guards.rate_limiters().is_empty());
}

#[tokio::test]
async fn a_burst_of_githubs_deliveries_is_taken_whole() {
    let rig = Rig::start(&TWO).await;
    for _ in 0..50 {
        let delivered = delivery("/api/webhooks/github", "pull_request", SECRET, &opened());
        assert_eq!(rig.send(delivered).await.status(), 202);
    }
    let submitted = rig.fake.submitted.lock().unwrap();
    assert!(submitted.iter().all(|(metadata, _)| metadata.get("x-bsm-priority").unwrap() == "critical"));
}

#[tokio::test]
async fn who_claims_to_be_github_and_is_not_is_not_listened_to_for_long() {
    let rig = Rig::start(&TWO).await;
    let forged =
        || from("192.0.2.1", delivery("/webhook/github", "pull_request", "another-secret-16", &opened()));
    for _ in 0..30 {
        assert_eq!(rig.send(forged()).await.status(), 401);
    }
    let refused = read(rig.send(forged()).await).await;
    assert_eq!((refused.status, &refused.json()["code"]), (429, &json!("RATE_LIMITED")));
    assert!(!refused.header("retry-after").is_empty());
    let real = delivery("/webhook/github", "pull_request", SECRET, &opened());
    assert_eq!(rig.send(from("192.0.2.2", real)).await.status(), 202, "others are listened to");
}

#[tokio::test]
async fn only_operators_are_critical_and_anybody_may_wait() {
    let rig = Rig::start(&[("profile", "staging"), ("admin_token", TOKEN), ("rate_limit.max", "0")]).await;
    let home = Rig::start(&[]).await;
    for (rig, headers, expected) in [
        (&home, vec![], "normal"),
        (&home, vec![("x-bsm-priority", "critical")], "normal"),
        (&home, vec![("x-bsm-priority", "batch")], "batch"),
        (&rig, vec![("x-admin-token", TOKEN)], "normal"),
        (&rig, vec![("x-admin-token", TOKEN), ("x-bsm-priority", "Critical")], "critical"),
    ] {
        let headers: Vec<_> = headers.into_iter().chain([("content-type", "application/json")]).collect();
        let event = request("POST", "/api/orchestrator/run", &headers, "{}");
        assert_eq!(rig.send(event).await.status(), 202);
        let submitted = rig.fake.submitted.lock().unwrap();
        let (metadata, _) = submitted.last().unwrap();
        assert_eq!(metadata.get("x-bsm-priority").unwrap(), expected, "{headers:?}");
    }
    let unknown = [("content-type", "application/json"), ("x-bsm-priority", "urgent")];
    for path in ["/api/orchestrator/run", "/v1/chat/completions"] {
        let refused = read(home.send(request("POST", path, &unknown, "{}")).await).await;
        assert_eq!(refused.status, 400, "{path}");
        assert!(
            refused.body.contains("x-bsm-priority must be batch, normal or critical"),
            "{}",
            refused.body
        );
    }
}

/// A status line over a connection from that address of this machine.
async fn status_from(source: &str, address: SocketAddr) -> String {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(source.parse().unwrap(), 0)).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let ask = "GET /api/status HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(ask.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(SOON, stream.read_to_string(&mut answer)).await.expect("in time").unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn over_sockets_rest_and_grpc_share_one_quota_an_address() {
    let rig = Rig::start(&TWO).await;
    let address = listen(&rig).await;
    let mut client = MeshServiceClient::connect(format!("http://{address}")).await.unwrap();
    assert!(status_from("127.0.0.1", address).await.contains("200"));
    let answer = client.get_status(GetStatusRequest {}).await.unwrap();
    assert_eq!(answer.metadata().get("ratelimit-remaining").unwrap(), "0");
    let status = client.get_status(GetStatusRequest {}).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(bsm_runtime::status::reason(&status).as_deref(), Some("RATE_LIMITED"));
    assert!(bsm_runtime::status::retry_after(&status).is_some());
    assert!(status_from("127.0.0.1", address).await.contains("429"));

    assert!(status_from("127.0.0.2", address).await.contains("200"), "another address is served");
    client.get_health(GetHealthRequest {}).await.expect("probes are answered in a flood");
    client.get_detailed_health(GetDetailedHealthRequest {}).await.expect("all of them");
}

/// A limit of one place for each service.
const ONE: [(&str, &str); 2] = [("concurrency.min", "1"), ("concurrency.max", "1")];

fn in_flight(rig: &Rig, limiter: &str) -> usize {
    let limits = rig.process.guards.limiters();
    limits.iter().find(|limit| &*limit.name == limiter).expect("it is listed").in_flight
}

#[tokio::test]
async fn a_service_that_is_full_hears_of_no_more_and_closes_the_way_to_no_other() {
    let rig = Rig::start(&ONE).await;
    let whole = rig.send(get("/api/knowledge")).await;
    assert_eq!((whole.status().as_u16(), in_flight(&rig, "gateway rest knowledge")), (200, 1));
    let (listed, bodiless) = (rig.fake.listed.load(Relaxed), get("/api/knowledge?audience=others"));
    let refused = read(rig.send(bodiless).await).await;
    assert_eq!((refused.status, &refused.json()["code"]), (503, &json!("OVERLOADED")));
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(rig.fake.listed.load(Relaxed), listed, "nobody was asked");
    for path in ["/api/orchestrator/jobs", "/api/status", "/health", "/metrics"] {
        let answer = read(rig.send(get(path)).await).await;
        assert!(!answer.body.contains("OVERLOADED"), "{path}: {}", answer.body);
    }
    read(whole).await;
    assert_eq!(in_flight(&rig, "gateway rest knowledge"), 0, "its answer has been sent");
    assert_eq!(rig.send(get("/api/knowledge")).await.status(), 200);
}

#[tokio::test]
async fn who_waits_for_a_model_or_follows_a_stream_takes_no_place() {
    let rig = Rig::start(&ONE).await;
    let run = || request("POST", "/api/orchestrator/run", &[("content-type", "application/json")], "{}");
    let held = [rig.send(run()).await, rig.send(run()).await];
    assert!(held.iter().all(|answer| answer.status() == 202));
    assert_eq!(in_flight(&rig, "gateway rest orchestrator"), 0);
}

#[tokio::test]
async fn without_adaptive_limits_there_are_none_in_the_gateway() {
    let rig = Rig::start(&[("concurrency.max", "0")]).await;
    assert_eq!(rig.send(get("/api/knowledge")).await.status(), 200);
    assert!(rig.process.guards.limiters().is_empty());
}

/// Seen in the moment it comes, as by the door of a port.
fn arriving(gateway: &crate::gateway::Gateway, mut request: Request) -> Request {
    crate::admission::arrive(gateway, &mut request);
    request
}

#[tokio::test]
async fn a_request_has_its_place_from_when_it_came_and_gives_it_back_when_it_is_dropped() {
    let rig = Rig::start(&ONE).await;
    let gateway = &crate::build(&rig.process).unwrap().gateway;
    let limit = || rig.process.guards.limiters().iter().filter(|limit| limit.in_flight > 0).count();
    let first = arriving(gateway, get("/api/knowledge"));
    let second = arriving(gateway, get("/api/knowledge"));
    let router = crate::pipeline::router(gateway.clone());
    let refused = read(router.clone().oneshot(second).await.unwrap()).await;
    assert_eq!((refused.status, limit()), (503, 1), "before the first one has its turn");
    drop(first);
    assert_eq!(limit(), 0);
    let third = arriving(gateway, get("/api/knowledge"));
    assert_eq!(read(router.oneshot(third).await.unwrap()).await.status, 200);
    assert_eq!(limit(), 0);
}

#[tokio::test]
async fn who_would_be_refused_anyway_takes_no_place() {
    let rig = Rig::start(&[TWO.as_slice(), &ONE].concat()).await;
    let gateway = &crate::build(&rig.process).unwrap().gateway;
    let held = || rig.process.guards.limiters().iter().any(|limit| limit.in_flight > 0);
    let stranger = arriving(gateway, from("192.0.2.1", get("/api/knowledge")));
    assert!(!held(), "without a key");
    let with_token =
        || from("192.0.2.1", request("GET", "/api/knowledge", &[("x-admin-token", TOKEN)], Body::empty()));
    let router = crate::pipeline::router(gateway.clone());
    for _ in 0..2 {
        assert_eq!(read(router.clone().oneshot(with_token()).await.unwrap()).await.status, 200);
    }
    let too_often = arriving(gateway, with_token());
    assert!(!held(), "beyond its quota");
    let admitted = arriving(gateway, from("192.0.2.2", with_token()));
    assert!(held());
    drop((stranger, too_often, admitted));
}
