//! What a mesh or one service said: a list of one kind, and who did not answer.

use bsm_proto::ops::v1::{
    Breaker, Bulkhead, Cache, ConcurrencyLimit, Flag, RateLimit, RetryBudget, Unreached,
};

/// An answer, whoever gave it.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) list: List,
    /// Roles that the gateway could not ask.
    pub(super) unreached: Vec<Unreached>,
}

/// What was listed.
#[derive(Debug)]
pub(super) enum List {
    Breakers(Vec<Breaker>),
    Bulkheads(Vec<Bulkhead>),
    Limits(Vec<ConcurrencyLimit>, Vec<RateLimit>),
    Budgets(Vec<RetryBudget>),
    Caches(Vec<Cache>),
    Flags(Vec<Flag>),
    Cleared(Vec<String>),
}

impl List {
    /// All of one process.
    pub(super) fn alone(self) -> Answer {
        Answer { list: self, unreached: Vec::new() }
    }

    /// Of all processes but these.
    pub(super) fn without(self, unreached: Vec<Unreached>) -> Answer {
        Answer { list: self, unreached }
    }
}
