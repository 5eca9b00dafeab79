//! `bsm-testkit provider`.

use std::{
    net::SocketAddr,
    sync::{Arc, PoisonError, RwLock},
    time::Instant,
};

use anyhow::Context;
use axum::{Json, Router, extract::State, routing::get};
use bsm_testkit::{
    Call, End, Provider,
    provider::{Record, Setup, Tally},
};
use serde_json::{Value, json};

use crate::{
    behaviour::Behaviour,
    cli,
    control::{self, Wrong},
};

#[derive(Clone)]
struct Running {
    provider: Provider,
    behaviour: Arc<RwLock<Behaviour>>,
    began: Instant,
}

pub(crate) async fn start(args: cli::Provider) -> anyhow::Result<(SocketAddr, Router)> {
    args.behaviour.check().map_err(anyhow::Error::msg)?;
    let record = if args.counts_only { Record::Counts } else { Record::Everything };
    let behaviour = Arc::new(RwLock::new(args.behaviour));
    let script = behaviour.clone();
    let setup = Setup { port: args.port, record, ..Setup::default() };
    let provider = Provider::set_up(setup, move |asked| {
        script.read().unwrap_or_else(PoisonError::into_inner).reply(asked.number)
    });
    let provider = provider.await.context("binding the provider's port")?;
    let running = Running { provider, behaviour, began: Instant::now() };
    running.accept_keys();
    let address = running.provider.address();
    let control = Router::new()
        .route("/behaviour", get(show).put(change))
        .route("/calls", get(calls))
        .route("/tally", get(tally))
        .with_state(running);
    Ok((address, control))
}

async fn show(State(running): State<Running>) -> Json<Behaviour> {
    Json(running.behaviour.read().unwrap_or_else(PoisonError::into_inner).clone())
}

/// Replaces the behaviour: what is not named goes back to its default.
async fn change(State(running): State<Running>, body: String) -> Result<Json<Behaviour>, Wrong> {
    let behaviour: Behaviour = control::json(&body)?;
    behaviour.check()?;
    *running.behaviour.write().unwrap_or_else(PoisonError::into_inner) = behaviour;
    running.accept_keys();
    Ok(show(State(running)).await)
}

async fn tally(State(running): State<Running>) -> Json<Tally> {
    Json(running.provider.tally())
}

async fn calls(State(running): State<Running>) -> Json<Vec<Value>> {
    Json(running.provider.calls().iter().map(|call| view(call, running.began)).collect())
}

fn view(call: &Call, began: Instant) -> Value {
    let ms = |at: Instant| at.saturating_duration_since(began).as_millis() as u64;
    let (end, ended) = match call.end {
        End::Open => ("open", None),
        End::Answered(at) => ("answered", Some(ms(at))),
        End::Left(at) => ("left", Some(ms(at))),
        End::Broken(at) => ("broken", Some(ms(at))),
    };
    let asked = &call.asked;
    json!({"number": asked.number, "at_ms": ms(asked.at), "path": asked.path, "key": asked.key,
           "idempotency_key": asked.idempotency_key, "stream": asked.stream, "body": asked.body,
           "sent": call.sent, "chunks": call.chunks, "end": end, "ended_ms": ended})
}

// === impl Running ===

impl Running {
    fn accept_keys(&self) {
        let keys = self.behaviour.read().unwrap_or_else(PoisonError::into_inner).keys.clone();
        match keys.is_empty() {
            true => self.provider.accept_any_key(),
            false => self.provider.accept_keys(keys),
        }
    }
}
