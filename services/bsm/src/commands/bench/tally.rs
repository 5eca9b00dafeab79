//! What a load came to: counts and histograms, bounded whatever the target answers.

use std::{borrow::Cow, collections::BTreeMap, time::Duration};

use hdrhistogram::Histogram;

use super::{
    outcome::{Class, Outcome, Timing},
    plan::Plan,
};

/// A call that goes out later than this after it was due is counted as late.
pub(super) const LATE: Duration = Duration::from_millis(10);

/// Kinds of ends told apart at most; a target that makes up codes must not fill the memory.
const MOST_KINDS: usize = 48;
const OTHERS: &str = "others";

/// Times in µs with three significant digits, up to an hour.
#[derive(Clone, Debug)]
pub(super) struct Times(Histogram<u64>);

const LONGEST: u64 = 3_600_000_000;

/// All calls of one load that were due after the warm-up.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    plan: Plan,
    /// Ends of each kind, with their times from when the call was due.
    pub(super) kinds: BTreeMap<(u8, Cow<'static, str>), Kind>,
    /// Of every call that was sent. One that was given up counts with the time it had.
    pub(super) sent: Times,
    /// From when a call was due until it went out.
    pub(super) lag: Times,
    pub(super) late: u64,
    pub(super) bytes: u64,
    /// Answers that came while the load was counted, those of late calls of the warm-up included: a rate must not
    /// be made of answers that came when the load was over.
    pub(super) answers_in_time: u64,
    pub(super) good_in_time: u64,
}

/// Calls that ended alike.
#[derive(Clone, Debug)]
pub(super) struct Kind {
    pub(super) class: Class,
    pub(super) times: Times,
}

// === impl Tally ===

impl Tally {
    pub(super) fn of(plan: Plan) -> Tally {
        Tally {
            plan,
            kinds: BTreeMap::new(),
            sent: Times::new(),
            lag: Times::new(),
            late: 0,
            bytes: 0,
            answers_in_time: 0,
            good_in_time: 0,
        }
    }

    /// Takes in the end of one call.
    pub(super) fn record(&mut self, outcome: Outcome, timing: Timing) {
        self.note_rate(outcome.class, timing.ended);
        if timing.due < self.plan.warmup {
            return;
        }
        let took = timing.ended.saturating_sub(timing.due);
        if let Some(sent) = timing.sent {
            let lag = sent.saturating_sub(timing.due);
            self.lag.record(lag);
            self.late += u64::from(lag > LATE);
        }
        if outcome.class != Class::Lost {
            self.sent.record(took);
        }
        self.bytes += outcome.bytes;
        self.kind(outcome).times.record(took);
    }

    /// Calls that ended in this way.
    pub(super) fn count(&self, class: Class) -> u64 {
        self.kinds.values().filter(|kind| kind.class == class).map(|kind| kind.times.count()).sum()
    }

    /// The times of all calls that ended in this way.
    pub(super) fn times(&self, class: Class) -> Times {
        let mut all = Times::new();
        self.kinds.values().filter(|kind| kind.class == class).for_each(|kind| all.add(&kind.times));
        all
    }

    fn note_rate(&mut self, class: Class, ended: Duration) {
        if ended >= self.plan.warmup && ended < self.plan.end() {
            self.answers_in_time += u64::from(matches!(class, Class::Good | Class::Refused));
            self.good_in_time += u64::from(class == Class::Good);
        }
    }

    fn kind(&mut self, outcome: Outcome) -> &mut Kind {
        let class = outcome.class;
        let full = self.kinds.len() >= MOST_KINDS;
        let mut key = (class as u8, outcome.label);
        if full && !self.kinds.contains_key(&key) {
            key.1 = Cow::Borrowed(OTHERS);
        }
        self.kinds.entry(key).or_insert_with(|| Kind { class, times: Times::new() })
    }
}

// === impl Times ===

impl Times {
    pub(super) fn new() -> Times {
        Times(Histogram::new_with_bounds(1, LONGEST, 3).expect("the bounds and digits are in range"))
    }

    pub(super) fn record(&mut self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(LONGEST);
        self.0.saturating_record(micros.clamp(1, LONGEST));
    }

    pub(super) fn count(&self) -> u64 {
        self.0.len()
    }

    /// The time that this share of the calls did not exceed, in ms; 0 without calls.
    pub(super) fn at(&self, share: f64) -> f64 {
        if self.0.is_empty() { 0.0 } else { self.0.value_at_quantile(share) as f64 / 1e3 }
    }

    fn add(&mut self, other: &Times) {
        self.0.add(&other.0).expect("all histograms have the same bounds");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn plan() -> Plan {
        Plan { rate: 10.0, warmup: SECOND, duration: SECOND, timeout: SECOND }
    }

    fn ms(due: u64, sent: Option<u64>, ended: u64) -> Timing {
        let ms = Duration::from_millis;
        Timing { due: ms(due), sent: sent.map(ms), ended: ms(ended) }
    }

    #[test]
    fn times_count_from_when_a_call_was_due_not_from_when_it_was_sent() {
        let mut tally = Tally::of(plan());
        tally.record(Outcome::answered("200", true, 7), ms(1000, Some(1400), 1500));
        assert_eq!((tally.sent.at(1.0).round(), tally.lag.at(1.0).round()), (500.0, 400.0));
        assert_eq!((tally.late, tally.bytes), (1, 7));
    }

    #[test]
    fn a_call_of_the_warm_up_is_in_the_rate_if_answered_later_and_in_nothing_else() {
        let mut tally = Tally::of(plan());
        tally.record(Outcome::answered("200", true, 7), ms(900, Some(900), 1100));
        tally.record(Outcome::answered("200", true, 7), ms(1900, Some(1900), 2100));
        assert_eq!((tally.good_in_time, tally.count(Class::Good), tally.bytes), (1, 1, 7));
    }

    #[test]
    fn what_was_given_up_counts_with_the_time_it_had_and_what_was_lost_with_none() {
        let mut tally = Tally::of(plan());
        tally.record(Outcome::broken("timed out"), ms(1000, Some(1000), 2000));
        tally.record(Outcome::lost("no room"), ms(1000, None, 1000));
        assert_eq!((tally.sent.count(), tally.sent.at(0.5).round()), (1, 1000.0));
        assert_eq!((tally.count(Class::Broken), tally.count(Class::Lost)), (1, 1));
    }

    #[test]
    fn percentiles_are_those_of_the_calls_to_three_digits() {
        let mut times = Times::new();
        (1..=10_000).for_each(|us| times.record(Duration::from_micros(us)));
        for (share, ms) in [(0.5, 5.0), (0.9, 9.0), (0.99, 9.9), (0.999, 9.99), (1.0, 10.0)] {
            assert!((times.at(share) / ms - 1.0).abs() < 0.001, "{share}: {}", times.at(share));
        }
        assert_eq!(Times::new().at(0.99), 0.0);
        times.record(Duration::MAX);
        assert!(times.at(1.0) >= 3_600_000.0, "no time is too long to count");
    }

    #[test]
    fn a_target_that_makes_up_codes_does_not_fill_the_memory() {
        let mut tally = Tally::of(plan());
        for n in 0..1000 {
            tally.record(Outcome::answered(format!("{n}"), false, 0), ms(1000, Some(1000), 1001));
        }
        assert!(tally.kinds.len() <= MOST_KINDS + 1);
        assert_eq!(tally.count(Class::Refused), 1000, "each is counted all the same");
    }
}
