//! The keys of one provider: which one is used next, and which ones rest.
//!
//! ```text
//! Good ──three failures in a row──► Resting (doubtful: used only while nothing better is there)
//!  ▲ └───refused, used up, throttled──► Resting (not used at all)
//!  │                                      │ its rest is over
//!  └──────── it was accepted ◄── Probing ◄┘ one call at a time; failed: it rests again
//! ```
//!
//! Whoever asks for fewer calls says so at once, so a throttled key whose probe is out for a second has been let in.
//!
//! Pure: the time is passed in. The order of the settings is the order of preference. A ticket carries the generation
//! of the state that it was drawn from: what an older call learned changes nothing, but may make a rest longer.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bsm_stack::Outcome;
use secrecy::SecretString;
use tokio::time::Instant;

use crate::failure::{Failure, KeyVerdict, Kind};

mod ring;
mod standing;
#[cfg(test)]
mod tests;

pub use ring::{Lent, Ring};
pub use standing::{KeyLine, KeyState};

/// Failures in a row after which a key is doubtful.
const MOST_FAILURES: u32 = 3;
/// How long a doubtful key is passed over while there is another.
const DOUBTED_FOR: Duration = Duration::from_secs(30);
/// How long a throttled key rests when the provider does not say.
const DEFAULT_COOLING: Duration = Duration::from_secs(5);
/// How long a throttled key rests at least, so that "0" does not bring it straight back.
const MIN_COOLING: Duration = Duration::from_secs(1);
/// How long a refused key is set aside; it may have been a hiccup of the provider, so it is probed after this.
const REFUSED_FOR: Duration = Duration::from_secs(5 * 60);
/// How long a used-up key is set aside; quotas change when somebody pays.
const EXHAUSTED_FOR: Duration = Duration::from_secs(30 * 60);
/// When to ask again while a probe is out: it is on its way, and nobody knows for how long.
const PROBE_PAUSE: Duration = Duration::from_secs(1);

/// A key, and where it came from.
#[derive(Clone, Debug)]
pub struct NamedKey {
    /// The environment variable that holds it; empty where nobody knows.
    pub variable: Arc<str>,
    /// The key itself.
    pub secret: SecretString,
}

/// The keys of one provider, in order of preference.
pub struct KeyPool {
    keys: Vec<Key>,
}

struct Key {
    named: NamedKey,
    phase: Phase,
    /// Counts the changes of `phase`.
    generation: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Good { failures: u32 },
    Resting { why: Kind, until: Instant },
    Probing { why: Kind, since: Instant },
}

/// The right to use a key once, to be settled or given back. Says nothing about the key itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    at: usize,
    generation: u64,
}

/// No key can be used now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoKey {
    /// None is configured.
    #[error("has no key")]
    Missing,
    /// All of them rest.
    #[error("has no key that can be used now")]
    Resting {
        /// Why the one that comes back first rests.
        why: Kind,
        /// When it comes back.
        retry_in: Duration,
    },
}

/// What one use says about a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lesson {
    /// It was accepted.
    Sound,
    /// It was used in vain; whose fault that is shows when it happens again.
    InVain(Kind),
    /// It must rest for so long.
    Rest(Kind, Duration),
    /// Nothing: it was not used, or the caller left.
    Nothing,
}

// === impl KeyPool ===

impl KeyPool {
    /// A pool of keys, the preferred one first.
    #[must_use]
    pub fn new(keys: Vec<NamedKey>) -> Self {
        let good = Phase::Good { failures: 0 };
        Self { keys: keys.into_iter().map(|named| Key { named, phase: good, generation: 0 }).collect() }
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

    /// The first key that does not rest, or whose rest is over and that nobody probes: then this use is its probe.
    /// Without either, the first one that is merely doubtful.
    ///
    /// # Errors
    /// [`NoKey`] if there is none.
    pub fn pick(&mut self, now: Instant) -> Result<(Ticket, SecretString), NoKey> {
        let at = self.next(now).ok_or_else(|| self.why_none(now))?;
        let key = &mut self.keys[at];
        match key.phase {
            Phase::Resting { why, until } if until <= now => key.turn(Phase::Probing { why, since: now }),
            Phase::Probing { .. } if key.is_ready(now) => key.turn(Phase::Good { failures: 0 }),
            Phase::Good { .. } | Phase::Resting { .. } | Phase::Probing { .. } => {}
        }
        Ok((Ticket { at, generation: key.generation }, key.named.secret.clone()))
    }

    /// Whether a key could be picked now.
    ///
    /// # Errors
    /// [`NoKey`] if not.
    pub fn usable(&self, now: Instant) -> Result<(), NoKey> {
        self.next(now).map(|_| ()).ok_or_else(|| self.why_none(now))
    }

    /// How many keys there are that nothing is held against now.
    #[must_use]
    pub fn ready(&self, now: Instant) -> usize {
        self.keys.iter().filter(|key| key.is_ready(now)).count()
    }

    /// The provider has let the key in, whatever comes of the answer: a probe has found out what it is for. The ticket
    /// that is to be settled from here on.
    #[must_use]
    pub fn accepted(&mut self, ticket: Ticket) -> Ticket {
        let key = &mut self.keys[ticket.at];
        if ticket.generation == key.generation && matches!(key.phase, Phase::Probing { .. }) {
            key.turn(Phase::Good { failures: 0 });
            return Ticket { generation: key.generation, ..ticket };
        }
        ticket
    }

    /// Takes note of what one use ended in; `None` is a success. Each ticket is settled or given back once.
    pub fn settle(&mut self, ticket: Ticket, failure: Option<&Failure>, now: Instant) {
        let key = &mut self.keys[ticket.at];
        let lesson = failure.map_or(Lesson::Sound, Lesson::of);
        if ticket.generation == key.generation {
            key.learn(lesson, now);
        } else if let Lesson::Rest(why, rest) = lesson {
            key.rest_longer(why, now + rest);
        }
    }

    /// The use came to nothing that says anything about the key: if it was a probe, the next call is.
    pub fn give_back(&mut self, ticket: Ticket, now: Instant) {
        let key = &mut self.keys[ticket.at];
        if ticket.generation == key.generation {
            key.learn(Lesson::Nothing, now);
        }
    }

    fn next(&self, now: Instant) -> Option<usize> {
        let ready = self.keys.iter().position(|key| key.is_ready(now));
        ready.or_else(|| self.keys.iter().position(Key::is_doubtful))
    }

    fn why_none(&self, now: Instant) -> NoKey {
        let waits = self.keys.iter().filter_map(|key| key.wait(now));
        let first = waits.min_by_key(|(_, retry_in)| *retry_in);
        first.map_or(NoKey::Missing, |(why, retry_in)| NoKey::Resting { why, retry_in })
    }
}

impl fmt::Debug for KeyPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phases: Vec<_> = self.keys.iter().map(|key| key.phase).collect();
        f.debug_struct("KeyPool").field("phases", &phases).finish_non_exhaustive()
    }
}

