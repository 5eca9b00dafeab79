//! A provider on loopback that does as scripted, and a gateway that asks it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response};
use axum::routing::post;
use bsm_runtime::call::Call;
use bsm_runtime::drain::Drain;
use bsm_runtime::metrics::Metrics;
use bsm_runtime::process::Process;
use bsm_runtime::role::Role;
use bsm_runtime::settings::{Layers, Settings};
use bsm_runtime::versions::Versions;
use futures_util::{StreamExt, stream};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::ask::{Ask, Role as Speaker, Turn};
use crate::config::OpenError;
use crate::fleet::Builder;
use crate::gateway::Gateway;
use crate::ledger::Ledger;
use crate::price::Prices;

/// What the provider does with one call.
#[derive(Clone, Debug)]
pub(crate) enum Script {
    /// Answers with a status, a content type and a body, and headers beside.
    Answer {
        status: u16,
        content_type: &'static str,
        body: String,
        headers: Vec<(&'static str, &'static str)>,
    },
    /// Streams these events, then does that.
    Stream(Vec<String>, Then),
    /// Takes the request and says nothing.
    Hang,
}

/// How a stream goes on after its events.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Then {
    Close,
    Hang,
    Reset,
    /// One byte of a comment every so often, for ever.
    Trickle(Duration),
}

/// A call as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) authorization: String,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) body: Value,
}

/// The running server; it plays its scripts in order, the last one again and again.
pub(crate) struct Scripted {
    pub(crate) url: String,
    stage: Arc<Stage>,
}

struct Stage {
    scripts: Mutex<VecDeque<Script>>,
    seen: Mutex<Vec<Seen>>,
    /// Calls that the other side left before they were answered.
    left: watch::Sender<usize>,
}

/// Counts a call as left when it is dropped, unless it is answered.
struct Watcher {
    stage: Arc<Stage>,
    answered: bool,
}

impl Drop for Watcher {
    fn drop(&mut self) {
        if !self.answered {
            self.stage.left.send_modify(|left| *left += 1);
        }
    }
}

impl Script {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::raw(status, "application/json", body.to_string())
    }

    pub(crate) fn raw(status: u16, content_type: &'static str, body: impl Into<String>) -> Self {
        Script::Answer { status, content_type, body: body.into(), headers: Vec::new() }
    }

    /// A whole answer with this text.
    pub(crate) fn says(text: &str) -> Self {
        let choice =
            json!({"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"});
        let usage = json!({"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5});
        Self::json(200, &json!({"model": "gpt-4o-2024-08-06", "choices": [choice], "usage": usage}))
    }

    /// An error in the wire's shape.
    pub(crate) fn fails(status: u16, code: &str) -> Self {
        Self::json(status, &json!({"error": {"message": "as scripted", "type": "error", "code": code}}))
    }

    /// The same with one more header.
    pub(crate) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        if let Script::Answer { headers, .. } = &mut self {
            headers.push((name, value));
        }
        self
    }

    /// A stream of these pieces of text, whole up to its end.
    pub(crate) fn streams(texts: &[&str]) -> Self {
        let end =
            json!({"model": "gpt-4o-mini", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
        let usage = json!({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}});
        let tail = [event(&end), event(&usage), "data: [DONE]\n\n".to_owned()];
        Script::Stream(deltas(texts).into_iter().chain(tail).collect(), Then::Close)
    }
}

/// The events of these pieces of text.
pub(crate) fn deltas(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| event(&json!({"choices": [{"index": 0, "delta": {"content": text}}]}))).collect()
}

fn event(chunk: &Value) -> String {
    format!("data: {chunk}\n\n")
}

// === impl Scripted ===

