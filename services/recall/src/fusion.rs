//! One ranking of several, by ranks alone: scores of different measures do not compare.
//!
//! A record at rank r of a ranking with weight w gets w ÷ (60 + r) from it, and records are ranked by the sum
//! (reciprocal-rank fusion). The sum is taken in the order of the rankings, so it is the same everywhere.

use std::{cmp::Ordering, collections::HashMap};

use crate::ranking::{Document, Hit};

/// How little the first ranks stand out; the value of the method's authors.
const DAMPING: f64 = 60.0;

/// One of the rankings that are to be fused.
#[derive(Debug, Clone, Copy)]
pub struct Ranking<'a> {
    /// How much it counts, above 0; 1 is usual.
    pub weight: f64,
    /// Best first.
    pub hits: &'a [Hit<'a>],
}

/// A record in the fused ranking, and why it is there.
#[derive(Debug, Clone, PartialEq)]
pub struct Fused<'a> {
    /// Which.
    pub document: Document<'a>,
    /// The sum of what the rankings gave.
    pub score: f64,
    /// By ranking: where the record stood in it, if it did.
    pub places: Vec<Option<Standing>>,
}

/// Where a record stood in a ranking.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// From 1.
    pub rank: usize,
    /// By the ranking's own measure.
    pub score: f64,
    /// What this gave to the sum.
    pub gave: f64,
}

/// The `k` best of several rankings of one view: by the sum, then newer, then by id.
pub fn fuse<'a>(rankings: &[Ranking<'a>], k: usize) -> Vec<Fused<'a>> {
    let mut fused: HashMap<&str, Fused<'a>> = HashMap::new();
    for (number, ranking) in rankings.iter().enumerate() {
        for (rank, hit) in (1..).zip(ranking.hits) {
            let entry = fused.entry(hit.document.id).or_insert_with(|| Fused {
                document: hit.document,
                score: 0.0,
                places: vec![None; rankings.len()],
            });
            if entry.places[number].is_none() {
                let gave = ranking.weight / (DAMPING + rank as f64);
                entry.score += gave;
                entry.places[number] = Some(Standing { rank, score: hit.score, gave });
            }
        }
    }
    let mut fused: Vec<Fused<'a>> = fused.into_values().collect();
    fused.sort_unstable_by(Fused::order);
    fused.truncate(k);
    fused
}

/// Chooses `k` of what is ranked so that they differ: each next one has the most of `relevance` × its score, as a part
/// of the best one's, less (1 − `relevance`) × its likeness to the most alike of those chosen already (maximal
/// marginal relevance).
///
/// `relevance` is from 0 to 1; 1 leaves the order as it is. `alike` is from 0 to 1 and is asked about k × n pairs.
/// Of equals the one ranked higher is taken.
pub fn diversify<'a>(
    mut ranked: Vec<Fused<'a>>,
    k: usize,
    relevance: f64,
    alike: impl Fn(&Document<'a>, &Document<'a>) -> f64,
) -> Vec<Fused<'a>> {
    let best = ranked.first().map_or(1.0, |first| first.score);
    let mut nearest = vec![0.0_f64; ranked.len()];
    let mut chosen = Vec::with_capacity(k.min(ranked.len()));
    while chosen.len() < k && !ranked.is_empty() {
        let worth =
            |place: usize| relevance * ranked[place].score / best - (1.0 - relevance) * nearest[place];
        let place =
            (1..ranked.len()).fold(0, |top, place| if worth(place) > worth(top) { place } else { top });
        let taken = ranked.remove(place);
        nearest.remove(place);
        for (nearest, other) in nearest.iter_mut().zip(&ranked) {
            *nearest = nearest.max(alike(&taken.document, &other.document));
        }
        chosen.push(taken);
    }
    chosen
}

// === impl Fused ===

impl Fused<'_> {
    fn order(&self, other: &Self) -> Ordering {
        let newer = || other.document.created_at.cmp(&self.document.created_at);
        other
            .score
            .total_cmp(&self.score)
            .then_with(newer)
            .then_with(|| self.document.id.cmp(other.document.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits<'a>(ids: &[&'a str]) -> Vec<Hit<'a>> {
        let hit = |(place, id): (usize, &&'a str)| Hit {
            document: Document { key: 0, id, created_at: 0 },
            score: 1.0 / (place + 1) as f64,
        };
        ids.iter().enumerate().map(hit).collect()
    }

    fn ids<'a>(fused: &[Fused<'a>]) -> Vec<&'a str> {
        fused.iter().map(|fused| fused.document.id).collect()
    }

    #[test]
    fn what_several_rankings_know_comes_before_what_one_puts_first() {
        let (a, b) = (hits(&["x", "both", "y"]), hits(&["z", "both"]));
        let fused = fuse(&[Ranking { weight: 1.0, hits: &a }, Ranking { weight: 1.0, hits: &b }], 3);
        assert_eq!(ids(&fused), ["both", "x", "z"], "equal sums are ordered by id");
        let gave = 1.0 / 62.0;
        assert_eq!(fused[0].score, gave + gave);
        assert_eq!(fused[0].places, [Some(Standing { rank: 2, score: 0.5, gave }); 2]);
        assert_eq!(fused[1].places[1], None);
    }

    #[test]
    fn a_weight_decides_between_rankings() {
        let (a, b) = (hits(&["x"]), hits(&["y"]));
        let fused = fuse(&[Ranking { weight: 1.0, hits: &a }, Ranking { weight: 2.0, hits: &b }], 9);
        assert_eq!(ids(&fused), ["y", "x"]);
    }

    #[test]
    fn copies_of_what_is_chosen_come_later() {
        let a = hits(&["a1", "a2", "b"]);
        let ranked = fuse(&[Ranking { weight: 1.0, hits: &a }], 3);
        let same = |left: &Document<'_>, right: &Document<'_>| f64::from(left.id[..1] == right.id[..1]);
        assert_eq!(ids(&diversify(ranked.clone(), 2, 0.5, same)), ["a1", "b"]);
        assert_eq!(ids(&diversify(ranked.clone(), 9, 1.0, same)), ["a1", "a2", "b"]);
        assert_eq!(ids(&diversify(ranked, 0, 0.5, same)), [""; 0]);
    }
}
