//! A model provider on loopback that speaks the wires of real ones and answers as scripted.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::Router;
use tokio::net::TcpListener;

use crate::{
    reply::Reply,
    serve,
    wire::{self, Wire},
};

mod answer;
mod body;
mod call;
mod keys;
mod log;

pub use call::{Asked, Call, End};
use keys::Keys;
use log::Log;
pub use log::{Record, Tally};

type Script = dyn Fn(&Asked) -> Reply + Send + Sync;

/// The running server. It ends with the runtime it was started on.
#[derive(Clone)]
pub struct Provider {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// Where and how a [`Provider`] serves.
pub struct Setup {
    /// The port on loopback; 0, the default, takes a free one.
    pub port: u16,
    /// The wires it speaks; by default all that there are.
    pub wires: Vec<Box<dyn Wire>>,
    /// What is kept of each call.
    pub record: Record,
}

struct Shared {
    wires: Vec<Box<dyn Wire>>,
    script: Mutex<Arc<Script>>,
    keys: Mutex<Keys>,
    log: Arc<Log>,
}

// === impl Setup ===

impl Default for Setup {
    fn default() -> Self {
        Setup { port: 0, wires: wire::all(), record: Record::Everything }
    }
}

// === impl Provider ===

impl Provider {
    /// Starts on a free port; `script` is asked about each call.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(script: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> io::Result<Provider> {
        Provider::set_up(Setup::default(), script).await
    }

    /// Starts as told.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn set_up(
        setup: Setup,
        script: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    ) -> io::Result<Provider> {
        let listener = TcpListener::bind(("127.0.0.1", setup.port)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            wires: setup.wires,
            script: Mutex::new(Arc::new(script)),
            keys: Mutex::default(),
            log: Arc::new(Log::new(setup.record)),
        });
        serve::spawn(listener, Router::new().fallback(answer::answer).with_state(shared.clone()));
        Ok(Provider { address, shared })
    }

    /// The base URL to configure for wires whose paths begin with `/v1`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The base URL to configure for all other wires.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens, for instance as the target of a [`Proxy`](crate::Proxy).
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers differently from now on.
    pub fn script(&self, script: impl Fn(&Asked) -> Reply + Send + Sync + 'static) {
        *self.shared.script.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(script);
    }

    /// Accepts these keys only; a call with another one, or without, gets 401 in its wire's shape.
    pub fn accept_keys<K: Into<String>>(&self, keys: impl IntoIterator<Item = K>) {
        self.keys(|all| all.accept(keys.into_iter().map(Into::into).collect()));
    }

    /// Accepts every key again, and none, as at the start.
    pub fn accept_any_key(&self) {
        self.keys(Keys::accept_any);
    }

    /// Calls with this key get this reply: a 401, a 403, a quota that is used up.
    pub fn refuse_key(&self, key: &str, reply: Reply) {
        self.keys(|all| all.refuse(key, reply));
    }

    /// Forgets what [`refuse_key`](Provider::refuse_key) said about the key.
    pub fn restore_key(&self, key: &str) {
        self.keys(|all| all.restore(key));
    }

    fn keys(&self, change: impl FnOnce(&mut Keys)) {
        change(&mut self.shared.keys.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Every call so far, in order of arrival: what was asked.
    pub fn asked(&self) -> Vec<Asked> {
        self.calls().into_iter().map(|call| call.asked).collect()
    }

    /// Every call so far, in order of arrival, with how it ended.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.log.calls()
    }

    /// The counts, which need no memory per call.
    pub fn tally(&self) -> Tally {
        self.shared.log.tally()
    }

    /// Waits until `done` says so about the calls, and returns them. Cancel safe.
    ///
    /// # Panics
    /// After 10 s, showing the calls: a test that waits longer has failed.
    pub async fn until(&self, done: impl FnMut(&[Call]) -> bool) -> Vec<Call> {
        self.shared.log.until(done).await
    }

    /// Waits until so many calls have come in.
    ///
    /// # Panics
    /// As [`until`](Provider::until).
    pub async fn arrived(&self, calls: usize) -> Vec<Call> {
        self.until(|all| all.len() >= calls).await
    }

    /// Waits until so many clients have left before the end of their answer.
    ///
    /// # Panics
    /// As [`until`](Provider::until).
    pub async fn left(&self, calls: usize) -> Vec<Call> {
        self.until(|all| all.iter().filter(|call| call.end.left().is_some()).count() >= calls).await
    }
}
