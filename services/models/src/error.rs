//! What the model gateway refuses or fails to do.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use crate::ask::Violation;
use crate::budget::{Exhausted, Rule};
use crate::chat;
use crate::failure::{Failure, Kind};
use crate::usage;

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Fields that are not as the contract wants them; never empty.
    #[error("the request is not usable: {}", listed(.0))]
    Invalid(Vec<Violation>),
    /// A document that is no JSON.
    #[error("the body is not JSON that can be read: {problem}, line {line}, column {column}")]
    Json {
        /// What is wrong.
        problem: String,
        /// Where, from 1.
        line: usize,
        /// Where in the line, from 1.
        column: usize,
    },
    /// A chat message that is not as the contract wants it.
    #[error(transparent)]
    Chat(#[from] chat::Refused),
    /// No such model can be asked for.
    #[error("there is no model {name:?}; ask for {known}")]
    UnknownModel {
        /// What was asked for, cut to 128 characters.
        name: String,
        /// What can be asked for, as the rest of a sentence.
        known: String,
    },
    /// Whoever is asked for makes no vectors.
    #[error("{name} has no embeddings")]
    NoEmbeddings {
        /// What was asked for.
        name: String,
    },
    /// The provider has no key.
    #[error("no key for {provider} is configured; set {variable}")]
    MissingKey {
        /// Which provider.
        provider: Arc<str>,
        /// The environment variable that would give it one.
        variable: Arc<str>,
    },
    /// The provider is not configured in full.
    #[error("{provider} has a key, but no {what}; set {variable}")]
    NotConfigured {
        /// Which provider.
        provider: Arc<str>,
        /// What is missing, e.g. `address`.
        what: &'static str,
        /// The environment variable that would say it.
        variable: Arc<str>,
    },
    /// The operator lists the hosts that may be asked, and the provider's is not among them.
    #[error("{provider} is not asked: its host is not in EGRESS_ALLOWED_HOSTS")]
    NotListed {
        /// Which provider.
        provider: Arc<str>,
    },
    /// Safe mode keeps the provider from being asked.
    #[error("safe mode is on, and {provider} is outside of this process; ask for offline, or switch it off")]
    SafeMode {
        /// Which provider.
        provider: Arc<str>,
    },
    /// A budget has no room for it.
    #[error(transparent)]
    Budget(Box<Exhausted>),
    /// A budget in dollars cannot hold a model whose price nobody knows.
    #[error(
        "nobody knows what {model} costs, so the budget of {budget} cannot hold it; give it a price in the models file \
         (models: {{ {model}: {{ price: {{ input: 0, output: 0 }} }} }}, in dollars per million tokens), or ask for a model \
         that has one"
    )]
    Unpriced {
        /// Which model, as `provider/model`.
        model: String,
        /// Which budget.
        budget: Rule,
    },
    /// A key asks for what another has used.
    #[error(
        "the usage of {asked} is not shown to this key, which sees its own alone; leave key out, or use a key with the \
         scope admin"
    )]
    OthersUsage {
        /// Whose usage was asked for, cut to 128 characters.
        asked: String,
    },
    /// The usage cannot be read.
    #[error(transparent)]
    Usage(#[from] usage::ReadError),
    /// The call cannot be repeated or resumed.
    #[error(transparent)]
    Replay(crate::replay::Refused),
    /// Every candidate failed.
    #[error("{}", told(.0))]
    Failed(Attempts),
}

/// The failed attempts of one call, in order; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempts {
    before: Vec<Attempt>,
    last: Attempt,
}

/// One attempt that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The provider that was tried.
    pub provider: Arc<str>,
    /// The model that was asked for.
    pub model: String,
    /// What became of it.
    pub failure: Failure,
}

// === impl Attempts ===

impl Attempts {
    /// The attempts that led to the last one, and that one.
    #[must_use]
    pub fn new(before: Vec<Attempt>, last: Attempt) -> Self {
        Self { before, last }
    }

    /// The last one, which decides how the whole failed.
    #[must_use]
    pub fn last(&self) -> &Attempt {
        &self.last
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Attempt> {
        self.before.iter().chain([&self.last])
    }

    /// The kind of the last failure.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.last.failure.kind
    }

    /// When the same may succeed, as far as it is known.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.last.failure.retry_after
    }
}

fn listed(violations: &[Violation]) -> String {
    let sentences: Vec<String> = violations.iter().map(|v| format!("{} {}", v.field, v.problem)).collect();
    sentences.join("; ")
}

/// The last failure, and what was tried before it.
fn told(attempts: &Attempts) -> String {
    let mut sentence = attempts.last.failure.to_string();
    for (at, Attempt { provider, model, failure }) in attempts.before.iter().enumerate() {
        let lead = if at == 0 { " (tried before:" } else { "," };
        let _ = write!(sentence, "{lead} {provider}/{model} {}", failure.reason()); // a String takes everything
    }
    if !attempts.before.is_empty() {
        sentence.push(')');
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(kind: Kind, message: &str) -> Attempt {
        Attempt {
            provider: "openai".into(),
            model: "gpt-4o".to_owned(),
            failure: Failure::new(kind, message),
        }
    }

    #[test]
    fn the_last_failure_is_told_with_what_was_tried_before() {
        let last = attempt(Kind::Timeout, "openai did not answer within 30s");
        let alone = Error::Failed(Attempts::new(Vec::new(), last.clone()));
        assert_eq!(alone.to_string(), "openai did not answer within 30s");
        let before = vec![attempt(Kind::Credential, "x"), attempt(Kind::Quota, "y")];
        let third = Error::Failed(Attempts::new(before, last));
        let expected = "openai did not answer within 30s (tried before: openai/gpt-4o CREDENTIAL_REFUSED, \
                        openai/gpt-4o QUOTA_EXHAUSTED)";
        assert_eq!(third.to_string(), expected);
    }

    #[test]
    fn every_wrong_field_is_in_the_sentence() {
        let wrong = vec![Violation::new("a", "must not be empty"), Violation::new("b", "must be 1")];
        let sentence = Error::Invalid(wrong).to_string();
        assert_eq!(sentence, "the request is not usable: a must not be empty; b must be 1");
    }
}
