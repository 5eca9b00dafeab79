//! The known traps of sockets, servers and tonic, one test each, named after the trap; the list of all of them is in
//! `services/stack/src/tests/traps.rs`.
//!
//! Where the clock stands still it moves only when nobody has anything to do, so a timer that is not there shows as a
//! wait without end.
//!
//! tonic's `max_connection_age` is not used: connections end with their peers, with a keepalive that is not answered,
//! or with the drain.

use std::{
    convert::Infallible,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
    time::Instant,
};

use axum::{Router, body::Bytes, routing::get};
use bsm_stack::{Outcome, breaker};
use futures_util::FutureExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
    time,
};
use tokio_stream::{StreamExt, wrappers::IntervalStream};
use tonic::transport::Endpoint;

use super::*;
use crate::{ops::Operator, server::Listeners};

const HOUR: Duration = Duration::from_secs(3600);

/// A role that serves `service` on this port.
fn serve_on(api: TcpListener, ops: TcpListener, service: Service) -> Process {
    serve_from(Path::new("nowhere"), api, ops, service)
}

/// The same with a folder for what it writes.
fn serve_from(data: &Path, api: TcpListener, ops: TcpListener, service: Service) -> Process {
    let mut settings = Settings::from_layers(&Layers::read(None, |_| None, &[])).unwrap();
    settings.grace = Duration::from_secs(10);
    settings.data_dir = data.to_owned();
    let drain = Drain::new(settings.grace);
    let process = Process::new(Role::Knowledge, Arc::new(settings), drain, Metrics::default());
    super::super::serve(&process, Listeners { api, ops }, service);
    process.readiness.set(true);
    process
}

async fn port() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// A role on a free port, and where it is.
async fn start(service: Service) -> (Process, SocketAddr) {
    let api = port().await;
    let address = api.local_addr().unwrap();
    (serve_on(api, port().await, service), address)
}

fn echo() -> Service {
    Service::new().add(KnowledgeServiceServer::new(Echo))
}

/// Reads until the other side ends the connection; fails if it would not do so in an hour.
async fn cut_off(mut stream: TcpStream) -> Duration {
    let began = time::Instant::now();
    let end = time::timeout(HOUR, stream.read_to_end(&mut Vec::new())).await;
    let _ = end.expect("the connection stays open for ever");
    began.elapsed()
}

#[tokio::test]
async fn trap_01_a_passed_deadline_is_deadline_exceeded_and_not_tonics_cancelled() {
    let mesh = run().await;
    let mut client = KnowledgeServiceClient::new(mesh.edge);
    let request = call("abc").within(Duration::from_millis(50)).request(GetDocumentRequest::default());
    let status = client.get_document(request).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    assert_eq!(reason(&status).as_deref(), Some("DEADLINE_EXCEEDED"));

    // And each hop is told less than its caller has, so that its answer still comes in time.
    let request = call("abc").within(Duration::from_secs(3)).request(ListDocumentsRequest::default());
    let told = client.list_documents(request).await.unwrap();
    let left = told.get_ref().items[0].size;
    assert!((1..=2_995).contains(&left), "{left} ms of 3000, of which 5 are kept back");
}

/// Says when a call has come, and when it is gone.
#[derive(Clone, Default)]
struct Leaving {
    came: Arc<Notify>,
    went: Arc<Notify>,
}

