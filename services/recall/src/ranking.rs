//! The best of many, in order: higher scores first, then newer records, then smaller ids.

use std::{cmp::Ordering, collections::BinaryHeap};

/// A record as far as ranking and filters need to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Document<'a> {
    /// What the caller named this version of it.
    pub key: u64,
    /// Names it within the collection.
    pub id: &'a str,
    /// In ms since 1970.
    pub created_at: i64,
}

/// A record that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit<'a> {
    /// Which.
    pub document: Document<'a>,
    /// By the measure of the search.
    pub score: f64,
}

/// Keeps the best `k` of what it is offered.
#[derive(Debug)]
pub(crate) struct Best<'a, S: Ord> {
    k: usize,
    /// The worst of the kept is on top.
    kept: BinaryHeap<Candidate<'a, S>>,
}

/// Ranked by the score and what [`Document`] says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate<'a, S> {
    pub(crate) score: S,
    pub(crate) document: Document<'a>,
}

/// A score that is a number, never NaN.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Score(pub(crate) f64);

// === impl Best ===

impl<'a, S: Ord + Copy> Best<'a, S> {
    pub(crate) fn new(k: usize) -> Self {
        Best { k, kept: BinaryHeap::with_capacity(k.min(1_024) + 1) }
    }

    pub(crate) fn k(&self) -> usize {
        self.k
    }

    /// The score below which nothing is kept any more, once `k` are.
    pub(crate) fn floor(&self) -> Option<S> {
        if self.kept.len() < self.k { None } else { self.kept.peek().map(|worst| worst.score) }
    }

    pub(crate) fn scores(&self) -> impl Iterator<Item = S> {
        self.kept.iter().map(|kept| kept.score)
    }

    /// Keeps a candidate if it is among the best so far and admitted, which is asked only then.
    pub(crate) fn offer(
        &mut self,
        score: S,
        document: impl FnOnce() -> Document<'a>,
        admitted: impl FnOnce(&Document<'a>) -> bool,
    ) {
        if self.k == 0 || self.floor().is_some_and(|floor| score < floor) {
            return;
        }
        let candidate = Candidate { score, document: document() };
        let full = self.kept.len() >= self.k;
        if full && self.kept.peek().is_some_and(|worst| candidate >= *worst) || !admitted(&candidate.document)
        {
            return;
        }
        if full {
            self.kept.pop();
        }
        self.kept.push(candidate);
    }

    /// Best first.
    pub(crate) fn into_hits(self, score: impl Fn(S) -> f64) -> Vec<Hit<'a>> {
        let hit = |kept: Candidate<'a, S>| Hit { document: kept.document, score: score(kept.score) };
        self.kept.into_sorted_vec().into_iter().map(hit).collect()
    }
}

// === impl Candidate ===

/// The smaller comes first. Within a collection no two are equal, because their ids differ.
impl<S: Ord> Ord for Candidate<'_, S> {
    fn cmp(&self, other: &Self) -> Ordering {
        let newer = || other.document.created_at.cmp(&self.document.created_at);
        other.score.cmp(&self.score).then_with(newer).then_with(|| self.document.id.cmp(other.document.id))
    }
}

impl<S: Ord> PartialOrd for Candidate<'_, S> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<S: Ord> PartialEq for Candidate<'_, S> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<S: Ord> Eq for Candidate<'_, S> {}

// === impl Score ===

impl Ord for Score {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Eq for Score {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_are_kept_by_score_then_newness_then_id() {
        let mut best = Best::new(4);
        for (score, created_at, id) in
            [(0.5, 1, "b"), (0.5, 1, "a"), (0.9, 0, "z"), (0.1, 9, "y"), (0.5, 2, "c"), (0.4, 9, "x")]
        {
            best.offer(Score(score), || Document { key: 0, id, created_at }, |_| true);
        }
        best.offer(Score(1.0), || Document { key: 0, id: "no", created_at: 9 }, |_| false);
        let ids: Vec<&str> = best.into_hits(|score| score.0).iter().map(|hit| hit.document.id).collect();
        assert_eq!(ids, ["z", "c", "a", "b"]);
    }
}
