//! Calls that are given up in flight, by the thousand: no reason to end the connection that others use.

use std::future::Future;

use bsm_testkit::proxy::{Fault, Leg, Proxy};
use tokio::task::JoinSet;

use super::*;

/// Less than a bulkhead lets through, so that all of them are on the wire.
const AT_ONCE: usize = 200;
const ROUNDS: usize = 15;

const HELD: Leg = Leg { black_hole: true, ..Leg::NONE };

/// Sends calls and gives them up when `then` is over.
async fn give_up(client: &MemoryServiceClient<Edge>, round: usize, then: impl Future<Output = ()>) {
    let mut calls = JoinSet::new();
    for n in 0..AT_ONCE {
        let mut client = client.clone();
        let call = async move { client.store_review(review(round * AT_ONCE + n)).await };
        calls.spawn(call);
    }
    then.await;
    calls.shutdown().await;
}

fn in_flight(guards: &Guards) -> usize {
    guards.bulkheads().iter().map(|bulkhead| bulkhead.in_flight).sum()
}

async fn assert_well(proxy: &Proxy, client: &mut MemoryServiceClient<Edge>, guards: &Guards) {
    for n in 0..10 {
        client.store_review(review(format!("later {n}"))).await.expect("the connection works");
    }
    assert_eq!(proxy.counts().accepted, 1, "it is still the first connection");
    assert_eq!(guards.breakers()[0].state, breaker::State::Closed);
}

#[tokio::test]
async fn answers_to_thousands_of_calls_that_were_given_up_do_not_end_the_connection() {
    let server = Server::start().await;
    let proxy = Proxy::start(server.address).await.unwrap();
    let guards = Guards::default();
    let mut client = client(&[proxy.address()], &guards);
    client.store_review(review("first")).await.unwrap();
    for round in 0..ROUNDS {
        proxy.set(Fault::down(HELD)).await.unwrap();
        let answered = || server.served() >= (round + 1) * AT_ONCE && in_flight(&server.process.guards) == 0;
        give_up(&client, round, until(answered)).await;
        proxy.heal().await.unwrap(); // the answers arrive
    }
    assert_well(&proxy, &mut client, &guards).await;
}

#[tokio::test]
async fn thousands_of_calls_given_up_before_the_server_looked_at_them_do_not_end_the_connection() {
    let server = Server::start().await;
    let proxy = Proxy::start(server.address).await.unwrap();
    let guards = Guards::default();
    let mut client = client(&[proxy.address()], &guards);
    client.store_review(review("first")).await.unwrap();
    for round in 0..ROUNDS {
        proxy.set(Fault::up(HELD)).await.unwrap();
        give_up(&client, round, until(|| in_flight(&guards) >= AT_ONCE)).await;
        proxy.heal().await.unwrap(); // the calls arrive, and that nobody wants them
        client.store_review(review(format!("after {round}"))).await.expect("the connection works");
    }
    assert_well(&proxy, &mut client, &guards).await;
}
