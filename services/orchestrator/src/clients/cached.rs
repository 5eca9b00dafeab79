//! What the registry and the knowledge service said, kept for the next job and for when they are away.
//!
//! Why an agent that the registry does not allow any more is not run by what it allowed before:
//!
//! - What is kept is one answer of ResolveAgent: for one agent, one context, one kind of caller. Another question is
//!   never answered by it.
//! - An edit of the registry's files reaches [`Follower`] by its watch stream and clears the cache; a load that began
//!   before is not kept. So while there is a stream, a revoked agent is refused as soon as the message is here.
//! - Without a stream every approval from before is doubted: it is asked for again before it is used. If the registry
//!   answers, its answer holds: a refusal is never kept and takes the approval with it, so that a later outage finds
//!   nothing to fall back on. Approvals given meanwhile are kept for 5 minutes, which is how long a revocation can go
//!   unheard if calls go through and streams do not.
//! - Only when the registry cannot be asked at all does the last approval stand in, for 1 h 5 min from when it was
//!   given at most, and the job says so. Nobody can revoke anything through a registry that is away; one who must stop
//!   an agent at once restarts the orchestrator or clears its caches.

use std::{sync::Arc, time::Duration};

use bsm_proto::{
    knowledge::v1::{
        ListDocumentsRequest, ListDocumentsResponse, WatchDocumentsRequest, WatchDocumentsResponse,
        knowledge_service_client::KnowledgeServiceClient,
    },
    registry::v1::{
        Agent, ResolveAgentRequest, WatchAgentsRequest, WatchAgentsResponse,
        registry_service_client::RegistryServiceClient,
    },
};
use bsm_runtime::{
    call::Call,
    client::{BadUrl, Edge},
    follow::{Changed, Follower, LAP},
    layer_status,
    process::Process,
    role::Role,
    server::MESSAGE_LIMIT,
};
use bsm_stack::{
    cache::{Cache, Config, LoadError},
    deadline::DeadlineExceeded,
};
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::{Document, Known, Refused, edges::STORE_PATIENCE};
use crate::status::malformed_answer;

/// Approvals of agents. Beyond the ttl they are asked for before they are used, and stand in for one more hour if that
/// cannot be done.
const AGENTS: Config = Config {
    capacity: 1000,
    max_stale: Duration::ZERO,
    max_stale_on_error: Duration::from_secs(3600),
    // The engine tries again by itself; a failure need not outlast its pauses.
    remember_failure: Duration::from_millis(100),
    ..Config::with_ttl(Duration::from_secs(300))
};

/// The documents. They are advice: old ones are better than none, for a day.
const KNOWLEDGE: Config = Config {
    capacity: 1,
    max_stale: Duration::ZERO,
    max_stale_on_error: Duration::from_secs(24 * 3600),
    ..Config::with_ttl(Duration::from_secs(600))
};

type Registry = RegistryServiceClient<Edge>;
type Knowledge = KnowledgeServiceClient<Edge>;

/// What is kept of two services. A refusal for good is an answer to its caller and not a failed load: a failed load
/// would let the last approval stand in.
#[derive(Clone)]
pub(super) struct Cached {
    agents: Cache<ResolveAgentRequest, Arc<Result<Agent, Refused>>, Refused>,
    knowledge: Cache<(), Arc<[Document]>, Refused>,
}

// === impl Cached ===

impl Cached {
    pub(super) fn new(process: &Process, registry: Registry, knowledge: Knowledge) -> Self {
        let agents = Cache::new("agents", AGENTS, move |request| resolve(registry.clone(), request));
        let knowledge = Cache::new("knowledge", KNOWLEDGE, move |()| documents(knowledge.clone()));
        Self { agents: process.guards.cache(agents), knowledge: process.guards.cache(knowledge) }
    }

    /// Follows both services until the process drains. What the agents in `wanted` may do is known before any job
    /// asks, so that jobs can go on should the registry be away by then.
    pub(super) fn follow(&self, process: &Process, wanted: Vec<ResolveAgentRequest>) -> Result<(), BadUrl> {
        let (agents, knowledge) = (self.agents.clone(), self.knowledge.clone());
        let followed = Follower {
            what: "agents",
            caches: vec![Arc::new(agents.clone())],
            changed: Changed::Forgotten, // an approval may have been revoked
            warm: Box::new(move || wanted.iter().for_each(|request| agents.warm(request))),
            version: |message: WatchAgentsResponse| message.version,
        };
        let registry = limited_registry(process.watch_edge(Role::Registry)?);
        process.drain.spawn("watch of agents", |stop| {
            followed.run(move |last| watch_agents(registry.clone(), last), stop)
        });
        let followed = Follower {
            what: "documents",
            caches: vec![Arc::new(knowledge.clone())],
            changed: Changed::Doubted,
            warm: Box::new(move || knowledge.warm(&())),
            version: |message: WatchDocumentsResponse| message.version,
        };
        let documents = limited_knowledge(process.watch_edge(Role::Knowledge)?);
        process.drain.spawn("watch of documents", |stop| {
            followed.run(move |last| watch_documents(documents.clone(), last), stop)
        });
        Ok(())
    }

