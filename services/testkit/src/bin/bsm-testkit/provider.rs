//! `bsm-testkit provider`.

use std::{
    net::SocketAddr,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

use anyhow::Context;
use axum::{Json, Router, extract::State, routing::get};
use bsm_testkit::{
    Call, End, Provider, Reply,
    provider::{Record, Setup, Tally},
};
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::{
    behaviour::Behaviour,
    cannot_listen, cli,
    control::{self, Wrong},
};

#[derive(Clone)]
struct Running {
    provider: Provider,
    script: Arc<RwLock<Script>>,
    /// As the command line has it.
    first: Arc<Behaviour>,
    began: Instant,
}

/// What is in force, and what came of it.
struct Script {
    behaviour: Behaviour,
    /// Calls that have met its fault.
    met: AtomicU64,
}

pub(crate) async fn start(args: cli::Provider) -> anyhow::Result<(SocketAddr, Router)> {
    args.behaviour.check().map_err(anyhow::Error::msg)?;
    let record = if args.counts_only { Record::Counts } else { Record::Everything };
    let first = Arc::new(args.behaviour);
    let script = Arc::new(RwLock::new(Script::of(Behaviour::clone(&first))));
    let asks = script.clone();
    let setup = Setup { port: args.port, record, ..Setup::default() };
    let provider = Provider::set_up(setup, move |asked| {
        asks.read().unwrap_or_else(PoisonError::into_inner).reply(asked.number)
    });
    let provider = provider.await.with_context(|| cannot_listen(args.port))?;
    let running = Running { provider, script, first, began: Instant::now() };
    running.accept_keys();
    let address = running.provider.address();
    let control = Router::new()
        .route("/behaviour", get(show).put(replace).patch(change).delete(restore))
        .route("/fired", get(fired))
        .route("/calls", get(calls))
        .route("/tally", get(tally))
        .with_state(running);
    Ok((address, control))
}

async fn show(State(running): State<Running>) -> Json<Behaviour> {
    Json(running.behaviour())
}

/// What is not named goes back to its default.
async fn replace(State(running): State<Running>, body: String) -> Result<Json<Behaviour>, Wrong> {
    running.behave(control::json(&body)?)
}

/// What is not named stays.
async fn change(State(running): State<Running>, body: String) -> Result<Json<Behaviour>, Wrong> {
    let named: Map<String, Value> = control::json(&body)?;
    let mut all = serde_json::to_value(running.behaviour())?;
    for (name, value) in named {
        all[name] = value;
    }
    running.behave(control::value(all)?)
}

/// Everything goes back to what the command line says.
async fn restore(State(running): State<Running>) -> Result<Json<Behaviour>, Wrong> {
    running.behave(Behaviour::clone(&running.first))
}

async fn fired(State(running): State<Running>) -> (StatusCode, String) {
    let script = running.script.read().unwrap_or_else(PoisonError::into_inner);
    match script.met.load(Relaxed) {
        _ if !script.behaviour.has_fault() => (StatusCode::CONFLICT, "no fault is in force\n".to_owned()),
        0 => (StatusCode::CONFLICT, "no call has met the fault\n".to_owned()),
        1 => (StatusCode::OK, "1 call has met the fault\n".to_owned()),
        calls => (StatusCode::OK, format!("{calls} calls have met the fault\n")),
    }
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

// === impl Script ===

impl Script {
    fn of(behaviour: Behaviour) -> Script {
        Script { behaviour, met: AtomicU64::new(0) }
    }

    fn reply(&self, number: u64) -> Reply {
        self.met.fetch_add(u64::from(self.behaviour.meets(number)), Relaxed);
        self.behaviour.reply(number)
    }
}

// === impl Running ===

impl Running {
    fn behaviour(&self) -> Behaviour {
        self.script.read().unwrap_or_else(PoisonError::into_inner).behaviour.clone()
    }

    fn behave(&self, behaviour: Behaviour) -> Result<Json<Behaviour>, Wrong> {
        behaviour.check()?;
        *self.script.write().unwrap_or_else(PoisonError::into_inner) = Script::of(behaviour.clone());
        self.accept_keys();
        Ok(Json(behaviour))
    }

    fn accept_keys(&self) {
        let keys = self.behaviour().keys;
        match keys.is_empty() {
            true => self.provider.accept_any_key(),
            false => self.provider.accept_keys(keys),
        }
    }
}
