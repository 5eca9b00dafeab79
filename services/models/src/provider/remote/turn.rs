//! One attempt with one key, and saying afterwards how it went.

use bsm_runtime::call::Call;
use bsm_stack::{Outcome, breaker};
use secrecy::SecretString;
use tokio::time::Instant;

use super::Remote;
use crate::failure::{Failure, Kind};
use crate::keys::{KeyId, NoKey};
use crate::patience::Patience;
use crate::upstream::Reply;

/// One attempt with one key. Dropped unsettled, because the caller left, it says nothing about the provider.
#[derive(Debug)]
pub(super) struct Turn {
    key: KeyId,
    pub(super) secret: SecretString,
    pub(super) patience: Patience,
    /// The duty to judge an answer whose head promised well; what went wrong before is judged by the stack.
    permit: Option<breaker::Permit>,
}

// === impl Remote ===

impl Remote {
    /// A turn with the first key that can be used.
    pub(super) fn turn(&self, call: &Call) -> Result<Turn, Failure> {
        let (key, secret) = self.pool().pick(Instant::now()).map_err(|none| self.no_key(none))?;
        let patience = Patience::new(self.limits, call.deadline());
        Ok(Turn { key, secret, patience, permit: None })
    }

    fn no_key(&self, none: NoKey) -> Failure {
        let failure = match none {
            NoKey::Missing => Failure::new(Kind::Credential, "has no key"),
            NoKey::Resting { why, retry_in } => {
                Failure::new(why, "has no key that can be used now").retry_after(Some(retry_in))
            }
        };
        failure.of(self.name())
    }
}

// === impl Turn ===

impl Turn {
    /// Whether another key could be used as well.
    pub(super) fn has_substitute(&self, remote: &Remote) -> bool {
        remote.pool().has_other(self.key, Instant::now())
    }

    /// The head of an answer has come: from here on this attempt judges it, and its time is running.
    pub(super) fn answered(&mut self, reply: &mut Reply) {
        self.permit = reply.permit();
        self.patience.spent(reply.took());
    }

    /// Tells the breaker and the key pool how it went; only the first word counts.
    pub(super) fn settle(&mut self, remote: &Remote, failure: Option<&Failure>) {
        if let Some(failure) = failure {
            remote.pool().note(self.key, failure, Instant::now());
        }
        self.conclude(failure);
    }

    /// Tells the breaker alone: a key that served the head of a stream was good.
    pub(super) fn conclude(&mut self, failure: Option<&Failure>) {
        let outcome = failure.map_or(Outcome::Healthy, |failure| failure.kind.row().outcome);
        if let Some(permit) = self.permit.take() {
            permit.record(outcome);
        }
    }

    /// A stream has brought something and goes on: whoever waits to see whether the provider is well again has seen it.
    pub(super) fn goes_on(&mut self) {
        if let Some(permit) = &mut self.permit {
            permit.lasts();
        }
    }
}