    pub(super) async fn agent(
        &self,
        call: &Call,
        request: ResolveAgentRequest,
    ) -> Result<Known<Agent>, Refused> {
        let got = in_time(call, self.agents.get(&request)).await?;
        match &*got.value {
            Ok(agent) => Ok(Known { value: agent.clone(), age: got.stale }),
            Err(refused) => {
                self.agents.invalidate(&request);
                Err(refused.clone())
            }
        }
    }

    pub(super) async fn documents(&self, call: &Call) -> Result<Known<Arc<[Document]>>, Refused> {
        let got = in_time(call, self.knowledge.get(&())).await?;
        Ok(Known { value: got.value, age: got.stale })
    }
}

pub(super) fn limited_registry(edge: Edge) -> Registry {
    RegistryServiceClient::new(edge).max_decoding_message_size(MESSAGE_LIMIT)
}

pub(super) fn limited_knowledge(edge: Edge) -> Knowledge {
    KnowledgeServiceClient::new(edge).max_decoding_message_size(MESSAGE_LIMIT)
}

/// A load serves many calls and belongs to none of them.
fn of_its_own() -> Call {
    Call::background(&Uuid::new_v4().to_string())
}

async fn resolve(
    mut registry: Registry,
    request: ResolveAgentRequest,
) -> Result<Arc<Result<Agent, Refused>>, Refused> {
    let request = of_its_own().within(STORE_PATIENCE).request(request);
    match registry.resolve_agent(request).await.map_err(Refused::from) {
        Ok(answer) => match answer.into_inner().agent {
            Some(agent) => Ok(Arc::new(Ok(agent))),
            None => Err(malformed_answer("registry").into()),
        },
        Err(refused) if refused.is_transient() => Err(refused),
        Err(refused) => Ok(Arc::new(Err(refused))),
    }
}

async fn documents(mut knowledge: Knowledge) -> Result<Arc<[Document]>, Refused> {
    let request = of_its_own().within(STORE_PATIENCE).request(ListDocumentsRequest { audience: Vec::new() });
    Ok(as_documents(knowledge.list_documents(request).await?.into_inner()))
}

/// Texts and what they are come as two lists in the same order.
fn as_documents(answer: ListDocumentsResponse) -> Arc<[Document]> {
    let items = answer.items.into_iter().zip(answer.documents);
    let document = |(info, text): (bsm_proto::knowledge::v1::DocumentInfo, String)| Document {
        id: info.id,
        title: info.title,
        text,
        audience: info.audience,
    };
    items.map(document).collect()
}

async fn watch_agents(
    mut registry: Registry,
    last_version: Option<String>,
) -> Result<tonic::Streaming<WatchAgentsResponse>, tonic::Status> {
    let request = of_its_own().within(LAP).request(WatchAgentsRequest { last_version });
    Ok(registry.watch_agents(request).await?.into_inner())
}

async fn watch_documents(
    mut knowledge: Knowledge,
    last_version: Option<String>,
) -> Result<tonic::Streaming<WatchDocumentsResponse>, tonic::Status> {
    let request = of_its_own().within(LAP).request(WatchDocumentsRequest { last_version });
    Ok(knowledge.watch_documents(request).await?.into_inner())
}

/// The load may go on; the caller waits to its own deadline.
async fn in_time<T>(
    call: &Call,
    got: impl Future<Output = Result<T, Arc<LoadError<Refused>>>>,
) -> Result<T, Refused> {
    let got = match call.deadline() {
        None => got.await,
        Some(deadline) => {
            let given = deadline.remaining(Instant::now());
            let late = |_| Refused::from(layer_status::status_of(&DeadlineExceeded { given }));
            timeout_at(deadline.instant(), got).await.map_err(late)?
        }
    };
    got.map_err(|error| match &*error {
        LoadError::Failed(refused) => refused.clone(),
        lost @ LoadError::Lost => layer_status::status_of(lost).into(),
    })
}
