//! What one endpoint has to do: calls that are out, how long its answers take, and whether it rests.
//!
//! Answer times are kept as a moving average that follows a slower answer at once and forgets it within seconds: an
//! endpoint that begins to stall is noticed by its first late answer, and one that nobody asks is not judged by what
//! was. An endpoint that turns a call away rests, twice as long with each time, until it takes one.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long until an answer time counts for about a third.
const MEMORY: Duration = Duration::from_secs(2);

/// Faster than this all are alike: differences below it are chance.
const FLOOR: Duration = Duration::from_millis(1);

/// A failure counts as an answer that took at least this long.
const FAILED: Duration = Duration::from_millis(100);

/// The first rest, and the longest.
const REST: Duration = Duration::from_millis(100);
const LONGEST_REST: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Load {
    pending: AtomicU32,
    record: Mutex<Record>,
}

/// What is remembered, with the time passed in.
#[derive(Debug)]
struct Record {
    /// In seconds, as it was at `at`.
    latency: f64,
    at: Instant,
    /// Calls turned away since one was taken.
    turned_away: u32,
    rests_until: Option<Instant>,
}

// === impl Load ===

impl Load {
    pub(super) fn new(now: Instant) -> Self {
        let record = Record { latency: 0.0, at: now, turned_away: 0, rests_until: None };
        Self { pending: AtomicU32::new(0), record: Mutex::new(record) }
    }

    pub(super) fn begin(&self) {
        self.pending.fetch_add(1, Relaxed);
    }

    pub(super) fn end(&self) {
        self.pending.fetch_sub(1, Relaxed);
    }

    /// What one more call would find there, in seconds, and whether it rests.
    pub(super) fn view(&self, now: Instant) -> (f64, bool) {
        let record = self.lock();
        let calls = f64::from(self.pending.load(Relaxed)) + 1.0;
        (calls * record.latency(now).max(FLOOR.as_secs_f64()), record.rests(now))
    }

    /// It answered, well or not to the caller's liking, after `took`.
    pub(super) fn answered(&self, took: Duration, now: Instant) {
        self.lock().took(took, now);
    }

    /// It failed after `took`; it was there.
    pub(super) fn failed(&self, took: Duration, now: Instant) {
        self.lock().took(took.max(FAILED), now);
    }

    /// It did not take the call.
    pub(super) fn turned_away(&self, now: Instant) {
        self.lock().turned_away(now);
    }

    /// The record is never left half-changed, so a panic elsewhere while it was held does not spoil it.
    fn lock(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Record ===

impl Record {
    fn latency(&self, now: Instant) -> f64 {
        self.latency * self.kept(now)
    }

    /// The share of the average that `now` still counts.
    fn kept(&self, now: Instant) -> f64 {
        (-now.saturating_duration_since(self.at).as_secs_f64() / MEMORY.as_secs_f64()).exp()
    }

    fn rests(&self, now: Instant) -> bool {
        self.rests_until.is_some_and(|until| now < until)
    }

    fn took(&mut self, took: Duration, now: Instant) {
        let (kept, took) = (self.kept(now), took.as_secs_f64());
        let blended = self.latency * kept + took * (1.0 - kept);
        self.latency = if took > self.latency * kept { took } else { blended };
        self.at = self.at.max(now);
        (self.turned_away, self.rests_until) = (0, None);
    }

    /// Calls that were out together and are all turned away count as one.
    fn turned_away(&mut self, now: Instant) {
        if self.rests(now) {
            return;
        }
        let rest = REST.saturating_mul(1 << self.turned_away.min(16)).min(LONGEST_REST);
        self.turned_away += 1;
        self.rests_until = Some(now + rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn load(latency: Duration, now: Instant) -> Load {
        let load = Load::new(now);
        load.answered(latency, now);
        load
    }

    fn weighs(load: &Load, now: Instant) -> f64 {
        load.view(now).0
    }

    #[test]
    fn calls_that_are_out_weigh_as_much_as_answers_are_slow() {
        let now = Instant::now();
        let (fast, slow) = (load(MS * 10, now), load(MS * 30, now));
        assert!(weighs(&fast, now) < weighs(&slow, now));
        fast.begin();
        fast.begin();
        fast.begin();
        assert!(weighs(&fast, now) > weighs(&slow, now), "four calls of 10 ms or one of 30");
        fast.end();
        fast.end();
        assert!(weighs(&fast, now) < weighs(&slow, now));
    }

    #[test]
    fn a_slow_answer_weighs_at_once_and_is_forgotten_within_seconds() {
        let now = Instant::now();
        let load = load(MS * 10, now);
        load.answered(MS * 500, now);
        assert!(weighs(&load, now) >= 0.5);
        assert!(weighs(&load, now + MEMORY * 5) < 0.005);
    }

    #[test]
    fn failing_fast_draws_no_calls() {
        let now = Instant::now();
        let (works, fails) = (load(MS * 20, now), load(MS * 20, now));
        for _ in 0..3 {
            fails.failed(MS, now);
        }
        works.begin();
        works.begin();
        assert!(weighs(&fails, now) > weighs(&works, now));
    }

    #[test]
    fn who_turns_calls_away_rests_longer_each_time_and_not_at_all_once_it_takes_one() {
        let mut now = Instant::now();
        let load = Load::new(now);
        for expected in [100, 200, 400, 800, 1000, 1000] {
            load.turned_away(now);
            load.turned_away(now); // at the same time: no more than one
            now += MS * (expected - 1);
            assert!(load.view(now).1, "{expected}");
            now += MS;
            assert!(!load.view(now).1, "{expected}");
        }
        load.turned_away(now);
        load.answered(MS, now);
        assert!(!load.view(now).1);
    }
}
