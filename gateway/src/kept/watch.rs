//! The watches that keep the answers true: one task for each service.

use std::sync::Arc;

use bsm_proto::{
    knowledge::v1::{
        WatchDocumentsRequest, WatchDocumentsResponse, knowledge_service_client::KnowledgeServiceClient,
    },
    ops::v1::{WatchTransitionsRequest, WatchTransitionsResponse, ops_service_client::OpsServiceClient},
    registry::v1::{WatchAgentsRequest, WatchAgentsResponse, registry_service_client::RegistryServiceClient},
};
use bsm_runtime::{
    call::Call,
    client::BadUrl,
    follow::{Changed, Follower, LAP},
    process::Process,
    role::Role,
    server::MESSAGE_LIMIT,
};
use tonic::{Request, Response};
use uuid::Uuid;

use super::{Kept, Shelf};

pub(super) fn start(process: &Process, kept: &Kept) -> Result<(), BadUrl> {
    agents(process, kept)?;
    documents(process, kept)?;
    providers(process, kept)
}

fn follower<M>(kept: &Kept, shelf: Shelf, what: &'static str, version: fn(M) -> String) -> Follower<M> {
    let (answers, ahead) = (kept.shelf(shelf).clone(), kept.ahead(shelf));
    let caches = vec![Arc::new(answers.clone()) as _];
    let warm = Box::new(move || ahead.iter().for_each(|question| answers.warm(question)));
    // A list that is marked as old is better than none while its new version cannot be had.
    Follower { what, caches, changed: Changed::Doubted, warm, version }
}

fn request<M>(message: M) -> Request<M> {
    Call::background(&Uuid::new_v4().to_string()).within(LAP).request(message)
}

fn agents(process: &Process, kept: &Kept) -> Result<(), BadUrl> {
    let version = |message: WatchAgentsResponse| message.version;
    let follower = follower(kept, Shelf::Registry, "agents", version);
    let edge = process.watch_edge(Role::Registry)?;
    let client = RegistryServiceClient::new(edge).max_decoding_message_size(MESSAGE_LIMIT);
    let open = move |last_version| {
        let mut client = client.clone();
        async move {
            client.watch_agents(request(WatchAgentsRequest { last_version })).await.map(Response::into_inner)
        }
    };
    process.drain.spawn("watch of agents", |stop| follower.run(open, stop));
    Ok(())
}

fn documents(process: &Process, kept: &Kept) -> Result<(), BadUrl> {
    let version = |message: WatchDocumentsResponse| message.version;
    let follower = follower(kept, Shelf::Knowledge, "documents", version);
    let edge = process.watch_edge(Role::Knowledge)?;
    let client = KnowledgeServiceClient::new(edge).max_decoding_message_size(MESSAGE_LIMIT);
    let open = move |last_version| {
        let mut client = client.clone();
        async move {
            let request = request(WatchDocumentsRequest { last_version });
            client.watch_documents(request).await.map(Response::into_inner)
        }
    };
    process.drain.spawn("watch of documents", |stop| follower.run(open, stop));
    Ok(())
}

/// Whether a provider can be used changes with its breakers, whose transitions every process tells.
fn providers(process: &Process, kept: &Kept) -> Result<(), BadUrl> {
    let version = |change: WatchTransitionsResponse| change.event_id;
    let follower = follower(kept, Shelf::Providers, "providers", version);
    let client = OpsServiceClient::new(process.watch_edge(Role::Models)?);
    let open = move |last_event_id| {
        let mut client = client.clone();
        async move {
            let request = request(WatchTransitionsRequest { last_event_id });
            client.watch_transitions(request).await.map(Response::into_inner)
        }
    };
    process.drain.spawn("watch of providers", |stop| follower.run(open, stop));
    Ok(())
}
