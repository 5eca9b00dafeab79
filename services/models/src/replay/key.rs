//! Under what an answer is kept, and what tells questions apart.

use std::fmt::{self, Debug, Write as _};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::ask::{Ask, EmbedAsk};

/// Why an answer is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Kind {
    /// For whoever repeats the call under its idempotency key.
    Repeat,
    /// For whoever asks the same and said that a kept answer will do.
    Exact,
}

/// Where an answer is found. Nobody finds another tenant's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// By the key that the caller gave the call.
    Repeat { tenant: Arc<str>, key: Arc<str> },
    /// By what was asked.
    Exact { tenant: Arc<str>, print: Print },
}

/// A question by the SHA-256 of all there is in it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Print([u8; 32]);

/// Hashes what is written to it.
struct Hasher(Sha256);

// === impl Kind ===

impl Kind {
    pub(super) const ALL: [Kind; 2] = [Kind::Repeat, Kind::Exact];

    /// The name under which operators see and clear it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Kind::Repeat => "idempotency",
            Kind::Exact => "responses",
        }
    }
}

// === impl Key ===

impl Key {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Key::Repeat { .. } => Kind::Repeat,
            Key::Exact { .. } => Kind::Exact,
        }
    }

    pub(super) fn bytes(&self) -> usize {
        match self {
            Key::Repeat { tenant, key } => tenant.len() + key.len(),
            Key::Exact { tenant, .. } => tenant.len() + 32,
        }
    }
}

// === impl Print ===

impl Print {
    /// Of a question, whole and streamed answers alike, whatever its idempotency key.
    pub(super) fn of(ask: &Ask) -> Print {
        match ask.idempotency_key {
            None => Print::of_fields("ask", ask),
            Some(_) => Print::of_fields("ask", &Ask { idempotency_key: None, ..ask.clone() }),
        }
    }

    /// Of texts to turn into vectors.
    pub(super) fn of_texts(ask: &EmbedAsk) -> Print {
        Print::of_fields("texts", ask)
    }

    /// Of a request that is passed on as it is: all that tells it from others.
    #[must_use]
    pub fn of_parts(parts: &[&[u8]]) -> Print {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        Print(hasher.finalize().into())
    }

    /// By the derived `Debug`, which names every field and quotes every text: no field can be forgotten here, and two
    /// questions are written alike only if they are.
    fn of_fields(what: &str, fields: &impl Debug) -> Print {
        let mut hasher = Hasher(Sha256::new());
        write!(hasher, "{what} {fields:?}").expect("hashing takes everything");
        Print(hasher.0.finalize().into())
    }
}

impl Debug for Print {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

// === impl Hasher ===

impl fmt::Write for Hasher {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text);
        Ok(())
    }
}
