//! How soon an endpoint that failed is called again once it is well, though its breaker would be open for a minute.

use bsm_stack::breaker::State;
use bsm_testkit::{Fault, Proxy};
use tokio::time::Instant;

use super::*;

/// What a healed endpoint may take until calls flow again.
const SOON: Duration = Duration::from_secs(2);

/// An edge that gives up on an attempt soon.
fn hasty_client(address: SocketAddr, guards: &Guards) -> MemoryServiceClient<Edge> {
    let patience = Patience { deadline: Duration::from_secs(5), attempt: Duration::from_secs(1) };
    let targets = target::read(&format!("http://{address}")).unwrap();
    let guarding = Guarding {
        patience,
        traffic: Traffic::Calls,
        guards: guards.clone(),
        neighbours: Default::default(),
    };
    MemoryServiceClient::new(balanced("orchestrator->memory".to_owned(), targets, guarding))
}

async fn open_by_calls(client: &MemoryServiceClient<Edge>, guards: &Guards) {
    while guards.breakers()[0].state != State::Open {
        let calls = (0..8).map(|_| {
            let mut client = client.clone();
            async move { client.store_review(review("x")).await }
        });
        futures_util::future::join_all(calls).await;
    }
    let refused = client.clone().store_review(review("x")).await.unwrap_err();
    assert_eq!(reason(&refused).as_deref(), Some("CIRCUIT_OPEN"), "{refused:?}");
}

/// How long it takes until so many calls in a row succeed.
async fn back_after(client: &MemoryServiceClient<Edge>) -> Duration {
    let (start, mut in_a_row, mut since) = (Instant::now(), 0, Duration::ZERO);
    while in_a_row < 50 && start.elapsed() < SOON * 5 {
        match client.clone().store_review(review("x")).await {
            Ok(_) if in_a_row == 0 => (in_a_row, since) = (1, start.elapsed()),
            Ok(_) => in_a_row += 1,
            Err(_) => in_a_row = 0,
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    println!("back after {since:?}");
    since
}

#[tokio::test]
async fn a_server_that_comes_back_is_called_again_within_two_seconds() {
    let server = Server::start().await;
    let guards = Guards::default();
    let client = client(&[server.address], &guards);
    server.stop().await;
    open_by_calls(&client, &guards).await;
    let _again = Server::start_at(server.address).await;
    assert!(back_after(&client).await < SOON);
}

#[tokio::test]
async fn a_way_that_nobody_uses_is_whole_again_by_itself() {
    let server = Server::start().await;
    let guards = Guards::default();
    let client = client(&[server.address], &guards);
    server.stop().await;
    open_by_calls(&client, &guards).await;
    let _again = Server::start_at(server.address).await;
    until(|| guards.breakers()[0].state == State::Closed).await;
}

#[tokio::test]
async fn a_way_that_swallowed_everything_is_used_again_within_two_seconds_after_it_healed() {
    let server = Server::start().await;
    let proxy = Proxy::start(server.address).await.unwrap();
    let guards = Guards::default();
    let client = hasty_client(proxy.address(), &guards);
    client.clone().store_review(review("x")).await.unwrap();
    proxy.set(Fault::black_hole()).await.unwrap();
    open_by_calls(&client, &guards).await;
    proxy.fired().unwrap();
    proxy.heal().await.unwrap();
    assert!(back_after(&client).await < SOON);
}

#[tokio::test]
async fn a_connection_that_is_dead_for_ever_is_given_up_for_a_fresh_one() {
    let server = Server::start().await;
    let guards = Guards::default();
    let gate = Gate::open(server.address).await;
    let client = hasty_client(gate.address, &guards);
    client.clone().store_review(review("x")).await.unwrap();
    gate.swallow_those_that_exist();
    open_by_calls(&client, &guards).await;
    assert!(back_after(&client).await < SOON, "keepalive would take 25 s to notice");
}

/// Passes connections on, until those that exist at that moment go dumb: nothing passes and nothing ends.
struct Gate {
    address: SocketAddr,
    dumb: tokio::sync::watch::Sender<()>,
}

impl Gate {
    async fn open(target: SocketAddr) -> Gate {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let dumb = tokio::sync::watch::Sender::new(());
        let orders = dumb.clone();
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut order = orders.subscribe();
                tokio::spawn(async move {
                    let mut far = tokio::net::TcpStream::connect(target).await.unwrap();
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        _ = order.changed() => std::future::pending().await,
                    }
                });
            }
        });
        Gate { address, dumb }
    }

    fn swallow_those_that_exist(&self) {
        self.dumb.send_replace(());
    }
}