// === impl Key ===

impl Key {
    /// Whether it is good, or due for a probe that nobody makes yet.
    fn is_ready(&self, now: Instant) -> bool {
        match self.phase {
            Phase::Good { .. } => true,
            Phase::Resting { until, .. } => until <= now,
            Phase::Probing { why, since } => why == Kind::Throttled && since + PROBE_PAUSE <= now,
        }
    }

    /// Whether nobody has said anything against it, though it failed again and again.
    fn is_doubtful(&self) -> bool {
        match self.phase {
            Phase::Good { .. } => false,
            Phase::Resting { why, .. } | Phase::Probing { why, .. } => why.row().key == KeyVerdict::Keep,
        }
    }

    /// Why it cannot be used, and for how long.
    fn wait(&self, now: Instant) -> Option<(Kind, Duration)> {
        match self.phase {
            Phase::Good { .. } => None,
            Phase::Resting { why, until } => Some((why, until.saturating_duration_since(now))),
            Phase::Probing { why, .. } => Some((why, PROBE_PAUSE)),
        }
    }

    fn learn(&mut self, lesson: Lesson, now: Instant) {
        match (lesson, self.phase) {
            (Lesson::Sound, Phase::Good { .. }) => self.phase = Phase::Good { failures: 0 },
            (Lesson::Sound, _) => self.turn(Phase::Good { failures: 0 }),
            (Lesson::Rest(why, rest), _) => self.turn(Phase::Resting { why, until: now + rest }),
            (Lesson::InVain(_), Phase::Good { failures }) if failures + 1 < MOST_FAILURES => {
                self.phase = Phase::Good { failures: failures + 1 };
            }
            (Lesson::InVain(why), Phase::Good { .. }) => {
                self.turn(Phase::Resting { why, until: now + DOUBTED_FOR });
            }
            // What it rested for was not said again, and it did not serve either: it is doubtful at most as before.
            (Lesson::InVain(_), Phase::Probing { why, .. }) => {
                self.turn(Phase::Resting { why, until: now + DOUBTED_FOR });
            }
            (Lesson::Nothing, Phase::Probing { why, .. }) => self.turn(Phase::Resting { why, until: now }),
            // A doubtful key that was used for want of a better one.
            (Lesson::InVain(_) | Lesson::Nothing, Phase::Resting { .. }) => {}
            (Lesson::Nothing, Phase::Good { .. }) => {}
        }
    }

    /// A call from before learned that it must rest: it does already, but perhaps not for as long.
    fn rest_longer(&mut self, why: Kind, until: Instant) {
        if let Phase::Resting { until: before, .. } = self.phase
            && before < until
        {
            self.turn(Phase::Resting { why, until });
        }
    }

    fn turn(&mut self, phase: Phase) {
        self.phase = phase;
        self.generation += 1;
    }
}

// === impl NamedKey ===

impl From<SecretString> for NamedKey {
    /// A key of which nobody knows where it came from.
    fn from(secret: SecretString) -> Self {
        Self { variable: Arc::default(), secret }
    }
}

// === impl NoKey ===

impl From<NoKey> for Failure {
    fn from(none: NoKey) -> Self {
        match none {
            NoKey::Missing => Failure::new(Kind::Credential, none.to_string()),
            NoKey::Resting { why, retry_in } => {
                Failure::new(why, none.to_string()).retry_after(Some(retry_in))
            }
        }
    }
}

// === impl Lesson ===

impl Lesson {
    fn of(failure: &Failure) -> Lesson {
        let row = failure.kind.row();
        let cooling = failure.retry_after.unwrap_or(DEFAULT_COOLING).max(MIN_COOLING);
        match (row.key, row.outcome) {
            (KeyVerdict::Cool, _) => Lesson::Rest(failure.kind, cooling),
            (KeyVerdict::Exhausted, _) => Lesson::Rest(failure.kind, EXHAUSTED_FOR),
            (KeyVerdict::Refused, _) => Lesson::Rest(failure.kind, REFUSED_FOR),
            (KeyVerdict::Keep, Outcome::Failure) => Lesson::InVain(failure.kind),
            (KeyVerdict::Keep, Outcome::Healthy) => Lesson::Sound,
            (KeyVerdict::Keep, Outcome::Neutral | Outcome::Throttled | Outcome::Credential) => {
                Lesson::Nothing
            }
        }
    }
}
