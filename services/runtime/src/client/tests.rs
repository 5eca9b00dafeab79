//! The client stack over real sockets, with several servers that come and go.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use bsm_proto::memory::v1::{
    FindSimilarDecisionsRequest, FindSimilarDecisionsResponse, FindSimilarReviewsRequest,
    FindSimilarReviewsResponse, StoreDecisionRequest, StoreDecisionResponse, StoreReviewRequest,
    StoreReviewResponse,
    memory_service_client::MemoryServiceClient,
    memory_service_server::{MemoryService, MemoryServiceServer},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tonic::{Request, Response, Status};

use super::*;
use crate::{
    call::Call,
    drain::Drain,
    metrics::Metrics,
    process::Process,
    server::{self, Listeners},
    settings::{Layers, Settings},
    status::reason,
};

mod given_up;
mod recovery;
mod restarts;

/// What the servers of a test have processed: how often each id.
type Processed = Arc<Mutex<HashMap<String, u32>>>;

/// Takes a few milliseconds to keep a review, which is not idempotent. The code "hang" is never kept.
struct Store(Processed);

#[tonic::async_trait]
impl MemoryService for Store {
    async fn store_review(
        &self,
        request: Request<StoreReviewRequest>,
    ) -> Result<Response<StoreReviewResponse>, Status> {
        let StoreReviewRequest { id, code, .. } = request.into_inner();
        let id = id.unwrap_or_default();
        *self.0.lock().unwrap().entry(id.clone()).or_default() += 1;
        if code == "hang" {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(Duration::from_millis(3)).await;
        Ok(Response::new(StoreReviewResponse { id, ..Default::default() }))
    }

    async fn find_similar_reviews(
        &self,
        _: Request<FindSimilarReviewsRequest>,
    ) -> Result<Response<FindSimilarReviewsResponse>, Status> {
        Ok(Response::new(Default::default()))
    }

    async fn store_decision(
        &self,
        _: Request<StoreDecisionRequest>,
    ) -> Result<Response<StoreDecisionResponse>, Status> {
        Ok(Response::new(Default::default()))
    }

    async fn find_similar_decisions(
        &self,
        _: Request<FindSimilarDecisionsRequest>,
    ) -> Result<Response<FindSimilarDecisionsResponse>, Status> {
        Ok(Response::new(Default::default()))
    }
}

/// A running server and what it has processed.
struct Server {
    process: Process,
    address: SocketAddr,
    processed: Processed,
}

impl Server {
    async fn start() -> Server {
        Server::start_at(SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    async fn start_at(address: SocketAddr) -> Server {
        let settings = Arc::new(Settings::from_layers(&Layers::read(None, |_| None, &[])).unwrap());
        let api = TcpListener::bind(address).await.unwrap();
        let address = api.local_addr().unwrap();
        let ops = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let drain = Drain::new(Duration::from_secs(5));
        let process = Process::new(Role::Memory, settings, drain, Metrics::default());
        let processed = Processed::default();
        let service = server::Service::new().add(MemoryServiceServer::new(Store(processed.clone())));
        server::serve(&process, Listeners { api, ops }, service);
        process.readiness.set(true);
        Server { process, address, processed }
    }

    /// Drains it, as SIGTERM does, and starts it anew at the same address.
    async fn restart(self) -> Server {
        self.stop().await;
        Server::start_at(self.address).await
    }

    async fn stop(&self) {
        self.process.readiness.set(false);
        self.process.drain.finish().await.unwrap();
    }

    fn served(&self) -> usize {
        self.processed.lock().unwrap().len()
    }
}

fn client(addresses: &[SocketAddr], guards: &Guards) -> MemoryServiceClient<Edge> {
    let urls: Vec<_> = addresses.iter().map(|address| format!("http://{address}")).collect();
    let edge = edge(Role::Orchestrator, Role::Memory, Traffic::Calls, &urls.join(","), guards).unwrap();
    MemoryServiceClient::new(edge)
}

fn review(id: impl ToString) -> Request<StoreReviewRequest> {
    let message = StoreReviewRequest { id: Some(id.to_string()), ..Default::default() };
    Call::background("c-1").request(message)
}

async fn until(mut condition: impl FnMut() -> bool) {
    let look = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), look).await.expect("it comes true in time");
}

#[tokio::test]
async fn calls_are_spread_over_the_endpoints_and_each_has_guards_of_its_own() {
    let (a, b) = (Server::start().await, Server::start().await);
    let guards = Guards::default();
    let client = client(&[a.address, b.address], &guards);
    for round in 0..20 {
        let calls = (0..8).map(|n| {
            let mut client = client.clone();
            async move { client.store_review(review(round * 8 + n)).await }
        });
        for answer in futures_util::future::join_all(calls).await {
            answer.unwrap();
        }
    }
    assert!(a.served() > 40 && b.served() > 40, "{} and {} of 160", a.served(), b.served());
    let mut names: Vec<_> = guards.breakers().iter().map(|breaker| breaker.name.to_string()).collect();
    names.sort();
    let mut expected = [a.address, b.address].map(|address| format!("orchestrator->memory {address}"));
    expected.sort();
    assert_eq!(names, expected);
    assert_eq!(guards.bulkheads().len(), 2);
    assert_eq!(guards.retry_budgets().len(), 1, "retries are the edge's");
}

#[tokio::test]
async fn one_endpoint_is_called_as_the_edge() {
    let server = Server::start().await;
    let guards = Guards::default();
    client(&[server.address], &guards).store_review(review(1)).await.unwrap();
    assert_eq!(&*guards.breakers()[0].name, "orchestrator->memory");
}

#[tokio::test]
async fn a_name_is_looked_up_before_the_first_call() {
    let server = Server::start().await;
    let url = format!("http://localhost:{}", server.address.port());
    let guards = Guards::default();
    let edge = edge(Role::Orchestrator, Role::Memory, Traffic::Calls, &url, &guards).unwrap();
    MemoryServiceClient::new(edge).store_review(review(1)).await.unwrap();
    assert_eq!(&*guards.breakers()[0].name, "orchestrator->memory");
    let url = format!("http://{}:7", "x".repeat(64)); // longer than a name may be: nobody is asked
    let edge = super::edge(Role::Orchestrator, Role::Memory, Traffic::Calls, &url, &guards).unwrap();
    let refused = MemoryServiceClient::new(edge).store_review(review(2)).await.unwrap_err();
    assert_eq!(reason(&refused).as_deref(), Some("UNREACHABLE"), "{refused:?}");
}

/// A peer that reads what it is sent, says `word`, and closes; counts its connections.
async fn closing(word: &'static [u8]) -> (SocketAddr, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, taken) = (listener.local_addr().unwrap(), Arc::new(AtomicU32::new(0)));
    let count = taken.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, Relaxed);
            stream.write_all(word).await.unwrap();
            let mut read = Vec::new();
            while !String::from_utf8_lossy(&read).contains("the code") {
                assert!(stream.read_buf(&mut read).await.unwrap() > 0, "the client went first");
            }
        }
    });
    (address, taken)
}

fn coded() -> Request<StoreReviewRequest> {
    let message = StoreReviewRequest { code: "the code".to_owned(), ..Default::default() };
    Call::background("c-1").request(message)
}

#[tokio::test]
async fn a_connection_that_ends_without_a_word_was_never_taken_up() {
    let (mute, taken) = closing(b"").await;
    let server = Server::start().await;
    let mut client = client(&[mute, server.address], &Guards::default());
    while taken.load(Relaxed) == 0 {
        client.store_review(coded()).await.expect("the other one takes it");
    }
}

#[tokio::test]
async fn a_call_whose_peer_spoke_and_vanished_is_not_repeated() {
    const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
    let (vanishes, taken) = closing(SETTINGS).await;
    let server = Server::start().await;
    let mut client = client(&[vanishes, server.address], &Guards::default());
    let mut failed = 0;
    while taken.load(Relaxed) == 0 {
        failed += u32::from(client.store_review(coded()).await.is_err());
    }
    assert_eq!(failed, 1, "it may have been processed");
}
