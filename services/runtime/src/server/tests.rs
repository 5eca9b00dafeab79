//! The two stacks over real sockets: what a handler is given, what a caller sees.

mod overload;
mod traps;

use std::{
    io::{Read, Write},
    sync::Arc,
    time::Duration,
};

use bsm_proto::knowledge::v1::{
    knowledge_service_client::KnowledgeServiceClient,
    knowledge_service_server::{KnowledgeService, KnowledgeServiceServer},
    *,
};
use tonic::{Code, Request, Response, Status};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::{
    call::Call,
    client::{self, Edge, Traffic},
    drain::Drain,
    guards::Guards,
    listen,
    metrics::Metrics,
    process::Process,
    role::Role,
    settings::{Layers, Settings},
    status::reason,
};

use super::Service;

/// Answers with what it was told about its caller; one document never comes.
struct Echo;

#[tonic::async_trait]
impl KnowledgeService for Echo {
    type WatchDocumentsStream = tokio_stream::Pending<Result<WatchDocumentsResponse, Status>>;

    async fn watch_documents(
        &self,
        _: Request<WatchDocumentsRequest>,
    ) -> Result<Response<Self::WatchDocumentsStream>, Status> {
        Ok(Response::new(tokio_stream::pending()))
    }

    async fn list_documents(
        &self,
        request: Request<ListDocumentsRequest>,
    ) -> Result<Response<ListDocumentsResponse>, Status> {
        let call = Call::of(&request);
        let left = call.deadline().unwrap().remaining(tokio::time::Instant::now());
        let item = DocumentInfo {
            id: call.correlation_id().to_owned(),
            size: left.as_millis() as u32,
            ..Default::default()
        };
        Ok(Response::new(ListDocumentsResponse { documents: vec![], items: vec![item] }))
    }

    async fn get_document(
        &self,
        _: Request<GetDocumentRequest>,
    ) -> Result<Response<GetDocumentResponse>, Status> {
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

struct Running {
    process: Process,
    edge: Edge,
    url: String,
    ops: String,
}

async fn run() -> Running {
    serve(Echo, &[]).await
}

async fn serve(service: impl KnowledgeService, flags: &[(&str, &str)]) -> Running {
    let flags = [("knowledge.port", "0")].iter().chain(flags);
    let flags: Vec<_> = flags.map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let mut settings = Settings::from_layers(&Layers::read(None, |_| None, &flags)).unwrap();
    settings.grace = Duration::from_secs(5);
    let listeners = listen::bind(Role::Knowledge, &settings).await.unwrap();
    let url = format!("http://{}", listeners.api.local_addr().unwrap());
    let ops = format!("http://{}", listeners.ops.local_addr().unwrap());
    let drain = Drain::new(settings.grace);
    let process = Process::new(Role::Knowledge, Arc::new(settings), drain, Metrics::default());
    super::serve(&process, listeners, Service::new().add(KnowledgeServiceServer::new(service)));
    process.readiness.set(true);
    let edge =
        client::edge(Role::Gateway, Role::Knowledge, Traffic::Calls, &url, &Guards::default()).unwrap();
    Running { process, edge, url, ops }
}

fn call(id: &'static str) -> Call {
    Call::background(id)
}

#[tokio::test]
async fn the_correlation_id_and_what_is_left_of_the_deadline_reach_the_handler() {
    let mesh = run().await;
    let mut client = KnowledgeServiceClient::new(mesh.edge);
    let request = call("abc").within(Duration::from_secs(3)).request(ListDocumentsRequest::default());
    let response = client.list_documents(request).await.unwrap();
    assert_eq!(response.metadata().get("x-correlation-id").unwrap(), "abc");
    let seen = &response.get_ref().items[0];
    assert_eq!(seen.id, "abc");
    assert!((1..3_000).contains(&seen.size), "{} ms of 3000 were left", seen.size);
}

#[tokio::test]
async fn health_follows_readiness_and_knows_the_services_by_name() {
    let mesh = run().await;
    let mut client = HealthClient::new(mesh.edge);
    let mut check = async |name: &str| {
        let request = call("abc").request(HealthCheckRequest { service: name.to_owned() });
        client.check(request).await.map(|answer| answer.into_inner().status())
    };
    assert_eq!(check("bsm.knowledge.v1.KnowledgeService").await.unwrap(), ServingStatus::Serving);
    mesh.process.readiness.set(false);
    assert_eq!(check("").await.unwrap(), ServingStatus::NotServing);
    assert_eq!(check("bsm.registry.v1.RegistryService").await.unwrap_err().code(), Code::NotFound);
    assert!(mesh.ops.starts_with("http://127.0.0.1:"));
}

#[tokio::test]
async fn calls_are_counted_by_method_and_code_but_invented_methods_are_not() {
    let mesh = run().await;
    let mut client = KnowledgeServiceClient::new(mesh.edge.clone());
    client.list_documents(call("a").request(ListDocumentsRequest::default())).await.unwrap();
    let mut raw = tonic::client::Grpc::new(mesh.edge);
    raw.ready().await.unwrap();
    let codec = tonic_prost::ProstCodec::<ListDocumentsRequest, ListDocumentsResponse>::default();
    let path = http::uri::PathAndQuery::from_static("/made.up.Service/Name");
    let status =
        raw.unary(call("a").request(ListDocumentsRequest::default()), path, codec).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_deref()), (Code::Unimplemented, Some("UNKNOWN_RPC")));
    let text = mesh.process.metrics.render();
    assert!(
        text.contains("method=\"bsm.knowledge.v1.KnowledgeService/ListDocuments\",code=\"Ok\"} 1"),
        "{text}"
    );
    assert!(text.contains("method=\"unknown\"") && !text.contains("made.up"), "{text}");
}

