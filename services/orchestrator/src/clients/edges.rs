//! The mesh over gRPC, each service behind its own client stack.

use std::{future::Future, sync::Arc, time::Duration};

use bsm_proto::{
    knowledge::v1::{FoundPassage, SearchKnowledgeRequest, knowledge_service_client::KnowledgeServiceClient},
    memory::v1::{
        FindSimilarReviewsRequest, SimilarReview, StoreDecisionRequest, StoreReviewRequest,
        memory_service_client::MemoryServiceClient,
    },
    models::v1::{CompleteRequest, CompleteResponse, Prompt, model_service_client::ModelServiceClient},
    registry::v1::{Agent, ResolveAgentRequest},
};
use bsm_runtime::{
    call::Call,
    client::{BadUrl, Edge},
    process::Process,
    role::Role,
    server::MESSAGE_LIMIT,
};
use tonic::{Response, Status};

use super::{
    Document, Known, Mesh, Passage, PassageQuestion, Refused, Reply,
    cached::{self, Cached},
};

/// What a question to a store may take; they answer in moments, and a job goes on without most of them. Longer than one
/// attempt: that an attempt was in vain tells the breaker of a store that hangs, that our own patience ended does not.
pub(super) const STORE_PATIENCE: Duration = Duration::from_secs(6);

/// A client of each service, and what two of them said.
#[derive(Clone)]
pub struct Edges {
    cached: Cached,
    knowledge: KnowledgeServiceClient<Edge>,
    memory: MemoryServiceClient<Edge>,
    models: ModelServiceClient<Edge>,
}

impl Edges {
    /// Ways to the services that the process knows. Connects when first used, and to those whose answers are kept at
    /// once: `wanted` is what jobs will ask the registry.
    ///
    /// # Errors
    /// When the URL of one is malformed.
    pub fn new(process: &Process, wanted: Vec<ResolveAgentRequest>) -> Result<Self, BadUrl> {
        let registry = cached::limited_registry(process.edge(Role::Registry)?);
        let knowledge = cached::limited_knowledge(process.edge(Role::Knowledge)?);
        let memory = MemoryServiceClient::new(process.edge(Role::Memory)?);
        let models = ModelServiceClient::new(process.edge(Role::Models)?);
        let cached = Cached::new(process, registry, knowledge.clone());
        cached.follow(process, wanted)?;
        Ok(Self {
            cached,
            knowledge,
            memory: memory.max_decoding_message_size(MESSAGE_LIMIT),
            models: models.max_decoding_message_size(MESSAGE_LIMIT),
        })
    }
}

impl Mesh for Edges {
    fn resolve_agent<'a>(&'a self, call: &'a Call, request: ResolveAgentRequest) -> Reply<'a, Known<Agent>> {
        Box::pin(self.cached.agent(call, request))
    }

    fn documents<'a>(&'a self, call: &'a Call) -> Reply<'a, Known<Arc<[Document]>>> {
        Box::pin(self.cached.documents(call))
    }

    fn passages<'a>(&'a self, call: &'a Call, question: PassageQuestion) -> Reply<'a, Vec<Passage>> {
        let mut knowledge = self.knowledge.clone();
        let question = SearchKnowledgeRequest {
            q: question.words,
            limit: Some(question.limit),
            audience: question.audience,
            fuzzy: Some(0), // the words of a change are names; near spellings of them are other things
            token_budget: Some(question.tokens),
            include_rest: true,
            ..SearchKnowledgeRequest::default()
        };
        let request = call.within(STORE_PATIENCE).request(question);
        Box::pin(async move {
            let found = answered(knowledge.search_knowledge(request)).await?.results;
            Ok(found.into_iter().map(passage).collect())
        })
    }

    fn similar_reviews<'a>(
        &'a self,
        call: &'a Call,
        code: String,
        top_k: u32,
    ) -> Reply<'a, Vec<SimilarReview>> {
        let mut memory = self.memory.clone();
        let question = FindSimilarReviewsRequest { code, top_k: Some(top_k), namespace: None, filter: None };
        let request = call.within(STORE_PATIENCE).request(question);
        Box::pin(async move { Ok(answered(memory.find_similar_reviews(request)).await?.results) })
    }

    fn complete<'a>(&'a self, call: &'a Call, prompt: Prompt) -> Reply<'a, CompleteResponse> {
        let mut models = self.models.clone();
        let request = call.request(CompleteRequest { prompt: Some(prompt) });
        Box::pin(async move { answered(models.complete(request)).await })
    }

    fn store_review<'a>(&'a self, call: &'a Call, review: StoreReviewRequest) -> Reply<'a, ()> {
        let mut memory = self.memory.clone();
        let request = call.within(STORE_PATIENCE).request(review);
        Box::pin(async move { answered(memory.store_review(request)).await.map(drop) })
    }

    fn store_decision<'a>(&'a self, call: &'a Call, decision: StoreDecisionRequest) -> Reply<'a, ()> {
        let mut memory = self.memory.clone();
        let request = call.within(STORE_PATIENCE).request(decision);
        Box::pin(async move { answered(memory.store_decision(request)).await.map(drop) })
    }
}

fn passage(found: FoundPassage) -> Passage {
    let FoundPassage { id, document, headings, text, tokens, .. } = found;
    let document = document.unwrap_or_default();
    let (title, source, hash, audience) = (document.title, document.source, document.hash, document.audience);
    Passage { id, title, headings, source, hash, text, tokens, audience }
}

async fn answered<T>(asking: impl Future<Output = Result<Response<T>, Status>>) -> Result<T, Refused> {
    Ok(asking.await?.into_inner())
}
