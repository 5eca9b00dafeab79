//! What a value is still good for: (entry, now) → fresh, stale, failing or expired. No clock, no I/O.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{Answer, Config, Got, LoadError};

#[cfg(test)]
mod tests;

/// What is known about a key.
#[derive(Debug)]
pub(super) struct Entry<V, E> {
    held: Option<Held<V>>,
    failure: Option<Failure<E>>,
}

/// A value and its times.
#[derive(Clone, Debug)]
struct Held<V> {
    value: V,
    loaded: Instant,
    fresh: Duration,
}

#[derive(Debug)]
struct Failure<E> {
    error: Arc<LoadError<E>>,
    until: Instant,
}

/// The bounds that all entries of a cache share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    ttl: Duration,
    jitter: f64,
    stale_ceiling: Duration,
    error_ceiling: Duration,
    remember_failure: Duration,
}

/// What a caller who asks now is due.
#[derive(Debug)]
pub(super) enum Verdict<V, E> {
    /// The value.
    Fresh(V),
    /// The value and its age; and whether it is time to reload it.
    Stale(V, Duration, Reload),
    /// A load has failed just now: the old value and its age if it may stand in, else the error.
    Failing(Arc<LoadError<E>>, Option<(V, Duration)>),
    /// Nothing without a load.
    Expired,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reload {
    Due,
    /// It has failed just now.
    NotYet,
}

// === impl Rules ===

impl Rules {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            ttl: config.ttl,
            jitter: config.jitter,
            stale_ceiling: match config.max_stale {
                Duration::ZERO => Duration::ZERO, // off altogether, for values that jitter or doubt made stale early, too
                max_stale => config.ttl.saturating_add(max_stale),
            },
            error_ceiling: config.ttl.saturating_add(config.max_stale_on_error),
            remember_failure: config.remember_failure,
        }
    }

    /// How long a value is fresh: the ttl shortened by up to `jitter` of it. `roll` is in [0, 1).
    fn lifetime(&self, roll: f64) -> Duration {
        let share = 1.0 - self.jitter * roll;
        Duration::try_from_secs_f64(self.ttl.as_secs_f64() * share)
            .map_or(self.ttl, |life| life.min(self.ttl))
    }
}

// === impl Entry ===

impl<V: Clone, E> Entry<V, E> {
    /// A value that was loaded just now.
    pub(super) fn loaded(value: V, now: Instant, roll: f64, rules: &Rules) -> Self {
        let held = Held { value, loaded: now, fresh: rules.lifetime(roll) };
        Self { held: Some(held), failure: None }
    }

    /// What is left of `before` when loading has failed just now: its value, as long as it may stand in.
    pub(super) fn failed(
        before: Option<Self>,
        error: Arc<LoadError<E>>,
        now: Instant,
        rules: &Rules,
    ) -> Self {
        let last_use = rules.error_ceiling.max(rules.stale_ceiling);
        let held = before.and_then(|entry| entry.held).filter(|held| held.age(now) < last_use);
        Self { held, failure: Some(Failure { error, until: now + rules.remember_failure }) }
    }

    /// Its value as if its time were over, if it has one. The ceilings stay where they were.
    pub(super) fn doubted(self) -> Option<Self> {
        let held = self.held?;
        Some(Self { held: Some(Held { fresh: Duration::ZERO, ..held }), failure: None })
    }

    /// What a caller who asks now is due.
    pub(super) fn judge(self, now: Instant, rules: &Rules) -> Verdict<V, E> {
        let failure = self.failure.filter(|failure| now < failure.until);
        let Some(held) = self.held else {
            return failure.map_or(Verdict::Expired, |failure| Verdict::Failing(failure.error, None));
        };
        let age = held.age(now);
        match failure {
            _ if age < held.fresh => Verdict::Fresh(held.value),
            None if age < rules.stale_ceiling => Verdict::Stale(held.value, age, Reload::Due),
            Some(_) if age < rules.stale_ceiling => Verdict::Stale(held.value, age, Reload::NotYet),
            Some(failure) => {
                let stand_in = (age < rules.error_ceiling).then_some((held.value, age));
                Verdict::Failing(failure.error, stand_in)
            }
            None => Verdict::Expired,
        }
    }

    /// What a caller whose load has failed gets instead of the error, if anything.
    pub(super) fn stand_in(self, now: Instant, rules: &Rules) -> Option<Got<V>> {
        let held = self.held?;
        match held.age(now) {
            age if age < held.fresh => Some(Got::hit(held.value)), // put there while the load was under way
            age if age < rules.stale_ceiling.max(rules.error_ceiling) => Some(Got::stale(held.value, age)),
            _ => None,
        }
    }

    /// The age of its value, if it has one that might be served.
    pub(super) fn age(&self, now: Instant, rules: &Rules) -> Option<Duration> {
        let age = self.held.as_ref()?.age(now);
        (age < rules.stale_ceiling.max(rules.error_ceiling)).then_some(age)
    }
}

impl<V: Clone, E> Clone for Entry<V, E> {
    fn clone(&self) -> Self {
        Self { held: self.held.clone(), failure: self.failure.clone() } // the error need not be `Clone`
    }
}

impl<V> Held<V> {
    fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.loaded)
    }
}

impl<E> Clone for Failure<E> {
    fn clone(&self) -> Self {
        Self { error: Arc::clone(&self.error), until: self.until }
    }
}

// === impl Verdict ===

impl<V, E> Verdict<V, E> {
    /// Whether a load should be under way after this.
    pub(super) fn wants_load(&self) -> bool {
        matches!(self, Self::Expired | Self::Stale(_, _, Reload::Due))
    }

    /// What the caller is told without waiting, if there is anything to tell.
    pub(super) fn answer(self) -> Option<Answer<V, E>> {
        match self {
            Self::Fresh(value) => Some(Ok(Got::hit(value))),
            Self::Stale(value, age, _) | Self::Failing(_, Some((value, age))) => {
                Some(Ok(Got::stale(value, age)))
            }
            Self::Failing(error, None) => Some(Err(error)),
            Self::Expired => None,
        }
    }
}
