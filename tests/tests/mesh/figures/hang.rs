//! A provider hangs: who asks it is refused at once, and who asks somebody else does not notice.

use std::time::{Duration, Instant};

use bsm_runtime::role::Role;
use bsm_testkit::{Provider, Reply};
use bsm_tests::{Mesh, Rest, Spread, rest::send};
use reqwest::{Method, RequestBuilder};

use super::{asking, breaker, complete, reason};

/// Longer than a call between services may take before it counts as slow: a provider that hangs must not make the
/// models service look slow.
const PATIENCE: &str = "6";
const METHOD: &str = "bsm.models.v1.ModelService/Complete";
const CALLS: usize = 400;

/// What the models service answered so far, by its own clock: the bounds of its histogram in seconds, and how many
/// calls ended within each.
async fn histogram(mesh: &Mesh) -> Vec<(f64, u64)> {
    let page = Rest::new(&mesh.ops_url(Role::Models)).get("/metrics").await.text;
    let lines =
        page.lines().filter(|line| line.starts_with("bsm_call_seconds_bucket") && line.contains(METHOD));
    let row = |line: &str| {
        let bound = line.split("le=\"").nth(1)?.split('"').next()?.parse().ok()?; // "+Inf", too
        Some((bound, line.rsplit(' ').next()?.parse().ok()?))
    };
    lines.filter_map(row).collect()
}

/// The bound that 99 of 100 of the calls between two readings stayed within.
fn p99_between(before: &[(f64, u64)], after: &[(f64, u64)]) -> Duration {
    let ended = |bound: f64| before.iter().find(|(b, _)| *b == bound).map_or(0, |(_, count)| *count);
    let between = after.iter().map(|(bound, count)| (*bound, count - ended(*bound)));
    let all = between.clone().map(|(_, count)| count).max().unwrap_or_default();
    let found = between.clone().find(|(_, count)| *count as f64 >= all as f64 * 0.99);
    Duration::try_from_secs_f64(found.map_or(f64::MAX, |(bound, _)| bound)).unwrap_or(Duration::MAX)
}

async fn timed_call(request: RequestBuilder) -> (u16, Duration) {
    let began = Instant::now();
    let code = send(request).await.code;
    (code, began.elapsed())
}

async fn timed(request: RequestBuilder, code: u16) -> Duration {
    let (found, took) = timed_call(request).await;
    assert_eq!(found, code);
    took
}

/// Calls that have nothing to do with the provider, one after another.
async fn others(rest: &Rest) -> [Spread; 2] {
    let (mut built_in, mut strategies) = (Vec::new(), Vec::new());
    for _ in 0..CALLS {
        built_in.push(timed(complete(rest, "offline"), 200).await);
        strategies.push(timed(rest.request(Method::GET, "/api/orchestrator/config"), 200).await);
    }
    [built_in.into_iter().collect(), strategies.into_iter().collect()]
}

fn ratio(of: &Spread, to: &Spread) -> f64 {
    of.p99().as_secs_f64() / to.p99().as_secs_f64()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_a_hanging_provider_is_refused_at_once_and_the_others_do_not_notice() {
    let provider = Provider::start(|_| Reply::Hangs).await.unwrap();
    let mesh = asking(&provider.base_url()).env(&[("BSM_MODEL_TIMEOUT_SECONDS", PATIENCE)]).start();
    let rest = mesh.rest();
    others(&rest).await; // connections, caches and branch predictors
    let before = others(&rest).await;

    // As many as the provider's bulkhead holds, and as many again that wait: all of them are slow.
    let hanging: Vec<_> = (0..20).map(|_| tokio::spawn(send(complete(&rest, "openai")))).collect();
    provider.arrived(10).await;
    let hanging_now = others(&rest).await;
    for call in hanging {
        let answer = call.await.unwrap();
        let expected = [(504, "UPSTREAM_TIMEOUT"), (503, "CIRCUIT_OPEN")];
        assert!(expected.contains(&(answer.code, reason(&answer))), "{}", answer.text);
    }
    assert_eq!(breaker(&rest, "openai/gpt-4o").await["state"], "OPEN");
    assert_eq!(breaker(&rest, "gateway->models").await["state"], "CLOSED", "the models service is well");

    let (asked, earlier) = (provider.tally().arrived, histogram(&mesh).await);
    let mut refused = Vec::with_capacity(CALLS);
    let mut probes = 0;
    while refused.len() < CALLS {
        match timed_call(complete(&rest, "openai")).await {
            (503, took) => refused.push(took),
            (504, _) => probes += 1, // the open time may be over on a slow machine; then it is twice as long
            (code, _) => panic!("neither a refusal nor a probe: {code}"),
        }
    }
    let decided = p99_between(&earlier, &histogram(&mesh).await);
    let refused: Spread = refused.into_iter().collect();
    assert!(probes <= 1, "{probes} probes within moments");
    assert_eq!(provider.tally().arrived, asked + probes, "a refusal asks nobody");
    let open = others(&rest).await;

    println!("provider hangs, {CALLS} refusals after opening: p99 at most {decided:?} in the models service");
    println!("provider hangs, the same as the gateway's client sees them: {refused}");
    for (at, name) in ["another provider", "another service"].into_iter().enumerate() {
        let (hangs, opened) = (ratio(&hanging_now[at], &before[at]), ratio(&open[at], &before[at]));
        println!(
            "provider hangs, {name}: before {}; p99 then × {hangs:.2}, once open × {opened:.2}",
            before[at]
        );
        // Not a figure but a bound: a call that waits for the provider would take thousands of times as long.
        assert!(hanging_now[at].max() < Duration::from_secs(2), "{}", hanging_now[at]);
        assert!(open[at].max() < Duration::from_secs(2), "{}", open[at]);
    }
    assert!(decided < Duration::from_secs(1), "{decided:?}");
}