struct Gone(Arc<Notify>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[tonic::async_trait]
impl KnowledgeService for Leaving {
    type WatchDocumentsStream = tokio_stream::Pending<Result<WatchDocumentsResponse, Status>>;

    async fn watch_documents(
        &self,
        _: Request<WatchDocumentsRequest>,
    ) -> Result<Response<Self::WatchDocumentsStream>, Status> {
        Ok(Response::new(tokio_stream::pending()))
    }

    async fn list_documents(
        &self,
        _: Request<ListDocumentsRequest>,
    ) -> Result<Response<ListDocumentsResponse>, Status> {
        Ok(Response::new(ListDocumentsResponse::default()))
    }

    async fn get_document(
        &self,
        _: Request<GetDocumentRequest>,
    ) -> Result<Response<GetDocumentResponse>, Status> {
        let _gone = Gone(Arc::clone(&self.went));
        self.came.notify_one();
        std::future::pending().await
    }

    async fn add_document(
        &self,
        _: Request<AddDocumentRequest>,
    ) -> Result<Response<AddDocumentResponse>, Status> {
        Err(Status::unimplemented("not of this test"))
    }

    async fn replace_document(
        &self,
        _: Request<ReplaceDocumentRequest>,
    ) -> Result<Response<ReplaceDocumentResponse>, Status> {
        Err(Status::unimplemented("not of this test"))
    }

    async fn delete_document(
        &self,
        _: Request<DeleteDocumentRequest>,
    ) -> Result<Response<DeleteDocumentResponse>, Status> {
        Err(Status::unimplemented("not of this test"))
    }

    async fn search_knowledge(
        &self,
        _: Request<SearchKnowledgeRequest>,
    ) -> Result<Response<SearchKnowledgeResponse>, Status> {
        Err(Status::unimplemented("not of this test"))
    }
}

#[tokio::test]
async fn trap_07_a_dropped_connection_drops_the_handler_and_no_change_of_state_is_one() {
    let leaving = Leaving::default();
    let service = Service::new().add(KnowledgeServiceServer::new(leaving.clone()));
    let (folder, api) = (tempfile::tempdir().unwrap(), port().await);
    std::fs::create_dir(folder.path().join("knowledge")).unwrap();
    let url = format!("http://{}", api.local_addr().unwrap());
    let process = serve_from(folder.path(), api, port().await, service);
    let edge =
        client::edge(Role::Gateway, Role::Knowledge, Traffic::Calls, &url, &Guards::default()).unwrap();
    let mut client = KnowledgeServiceClient::new(edge);
    let reads = tokio::spawn(async move {
        client
            .get_document(call("a").within(Duration::from_secs(9)).request(GetDocumentRequest::default()))
            .await
    });
    leaving.came.notified().await;
    reads.abort();
    leaving.went.notified().await; // a read is cancelled with its caller
    while process.guards.bulkheads().iter().any(|bulkhead| bulkhead.in_flight > 0) {
        tokio::task::yield_now().await;
    }

    let breaker = process
        .guards
        .breaker("memory", breaker::Config { consecutive_failures: 1, ..breaker::Config::internal() });
    breaker.acquire().unwrap().record(Outcome::Failure);
    let reset = Operator::of(&process, &Request::new(())).reset_breaker("memory".to_owned());
    let _ = reset.now_or_never(); // the operator is gone after a moment
    while breaker.snapshot().state != breaker::State::Closed {
        tokio::task::yield_now().await; // and the change is made all the same
    }
}

#[tokio::test]
async fn trap_08_one_lazy_edge_outlives_the_restart_of_its_service() {
    let api = port().await;
    let address = api.local_addr().unwrap();
    let url = format!("http://{address}");
    let edge =
        client::edge(Role::Gateway, Role::Knowledge, Traffic::Calls, &url, &Guards::default()).unwrap();
    let mut client = KnowledgeServiceClient::new(edge);
    let mut ask = async || client.list_documents(call("a").request(ListDocumentsRequest::default())).await;

    let first = serve_on(api, port().await, echo());
    ask().await.expect("connects when it is first used");
    first.drain.finish().await.unwrap();
    let began = Instant::now();
    assert_eq!(ask().await.unwrap_err().code(), Code::Unavailable);
    assert!(began.elapsed() < Duration::from_secs(5), "told so, instead of waiting for the deadline");

    let again = TcpListener::bind(address).await.unwrap();
    let _second = serve_on(again, port().await, echo());
    ask().await.expect("connects again by itself");
}

#[tokio::test(start_paused = true)]
async fn trap_09_a_quiet_peer_holds_a_graceful_end_open_for_ten_seconds_and_no_longer() {
    let (process, address) = start(echo()).await;
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
    let mut client = KnowledgeServiceClient::new(channel);
    let mut quiet =
        client.watch_documents(Request::new(WatchDocumentsRequest::default())).await.unwrap().into_inner();
    let listens = tokio::spawn(async move { quiet.message().await });

    let began = time::Instant::now();
    let ends = process.drain.finish();
    tokio::pin!(ends);
    tokio::select! {
        biased;
        _ = &mut ends => panic!("a stream is open"),
        () = async { while process.readiness.is_ready() { tokio::task::yield_now().await } } => {}
    }
    assert_eq!(began.elapsed(), Duration::ZERO, "NOT_SERVING first");
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await; // then nobody is let in any more
    }
    ends.await.unwrap();
    assert_eq!(began.elapsed(), process.settings.grace);
    assert!(!listens.is_finished(), "it never said a word");
}

