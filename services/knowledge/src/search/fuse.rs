//! Several rankings of the same passages made one: reciprocal-rank fusion, which needs no scores to be comparable.
//!
//! There is one ranking yet, by words. One of dense vectors joins it as another item of the list.

use std::{cmp::Ordering, collections::BTreeMap};

use super::Key;

/// How much the first places are ahead of those behind them; the usual number.
const K: f64 = 60.0;

/// A ranking.
#[derive(Debug, Clone)]
pub(super) struct Ranking {
    pub(super) name: &'static str,
    pub(super) weight: f64,
    /// Best first, each with its score in this ranking.
    pub(super) hits: Vec<(Key, f64)>,
}

/// The place of a passage in a ranking.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rank {
    pub(crate) ranking: &'static str,
    /// From 1.
    pub(crate) rank: u32,
    pub(crate) score: f64,
}

/// A passage, and what all rankings say of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fused {
    pub(super) key: Key,
    /// Of the only ranking its own; of several the sum of weight ÷ (60 + rank).
    pub(super) score: f64,
    pub(super) ranks: Vec<Rank>,
}

/// All passages of all rankings, best first.
pub(super) fn fuse(rankings: Vec<Ranking>) -> Vec<Fused> {
    let alone = rankings.len() == 1;
    let mut fused = BTreeMap::<Key, Fused>::new();
    for Ranking { name, weight, hits } in rankings {
        for (place, (key, score)) in hits.into_iter().enumerate() {
            let rank = u32::try_from(place + 1).unwrap_or(u32::MAX);
            let share = if alone { score } else { weight / (K + f64::from(rank)) };
            let entry = fused.entry(key.clone()).or_insert(Fused { key, score: 0.0, ranks: Vec::new() });
            entry.score += share;
            entry.ranks.push(Rank { ranking: name, rank, score });
        }
    }
    let mut fused: Vec<Fused> = fused.into_values().collect();
    fused.sort_by(|a, b| b.score.total_cmp(&a.score).then(Ordering::Equal)); // stable: ties by key
    fused
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranking(name: &'static str, weight: f64, ids: &[&str]) -> Ranking {
        let hits = ids.iter().enumerate().map(|(n, id)| (((*id).to_owned(), 0), 10.0 - n as f64)).collect();
        Ranking { name, weight, hits }
    }

    fn ids(fused: &[Fused]) -> Vec<&str> {
        fused.iter().map(|one| one.key.0.as_str()).collect()
    }

    #[test]
    fn one_ranking_stays_as_it_is() {
        let fused = fuse(vec![ranking("bm25", 1.0, &["b", "a"])]);
        assert_eq!((ids(&fused), fused[0].score), (vec!["b", "a"], 10.0));
        assert_eq!(fused[1].ranks, [Rank { ranking: "bm25", rank: 2, score: 9.0 }]);
    }

    #[test]
    fn who_is_well_placed_in_both_comes_first_and_nobody_is_lost() {
        let fused =
            fuse(vec![ranking("bm25", 1.0, &["a", "b", "c"]), ranking("dense", 1.0, &["d", "b", "e"])]);
        assert_eq!(ids(&fused)[0], "b");
        assert_eq!(fused.len(), 5);
        assert!((fused[0].score - 2.0 / 62.0).abs() < 1e-12);
        assert_eq!(fused[0].ranks.iter().map(|rank| rank.ranking).collect::<Vec<_>>(), ["bm25", "dense"]);
        let weighted = fuse(vec![ranking("bm25", 3.0, &["a"]), ranking("dense", 1.0, &["d"])]);
        assert_eq!(ids(&weighted), ["a", "d"]);
    }
}
