//! The ways in which asking a provider fails, and what follows from each: one table.

use std::time::Duration;

use bsm_stack::Outcome;

#[cfg(test)]
mod tests;

/// The longest wait that is believed, whatever a provider says: a header must not switch a provider off for days.
pub const LONGEST_WAIT: Duration = Duration::from_secs(5 * 60);

/// The shortest secret, in bytes, that is masked wherever it stands.
pub const SHORTEST_SECRET: usize = 8;

/// Why one attempt brought no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Which kind; everything that follows depends on it alone.
    pub kind: Kind,
    /// A sentence without addresses, bodies or secrets.
    pub message: String,
    /// When the same may succeed, as far as somebody said so; at most [`LONGEST_WAIT`].
    pub retry_after: Option<Duration>,
}

/// The kinds of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A 5xx, a refused or reset connection: the provider's trouble, which may pass.
    Transient,
    /// The provider was slower than one attempt may be.
    Timeout,
    /// The provider asks for fewer calls.
    Throttled,
    /// What the key's owner paid for is used up.
    Quota,
    /// The provider refuses the key.
    Credential,
    /// The provider has no such model, or not any more.
    ModelGone,
    /// The provider will not answer this content.
    ContentPolicy,
    /// The prompt does not fit into the model.
    ContextTooLong,
    /// The provider says that the request is wrong in another way.
    Rejected,
    /// Not sent: the provider's wire has no such thing.
    Unsupported,
    /// A success that holds no answer: empty, cut short, HTML.
    Malformed,
    /// Not sent: the breaker is open.
    CircuitOpen,
    /// Not sent: too many calls are held already.
    BulkheadFull,
    /// Not sent: the egress policy keeps it in.
    Egress,
    /// Not sent: as many have begun as the operator allows in a minute.
    RateLimited,
    /// The caller's own deadline passed.
    CallerDeadline,
    /// The provider in this process broke; a fault of ours.
    Internal,
}

/// What is tried after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The same candidate with its next key; without one, the next candidate.
    Key,
    /// The next candidate of the route.
    Candidate,
    /// Nothing: no other candidate would do better, or there is no time.
    Nothing,
}

/// What becomes of the key that was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyVerdict {
    /// It is as good as before.
    Keep,
    /// It rests for as long as the provider asked.
    Cool,
    /// It is set aside: its owner has used it up.
    Exhausted,
    /// It is set aside: the provider refused it.
    Refused,
}

/// A kind of failure and all that follows from it.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The kind.
    pub kind: Kind,
    /// The reason code that callers see.
    pub reason: &'static str,
    /// What the breaker counts it as.
    pub outcome: Outcome,
    /// What becomes of the key.
    pub key: KeyVerdict,
    /// What is tried next.
    pub next: Next,
}

const fn row(kind: Kind, reason: &'static str, outcome: Outcome, key: KeyVerdict, next: Next) -> Row {
    Row { kind, reason, outcome, key, next }
}

use KeyVerdict::{Cool, Exhausted, Keep, Refused};

/// Every kind, in the order of [`Kind`].
pub const TABLE: [Row; 17] = [
    row(Kind::Transient, "UPSTREAM_ERROR", Outcome::Failure, Keep, Next::Candidate),
    row(Kind::Timeout, "UPSTREAM_TIMEOUT", Outcome::Failure, Keep, Next::Candidate),
    row(Kind::Throttled, "UPSTREAM_THROTTLED", Outcome::Throttled, Cool, Next::Key),
    row(Kind::Quota, "QUOTA_EXHAUSTED", Outcome::Credential, Exhausted, Next::Key),
    row(Kind::Credential, "CREDENTIAL_REFUSED", Outcome::Credential, Refused, Next::Key),
    row(Kind::ModelGone, "MODEL_NOT_FOUND", Outcome::Healthy, Keep, Next::Candidate),
    row(Kind::ContentPolicy, "CONTENT_POLICY", Outcome::Healthy, Keep, Next::Candidate), // each has its own policy
    row(Kind::ContextTooLong, "CONTEXT_TOO_LONG", Outcome::Healthy, Keep, Next::Candidate), // another may hold more
    row(Kind::Rejected, "UPSTREAM_REJECTED", Outcome::Healthy, Keep, Next::Nothing), // wrong here is wrong elsewhere
    row(Kind::Unsupported, "NOT_SUPPORTED", Outcome::Neutral, Keep, Next::Candidate), // another may have it
    row(Kind::Malformed, "UPSTREAM_MALFORMED", Outcome::Failure, Keep, Next::Candidate),
    row(Kind::CircuitOpen, "CIRCUIT_OPEN", Outcome::Neutral, Keep, Next::Candidate),
    row(Kind::BulkheadFull, "BULKHEAD_FULL", Outcome::Neutral, Keep, Next::Candidate),
    row(Kind::Egress, "EGRESS_REFUSED", Outcome::Neutral, Keep, Next::Candidate), // another may be allowed
    row(Kind::RateLimited, "PROVIDER_LIMIT_REACHED", Outcome::Neutral, Keep, Next::Candidate),
    row(Kind::CallerDeadline, "DEADLINE_EXCEEDED", Outcome::Neutral, Keep, Next::Nothing),
    row(Kind::Internal, "INTERNAL", Outcome::Neutral, Keep, Next::Nothing),
];

// === impl Kind ===

impl Kind {
    /// What follows from a failure of this kind.
    #[must_use]
    pub const fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }
}

// === impl Failure ===

impl Failure {
    /// A failure of a kind, said in a sentence.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retry_after: None }
    }

    /// With the time after which the same may succeed; longer ones count as [`LONGEST_WAIT`].
    #[must_use]
    pub fn retry_after(self, wait: Option<Duration>) -> Self {
        Self { retry_after: wait.map(|wait| wait.min(LONGEST_WAIT)), ..self }
    }

    /// The same, told of somebody: the sentence so far has no subject.
    #[must_use]
    pub fn of(self, subject: &str) -> Self {
        Self { message: format!("{subject} {}", self.message), ..self }
    }

    /// The same, told of that many attempts; a single one goes without saying.
    #[must_use]
    pub fn after(mut self, attempts: u32) -> Self {
        if attempts > 1 {
            self.message = format!("{} ({attempts} attempts)", self.message);
        }
        self
    }

    /// The reason code that callers see.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        self.kind.row().reason
    }

    /// The same with every occurrence of a secret in the sentence masked: providers like to quote the key. One shorter
    /// than [`SHORTEST_SECRET`] is found in common words, and stays.
    #[must_use]
    pub fn without(mut self, secret: &str) -> Self {
        if secret.len() >= SHORTEST_SECRET && self.message.contains(secret) {
            self.message = self.message.replace(secret, "[key]");
        }
        self
    }
}