impl Scripted {
    pub(crate) async fn start(scripts: impl IntoIterator<Item = Script>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let scripts = Mutex::new(scripts.into_iter().collect());
        let stage = Arc::new(Stage { scripts, seen: Mutex::default(), left: watch::Sender::new(0) });
        let router =
            Router::new().route("/v1/chat/completions", post(play)).route("/v1/embeddings", post(play));
        let router = router.with_state(Arc::clone(&stage));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, stage }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.stage.seen.lock().unwrap().clone()
    }

    /// The keys of the calls so far.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.authorization.replace("Bearer ", "")).collect()
    }

    /// Returns when a call has arrived.
    pub(crate) async fn asked(&self) {
        while self.seen().is_empty() {
            tokio::task::yield_now().await;
        }
    }

    /// Returns when the other side has left a call; how many it left.
    pub(crate) async fn left(&self) -> usize {
        *self.stage.left.subscribe().wait_for(|left| *left > 0).await.unwrap()
    }
}

async fn play(State(stage): State<Arc<Stage>>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let seen = Seen {
        authorization: text("authorization").unwrap_or_default(),
        idempotency_key: text("idempotency-key"),
        body: serde_json::from_slice(&body).unwrap(),
    };
    stage.seen.lock().unwrap().push(seen);
    let mut watcher = Watcher { stage: Arc::clone(&stage), answered: false };
    let script = {
        let mut scripts = stage.scripts.lock().unwrap();
        if scripts.len() > 1 { scripts.pop_front().unwrap() } else { scripts[0].clone() }
    };
    match script {
        Script::Hang => std::future::pending().await,
        Script::Stream(events, then) => streamed(events, then, watcher),
        Script::Answer { status, content_type, body, headers } => {
            watcher.answered = true;
            let response = Response::builder().status(status).header("content-type", content_type);
            let response = headers.into_iter().fold(response, |r, (name, value)| r.header(name, value));
            response.body(Body::from(body)).unwrap()
        }
    }
}

fn streamed(events: Vec<String>, then: Then, mut watcher: Watcher) -> Response<Body> {
    let events = stream::iter(events).map(|event| Ok::<_, std::io::Error>(Bytes::from(event)));
    let tail = match then {
        Then::Close => stream::empty().boxed(),
        Then::Hang => stream::pending().boxed(),
        Then::Reset => stream::once(async {
            tokio::task::yield_now().await; // the server writes out what it has before it hears of the error
            Err(std::io::Error::other("as scripted"))
        })
        .boxed(),
        Then::Trickle(pause) => stream::unfold((), move |()| async move {
            tokio::time::sleep(pause).await;
            Some((Ok(Bytes::from_static(b":")), ()))
        })
        .boxed(),
    };
    watcher.answered = matches!(then, Then::Close);
    // The body owns the watcher, so that a connection that drops is noticed when the body is.
    let body = events.chain(tail).inspect(move |_| {
        let _ = &watcher;
    });
    Response::builder().header("content-type", "text/event-stream").body(Body::from_stream(body)).unwrap()
}

/// The settings of a process whose one provider is at `url` with these keys.
pub(crate) fn settings(url: &str, keys: &[&str]) -> Settings {
    let env: HashMap<&str, &str> = HashMap::from([("BSM_OPENAI_BASE_URL", url)]);
    let layers = Layers::read(None, |name| env.get(name).map(|value| (*value).to_owned()), &[]);
    let mut settings = Settings::from_layers(&layers).unwrap();
    settings.models.openai_keys = keys.iter().map(|key| SecretString::from(*key)).collect();
    settings
}

/// A process with these settings.
pub(crate) fn process(settings: Settings) -> Process {
    Process::new(Role::Models, Arc::new(settings), Drain::new(Duration::from_secs(1)), Metrics::default())
}

/// Somebody who waits for as long as it takes.
pub(crate) fn caller() -> Call {
    Call::background("a-test")
}

/// A question without any wishes.
pub(crate) fn ask(text: &str) -> Ask {
    Ask { turns: vec![Turn::new(Speaker::User, text)], ..Ask::default() }
}

impl Gateway {
    /// The gateway of a process, without a look at later edits of its models file.
    pub(crate) fn of(process: &Process) -> Result<Gateway, OpenError> {
        let builder = Builder::new(Arc::clone(&process.settings), process.guards.clone());
        let fleet = builder.build()?;
        let ledger = Ledger::in_memory(&fleet.catalog().budgets, Prices::of_catalog(fleet.catalog()));
        Ok(Gateway::new(Versions::new(fleet), ledger))
    }
}
