//! On whose account a call is made: what budgets and usage are kept by, handed on from hop to hop.
//!
//! The gateway says who the caller is, from what it authenticated; what a client says of itself is never read. Services
//! behind it believe what they are told, as they do of a call's importance.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};

/// Who calls, when nobody has said so.
pub const ANONYMOUS: &str = "anonymous";
/// Who calls with the operator's token.
pub const ADMIN: &str = "admin";
/// Who calls by a delivery that proved to be GitHub's.
pub const GITHUB: &str = "github";

const CALLER: HeaderName = HeaderName::from_static("x-bsm-caller");
const AGENT: HeaderName = HeaderName::from_static("x-bsm-agent");
const JOB: HeaderName = HeaderName::from_static("x-bsm-job");
const SEES: HeaderName = HeaderName::from_static("x-bsm-sees");

/// What the header says of a caller who sees their own account alone.
const OWN: &str = "own";

/// The longest name, in bytes.
const LONGEST: usize = 64;

/// Whose accounts a caller may look into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sees {
    /// Everybody's: the operator, a key with the right to administer, the services themselves, and a developer on their
    /// own machine.
    #[default]
    All,
    /// Their own alone: any other key.
    Own,
}

/// On whose account a call is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Account {
    caller: Option<Arc<str>>,
    sees: Sees,
    agent: Option<Arc<str>>,
    job: Option<Arc<str>>,
}

/// Whether a text may name a caller, an agent or a job: 1 to 64 of `[A-Za-z0-9._:-]`.
pub fn is_name(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b':'))
}

// === impl Account ===

impl Account {
    /// As the hop before says.
    pub(super) fn from_headers(headers: &HeaderMap) -> Account {
        let name = |key| headers.get(key).and_then(|value: &HeaderValue| name(value.to_str().ok()?));
        let is_own = headers.get(SEES).is_some_and(|sees| sees.as_bytes() == OWN.as_bytes());
        let sees = if is_own { Sees::Own } else { Sees::All };
        Account { caller: name(CALLER), sees, agent: name(AGENT), job: name(JOB) }
    }

    pub(super) fn write(&self, headers: &mut HeaderMap) {
        for (key, name) in [(CALLER, &self.caller), (AGENT, &self.agent), (JOB, &self.job)] {
            if let Some(value) = name.as_deref().and_then(|name| HeaderValue::from_str(name).ok()) {
                headers.insert(key, value);
            }
        }
        if self.sees == Sees::Own {
            headers.insert(SEES, HeaderValue::from_static(OWN));
        }
    }

    pub(super) fn sees(&self) -> Sees {
        self.sees
    }

    pub(super) fn seeing(self, sees: Sees) -> Account {
        Account { sees, ..self }
    }

    pub(super) fn caller(&self) -> &str {
        self.caller.as_deref().unwrap_or(ANONYMOUS)
    }

    pub(super) fn agent(&self) -> Option<&str> {
        self.agent.as_deref()
    }

    pub(super) fn job(&self) -> Option<&str> {
        self.job.as_deref()
    }

    pub(super) fn with_caller(self, caller: &str) -> Account {
        Account { caller: name(caller), ..self }
    }

    pub(super) fn with_agent(self, agent: &str) -> Account {
        Account { agent: name(agent), ..self }
    }

    pub(super) fn with_job(self, job: &str) -> Account {
        Account { job: name(job), ..self }
    }
}

/// What is no name counts as none: a header cannot hold it, and a list should not show it.
fn name(text: &str) -> Option<Arc<str>> {
    is_name(text).then(|| text.into())
}
