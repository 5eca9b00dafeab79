//! The keys of one provider: which one is used next, and which ones rest.
//!
//! Pure: the time is passed in. The order of the settings is the order of preference; a key that was refused, used
//! up or throttled is passed over until its rest is over, and the first call after that is its probe.

use std::fmt;
use std::time::Duration;

use secrecy::SecretString;
use tokio::time::Instant;

use crate::failure::{Failure, KeyVerdict, Kind};

#[cfg(test)]
mod tests;

/// How long a throttled key rests when the provider does not say.
const DEFAULT_COOLING: Duration = Duration::from_secs(5);
/// How long a throttled key rests at least, so that "0" does not bring it straight back.
const MIN_COOLING: Duration = Duration::from_secs(1);
/// How long a refused key is set aside; it may have been a hiccup of the provider, so it is probed after this.
const REFUSED_FOR: Duration = Duration::from_secs(5 * 60);
/// How long a used-up key is set aside; quotas change when somebody pays.
const EXHAUSTED_FOR: Duration = Duration::from_secs(30 * 60);

/// The keys of one provider, in order of preference.
pub struct KeyPool {
    keys: Vec<Key>,
}

struct Key {
    secret: SecretString,
    rest: Option<Rest>,
}

#[derive(Clone, Copy, Debug)]
struct Rest {
    why: Kind,
    until: Instant,
}

/// Which key of a pool; says nothing about the key itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyId(usize);

/// No key can be used now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoKey {
    /// None is configured.
    Missing,
    /// All of them rest.
    Resting {
        /// Why the one that comes back first rests.
        why: Kind,
        /// When it comes back.
        retry_in: Duration,
    },
}

// === impl KeyPool ===

impl KeyPool {
    /// A pool of keys, the preferred one first.
    #[must_use]
    pub fn new(secrets: Vec<SecretString>) -> Self {
        Self { keys: secrets.into_iter().map(|secret| Key { secret, rest: None }).collect() }
    }

    /// How many keys there are, resting ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no key is configured.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The first key that does not rest.
    ///
    /// # Errors
    /// [`NoKey`] if there is none.
    pub fn pick(&self, now: Instant) -> Result<(KeyId, SecretString), NoKey> {
        let usable = self.keys.iter().position(|key| key.rest_at(now).is_none());
        let at = usable.ok_or_else(|| self.why_none(now))?;
        Ok((KeyId(at), self.keys[at].secret.clone()))
    }

    /// Whether a key could be picked now.
    ///
    /// # Errors
    /// [`NoKey`] if not.
    pub fn usable(&self, now: Instant) -> Result<(), NoKey> {
        self.pick(now).map(|_| ())
    }

    /// Whether a key beside this one could be picked now.
    #[must_use]
    pub fn has_other(&self, KeyId(this): KeyId, now: Instant) -> bool {
        self.keys.iter().enumerate().any(|(at, key)| at != this && key.rest_at(now).is_none())
    }

    /// Takes note of what a failure says about the key that was used.
    pub fn note(&mut self, KeyId(at): KeyId, failure: &Failure, now: Instant) {
        let rest = match failure.kind.row().key {
            KeyVerdict::Keep => return,
            KeyVerdict::Cool => failure.retry_after.unwrap_or(DEFAULT_COOLING).max(MIN_COOLING),
            KeyVerdict::Exhausted => EXHAUSTED_FOR,
            KeyVerdict::Refused => REFUSED_FOR,
        };
        self.keys[at].rest = Some(Rest { why: failure.kind, until: now + rest });
    }

    fn why_none(&self, now: Instant) -> NoKey {
        let rests = self.keys.iter().filter_map(|key| key.rest_at(now));
        rests.min_by_key(|rest| rest.until).map_or(NoKey::Missing, |rest| NoKey::Resting {
            why: rest.why,
            retry_in: rest.until.saturating_duration_since(now),
        })
    }
}

impl fmt::Debug for KeyPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rests: Vec<_> = self.keys.iter().map(|key| key.rest).collect();
        f.debug_struct("KeyPool").field("rests", &rests).finish_non_exhaustive()
    }
}

// === impl Key ===

impl Key {
    fn rest_at(&self, now: Instant) -> Option<Rest> {
        self.rest.filter(|rest| now < rest.until)
    }
}
