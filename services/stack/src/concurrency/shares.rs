//! How much of a limit is for whom: the more important a call, the fuller the house may be that still lets it in.

use crate::priority::Priority;

/// How many calls there may be in flight, in percent of the limit, for one more to be let in.
const fn percent(priority: Priority) -> usize {
    match priority {
        Priority::Batch => 60,
        Priority::Normal => 90,
        Priority::Critical => 100,
    }
}

/// The number of calls in flight below which a call is let in. Everybody gets at least one place, so that no limit,
/// however small, shuts a kind of call out for ever.
pub(super) fn room(limit: usize, priority: Priority) -> usize {
    (limit.saturating_mul(percent(priority)) / 100).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batch_is_shed_first_then_normal_and_critical_may_use_all() {
        assert_eq!(Priority::ALL.map(|priority| room(100, priority)), [60, 90, 100]);
    }

    #[test]
    fn no_limit_shuts_anybody_out() {
        for limit in 0..3 {
            assert!(Priority::ALL.into_iter().all(|priority| room(limit, priority) >= 1));
        }
    }
}
