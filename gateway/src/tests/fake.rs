//! Services that answer without doing anything, on one ephemeral port.

use std::{
    collections::HashSet,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use bsm_proto::{
    knowledge::v1::{
        knowledge_service_server::{KnowledgeService, KnowledgeServiceServer},
        *,
    },
    orchestrator::v1::{
        orchestrator_service_server::{OrchestratorService, OrchestratorServiceServer},
        *,
    },
    registry::v1::{
        ApiKey, CheckKeyRequest, CheckKeyResponse, CreateKeyRequest, CreateKeyResponse, ListKeysRequest,
        ListKeysResponse, RevokeKeyRequest, RevokeKeyResponse,
        key_service_server::{KeyService, KeyServiceServer},
    },
};
use bsm_runtime::{api_key::Presented, status::Refusal};
use futures_util::{Stream, StreamExt as _, stream};
use tokio::{
    net::TcpListener,
    sync::{Notify, watch},
};
use tokio_stream::wrappers::{TcpListenerStream, WatchStream};
use tonic::{Code, Request, Response, Status, metadata::MetadataMap};

/// The services and what they were asked.
#[derive(Clone)]
pub(super) struct Fake {
    pub(super) address: SocketAddr,
    pub(super) submitted: Arc<Mutex<Vec<(MetadataMap, SubmitEventRequest)>>>,
    pub(super) audience: Arc<Mutex<Vec<String>>>,
    /// How often documents were listed.
    pub(super) listed: Arc<AtomicUsize>,
    /// Whether the knowledge service is away.
    pub(super) away: Arc<AtomicBool>,
    /// The newest version of the documents, for those who watch; they are left alone when it is replaced.
    pub(super) versions: Arc<Mutex<watch::Sender<u32>>>,
    /// Whether the one key there is was revoked.
    pub(super) revoked: Arc<AtomicBool>,
    /// How often keys were checked.
    pub(super) checked: Arc<AtomicUsize>,
    /// Told when a stream of job events is dropped.
    pub(super) left: Arc<Notify>,
}

impl Fake {
    pub(super) async fn start() -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let fake = Fake {
            address: listener.local_addr().unwrap(),
            submitted: Arc::default(),
            audience: Arc::default(),
            listed: Arc::default(),
            away: Arc::default(),
            versions: Arc::new(Mutex::new(watch::Sender::new(1))),
            revoked: Arc::default(),
            checked: Arc::default(),
            left: Arc::default(),
        };
        let server = tonic::transport::Server::builder()
            .add_service(OrchestratorServiceServer::new(fake.clone()))
            .add_service(KnowledgeServiceServer::new(fake.clone()))
            .add_service(KeyServiceServer::new(fake.clone()));
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        fake
    }

    /// The knowledge service goes away, and its watches end.
    pub(super) fn leave(&self) {
        self.away.store(true, Relaxed);
        *self.versions.lock().unwrap() = watch::Sender::new(1);
    }

    fn is_there(&self) -> Result<(), Status> {
        match self.away.load(Relaxed) {
            true => Err(Status::unavailable("away")),
            false => Ok(()),
        }
    }
}

/// The secret of the key `KEY_ID`, which has the scopes read and admin.
pub(super) const KEY_SECRET: &str = "0123";
pub(super) const KEY_ID: &str = "0123456789ab";

#[tonic::async_trait]
impl KeyService for Fake {
    async fn check_key(
        &self,
        request: Request<CheckKeyRequest>,
    ) -> Result<Response<CheckKeyResponse>, Status> {
        self.is_there()?;
        self.checked.fetch_add(1, Relaxed);
        let CheckKeyRequest { id, proof } = request.into_inner();
        let right = Presented::read(format!("bsm_{KEY_ID}_{KEY_SECRET}").as_bytes());
        if id != right.id || proof != right.proof || self.revoked.load(Relaxed) {
            return Err(Refusal::new(Code::Unauthenticated, "UNAUTHORIZED", "the key is not valid").into());
        }
        Ok(Response::new(CheckKeyResponse { scopes: vec!["read".into(), "admin".into()] }))
    }

