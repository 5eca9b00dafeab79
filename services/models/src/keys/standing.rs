//! How each key of a pool stands, for those who look: its place and its variable, never the key.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{Key, KeyPool, Phase};
use crate::failure::Kind;

/// One key of a provider, as far as anybody may know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyLine {
    /// Its place in the order of preference, from 1.
    pub position: usize,
    /// The environment variable that holds it; empty where nobody knows.
    pub variable: Arc<str>,
    /// What it is doing.
    pub state: KeyState,
    /// The reason code of what it rests for or is probed after; empty while it is good.
    pub reason: &'static str,
    /// When it is used or probed again; `None` while it is good or being probed.
    pub retry_in: Option<Duration>,
}

/// What a key is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It serves.
    Usable,
    /// It failed three times in a row and is used only while nothing better is there.
    Doubtful,
    /// The provider asked for a pause.
    Cooling,
    /// Its owner has used it up.
    Exhausted,
    /// The provider refuses it.
    Refused,
    /// Its rest is over, and one call finds out whether it serves again.
    Probing,
}

// === impl KeyState ===

impl KeyState {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            KeyState::Usable => "usable",
            KeyState::Doubtful => "doubtful",
            KeyState::Cooling => "cooling",
            KeyState::Exhausted => "exhausted",
            KeyState::Refused => "refused",
            KeyState::Probing => "probing",
        }
    }

    const fn resting(why: Kind) -> KeyState {
        match why {
            Kind::Throttled => KeyState::Cooling,
            Kind::Quota => KeyState::Exhausted,
            Kind::Credential => KeyState::Refused,
            _ => KeyState::Doubtful, // nobody has said anything against it
        }
    }
}

// === impl KeyPool ===

impl KeyPool {
    /// What each key is doing, in order of preference.
    #[must_use]
    pub fn lines(&self, now: Instant) -> Vec<KeyLine> {
        self.keys.iter().enumerate().map(|(at, key)| key.line(at + 1, now)).collect()
    }
}

// === impl Key ===

impl Key {
    fn line(&self, position: usize, now: Instant) -> KeyLine {
        let (state, reason, retry_in) = match self.phase {
            Phase::Good { .. } => (KeyState::Usable, "", None),
            Phase::Probing { why, .. } => (KeyState::Probing, why.row().reason, None),
            Phase::Resting { why, until } => {
                let left = until.saturating_duration_since(now);
                (KeyState::resting(why), why.row().reason, Some(left))
            }
        };
        KeyLine { position, variable: self.named.variable.clone(), state, reason, retry_in }
    }
}
