//! Adding, replacing and deleting: wire → change.

use std::sync::Arc;

use bsm_proto::knowledge::v1::{
    AddDocumentRequest, DeleteDocumentRequest, DocumentInfo, ReplaceDocumentRequest,
};
use bsm_runtime::clock;
use tokio::sync::Semaphore;
use tonic::Request;

use super::read::info;
use crate::{
    document::Document,
    draft::{self, Draft},
    error::Error,
    library::{Change, Library, Operator},
};

/// How many documents are read at once; more wait. A PDF may take its time, and memory.
const READERS: usize = 2;

/// Makes changes of the library.
#[derive(Debug)]
pub(super) struct Publisher {
    library: Arc<Library>,
    readers: Arc<Semaphore>,
}

// === impl Publisher ===

impl Publisher {
    pub(super) fn new(library: Arc<Library>) -> Publisher {
        Publisher { library, readers: Arc::new(Semaphore::new(READERS)) }
    }

    pub(super) async fn add(&self, request: Request<AddDocumentRequest>) -> Result<DocumentInfo, Error> {
        let operator = Operator::of(&request);
        let draft = Draft::check(request.into_inner())?;
        let (draft, document) = self.read(draft, &operator).await?;
        self.make(Change::Add(draft, document), operator).await
    }

    pub(super) async fn replace(
        &self,
        request: Request<ReplaceDocumentRequest>,
    ) -> Result<DocumentInfo, Error> {
        let operator = Operator::of(&request);
        let (request, expected_hash) = draft::parts(request.into_inner());
        let draft = Draft::check(request)?;
        let (draft, document) = self.read(draft, &operator).await?;
        self.make(Change::Replace(draft, document, expected_hash), operator).await
    }

    pub(super) async fn delete(
        &self,
        request: Request<DeleteDocumentRequest>,
    ) -> Result<DocumentInfo, Error> {
        let operator = Operator::of(&request);
        let DeleteDocumentRequest { document_id, expected_hash } = request.into_inner();
        self.make(Change::Delete(document_id, expected_hash), operator).await
    }

    /// Away from the runtime's threads. Cancelled: the reading goes on to its end, unheard, and keeps its place.
    async fn read(&self, draft: Draft, operator: &Operator) -> Result<(Draft, Document), Error> {
        let place = Arc::clone(&self.readers).acquire_owned().await.map_err(|_| Error::Closed)?;
        let actor = operator.actor().to_owned();
        let read = tokio::task::spawn_blocking(move || {
            let document = draft.read(clock::unix_ms(), &actor);
            drop(place);
            document.map(|document| (draft, document))
        });
        read.await.map_err(|_| Error::Closed)?
    }

    async fn make(&self, change: Change, operator: Operator) -> Result<DocumentInfo, Error> {
        self.library.change(change, operator).await.map(|document| info(&document))
    }
}
