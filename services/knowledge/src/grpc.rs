//! Wire ↔ documents.

mod publish;
mod read;
mod search;

use std::sync::Arc;

use bsm_proto::knowledge::v1::{
    AddDocumentRequest, AddDocumentResponse, DeleteDocumentRequest, DeleteDocumentResponse,
    GetDocumentRequest, GetDocumentResponse, ListDocumentsRequest, ListDocumentsResponse,
    ReplaceDocumentRequest, ReplaceDocumentResponse, SearchKnowledgeRequest, SearchKnowledgeResponse,
    WatchDocumentsRequest, WatchDocumentsResponse, knowledge_service_server::KnowledgeService,
};
use bsm_runtime::versions::Told;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use crate::{edition::Edition, library::Library};
use publish::Publisher;

/// Serves what the library has put in force, and takes changes of it.
#[derive(Debug)]
pub(crate) struct Knowledge {
    library: Arc<Library>,
    publisher: Publisher,
    stopping: CancellationToken,
}

impl Knowledge {
    /// Watches end with `stopping`.
    pub(crate) fn new(library: Library, stopping: CancellationToken) -> Knowledge {
        let library = Arc::new(library);
        Knowledge { publisher: Publisher::new(Arc::clone(&library)), library, stopping }
    }
}

#[tonic::async_trait]
impl KnowledgeService for Knowledge {
    type WatchDocumentsStream = Told<WatchDocumentsResponse>;

    async fn list_documents(
        &self,
        request: Request<ListDocumentsRequest>,
    ) -> Result<Response<ListDocumentsResponse>, Status> {
        let served = self.library.served().current();
        Ok(Response::new(read::list(&served.corpus, &request.into_inner().audience)?))
    }

    async fn get_document(
        &self,
        request: Request<GetDocumentRequest>,
    ) -> Result<Response<GetDocumentResponse>, Status> {
        let served = self.library.served().current();
        Ok(Response::new(read::get(&served.corpus, request.into_inner().document_id)?))
    }

    async fn search_knowledge(
        &self,
        request: Request<SearchKnowledgeRequest>,
    ) -> Result<Response<SearchKnowledgeResponse>, Status> {
        Ok(Response::new(search::search(self.library.served(), request.into_inner()).await?))
    }

    async fn add_document(
        &self,
        request: Request<AddDocumentRequest>,
    ) -> Result<Response<AddDocumentResponse>, Status> {
        let info = self.publisher.add(request).await?;
        Ok(Response::new(AddDocumentResponse { info: Some(info) }))
    }

    async fn replace_document(
        &self,
        request: Request<ReplaceDocumentRequest>,
    ) -> Result<Response<ReplaceDocumentResponse>, Status> {
        let info = self.publisher.replace(request).await?;
        Ok(Response::new(ReplaceDocumentResponse { info: Some(info) }))
    }

    async fn delete_document(
        &self,
        request: Request<DeleteDocumentRequest>,
    ) -> Result<Response<DeleteDocumentResponse>, Status> {
        let info = self.publisher.delete(request).await?;
        Ok(Response::new(DeleteDocumentResponse { info: Some(info) }))
    }

    async fn watch_documents(
        &self,
        request: Request<WatchDocumentsRequest>,
    ) -> Result<Response<Told<WatchDocumentsResponse>>, Status> {
        let last = request.into_inner().last_version;
        Ok(Response::new(self.library.served().follow(
            last,
            |edition: &Edition| read::in_force(&edition.corpus),
            self.stopping.clone(),
        )))
    }
}
