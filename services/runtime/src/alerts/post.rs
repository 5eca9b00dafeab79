//! The one who is told: one POST at a time, with a timeout, behind a breaker.

use std::time::Duration;

use bsm_stack::{
    breaker::{self, Breaker},
    classify::Outcome,
};
use reqwest::{Client, redirect::Policy};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tracing::{info, warn};

/// One POST at most.
const PATIENCE: Duration = Duration::from_secs(5);

/// Two failures in a row are enough to leave a receiver alone for half a minute.
pub(super) fn guard() -> breaker::Config {
    breaker::Config { consecutive_failures: 2, ..breaker::Config::provider() }
}

/// Where alerts go.
#[derive(Debug)]
pub(super) struct Receiver {
    client: Client,
    url: SecretString,
    breaker: Breaker,
    /// Whether the log has been told that alerts fail.
    failing: bool,
}

impl Receiver {
    pub(super) fn new(url: SecretString, breaker: Breaker) -> reqwest::Result<Receiver> {
        // A second install is a no-op; without any, building the client would fail.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().redirect(Policy::none()).no_proxy().timeout(PATIENCE);
        Ok(Receiver { client: client.build()?, url, breaker, failing: false })
    }

    /// Tells the receiver, or the log, once, that it cannot be told. Cancelled: the request is dropped.
    pub(super) async fn post(&mut self, body: &Value) {
        let Ok(permit) = self.breaker.acquire() else { return };
        let sent = self.client.post(self.url.expose_secret()).json(body).send().await;
        let problem = match sent {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(format!("it answered {}", answer.status())),
            Err(err) => Some(err.without_url().to_string()), // the URL may be a secret
        };
        permit.record(if problem.is_none() { Outcome::Healthy } else { Outcome::Failure });
        let fails = problem.is_some();
        match problem {
            Some(problem) if !self.failing => {
                warn!(problem, "alerts do not reach their receiver; the next word is when they do");
            }
            None if self.failing => info!("alerts reach their receiver again"),
            Some(_) | None => {}
        }
        self.failing = fails;
    }
}