    async fn create_key(
        &self,
        request: Request<CreateKeyRequest>,
    ) -> Result<Response<CreateKeyResponse>, Status> {
        let actor = request.metadata().get("x-bsm-actor").map_or("", |actor| actor.to_str().unwrap());
        let key = ApiKey { created_by: actor.to_owned(), ..Default::default() };
        Ok(Response::new(CreateKeyResponse { key: Some(key), text: String::new() }))
    }

    async fn list_keys(&self, _: Request<ListKeysRequest>) -> Result<Response<ListKeysResponse>, Status> {
        Ok(Response::new(ListKeysResponse::default()))
    }

    async fn revoke_key(&self, _: Request<RevokeKeyRequest>) -> Result<Response<RevokeKeyResponse>, Status> {
        Ok(Response::new(RevokeKeyResponse::default()))
    }
}

#[tonic::async_trait]
impl KnowledgeService for Fake {
    type WatchDocumentsStream = Pin<Box<dyn Stream<Item = Result<WatchDocumentsResponse, Status>> + Send>>;

    async fn watch_documents(
        &self,
        _: Request<WatchDocumentsRequest>,
    ) -> Result<Response<Self::WatchDocumentsStream>, Status> {
        self.is_there()?;
        let versions = WatchStream::new(self.versions.lock().unwrap().subscribe());
        let message =
            |version: u32| WatchDocumentsResponse { version: version.to_string(), documents: vec![] };
        Ok(Response::new(Box::pin(versions.map(move |version| Ok(message(version))))))
    }

    async fn list_documents(
        &self,
        request: Request<ListDocumentsRequest>,
    ) -> Result<Response<ListDocumentsResponse>, Status> {
        self.is_there()?;
        self.listed.fetch_add(1, Relaxed);
        *self.audience.lock().unwrap() = request.into_inner().audience;
        let items = vec![DocumentInfo { id: "guide".to_owned(), size: 4, ..DocumentInfo::default() }];
        Ok(Response::new(ListDocumentsResponse { documents: vec!["text".to_owned()], items }))
    }

    async fn get_document(
        &self,
        request: Request<GetDocumentRequest>,
    ) -> Result<Response<GetDocumentResponse>, Status> {
        let id = request.into_inner().document_id;
        Ok(Response::new(GetDocumentResponse { info: None, text: format!("# {id}\n") }))
    }

