//! The decision: (what is known of each endpoint, two random numbers) → which one. No clock, no lock, no I/O.

use std::cmp::Reverse;

/// What is known of one endpoint at the moment of a pick.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// Its breaker may let a call through.
    pub admits: bool,
    /// It has just turned a call away, and is left alone for a moment.
    pub rests: bool,
    /// This call has been there.
    pub tried: bool,
    /// What it has to do; less is better.
    pub load: f64,
}

/// Which endpoint gets the next call: of those that are the most use, the one with less to do of two drawn by `rolls`
/// (numbers in [0, 1)). `None` if none admits a call.
#[must_use]
pub fn pick(views: &[View], rolls: [f64; 2]) -> Option<usize> {
    let best = views.iter().filter_map(View::rank).max()?;
    let nth = |n: usize| {
        let mut of_best = views.iter().enumerate().filter(|(_, view)| view.rank() == Some(best));
        of_best.nth(n).expect("the draw is below the count")
    };
    let count = views.iter().filter(|view| view.rank() == Some(best)).count();
    let first = drawn(rolls[0], count);
    if count == 1 {
        return Some(nth(first).0);
    }
    let second = (first + 1 + drawn(rolls[1], count - 1)) % count; // never the same again
    let [first, second] = [nth(first), nth(second)];
    Some(if second.1.load < first.1.load { second.0 } else { first.0 })
}

fn drawn(roll: f64, count: usize) -> usize {
    ((roll * count as f64) as usize).min(count - 1)
}

// === impl View ===

impl View {
    /// The higher the more use. That a connection was just refused weighs more than that this call failed there: the
    /// next one there has the better chance.
    fn rank(&self) -> Option<(Reverse<bool>, Reverse<bool>)> {
        self.admits.then_some((Reverse(self.rests), Reverse(self.tried)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const IDLE: View = View { admits: true, rests: false, tried: false, load: 1.0 };

    fn picked(views: &[View]) -> Vec<usize> {
        let rolls = (0..16).flat_map(|a| (0..16).map(move |b| [f64::from(a) / 16.0, f64::from(b) / 16.0]));
        let mut picked: Vec<_> = rolls.filter_map(|rolls| pick(views, rolls)).collect();
        picked.sort_unstable();
        picked.dedup();
        picked
    }

    #[test]
    fn an_endpoint_that_refuses_rests_or_was_tried_is_left_out_while_there_is_another() {
        let (refuses, rests) = (View { admits: false, ..IDLE }, View { rests: true, ..IDLE });
        let tried = View { tried: true, ..IDLE };
        assert_eq!(picked(&[refuses, rests, tried, IDLE]), [3]);
        assert_eq!(
            picked(&[refuses, rests, tried]),
            [2],
            "a place that failed once before one that turns away"
        );
        assert_eq!(picked(&[refuses, rests]), [1]);
        assert_eq!(picked(&[refuses]), [0; 0]);
        assert_eq!(picked(&[]), [0; 0]);
    }

    #[test]
    fn of_two_the_one_with_less_to_do_is_taken_and_of_equals_each() {
        let busy = View { load: 2.0, ..IDLE };
        assert_eq!(picked(&[busy, IDLE]), [1]);
        assert_eq!(picked(&[IDLE, IDLE, IDLE]), [0, 1, 2]);
        assert_eq!(picked(&[IDLE, busy, IDLE]), [0, 2], "the busiest of three never wins a draw of two");
    }

    fn views() -> impl Strategy<Value = Vec<View>> {
        let view = (any::<bool>(), any::<bool>(), any::<bool>(), 0.0..9.0)
            .prop_map(|(admits, rests, tried, load)| View { admits, rests, tried, load });
        proptest::collection::vec(view, 0..9)
    }

    proptest! {
        #[test]
        fn one_is_picked_whenever_one_admits_and_none_is_of_more_use(
            views in views(), rolls in [0.0..1.0, 0.0..1.0],
        ) {
            match pick(&views, rolls) {
                None => prop_assert!(views.iter().all(|view| !view.admits)),
                Some(at) => {
                    prop_assert!(views[at].admits);
                    let others = views.iter().filter(|view| view.admits);
                    prop_assert!(others.clone().all(|view| view.rank() <= views[at].rank()));
                    let same = others.filter(|view| view.rank() == views[at].rank());
                    let lighter = same.clone().filter(|view| view.load < views[at].load).count();
                    prop_assert!(lighter + 1 < same.count().max(2), "never the busiest of several");
                }
            }
        }
    }
}
