//! Who is told that something was kept in: once for each host, reason and minute, so that a busy caller writes no book.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{Host, Refusal};

/// How long nothing is said of the same again.
const QUIET: Duration = Duration::from_secs(60);

/// Hosts and reasons of one such time at most; what is beyond is counted and logged alone.
const MOST: usize = 64;

/// A request that was kept in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptIn {
    /// Whom it was for, as the settings call them, e.g. `openai`.
    pub to: Arc<str>,
    /// The host of that server.
    pub host: String,
    /// Why.
    pub refusal: Refusal,
}

/// Told of what was kept in; nobody is, until somebody asks for it. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Witness {
    teller: Arc<OnceLock<Box<Teller>>>,
    lately: Arc<Mutex<Lately>>,
}

type Teller = dyn Fn(KeptIn) + Send + Sync;

/// When what was told last.
#[derive(Debug, Default)]
struct Lately(BTreeMap<(String, &'static str), Instant>);

// === impl Witness ===

impl Witness {
    /// Who is told from now on. The first one who asks.
    pub(super) fn is(&self, teller: impl Fn(KeptIn) + Send + Sync + 'static) {
        let _ = self.teller.set(Box::new(teller)); // a process has one audit log
    }

    pub(super) fn tell(&self, to: &Arc<str>, host: &Host, refusal: Refusal) {
        let Some(teller) = self.teller.get() else { return };
        let host = host.to_string();
        let mut lately = self.lately.lock().unwrap_or_else(PoisonError::into_inner); // never left half-changed
        let is_news = lately.is_news((host.clone(), refusal.label()), Instant::now());
        drop(lately);
        if is_news {
            teller(KeptIn { to: Arc::clone(to), host, refusal });
        }
    }
}

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Witness").field("is_told", &self.teller.get().is_some()).finish()
    }
}

// === impl Lately ===

impl Lately {
    /// Whether this is worth a word at `now`, which is then remembered.
    fn is_news(&mut self, what: (String, &'static str), now: Instant) -> bool {
        self.0.retain(|_, told| now.saturating_duration_since(*told) < QUIET);
        if self.0.len() >= MOST || self.0.contains_key(&what) {
            return false;
        }
        self.0.insert(what, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_told_once_a_minute_and_never_more_than_a_bound() {
        let (mut lately, now) = (Lately::default(), Instant::now());
        let mut says = |host: &str, why, after| lately.is_news((host.to_owned(), why), now + after);
        let second = Duration::from_secs(1);
        assert!(says("a", "host", Duration::ZERO));
        assert!(!says("a", "host", 59 * second));
        assert!(says("a", "address", 59 * second) && says("b", "host", 59 * second), "something else");
        assert!(says("a", "host", 60 * second), "a minute later");
        let told = (0..200).filter(|at| says(&format!("host-{at}"), "host", 61 * second)).count();
        assert_eq!(told, MOST - 3);
        assert!(says("late", "host", 200 * second), "what is old makes room");
    }
}