    async fn add_document(
        &self,
        _: Request<AddDocumentRequest>,
    ) -> Result<Response<AddDocumentResponse>, Status> {
        Ok(Response::new(AddDocumentResponse::default()))
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

/// Tells when it is dropped.
struct Leave(Arc<Notify>);

impl Drop for Leave {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

fn happened(id: u32, what: &str) -> WatchJobResponse {
    WatchJobResponse { event_id: id.to_string(), event_type: what.to_owned(), ..WatchJobResponse::default() }
}

#[tonic::async_trait]
impl OrchestratorService for Fake {
    type WatchJobStream = Pin<Box<dyn Stream<Item = Result<WatchJobResponse, Status>> + Send>>;

    async fn submit_event(
        &self,
        request: Request<SubmitEventRequest>,
    ) -> Result<Response<SubmitEventResponse>, Status> {
        let metadata = request.metadata().clone();
        let request = request.into_inner();
        let mut submitted = self.submitted.lock().unwrap();
        let keys: HashSet<_> = submitted.iter().filter_map(|(_, r)| r.idempotency_key.clone()).collect();
        let duplicate = request.idempotency_key.as_ref().is_some_and(|key| keys.contains(key));
        submitted.push((metadata, request));
        let (job_id, status) = ("job-1".to_owned(), "queued".to_owned());
        let timestamp = 1_700_000_000_000.0;
        Ok(Response::new(SubmitEventResponse {
            success: true,
            job_id,
            status,
            timestamp,
            duplicate,
            ..Default::default()
        }))
    }

    async fn get_last_run(
        &self,
        _: Request<GetLastRunRequest>,
    ) -> Result<Response<GetLastRunResponse>, Status> {
        Err(Status::unimplemented("the fake has run nothing"))
    }

    async fn rerun_job(&self, _: Request<RerunJobRequest>) -> Result<Response<RerunJobResponse>, Status> {
        Err(Status::unimplemented("the fake runs nothing again"))
    }

    async fn list_strategies(
        &self,
        _: Request<ListStrategiesRequest>,
    ) -> Result<Response<ListStrategiesResponse>, Status> {
        Err(Status::unknown("sqlite: disk I/O error in /var/lib/bsm/journal.db"))
    }

    async fn list_jobs(&self, _: Request<ListJobsRequest>) -> Result<Response<ListJobsResponse>, Status> {
        panic!("the fake was told to")
    }

    async fn get_job(&self, request: Request<GetJobRequest>) -> Result<Response<GetJobResponse>, Status> {
        let id = request.into_inner().job_id;
        Err(Refusal::new(Code::NotFound, "JOB_NOT_FOUND", format!("there is no job {id}"))
            .field("job_id", "x")
            .into())
    }

    async fn get_job_report(
        &self,
        request: Request<GetJobReportRequest>,
    ) -> Result<Response<GetJobReportResponse>, Status> {
        let (job_id, report) = (request.into_inner().job_id, "# Report\n".to_owned());
        Ok(Response::new(GetJobReportResponse { job_id, report, report_file: String::new() }))
    }

    async fn watch_job(
        &self,
        request: Request<WatchJobRequest>,
    ) -> Result<Response<Self::WatchJobStream>, Status> {
        let request = request.into_inner();
        let seen: u32 = request.last_event_id.unwrap_or_default().parse().unwrap_or_default();
        let events = [happened(1, "job.queued"), happened(2, "job.running"), happened(3, "job.succeeded")];
        let events = stream::iter(events.into_iter().skip(seen as usize).map(Ok));
        match request.job_id.as_str() {
            "unknown" => Err(Refusal::new(Code::NotFound, "JOB_NOT_FOUND", "there is no job unknown").into()),
            "endless" => {
                let leave = Leave(self.left.clone());
                let endless = events.chain(stream::pending()).map(move |event| {
                    let _held = &leave;
                    event
                });
                Ok(Response::new(Box::pin(endless)))
            }
            "broken" => {
                Ok(Response::new(Box::pin(events.chain(stream::iter([Err(Status::internal("bug"))])))))
            }
            _ => Ok(Response::new(Box::pin(events))),
        }
    }

    async fn run_agent(
        &self,
        request: Request<RunAgentRequest>,
    ) -> Result<Response<RunAgentResponse>, Status> {
        let (metadata, agent) = (request.metadata().clone(), request.into_inner().agent_id);
        match agent.as_str() {
            "busy" => Err(Refusal::new(Code::Unavailable, "BULKHEAD_FULL", "no room is left")
                .retry_after(Duration::from_millis(2500))
                .into()),
            "whoami" => {
                let caller = metadata.get("x-bsm-caller").map_or("", |caller| caller.to_str().unwrap());
                let result = RunAgentResult { output: caller.to_owned(), ..RunAgentResult::default() };
                Ok(Response::new(RunAgentResponse { result: Some(result) }))
            }
            "echo" => {
                let text = |name| metadata.get(name).map_or("", |value| value.to_str().unwrap_or_default());
                let output = format!("{} {}", text("x-correlation-id"), text("x-bsm-client-ip"));
                let result = RunAgentResult { output, ..RunAgentResult::default() };
                Ok(Response::new(RunAgentResponse { result: Some(result) }))
            }
            _ => Err(Refusal::new(Code::NotFound, "AGENT_NOT_FOUND", "agent x is not registered").into()),
        }
    }
}