#[tokio::test]
async fn trap_10_small_pieces_do_not_wait_for_the_acknowledgement_of_the_one_before() {
    const PIECES: usize = 200;
    let sent = Arc::new(Mutex::new(Vec::new()));
    let pieces = Arc::clone(&sent);
    let stream = move || {
        let times = Arc::clone(&pieces);
        let every =
            IntervalStream::new(time::interval(Duration::from_millis(2))).take(PIECES).map(move |_| {
                let mut times = times.lock().unwrap();
                times.push(Instant::now());
                Ok::<_, Infallible>(Bytes::from(format!("<{:06}>", times.len() - 1)))
            });
        std::future::ready(axum::body::Body::from_stream(every))
    };
    let (_process, address) = start(echo().http(Router::new().route("/pieces", get(stream)))).await;
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(b"GET /pieces HTTP/1.1\r\nhost: here\r\n\r\n").await.unwrap();
    let (mut text, mut received) = (Vec::new(), Vec::new());
    while received.len() < PIECES {
        assert!(client.read_buf(&mut text).await.unwrap() > 0, "cut short");
        let whole = text.iter().filter(|byte| **byte == b'>').count();
        received.resize(whole, Instant::now());
    }
    let sent = sent.lock().unwrap();
    let mut late: Vec<_> =
        sent.iter().zip(&received).skip(PIECES / 2).map(|(sent, got)| got.duration_since(*sent)).collect();
    late.sort_unstable();
    let median = late[late.len() / 2];
    assert!(median < Duration::from_millis(10), "half of the pieces take {median:?}");
}

#[tokio::test(start_paused = true)]
async fn trap_11_a_health_watch_on_an_unknown_name_stays_open() {
    let (_process, address) = start(echo()).await;
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
    let request = HealthCheckRequest { service: "nobody".to_owned() };
    let mut watch = HealthClient::new(channel).watch(request).await.unwrap().into_inner();
    let first = watch.message().await.unwrap().expect("an answer");
    assert_eq!(first.status(), ServingStatus::ServiceUnknown);
    let more = time::timeout(Duration::from_secs(60), watch.message()).await;
    assert!(more.is_err(), "it ended, and clients take that for \"not implemented\": {more:?}");
}

#[tokio::test(start_paused = true)]
async fn trap_12_a_client_that_is_slow_with_its_headers_is_cut_off() {
    let (_process, address) = start(echo()).await;
    let slow: [&[u8]; 4] = [
        b"",
        b"P", // the beginning of either protocol
        b"GET / HTTP/1.1\r\nhost: here\r\nx-slow: ",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n",
    ];
    for says in slow {
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(says).await.unwrap();
        let after = cut_off(client).await;
        assert!(after <= Duration::from_secs(11), "{:?} after {after:?}", String::from_utf8_lossy(says));
    }
    // One that has said all of HTTP/2's greeting may be idle, as long as it answers pings.
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let after = cut_off(client).await;
    assert!(after <= Duration::from_secs(45), "after {after:?}");
}
