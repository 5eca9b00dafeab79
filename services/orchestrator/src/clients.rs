//! The other services as the engine needs them: a few questions behind one trait, so that what a job does with
//! the answers can be tried without sockets.

mod cached;
mod edges;
mod known;
mod refused;

use std::sync::Arc;

use bsm_proto::{
    memory::v1::{SimilarReview, StoreDecisionRequest, StoreReviewRequest},
    models::v1::{CompleteResponse, Prompt},
    registry::v1::{Agent, ResolveAgentRequest},
};
use bsm_runtime::call::Call;
use futures_util::future::BoxFuture;

pub use edges::Edges;
pub use known::{Known, in_words};
pub use refused::Refused;

/// The mesh, shared.
pub type SharedMesh = Arc<dyn Mesh>;

/// What a question came to.
pub type Reply<'a, T> = BoxFuture<'a, Result<T, Refused>>;

/// A document of the knowledge service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The file's name without its ending.
    pub id: String,
    /// Its heading.
    pub title: String,
    /// Its text.
    pub text: String,
    /// Agent ids, or "all": whom it is meant for.
    pub audience: Vec<String>,
}

/// What is looked for in the knowledge base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassageQuestion {
    /// With spaces between; not empty.
    pub words: String,
    /// Agents, one of whom a passage is to be meant for.
    pub audience: Vec<String>,
    /// How many may be found by the words, 1 to 100.
    pub limit: u32,
    /// How much of a prompt all may take together, what fills it up behind them included.
    pub tokens: u32,
}

/// A passage of a document of the knowledge base, and where it is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// The document's id, '#' and the passage's own name.
    pub id: String,
    /// The document's title.
    pub title: String,
    /// The headings it stands under, its own last.
    pub headings: Vec<String>,
    /// Where the document lies.
    pub source: String,
    /// SHA-256 of the document, in hex.
    pub hash: String,
    /// Its text.
    pub text: String,
    /// How much of a prompt the text takes, as an estimate.
    pub tokens: u32,
    /// Agent ids, or "all": whom it is meant for.
    pub audience: Vec<String>,
}

/// What the orchestrator asks of the other services. Every question ends by the deadline of `call`, and is
/// withdrawn when its future is dropped.
pub trait Mesh: Send + Sync + 'static {
    /// An agent in full, once the registry's rules allow it. While the registry cannot be asked, as it last allowed it.
    fn resolve_agent<'a>(&'a self, call: &'a Call, request: ResolveAgentRequest) -> Reply<'a, Known<Agent>>;

    /// Passages of the knowledge base, best first.
    fn passages<'a>(&'a self, call: &'a Call, question: PassageQuestion) -> Reply<'a, Vec<Passage>>;

    /// Every document, with its text. While the knowledge service cannot be asked, as they last were.
    fn documents<'a>(&'a self, call: &'a Call) -> Reply<'a, Known<Arc<[Document]>>>;

    /// Past reviews of changes like `code`, best first, at most `top_k`.
    fn similar_reviews<'a>(
        &'a self,
        call: &'a Call,
        code: String,
        top_k: u32,
    ) -> Reply<'a, Vec<SimilarReview>>;

    /// A model's whole answer.
    fn complete<'a>(&'a self, call: &'a Call, prompt: Prompt) -> Reply<'a, CompleteResponse>;

    /// Keeps a review for later jobs; the same id again replaces it.
    fn store_review<'a>(&'a self, call: &'a Call, review: StoreReviewRequest) -> Reply<'a, ()>;

    /// Keeps a decision for later jobs; the same id again replaces it.
    fn store_decision<'a>(&'a self, call: &'a Call, decision: StoreDecisionRequest) -> Reply<'a, ()>;
}
