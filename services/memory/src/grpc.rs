//! Wire ↔ memory.

use bsm_proto::memory::v1::{
    FindSimilarDecisionsRequest, FindSimilarDecisionsResponse, FindSimilarReviewsRequest,
    FindSimilarReviewsResponse, SimilarDecision, SimilarReview, StoreDecisionRequest, StoreDecisionResponse,
    StoreReviewRequest, StoreReviewResponse, memory_service_server::MemoryService,
};
use bsm_runtime::{clock, drain::Drain, server::MESSAGE_LIMIT};
use tokio::sync::oneshot;
use tonic::{Request, Response, Status};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::{
    error::Error,
    record::{Body, Collection, Found, Record, Stored},
    request,
    store::Store,
};

/// Serves a store.
#[derive(Debug)]
pub(crate) struct Memory {
    store: Store,
    drain: Drain,
}

// === impl Memory ===

impl Memory {
    pub(crate) fn new(store: Store, drain: Drain) -> Memory {
        Memory { store, drain }
    }

    /// Keeps a record in a task of its own: a caller that leaves does not stop it, and the process does not end
    /// before it is done.
    async fn put(&self, (collection, record): (Collection, Record)) -> Result<Stored, Error> {
        let (answer, answered) = oneshot::channel();
        let (store, now) = (self.store.clone(), clock::unix_ms());
        let keeping = async move {
            let _ = answer.send(store.put(collection, record, now).await); // the caller may have left
            Ok(())
        };
        self.drain.spawn("keeping a record", |_| keeping.in_current_span());
        answered.await.map_err(|_| Error::Closed)?
    }
}

#[tonic::async_trait]
impl MemoryService for Memory {
    async fn store_review(
        &self,
        request: Request<StoreReviewRequest>,
    ) -> Result<Response<StoreReviewResponse>, Status> {
        let Stored { id, created_at } = self.put(request::review(request.into_inner(), new_id)?).await?;
        Ok(Response::new(StoreReviewResponse { id, created_at: created_at as f64 }))
    }

    async fn find_similar_reviews(
        &self,
        request: Request<FindSimilarReviewsRequest>,
    ) -> Result<Response<FindSimilarReviewsResponse>, Status> {
        let search = request::find_reviews(request.into_inner())?;
        let found = self.store.find(search, MESSAGE_LIMIT).await?;
        let results = found.into_iter().filter_map(review).collect();
        Ok(Response::new(FindSimilarReviewsResponse { results, exact: true }))
    }

    async fn store_decision(
        &self,
        request: Request<StoreDecisionRequest>,
    ) -> Result<Response<StoreDecisionResponse>, Status> {
        let Stored { id, created_at } = self.put(request::decision(request.into_inner(), new_id)?).await?;
        Ok(Response::new(StoreDecisionResponse { id, created_at: created_at as f64 }))
    }

    async fn find_similar_decisions(
        &self,
        request: Request<FindSimilarDecisionsRequest>,
    ) -> Result<Response<FindSimilarDecisionsResponse>, Status> {
        let search = request::find_decisions(request.into_inner())?;
        let found = self.store.find(search, MESSAGE_LIMIT).await?;
        let results = found.into_iter().filter_map(decision).collect();
        Ok(Response::new(FindSimilarDecisionsResponse { results, exact: true }))
    }
}

fn new_id() -> String {
    Uuid::now_v7().to_string()
}

/// None for a record of another kind; the store keeps those in other collections.
fn review(found: Found) -> Option<SimilarReview> {
    let Found { score, created_at, record: Record { id, text: code, body, metadata } } = found;
    let Body::Review { review } = body else { return None };
    let (metadata, created_at) = (Some(metadata.to_struct()), created_at as f64);
    Some(SimilarReview { id, score, code, review, metadata, created_at })
}

/// None for a record of another kind; the store keeps those in other collections.
fn decision(found: Found) -> Option<SimilarDecision> {
    let Found { score, created_at, record: Record { id, text: context, body, metadata } } = found;
    let Body::Decision { action, reason, job_id } = body else { return None };
    let (metadata, created_at) = (Some(metadata.to_struct()), created_at as f64);
    Some(SimilarDecision {
        id,
        score,
        action: action.to_string(),
        reason,
        context,
        job_id,
        metadata,
        created_at,
    })
}

#[cfg(test)]
mod tests {
    use std::{future::ready, time::Duration};

    use bsm_proto::memory::v1::FindSimilarReviewsRequest as Find;
    use bsm_runtime::folder::Folder;

    use super::*;

    #[tokio::test]
    async fn a_write_goes_on_when_its_caller_leaves_and_is_waited_for_at_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let drain = Drain::new(Duration::from_secs(10));
        let memory = Memory::new(Store::open(Folder::open(dir.path()).unwrap()).unwrap(), drain.clone());
        let review =
            StoreReviewRequest { code: "word".to_owned(), review: "fine".to_owned(), ..Default::default() };
        tokio::select! {
            biased;
            _ = memory.store_review(Request::new(review)) => panic!("nothing else could run yet"),
            () = ready(()) => {} // the caller leaves
        }
        drain.finish().await.unwrap();
        let wanted = Request::new(Find { code: "word".to_owned(), ..Default::default() });
        assert_eq!(memory.find_similar_reviews(wanted).await.unwrap().into_inner().results.len(), 1);
    }
}
