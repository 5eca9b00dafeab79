//! The one who is told: one POST at a time, through the stack toward the outside.

use std::{error::Error, time::Duration};

use bsm_stack::{
    breaker::{self, Judge},
    bulkhead,
    classify::{Classify, HttpClassifier, Outcome},
};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header, response::Parts};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tracing::{info, warn};

use super::BREAKER;
use crate::{
    guards::Guards,
    outside::{Declared, Destination, HttpClient, NoClient, Outside, Server, Trouble, Trust},
};

/// One alert at most, all attempts together; nobody waits for it but the next one.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where alerts go.
#[derive(Debug)]
pub(super) struct Receiver {
    way: Outside,
    url: SecretString,
    /// Whether the log has been told that alerts fail.
    failing: bool,
}

/// Whatever a receiver answers but a success, an alert has not been taken.
#[derive(Clone, Copy, Debug)]
struct ReceiverClassifier;

// === impl Receiver ===

impl Receiver {
    pub(super) fn new(url: SecretString, guards: &Guards) -> Result<Receiver, NoClient> {
        let server = Server {
            name: BREAKER.to_owned(),
            deadline: PATIENCE,
            attempt: PATIENCE,
            // Two failures in a row are enough to leave a receiver alone for half a minute.
            breaker: breaker::Config { consecutive_failures: 2, ..breaker::Config::provider() },
            bulkhead: bulkhead::Config { max_in_flight: 1, max_queue: 0 },
            classifier: ReceiverClassifier,
        };
        let at = url.expose_secret();
        let destination = Destination { name: BREAKER, url: at, declared: Declared::ByUrl };
        let client = HttpClient::new(destination, PATIENCE, Trust::needed_for(at), guards.egress())?;
        Ok(Receiver { way: Outside::to(server, client, guards), url, failing: false })
    }

    /// Tells the receiver, or the log, once, that it cannot be told. Cancelled: the request is dropped.
    pub(super) async fn post(&mut self, body: &Value) {
        let problem = match self.send(body).await {
            Ok(status) if status.is_success() => None,
            Ok(status) => Some(format!("it answered {status}")),
            Err(Trouble::CircuitOpen { .. }) => return, // the log knows
            Err(trouble) => Some(format!("it {trouble}")),
        };
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

    /// Sends once, or again where nothing was taken. What the answer says beyond its status is not read.
    async fn send(&self, body: &Value) -> Result<StatusCode, Trouble> {
        let request =
            Request::post(self.url.expose_secret()).header(header::CONTENT_TYPE, "application/json");
        let request = request.body(Bytes::from(body.to_string())).map_err(|_| Trouble::Malformed)?;
        let answer = self.way.ask(request).await.map_err(|error| Trouble::of(&*error))?;
        if let Some(permit) = answer.extensions().get::<Judge>().and_then(Judge::take) {
            permit.record(Outcome::Healthy);
        }
        Ok(answer.status())
    }
}

// === impl ReceiverClassifier ===

impl Classify for ReceiverClassifier {
    fn head(&self, head: &Parts) -> Option<Outcome> {
        match HttpClassifier.head(head) {
            Some(Outcome::Healthy | Outcome::Credential) => Some(Outcome::Failure),
            told => told,
        }
    }

    fn trailers(&self, trailers: Option<&HeaderMap>) -> Outcome {
        HttpClassifier.trailers(trailers)
    }

    fn error(&self, error: &(dyn Error + 'static)) -> Outcome {
        HttpClassifier.error(error)
    }
}
