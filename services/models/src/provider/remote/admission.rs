//! Being let through to a provider, and saying afterwards how it went.

use bsm_stack::{CircuitOpen, Deadline, Outcome, breaker, bulkhead};
use secrecy::SecretString;
use tokio::time::Instant;

use super::Remote;
use crate::failure::{Failure, Kind};
use crate::keys::{KeyId, NoKey};
use crate::patience::Patience;

/// One attempt that was let through. Dropped unsettled, because the caller left, it says nothing about the provider.
#[derive(Debug)]
pub(super) struct Turn {
    permit: Option<breaker::Permit>,
    _slot: bulkhead::Permit,
    key: KeyId,
    pub(super) secret: SecretString,
    pub(super) patience: Patience,
}

// === impl Remote ===

impl Remote {
    /// Asks the breaker, the bulkhead and the key pool, in this order: a call that is refused by the breaker takes no
    /// slot, and waiting for a slot is not the provider's time.
    pub(super) async fn admit(&self, deadline: Option<Deadline>) -> Result<Turn, Failure> {
        let permit = self.breaker.acquire().map_err(|open| self.circuit_open(&open))?;
        let wait = deadline.unwrap_or_else(|| Deadline::after(self.limits.whole));
        let slot = self.bulkhead.acquire(Some(wait)).await.map_err(|no| self.no_slot(&no, deadline))?;
        let (key, secret) = self.pool().pick(Instant::now()).map_err(|none| self.no_key(none))?;
        let patience = Patience::new(self.limits, deadline);
        Ok(Turn { permit: Some(permit), _slot: slot, key, secret, patience })
    }

    fn circuit_open(&self, open: &CircuitOpen) -> Failure {
        let sentence = "is not asked while its circuit is open";
        Failure::new(Kind::CircuitOpen, sentence).retry_after(Some(open.retry_in)).of(self.name())
    }

    fn no_slot(&self, no: &bulkhead::Rejected, deadline: Option<Deadline>) -> Failure {
        let failure = match no {
            bulkhead::Rejected::Expired { .. } if deadline.is_some() => {
                Failure::new(Kind::CallerDeadline, "had no free slot before the caller's deadline")
            }
            bulkhead::Rejected::Expired { .. } => {
                Failure::new(Kind::BulkheadFull, "had no free slot in time")
            }
            bulkhead::Rejected::Full { max_in_flight, max_queue, .. } => Failure::new(
                Kind::BulkheadFull,
                format!(
                    "has {max_in_flight} calls in flight and {max_queue} waiting, which is all it may have"
                ),
            ),
        };
        failure.of(self.name())
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
}
