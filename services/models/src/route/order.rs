//! The strategies: in which order several that could be taken are tried. Chance is passed in.

use crate::catalog::{Choice, Strategy};

/// All of a choice, the first one first. `load` is less for who is faster and has less to do, `cost` is what the call
/// would cost, `None` where nobody knows.
pub(super) fn ordered<T>(
    choice: &Choice<T>,
    load: impl Fn(&T) -> f64,
    cost: impl Fn(&T) -> Option<f64>,
    mut roll: impl FnMut() -> f64,
) -> Vec<&T> {
    let items: Vec<&T> = choice.items().collect();
    match choice.strategy {
        _ if items.len() < 2 => items,
        Strategy::Priority => items,
        Strategy::Weighted => by_weight(choice.among.iter().map(|(item, weight)| (item, *weight)), roll),
        Strategy::LeastLatency => {
            by_two(items.into_iter().map(|item| (item, load(item))).collect(), &mut roll)
        }
        Strategy::Cheapest => {
            let mut priced: Vec<_> = items.into_iter().map(|item| (item, cost(item))).collect();
            let dear = |cost: &Option<f64>| cost.unwrap_or(f64::INFINITY);
            priced.sort_by(|(_, a), (_, b)| dear(a).total_cmp(&dear(b))); // stable: equals stay as written
            priced.into_iter().map(|(item, _)| item).collect()
        }
    }
}

/// Drawn one after the other, each as likely as its weight among those that are left; without any weight, as written.
fn by_weight<'a, T>(items: impl Iterator<Item = (&'a T, u32)>, mut roll: impl FnMut() -> f64) -> Vec<&'a T> {
    let mut left: Vec<(&T, u32)> = items.collect();
    let mut drawn = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let total: f64 = left.iter().map(|(_, weight)| f64::from(*weight)).sum();
        let mut point = roll() * total;
        let at = left.iter().position(|(_, weight)| {
            point -= f64::from(*weight);
            point < 0.0
        });
        drawn.push(left.remove(at.unwrap_or(0)).0);
    }
    drawn
}

/// Of two drawn by lot the one with less load, again and again until none is left.
fn by_two<'a, T>(mut left: Vec<(&'a T, f64)>, roll: &mut impl FnMut() -> f64) -> Vec<&'a T> {
    let mut taken = Vec::with_capacity(left.len());
    while left.len() > 1 {
        let first = lot(roll(), left.len());
        let second = (first + 1 + lot(roll(), left.len() - 1)) % left.len(); // never the same again
        let better = if left[second].1 < left[first].1 { second } else { first };
        taken.push(left.remove(better).0);
    }
    taken.extend(left.pop().map(|(item, _)| item));
    taken
}

fn lot(roll: f64, count: usize) -> usize {
    ((roll * count as f64) as usize).min(count - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, prop_assert_eq, prop_oneof, proptest};

    use super::*;

    fn choice(strategy: Strategy, among: &[(usize, u32)]) -> Choice<usize> {
        Choice { strategy, among: among.to_vec() }
    }

    /// A die that goes evenly through the unit interval, so that shares come out as they should.
    fn even(step: f64) -> impl FnMut() -> f64 {
        let mut at = 0.0;
        move || {
            at = (at + step) % 1.0;
            at
        }
    }

    #[test]
    fn priority_is_as_written() {
        let choice = choice(Strategy::Priority, &[(2, 1), (0, 9), (1, 1)]);
        assert_eq!(ordered(&choice, |_| 0.0, |_| None, || 0.9), [&2, &0, &1]);
    }

    #[test]
    fn weights_are_the_shares_of_who_comes_first_and_nobody_without_weight_does() {
        let choice = choice(Strategy::Weighted, &[(0, 70), (1, 20), (2, 10), (3, 0)]);
        let mut firsts = [0; 4];
        for n in 0..1000 {
            let mut rolls = [(f64::from(n) + 0.5) / 1000.0].into_iter().chain(std::iter::repeat(0.5));
            let order = ordered(&choice, |_| 0.0, |_| None, || rolls.next().unwrap());
            firsts[*order[0]] += 1;
            assert_eq!(*order[3], 3);
        }
        assert_eq!(firsts, [700, 200, 100, 0]);
    }

    #[test]
    fn of_two_the_faster_is_always_first_and_the_slowest_of_many_never() {
        let loads = [0.3, 0.1, 0.9];
        let mut roll = even(0.137);
        for _ in 0..500 {
            let two = choice(Strategy::LeastLatency, &[(0, 1), (1, 1)]);
            assert_eq!(ordered(&two, |n| loads[*n], |_| None, &mut roll), [&1, &0]);
            let three = choice(Strategy::LeastLatency, &[(0, 1), (1, 1), (2, 1)]);
            assert_ne!(ordered(&three, |n| loads[*n], |_| None, &mut roll)[0], &2);
        }
    }

    #[test]
    fn the_fastest_of_three_comes_first_in_two_thirds_of_all_draws() {
        let choice = choice(Strategy::LeastLatency, &[(0, 1), (1, 1), (2, 1)]);
        let mut firsts = [0; 3];
        for a in 0..30 {
            for b in 0..30 {
                let mut rolls = [f64::from(a) / 30.0, f64::from(b) / 30.0, 0.5, 0.5].into_iter();
                let order = ordered(&choice, |n| *n as f64, |_| None, || rolls.next().unwrap());
                firsts[*order[0]] += 1;
            }
        }
        assert_eq!(firsts, [600, 300, 0]);
    }

    #[test]
    fn the_cheapest_comes_first_and_what_nobody_priced_last() {
        let choice = choice(Strategy::Cheapest, &[(0, 1), (1, 1), (2, 1), (3, 1)]);
        let costs = [Some(2.0), None, Some(0.5), Some(2.0)];
        assert_eq!(ordered(&choice, |_| 0.0, |n| costs[*n], || 0.0), [&2, &0, &3, &1]);
    }

    fn strategies() -> impl proptest::strategy::Strategy<Value = Strategy> {
        prop_oneof![
            Just(Strategy::Priority),
            Just(Strategy::Weighted),
            Just(Strategy::LeastLatency),
            Just(Strategy::Cheapest)
        ]
    }

    proptest! {
        #[test]
        fn every_order_holds_everything_once(
            strategy in strategies(),
            weights in proptest::collection::vec(0_u32..5, 1..8),
            rolls in proptest::collection::vec(0.0..1.0, 16),
        ) {
            let among: Vec<(usize, u32)> = weights.into_iter().enumerate().collect();
            let choice = choice(strategy, &among);
            let mut rolls = rolls.into_iter().cycle();
            let order = ordered(&choice, |n| (*n % 3) as f64, |n| (*n % 2 == 0).then_some(1.0), || rolls.next().unwrap());
            let mut sorted: Vec<usize> = order.into_iter().copied().collect();
            sorted.sort_unstable();
            prop_assert_eq!(sorted, (0..among.len()).collect::<Vec<_>>());
        }
    }
}
