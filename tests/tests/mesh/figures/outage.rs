//! Calls sent for each call asked while something is wholly down, over every hop to it.

use bsm_runtime::role::Role;
use bsm_testkit::{Fault, Provider, Proxy, Reply};
use bsm_tests::{Mesh, Rest, rest::send};
use reqwest::{Method, RequestBuilder};

use super::{asking, complete, reason, run_agent};

const CALLS: u64 = 300;
const BOUND: f64 = 1.05;

/// What went over one hop during an outage.
struct Hop {
    name: &'static str,
    asked: u64,
    sent: u64,
}

/// Asks one after another, so that each attempt needs a connection of its own where connections are reset.
async fn ask(request: impl Fn(u64) -> RequestBuilder) {
    for number in 0..CALLS {
        let answer = send(request(number)).await;
        assert!([502, 503, 504].contains(&answer.code), "the outage is total: {}", answer.text);
        assert!(!reason(&answer).is_empty(), "{}", answer.text);
    }
}

/// Calls of a method that a role has served, by its own count.
async fn served(mesh: &Mesh, role: Role, method: &str) -> u64 {
    let page = Rest::new(&mesh.ops_url(role)).get("/metrics").await.text;
    let lines = page.lines().filter(|line| line.starts_with("bsm_calls_total") && line.contains(method));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

fn report(hops: &[Hop]) {
    for Hop { name, asked, sent } in hops {
        println!("full outage, {name}: {sent} sent for {asked} asked ({:.3})", *sent as f64 / *asked as f64);
    }
    let (asked, sent) = hops.iter().fold((0, 0), |(asked, sent), hop| (asked + hop.asked, sent + hop.sent));
    let ratio = sent as f64 / asked as f64;
    println!("full outage, all hops together: {sent} sent for {asked} asked ({ratio:.3})");
    assert!(ratio <= BOUND, "{ratio}");
    assert!(hops.iter().all(|hop| hop.sent > 0), "a hop that nothing was sent over proves nothing");
    assert!(hops.iter().all(|hop| hop.sent as f64 <= hop.asked as f64 * BOUND), "no hop multiplies");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_provider_is_asked_no_more_often_than_its_callers_ask() {
    let provider = Provider::start(|_| Reply::Resets).await.unwrap();
    let mesh = asking(&provider.base_url()).start();
    let rest = mesh.rest();
    let at_models = served(&mesh, Role::Models, "ModelService/Complete").await;
    ask(|_| run_agent(&rest)).await;
    let at_orchestrator = served(&mesh, Role::Orchestrator, "RunAgent").await;
    let at_models = served(&mesh, Role::Models, "ModelService/Complete").await - at_models;
    report(&[
        Hop { name: "gateway -> orchestrator", asked: CALLS, sent: at_orchestrator },
        Hop { name: "orchestrator -> models", asked: CALLS, sent: at_models },
        Hop { name: "models -> dead provider", asked: CALLS, sent: provider.tally().arrived },
    ]);
}

/// Reads are the calls that are tried again; each connection to the dead service is one attempt.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_service_is_asked_no_more_often_than_its_callers_ask() {
    let plan = asking("http://127.0.0.1:9/v1");
    let ways =
        [(Role::Gateway, Role::Registry), (Role::Gateway, Role::Models), (Role::Orchestrator, Role::Models)];
    let mut proxies = Vec::new();
    for (_, to) in ways {
        proxies.push(Proxy::start(plan.address(to)).await.unwrap());
    }
    let plan =
        ways.iter().zip(&proxies).fold(plan, |plan, ((from, to), proxy)| plan.via(*from, *to, &proxy.url()));
    let mesh = plan.start();
    for proxy in &proxies {
        proxy.set(Fault::reset_after(0)).await.unwrap();
    }
    let rest = mesh.rest();
    // Each of somebody else, so that nothing that is kept has the answer.
    ask(|number| rest.request(Method::GET, &format!("/api/agents/nobody-{number}/status"))).await;
    ask(|_| complete(&rest, "offline")).await;
    ask(|_| run_agent(&rest)).await;
    for proxy in &proxies {
        proxy.fired().unwrap();
    }
    let sent: Vec<_> = proxies.iter().map(|proxy| proxy.counts().accepted).collect();
    report(&[
        Hop { name: "gateway -> dead registry (reads)", asked: CALLS, sent: sent[0] },
        Hop { name: "gateway -> dead models", asked: CALLS, sent: sent[1] },
        Hop {
            name: "gateway -> orchestrator (well)",
            asked: CALLS,
            sent: served(&mesh, Role::Orchestrator, "RunAgent").await,
        },
        Hop { name: "orchestrator -> dead models", asked: CALLS, sent: sent[2] },
    ]);
}
