//! A GitHub on loopback: pull requests, reviews, comments, labels, checks, statuses and merges over REST.
//!
//! It is strict where GitHub is: it wants a user agent and a token that may write, refuses to merge a head that has
//! moved, and answers what is wrong with 4xx in GitHub's words. What it did stands in [`GitHub::calls`] and
//! [`GitHub::merges`], so that a test can tell what was done once, twice, or never.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::{serve, watched::Watched};

mod check;
mod comment;
mod door;
mod files;
mod label;
mod merge;
mod paging;
mod pull;
mod request;
mod review;
mod routes;
mod rules;
mod view;
mod world;

pub use check::{CheckRun, CommitStatus};
pub use comment::Comment;
pub use merge::Merge;
pub use pull::{NewPull, Pull};
pub use request::Call;
pub use review::Review;
use rules::Rules;
pub use rules::{Access, On, RateLimit, Token, Trouble};
use world::World;

/// The running server. It ends with the runtime it was started on.
#[derive(Clone)]
pub struct GitHub {
    address: SocketAddr,
    hub: Arc<Watched<Hub>>,
}

/// All that it knows.
#[derive(Debug, Default)]
struct Hub {
    world: World,
    rules: Rules,
    calls: Vec<Call>,
}

// === impl GitHub ===

impl GitHub {
    /// Starts on a free port, with nothing in it and no token that is good.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start() -> io::Result<GitHub> {
        GitHub::start_on(0).await
    }

    /// Starts on this port of loopback.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn start_on(port: u16) -> io::Result<GitHub> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let address = listener.local_addr()?;
        let hub = Arc::<Watched<Hub>>::default();
        serve::spawn(listener, Router::new().fallback(door::answer).with_state(hub.clone()));
        Ok(GitHub { address, hub })
    }

    /// The API's URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens, for instance as the target of a [`Proxy`](crate::Proxy).
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Makes a token good, for the user with this login.
    pub fn token(&self, token: &str, login: &str, access: Access) {
        let owner = Token { login: login.to_owned(), access };
        self.hub.change(|hub| hub.rules.tokens.insert(token.to_owned(), owner));
    }

    /// Makes a token bad.
    pub fn revoke(&self, token: &str) {
        self.hub.change(|hub| hub.rules.tokens.remove(token));
    }

    /// Opens a pull request in `owner/name`; one of the same number is replaced.
    pub fn open(&self, repo: &str, pull: NewPull) {
        self.hub.change(|hub| hub.world.open(repo, pull));
    }

    /// Pushes to a pull request: its head is this commit now. Unknown pull requests are left alone.
    pub fn push(&self, repo: &str, number: u64, sha: &str) {
        self.hub.change(|hub| hub.world.push(repo, number, sha));
    }

    /// Pushes to a pull request at the worst moment: when the next such call comes in, before it is answered.
    pub fn push_on(&self, on: On, repo: &str, number: u64, sha: &str) {
        self.hub.change(|hub| hub.rules.push_on(on, repo, number, sha));
    }

    /// Sets the result of CI for a commit; a check run of the same name is replaced.
    pub fn check(&self, repo: &str, sha: &str, check: CheckRun) {
        self.hub.change(|hub| hub.world.set_check(repo, sha, check));
    }

    /// Changes a pull request as people do on the web page: closes it, makes it a draft, protects its base.
    pub fn edit(&self, repo: &str, number: u64, change: impl FnOnce(&mut Pull)) {
        self.hub.change(|hub| {
            if let Ok(pull) = hub.world.pull_mut(repo, number) {
                change(pull);
            }
        });
    }

    /// The next `times` calls of this kind meet this trouble.
    pub fn trouble(&self, on: On, times: usize, trouble: Trouble) {
        self.hub.change(|hub| hub.rules.trouble(on, times, trouble));
    }

    /// How often troubles were met so far, with those of [`GitHub::trouble`] and the empty rate limit.
    pub fn troubles_met(&self) -> usize {
        self.hub.read(|hub| hub.rules.met)
    }

    /// Leaves so many calls until the limit is reset.
    pub fn rate_limit(&self, remaining: u64, reset_in: Duration) {
        self.hub.change(|hub| hub.rules.rate = RateLimit::new(remaining, reset_in));
    }

    /// A pull request as it stands.
    pub fn pull(&self, repo: &str, number: u64) -> Option<Pull> {
        self.hub.read(|hub| hub.world.pull(repo, number).ok().cloned())
    }

    /// The statuses of a commit, in the order in which they were set.
    pub fn statuses(&self, repo: &str, sha: &str) -> Vec<CommitStatus> {
        self.hub.read(|hub| hub.world.statuses(repo, sha).to_vec())
    }

    /// All merges, in order.
    pub fn merges(&self) -> Vec<Merge> {
        self.hub.read(|hub| hub.world.merges.clone())
    }

    /// Every call so far, in order of arrival.
    pub fn calls(&self) -> Vec<Call> {
        self.hub.read(|hub| hub.calls.clone())
    }

    /// Waits until `done` says so about the calls, and returns them. Cancel safe.
    ///
    /// # Panics
    /// After 10 s, showing everything: a test that waits longer has failed.
    pub async fn until(&self, mut done: impl FnMut(&[Call]) -> bool) -> Vec<Call> {
        self.hub.until(|hub| done(&hub.calls)).await;
        self.calls()
    }
}

/// What the API refuses, in its own words.
#[derive(Clone, Debug, PartialEq)]
struct Refused {
    status: u16,
    message: String,
    errors: Vec<Value>,
}

// === impl Refused ===

impl Refused {
    fn new(status: u16, message: impl Into<String>) -> Refused {
        Refused { status, message: message.into(), errors: Vec::new() }
    }

    fn not_found() -> Refused {
        Refused::new(404, "Not Found")
    }

    /// A field that cannot be processed.
    fn invalid(message: impl Into<String>) -> Refused {
        let message = message.into();
        Refused { status: 422, message: "Validation Failed".to_owned(), errors: vec![Value::String(message)] }
    }
}
