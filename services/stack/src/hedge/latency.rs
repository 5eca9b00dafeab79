//! How long the calls of an edge have taken of late: a small histogram that forgets.
//!
//! Four buckets to an octave, from a quarter of a millisecond to nearly an hour, so a quantile is known to within
//! a fifth. Whenever a thousand calls have been counted, all counts are halved: old habits weigh less and less.

use std::time::Duration;

/// The upper bound of the first bucket.
const FINEST: Duration = Duration::from_micros(250);
const BUCKETS: usize = 96;
const PER_OCTAVE: f64 = 4.0;
/// Counts are halved when there are this many.
const ENOUGH: u32 = 1000;
/// Fewer calls than this say nothing about a tail.
const TOO_FEW: u32 = 20;

/// Counts of recent calls by how long they took.
#[derive(Debug)]
pub(super) struct Latency {
    counts: [u32; BUCKETS],
    total: u32,
}

impl Default for Latency {
    fn default() -> Self {
        Self { counts: [0; BUCKETS], total: 0 }
    }
}

// === impl Latency ===

impl Latency {
    pub(super) fn observe(&mut self, took: Duration) {
        self.counts[bucket(took)] += 1;
        self.total += 1;
        if self.total >= ENOUGH {
            self.counts.iter_mut().for_each(|count| *count /= 2);
            self.total = self.counts.iter().sum();
        }
    }

    /// The time within which 95 % of the calls were answered, rounded up; `None` if there were too few.
    pub(super) fn p95(&self) -> Option<Duration> {
        let mut above = self.total - self.total / 20; // the rank of the call that is asked for
        let index = self.counts.iter().position(|&count| {
            above = above.saturating_sub(count);
            above == 0
        });
        index.filter(|_| self.total >= TOO_FEW).map(upper_bound)
    }
}

fn bucket(took: Duration) -> usize {
    let octaves = (took.as_secs_f64() / FINEST.as_secs_f64()).max(1.0).log2();
    ((octaves * PER_OCTAVE).ceil() as usize).min(BUCKETS - 1)
}

fn upper_bound(bucket: usize) -> Duration {
    FINEST.mul_f64((bucket as f64 / PER_OCTAVE).exp2())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn after(calls: impl IntoIterator<Item = u64>) -> Option<Duration> {
        let mut latency = Latency::default();
        calls.into_iter().for_each(|ms| latency.observe(Duration::from_millis(ms)));
        latency.p95()
    }

    #[test]
    fn a_few_calls_say_nothing_about_the_tail() {
        assert_eq!(after([10; 19]), None);
        assert!(after([10; 20]).is_some());
    }

    #[test]
    fn one_slow_call_in_twenty_is_the_tail_and_two_are_not() {
        let p95 = after([[10; 19].as_slice(), &[1000]].concat()).expect("enough");
        assert!(p95 < Duration::from_millis(12), "{p95:?}");
        let p95 = after([[10; 18].as_slice(), &[1000; 2]].concat()).expect("enough");
        assert!(p95 >= Duration::from_millis(1000), "{p95:?}");
    }

    #[test]
    fn an_edge_that_became_slower_is_believed_after_a_while() {
        let p95 = after([[1; 10_000].as_slice(), &[100; 600]].concat()).expect("enough");
        assert!(p95 >= Duration::from_millis(100), "{p95:?}");
    }

    #[test]
    fn the_shortest_and_the_longest_calls_fit() {
        let mut latency = Latency::default();
        (0..20).for_each(|_| latency.observe(Duration::ZERO));
        assert_eq!(latency.p95(), Some(FINEST));
        (0..2000).for_each(|_| latency.observe(Duration::MAX));
        assert!(latency.p95().expect("enough") > Duration::from_secs(3500));
    }

    proptest! {
        #[test]
        fn the_quantile_is_rounded_up_by_less_than_a_fifth(mut ms in proptest::collection::vec(1u64..60_000, 20..500)) {
            let p95 = after(ms.iter().copied()).expect("enough");
            ms.sort_unstable();
            let exact = Duration::from_millis(ms[ms.len() - ms.len() / 20 - 1]);
            prop_assert!(p95 >= exact && p95 <= exact.mul_f64(1.2), "{p95:?} for {exact:?}");
        }
    }
}
