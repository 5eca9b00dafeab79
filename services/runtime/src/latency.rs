//! How long calls took in the last minute: counts in buckets, each a sixteenth of a doubling wide.

use std::time::Duration;

/// Slots of a window, and how long each is.
const SLOTS: usize = 6;
const SLOT_SECONDS: u64 = 10;

/// Buckets per doubling.
const FINE: u64 = 16;
const FINE_BITS: u32 = FINE.trailing_zeros();

/// Enough for 2^40 µs, twelve days; longer ones count as that.
const LONGEST: u64 = (1 << 40) - 1;
const BUCKETS: usize = bucket(LONGEST) + 1;

/// The last minute, in slots that are used in turn. `now` is any clock in whole seconds that never goes back.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    slots: [Slot; SLOTS],
}

#[derive(Clone, Debug, Default)]
struct Slot {
    /// Which ten seconds it counts.
    period: u64,
    /// Empty until the first call.
    counts: Vec<u32>,
}

/// What a window says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Recent {
    /// Calls in the window.
    pub(crate) calls: u64,
    /// The median, in ms.
    pub(crate) p50: f64,
    /// 95 of 100 calls took at most this, in ms.
    pub(crate) p95: f64,
    /// 99 of 100 calls took at most this, in ms.
    pub(crate) p99: f64,
}

impl Default for Window {
    fn default() -> Window {
        Window { slots: std::array::from_fn(|_| Slot::default()) }
    }
}

impl Window {
    /// Counts one call that ended now.
    pub(crate) fn record(&mut self, now: u64, took: Duration) {
        let period = now / SLOT_SECONDS;
        let slot = &mut self.slots[(period % SLOTS as u64) as usize];
        if slot.period != period || slot.counts.is_empty() {
            slot.period = period;
            slot.counts.clear();
            slot.counts.resize(BUCKETS, 0);
        }
        let micros = u64::try_from(took.as_micros()).unwrap_or(LONGEST).min(LONGEST);
        slot.counts[bucket(micros)] += 1;
    }

    /// What the calls of the last minute were like.
    pub(crate) fn recent(&self, now: u64) -> Recent {
        let period = now / SLOT_SECONDS;
        let is_recent = |slot: &&Slot| !slot.counts.is_empty() && slot.period + SLOTS as u64 > period;
        let mut counts = vec![0_u64; BUCKETS];
        for slot in self.slots.iter().filter(is_recent) {
            counts.iter_mut().zip(&slot.counts).for_each(|(sum, count)| *sum += u64::from(*count));
        }
        let calls = counts.iter().sum();
        let at = |share| quantile(&counts, calls, share);
        Recent { calls, p50: at(0.50), p95: at(0.95), p99: at(0.99) }
    }
}

/// The upper end of the bucket that holds the call at that share, in ms; 0 without calls.
fn quantile(counts: &[u64], calls: u64, share: f64) -> f64 {
    let rank = ((calls as f64 * share).ceil() as u64).max(1);
    let mut seen = 0;
    let found = counts.iter().position(|count| {
        seen += count;
        seen >= rank
    });
    found.map_or(0.0, |bucket| upper(bucket) as f64 / 1e3)
}

/// The bucket of a value: values below 16 have their own, then 16 a doubling.
const fn bucket(micros: u64) -> usize {
    if micros < FINE {
        return micros as usize;
    }
    let shift = micros.ilog2() - FINE_BITS;
    (shift as u64 * FINE + (micros >> shift)) as usize
}

/// The largest value of a bucket.
const fn upper(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < FINE {
        return bucket;
    }
    let shift = bucket / FINE - 1;
    ((bucket % FINE + FINE + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_told_at_most_a_sixteenth_too_large() {
        let values = (0..40).flat_map(|bits| [1_u64 << bits, (1 << bits) + 1, (1 << bits) * 3 / 2]);
        for value in values.chain(0..5_000) {
            let told = upper(bucket(value));
            assert!(told >= value && told - value <= value / 16, "{value} is told as {told}");
        }
        assert_eq!(bucket(LONGEST), BUCKETS - 1);
    }

    #[test]
    fn percentiles_are_those_of_the_calls() {
        let mut window = Window::default();
        for ms in 1..=100 {
            window.record(5, Duration::from_millis(ms));
        }
        let recent = window.recent(5);
        assert_eq!(recent.calls, 100);
        for (told, is) in [(recent.p50, 50.0), (recent.p95, 95.0), (recent.p99, 99.0)] {
            assert!(told >= is && told <= is * (1.0 + 1.0 / 16.0), "{told} for {is}");
        }
    }

    #[test]
    fn what_is_older_than_a_minute_does_not_count() {
        let mut window = Window::default();
        window.record(0, Duration::from_secs(9));
        window.record(30, Duration::from_millis(1));
        assert_eq!(window.recent(59).calls, 2);
        assert_eq!(window.recent(60).calls, 1);
        window.record(61, Duration::from_millis(1));
        assert_eq!(window.recent(61).calls, 2, "a slot is used again without what it held");
        assert_eq!(window.recent(1_000), Recent::default());
    }

    #[test]
    fn a_call_of_any_length_has_a_place() {
        let mut window = Window::default();
        window.record(0, Duration::MAX);
        window.record(0, Duration::ZERO);
        assert_eq!(window.recent(0).calls, 2);
    }
}
