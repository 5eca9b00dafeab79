use std::{net::SocketAddr, sync::Arc, time::Duration};

use bsm_proto::knowledge::v1::{
    knowledge_service_client::KnowledgeServiceClient,
    knowledge_service_server::{KnowledgeService, KnowledgeServiceServer},
    *,
};
use futures_util::stream::{self, BoxStream, StreamExt as _};
use tokio::time::Instant;
use tonic::{Code, Request, Response, Status};

use super::Neighbours;
use crate::{
    call::Call,
    client::Edge,
    drain::Drain,
    listen,
    metrics::Metrics,
    process::Process,
    role::Role,
    server::{self, Peer, Service},
    settings::{Layers, Settings},
    status::reason,
};

const GRACE: Duration = Duration::from_secs(5);

/// Tells who called, and panics where it is asked for a document; one watch never says anything, the other panics.
struct Witness;

#[tonic::async_trait]
impl KnowledgeService for Witness {
    type WatchDocumentsStream = BoxStream<'static, Result<WatchDocumentsResponse, Status>>;

    async fn watch_documents(
        &self,
        request: Request<WatchDocumentsRequest>,
    ) -> Result<Response<Self::WatchDocumentsStream>, Status> {
        let panics = Call::of(&request).correlation_id() == "panics";
        Ok(Response::new(match panics {
            true => stream::once(async { panic!("amid the stream") }).boxed(),
            false => stream::pending().boxed(),
        }))
    }

    async fn list_documents(
        &self,
        request: Request<ListDocumentsRequest>,
    ) -> Result<Response<ListDocumentsResponse>, Status> {
        let Peer(peer) = *request.extensions().get().expect("every call has a peer");
        let documents = request.extensions().get().map(|Note(note)| (*note).to_owned()).into_iter().collect();
        let item = DocumentInfo { id: peer.port().to_string(), ..Default::default() };
        let mut answer = Response::new(ListDocumentsResponse { items: vec![item], documents });
        answer.extensions_mut().insert(Note("the callee's"));
        Ok(answer)
    }

    async fn get_document(
        &self,
        _: Request<GetDocumentRequest>,
    ) -> Result<Response<GetDocumentResponse>, Status> {
        panic!("before the answer")
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

/// What a layer puts down for another one of its side.
#[derive(Clone, Debug)]
struct Note(&'static str);

struct Running {
    neighbours: Neighbours,
    address: SocketAddr,
    drain: Drain,
    calls: Edge,
    streams: Edge,
}

async fn run() -> Running {
    let flags = [("knowledge.port".to_owned(), "0".to_owned())];
    let mut settings = Settings::from_layers(&Layers::read(None, |_| None, &flags)).unwrap();
    let listeners = listen::bind(Role::Knowledge, &settings).await.unwrap();
    let address = listeners.api.local_addr().unwrap();
    settings.urls[Role::Knowledge as usize] = format!("http://{address}");
    let (settings, drain, neighbours) = (Arc::new(settings), Drain::new(GRACE), Neighbours::default());
    let role =
        |role| Process::new(role, settings.clone(), drain.clone(), Metrics::default()).among(&neighbours);
    let service = Service::new().add(KnowledgeServiceServer::new(Witness));
    server::serve(&role(Role::Knowledge), listeners, service);
    let gateway = role(Role::Gateway);
    let (calls, streams) =
        (gateway.edge(Role::Knowledge).unwrap(), gateway.stream_edge(Role::Knowledge).unwrap());
    Running { neighbours, address, drain, calls, streams }
}

fn asks<M>(id: &str, message: M) -> Request<M> {
    Call::background(id).request(message)
}

async fn callers_port(calls: &Edge) -> u16 {
    let request = asks("c-1", ListDocumentsRequest::default());
    let answer = KnowledgeServiceClient::new(calls.clone()).list_documents(request).await.unwrap();
    answer.into_inner().items[0].id.parse().unwrap()
}

#[tokio::test]
async fn a_role_of_the_same_process_is_called_without_a_connection_until_it_drains() {
    let mesh = run().await;
    assert_eq!(callers_port(&mesh.calls).await, 0, "nobody connected");
    mesh.neighbours.close(mesh.address);
    assert_ne!(callers_port(&mesh.calls).await, 0, "who is no neighbour is called at its port");
}

#[tokio::test]
async fn notes_of_one_side_do_not_reach_the_other() {
    let mesh = run().await;
    let mut request = asks("c-1", ListDocumentsRequest::default());
    request.extensions_mut().insert(Note("the caller's"));
    let answer = KnowledgeServiceClient::new(mesh.calls.clone()).list_documents(request).await.unwrap();
    assert!(answer.extensions().get::<Note>().is_none());
    assert!(answer.get_ref().documents.is_empty(), "{answer:?}");
}

#[tokio::test]
async fn a_handler_that_panics_fails_its_own_call_alone() {
    let mesh = run().await;
    let mut calls = KnowledgeServiceClient::new(mesh.calls.clone());
    let status = calls.get_document(asks("c-1", GetDocumentRequest::default())).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_deref()), (Code::Internal, Some("INTERNAL")));

    let mut streams = KnowledgeServiceClient::new(mesh.streams.clone());
    let watch = streams.watch_documents(asks("panics", WatchDocumentsRequest::default())).await.unwrap();
    let mut watch = watch.into_inner();
    assert_eq!(watch.message().await.unwrap_err().code(), Code::Internal);
    assert!(watch.message().await.unwrap().is_none(), "a stream has one end");
    assert_eq!(callers_port(&mesh.calls).await, 0, "and the next call is answered");
}

/// How long the end takes, where one watch is read until then or is not.
async fn end_takes(is_read: bool) -> Duration {
    let mesh = run().await;
    let mut streams = KnowledgeServiceClient::new(mesh.streams.clone());
    let watch = streams.watch_documents(asks("c-1", WatchDocumentsRequest::default())).await.unwrap();
    let watch = is_read.then_some(watch);
    let began = Instant::now();
    mesh.drain.finish().await.unwrap();
    drop(watch);
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn the_end_waits_for_answers_that_are_still_read() {
    assert!(end_takes(true).await >= GRACE);
    assert!(end_takes(false).await < GRACE);
}
