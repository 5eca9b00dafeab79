//! The best of many, in order.

use std::{cmp::Ordering, collections::BinaryHeap};

/// What is ranked: higher scores first, then newer ones, then smaller ids.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate<'a> {
    pub(super) score: f64,
    pub(super) created_at: i64,
    pub(super) id: &'a str,
    pub(super) key: i64,
}

/// Keeps the best `k` of what it is offered.
#[derive(Debug)]
pub(super) struct Best<'a> {
    k: usize,
    /// The worst of the kept is on top.
    kept: BinaryHeap<Candidate<'a>>,
}

// === impl Best ===

impl<'a> Best<'a> {
    pub(super) fn new(k: usize) -> Self {
        Best { k, kept: BinaryHeap::new() }
    }

    /// Keeps `candidate` if it is among the best so far and `admitted`, which is asked only then.
    pub(super) fn offer(&mut self, candidate: Candidate<'a>, admitted: impl FnOnce() -> bool) {
        let full = self.kept.len() >= self.k;
        if full && self.kept.peek().is_none_or(|worst| candidate >= *worst) || !admitted() {
            return;
        }
        if full {
            self.kept.pop();
        }
        self.kept.push(candidate);
    }

    /// Best first.
    pub(super) fn into_sorted(self) -> Vec<Candidate<'a>> {
        self.kept.into_sorted_vec()
    }
}

// === impl Candidate ===

/// The smaller comes first. Within a collection no two are equal, because their ids differ.
impl Ord for Candidate<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let better = other.score.total_cmp(&self.score);
        better.then(other.created_at.cmp(&self.created_at)).then(self.id.cmp(other.id))
    }
}

impl PartialOrd for Candidate<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Candidate<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_are_kept_by_score_then_newness_then_id() {
        let candidate = |score, created_at, id, key| Candidate { score, created_at, id, key };
        let mut best = Best::new(4);
        for offered in [
            candidate(0.5, 1, "b", 1),
            candidate(0.5, 1, "a", 2),
            candidate(0.4, 9, "c", 3),
            candidate(0.5, 2, "z", 4),
            candidate(0.9, 0, "y", 5),
        ] {
            best.offer(offered, || true);
        }
        best.offer(candidate(1.0, 0, "refused", 6), || false);
        best.offer(candidate(0.1, 0, "too bad to be asked", 7), || unreachable!());
        let keys: Vec<_> = best.into_sorted().iter().map(|c| c.key).collect();
        assert_eq!(keys, [5, 4, 2, 1]);
    }
}
