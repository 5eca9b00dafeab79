//! What load is asked for, and when each of its calls is due. Pure: no clock, no I/O.

use std::time::Duration;

/// A fixed arrival rate: calls are due whether or not earlier ones have been answered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Plan {
    /// Calls a second; above 0.
    pub(super) rate: f64,
    /// Calls due earlier than this are sent and not counted.
    pub(super) warmup: Duration,
    /// For how long calls are counted, after the warm-up.
    pub(super) duration: Duration,
    /// How long a call may last from the moment when it was due; after that it is given up.
    pub(super) timeout: Duration,
}

impl Plan {
    /// When the call of this number is due, from the start of the load. The first is 0.
    pub(super) fn due(&self, number: u64) -> Duration {
        Duration::from_secs_f64(number as f64 / self.rate)
    }

    /// How many calls there are, those of the warm-up included.
    pub(super) fn calls(&self) -> u64 {
        self.due_before(self.end())
    }

    /// How many calls are counted.
    pub(super) fn counted(&self) -> u64 {
        self.calls() - self.due_before(self.warmup)
    }

    /// When the last call has been due.
    pub(super) fn end(&self) -> Duration {
        self.warmup + self.duration
    }

    fn due_before(&self, end: Duration) -> u64 {
        // A whole number of calls must not become one more by the last digit of a double.
        (end.as_secs_f64() * self.rate - 1e-6).ceil().max(0.0) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(rate: f64, warmup: f64, duration: f64) -> Plan {
        let seconds = Duration::from_secs_f64;
        Plan { rate, warmup: seconds(warmup), duration: seconds(duration), timeout: seconds(1.0) }
    }

    #[test]
    fn calls_are_due_at_even_distances_from_the_start() {
        let plan = plan(400.0, 1.0, 2.0);
        assert_eq!(
            [0, 1, 2, 400].map(|n| plan.due(n)),
            [0, 2500, 5000, 1_000_000].map(Duration::from_micros)
        );
        assert_eq!((plan.calls(), plan.counted()), (1200, 800));
        assert!(plan.due(plan.calls() - 1) < plan.end() && plan.due(plan.calls()) >= plan.end());
    }

    #[test]
    fn a_slow_rate_has_its_first_call_and_no_call_is_due_after_the_end() {
        assert_eq!(plan(0.1, 0.0, 1.0).calls(), 1);
        assert_eq!(plan(0.5, 2.0, 4.0).counted(), 2);
        assert_eq!(plan(3.0, 0.0, 0.1).calls(), 1);
        assert_eq!(plan(1e6, 0.0, 86_400.0).calls(), 86_400_000_000);
    }
}