#[tokio::test]
async fn a_message_that_cannot_be_read_is_the_callers_mistake() {
    let mesh = run().await;
    let mut raw = tonic::client::Grpc::new(mesh.edge);
    raw.ready().await.unwrap();
    // A number where the rpc has a text.
    let codec = tonic_prost::ProstCodec::<prost_types::Duration, GetDocumentResponse>::default();
    let path = http::uri::PathAndQuery::from_static("/bsm.knowledge.v1.KnowledgeService/GetDocument");
    let request = call("a").request(prost_types::Duration { seconds: 7, nanos: 0 });
    let status = raw.unary(request, path, codec).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_deref()),
        (Code::InvalidArgument, Some("MALFORMED_REQUEST"))
    );
    assert!(status.message().contains("KnowledgeService/GetDocument cannot be read"), "{status:?}");
}

#[tokio::test]
async fn a_service_that_is_not_there_is_unavailable_and_then_the_circuit_opens() {
    let mesh = run().await;
    mesh.process.drain.finish().await.unwrap();
    let mut client = KnowledgeServiceClient::new(mesh.edge);
    let mut reasons = Vec::new();
    for _ in 0..7 {
        let status = client.list_documents(call("a").request(Default::default())).await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable, "{status:?}");
        reasons.push(reason(&status).unwrap_or_default());
    }
    assert_eq!(reasons.last().map(String::as_str), Some("CIRCUIT_OPEN"), "{reasons:?}");
    assert_eq!(reasons.first().map(String::as_str), Some("UNREACHABLE"), "{reasons:?}");
}

#[tokio::test]
async fn a_call_in_flight_holds_the_drain_until_it_ends() {
    let mesh = run().await;
    let mut client = KnowledgeServiceClient::new(mesh.edge);
    let request = call("abc").within(Duration::from_millis(300)).request(GetDocumentRequest::default());
    let in_flight = tokio::spawn(async move { client.get_document(request).await });
    while mesh.process.guards.bulkheads()[0].in_flight == 0 {
        tokio::task::yield_now().await;
    }
    mesh.process.drain.finish().await.unwrap();
    let status = in_flight.await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "it ran to its own end: {status:?}");
}

#[tokio::test]
async fn a_request_on_a_connection_that_is_not_accepted_yet_is_served_though_the_server_drains() {
    let mesh = run().await;
    let address = mesh.ops.strip_prefix("http://").unwrap();
    // Nobody else runs between the handshake, which the kernel makes, and the drain.
    let mut early = std::net::TcpStream::connect(address).unwrap();
    early.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let late = std::net::TcpStream::connect(address).unwrap();
    mesh.process.drain.begin();
    let said = tokio::task::spawn_blocking(move || {
        let mut said = String::new();
        early.read_to_string(&mut said).map(|_| said)
    });
    let said = said.await.unwrap().expect("answered, then closed");
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    mesh.process.drain.finish().await.unwrap();
    let silent = tokio::task::spawn_blocking(move || (&late).read(&mut [0]));
    assert_eq!(silent.await.unwrap().unwrap(), 0, "who says nothing is not waited for");
}
