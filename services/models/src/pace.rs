//! How fast a model answers at the moment, and how much it has to do: what `least_latency` goes by.
//!
//! Answer times are kept as a moving average that follows a slower answer at once and forgets it within a minute: a
//! model that begins to stall is noticed by its first late answer, and one that nobody asks is not judged by what was.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long until an answer time counts for about a third.
const MEMORY: Duration = Duration::from_secs(60);
/// Faster than this all are alike: differences below it are chance.
const FLOOR: Duration = Duration::from_millis(10);
/// A failure counts as an answer that took at least this long: who fails fast shall draw no calls.
const FAILED: Duration = Duration::from_secs(5);

/// The pace of one model family at one provider.
#[derive(Debug)]
pub struct Pace {
    out: AtomicU32,
    average: Mutex<Average>,
}

/// In seconds, as it was at `at`.
#[derive(Clone, Copy, Debug)]
struct Average {
    seconds: f64,
    at: Instant,
}

/// A call that is out. Dropped without a word it says nothing about the pace.
#[derive(Debug)]
pub struct Out {
    pace: Arc<Pace>,
    began: Instant,
}

// === impl Pace ===

impl Pace {
    /// Nothing is known.
    #[must_use]
    pub fn new(now: Instant) -> Pace {
        Pace { out: AtomicU32::new(0), average: Mutex::new(Average { seconds: 0.0, at: now }) }
    }

    /// What one more call would find: the calls that are out, this one included, times the seconds of an answer.
    #[must_use]
    pub fn load(&self, now: Instant) -> f64 {
        let calls = f64::from(self.out.load(Relaxed)) + 1.0;
        calls * self.average().at(now).max(FLOOR.as_secs_f64())
    }

    /// A call goes out.
    #[must_use]
    pub fn begin(self: &Arc<Pace>, now: Instant) -> Out {
        self.out.fetch_add(1, Relaxed);
        Out { pace: Arc::clone(self), began: now }
    }

    fn average(&self) -> MutexGuard<'_, Average> {
        // The average is never left half-changed, so a panic elsewhere while it was held does not spoil it.
        self.average.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Out ===

impl Out {
    /// It was answered.
    pub fn answered(self, now: Instant) {
        let took = now.saturating_duration_since(self.began);
        self.pace.average().took(took, now);
    }

    /// It failed by the fault of whoever was asked.
    pub fn failed(self, now: Instant) {
        let took = now.saturating_duration_since(self.began);
        self.pace.average().took(took.max(FAILED), now);
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        self.pace.out.fetch_sub(1, Relaxed);
    }
}

// === impl Average ===

impl Average {
    fn kept(&self, now: Instant) -> f64 {
        (-now.saturating_duration_since(self.at).as_secs_f64() / MEMORY.as_secs_f64()).exp()
    }

    fn at(&self, now: Instant) -> f64 {
        self.seconds * self.kept(now)
    }

    fn took(&mut self, took: Duration, now: Instant) {
        let (kept, took) = (self.kept(now), took.as_secs_f64());
        let before = self.seconds * kept;
        self.seconds = if took > before { took } else { before + took * (1.0 - kept) };
        self.at = self.at.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn pace(took: Duration, now: Instant) -> Arc<Pace> {
        let pace = Arc::new(Pace::new(now));
        pace.begin(now).answered(now + took);
        pace
    }

    #[test]
    fn calls_that_are_out_weigh_as_much_as_answers_are_slow() {
        let now = Instant::now();
        let (fast, slow) = (pace(MS * 100, now), pace(MS * 300, now));
        assert!(fast.load(now) < slow.load(now));
        let out: Vec<Out> = (0..3).map(|_| fast.begin(now)).collect();
        assert!(fast.load(now) > slow.load(now), "four calls of 100 ms or one of 300");
        drop(out);
        assert!(fast.load(now) < slow.load(now), "who left says nothing and is out no more");
    }

    #[test]
    fn a_slow_answer_weighs_at_once_and_is_forgotten_within_minutes() {
        let now = Instant::now();
        let pace = pace(MS * 200, now);
        pace.begin(now).answered(now + MS * 9000);
        assert!(pace.load(now) > 8.0);
        assert!(pace.load(now + MEMORY * 10) < 0.02);
    }

    #[test]
    fn failing_fast_draws_no_calls() {
        let now = Instant::now();
        let (works, fails) = (pace(MS * 2000, now), pace(MS * 200, now));
        fails.begin(now).failed(now + MS);
        assert!(fails.load(now) > works.load(now));
    }
}
