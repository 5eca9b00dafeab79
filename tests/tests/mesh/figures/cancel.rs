//! How soon a provider learns that the one who asked has left.

use std::time::{Duration, Instant};

use bsm_testkit::{Provider, Reply};
use bsm_tests::{Spread, rest::try_send};

use super::{asking, run_agent};

/// The goal is 20 ms; a busy machine gets more.
const BOUND: Duration = Duration::from_millis(500);
const CANCELS: usize = 120;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_the_gateway_is_gone_at_the_provider_three_hops_away() {
    let provider = Provider::start(|_| Reply::Hangs).await.unwrap();
    let mesh = asking(&provider.base_url()).start();
    let rest = mesh.rest();
    let mut took = Vec::with_capacity(CANCELS);
    for call in 0..CANCELS {
        let asked = tokio::spawn(try_send(run_agent(&rest)));
        provider.arrived(call + 1).await;
        let leaves = Instant::now();
        asked.abort(); // drops the request, and with it the client's connection
        let left = provider.left(call + 1).await;
        took.push(left[call].end.left().unwrap() - leaves);
    }
    let took: Spread = took.into_iter().collect();
    println!("cancel from the gateway's client to the provider over 3 hops: {took}");
    assert!(took.p99() < BOUND, "{took}");
    assert_eq!(provider.tally().open, 0, "nobody is asked in vain");
}
