//! How long an answer may become, and what is reserved for it. Pure.
//!
//! ```text
//! the caller says max_tokens ──► that, no more than the model can write ──────────────────► reserved
//! he does not, no budget      ──► as long as the model likes                     (nothing is counted)
//! he does not, under a budget ──► a quarter of what is left, 1,024 tokens at least, no more than the model can
//!                                 write ──► sent as max_tokens where the model could write more ──► reserved
//! ```
//! So no answer is longer than what was reserved for it, and a call that is left open does not lock up the whole of a
//! budget: the next one at the same time finds three quarters of it. A share that the budget does not have is refused by
//! the books, like any other call that does not fit.

use super::estimate::Expected;
use crate::budget::{Amount, Room};
use crate::catalog::Price;
use crate::price::{self, Tokens};

/// Which part of what is left one open call may take.
const SHARE: u64 = 4;
/// Tokens of an answer below which an open call is rather refused than cut short.
const LEAST: u64 = 1_024;
/// Tokens that an open call under a budget may write when nobody says how many its model can.
const UNKNOWN: u64 = 4_096;

/// What is known of a model that may answer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Terms {
    /// Whether it is the built-in reviewer, who takes no tokens.
    pub(super) is_free: bool,
    /// What it costs, if that is known.
    pub(super) price: Option<Price>,
    /// Tokens that it can write in one answer, if that is known.
    pub(super) longest: Option<u64>,
    /// Tokens that its wire asks for when nobody says how many, if it does.
    pub(super) unsaid: Option<u64>,
}

/// What a call is held to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
    /// What it may take.
    pub(super) reserved: Amount,
    /// What it is thought to have taken if its end is not seen.
    pub(super) guess: Tokens,
    /// For each model the `max_tokens` that it has to be sent with, where the caller said none and it could write more.
    pub(super) bounds: Vec<Option<u32>>,
}

/// What a call is held to that may end at any of these models.
pub(super) fn plan(expected: Expected, room: Room, models: &[Terms]) -> Plan {
    let bound = expected.output.unwrap_or_else(|| share(expected, room, models));
    let is_open = expected.output.is_none() && room.is_bounded();
    let (mut tokens, mut nanos, mut longest) = (0, 0, 0);
    for model in models.iter().filter(|model| !model.is_free) {
        let output = model.output(expected, bound);
        let taken = expected.with_output(output);
        tokens = taken.total().max(tokens);
        nanos = model.price.map_or(0, |price| price::nanos(&price, taken)).max(nanos);
        longest = output.max(longest);
    }
    let bounds = models.iter().map(|model| model.bound(expected, bound).filter(|_| is_open)).collect();
    let guess = if tokens == 0 { Tokens::default() } else { expected.guess(longest) };
    Plan { reserved: Amount { requests: 1, tokens, nanos }, guess, bounds }
}

/// Tokens that each answer of an open call may have of what is left.
fn share(expected: Expected, room: Room, models: &[Terms]) -> u64 {
    let tokens = room.tokens.map(|left| left.saturating_sub(expected.input));
    let paid = |left| models.iter().filter_map(move |model| affordable(left, expected, model.price?));
    let left = room.nanos.into_iter().flat_map(paid).chain(tokens).min();
    left.map_or(u64::MAX, |left| (left / expected.choices.max(1) / SHARE).max(LEAST))
}

/// Tokens of an answer that so much money is enough for; `None` if they cost nothing.
fn affordable(left: u64, expected: Expected, price: Price) -> Option<u64> {
    let each = price.output * 1_000.0; // a dollar for a million tokens is 1,000 billionths for one
    let left = left.saturating_sub(price::nanos(&price, expected.with_output(0)));
    (each > 0.0).then(|| (left as f64 / each) as u64)
}

// === impl Terms ===

impl Terms {
    /// Tokens of an answer that is held to `bound`.
    fn output(&self, expected: Expected, bound: u64) -> u64 {
        let longest = match expected.output {
            Some(_) => self.longest.unwrap_or(u64::MAX),
            None => self.open().unwrap_or(UNKNOWN),
        };
        bound.min(longest)
    }

    /// The `max_tokens` to send for an open call; `None` if the model would write no more anyway.
    fn bound(&self, expected: Expected, bound: u64) -> Option<u32> {
        let output = self.output(expected, bound);
        let is_needed = !self.is_free && self.open().is_none_or(|longest| output < longest);
        is_needed.then(|| u32::try_from(output).unwrap_or(u32::MAX))
    }

    /// Tokens of an answer when nobody says how many, if that is known.
    fn open(&self) -> Option<u64> {
        self.longest.into_iter().chain(self.unsaid).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::DEFAULT_OUTPUT;

    const OPEN: Expected = Expected { input: 10, output: None, choices: 1 };

    /// A model that costs a dollar per million tokens read and ten per million written, and writes up to 16,384.
    fn priced() -> Terms {
        let price = Price { input: 1.0, cached: 1.0, output: 10.0, as_of: None };
        Terms { price: Some(price), longest: Some(16_384), ..Terms::default() }
    }

    fn tokens(left: u64) -> Room {
        Room { tokens: Some(left), nanos: None }
    }

    fn dollars(nanos: u64) -> Room {
        Room { tokens: None, nanos: Some(nanos) }
    }

    #[test]
    fn an_open_call_is_held_to_what_its_model_can_write_where_the_budget_has_plenty() {
        let plan = plan(OPEN, tokens(500_000), &[priced()]);
        assert_eq!(plan.reserved, Amount { requests: 1, tokens: 16_394, nanos: 10_000 + 163_840_000 });
        assert_eq!(plan.bounds, [None], "the request goes on as it came");
        assert_eq!(plan.guess.output, DEFAULT_OUTPUT, "what is not seen is hardly as long as it could be");
    }

    #[test]
    fn an_open_call_is_sent_with_a_quarter_of_what_is_left() {
        let plan = |room| plan(OPEN, room, &[priced()]);
        assert_eq!(plan(tokens(20_010)).bounds, [Some(5_000)]);
        assert_eq!(plan(tokens(20_010)).reserved.tokens, 5_010);
        let of_dollars = plan(dollars(250_000_000)); // a quarter of a dollar: 25,000 tokens
        assert_eq!(of_dollars.bounds, [Some(6_249)]);
        assert!(of_dollars.reserved.nanos <= 62_500_000, "{of_dollars:?}");
        assert_eq!(
            plan(Room { tokens: Some(8_010), nanos: Some(250_000_000) }).bounds,
            [Some(2_000)],
            "the less"
        );
    }

    #[test]
    fn an_open_call_is_not_cut_to_less_than_a_thousand_tokens() {
        for left in [0, 500, 1_034, 4_000] {
            assert_eq!(plan(OPEN, tokens(left), &[priced()]).reserved.tokens, 1_034, "{left}");
        }
        let short = Terms { longest: Some(300), ..priced() };
        assert_eq!(plan(OPEN, tokens(500), &[short]).reserved.tokens, 310, "it can write no more");
    }

    #[test]
    fn a_bounded_call_is_held_to_its_bound_and_to_what_the_model_can_write() {
        for (said, output) in [(50, 50), (16_384, 16_384), (1_000_000, 16_384)] {
            let plan = plan(Expected { output: Some(said), ..OPEN }, tokens(100), &[priced()]);
            assert_eq!((plan.reserved.tokens, &plan.bounds[..]), (10 + output, &[None][..]), "{said}");
            assert_eq!(plan.guess.output, output);
        }
    }

    #[test]
    fn several_answers_take_several_times_as_much() {
        let three = Expected { choices: 3, ..OPEN };
        let of_three = plan(three, tokens(30_010), &[priced()]);
        assert_eq!((of_three.reserved.tokens, &of_three.bounds[..]), (7_510, &[Some(2_500)][..]));
        let said = plan(Expected { output: Some(100), ..three }, tokens(1), &[priced()]);
        assert_eq!(said.reserved.tokens, 310);
    }

    #[test]
    fn a_model_of_which_nothing_is_known_is_bounded_all_the_same() {
        let plan = |room, model| plan(OPEN, room, &[model]);
        let unknown = plan(tokens(1_000_000), Terms::default());
        assert_eq!((unknown.reserved.tokens, &unknown.bounds[..]), (4_106, &[Some(4_096)][..]));
        let told_by_the_wire = plan(tokens(1_000_000), Terms { unsaid: Some(8_192), ..Terms::default() });
        assert_eq!((told_by_the_wire.reserved.tokens, &told_by_the_wire.bounds[..]), (8_202, &[None][..]));
        assert_eq!(plan(Room::default(), Terms::default()).bounds, [None], "without a budget nothing is");
    }

    #[test]
    fn the_dearest_and_the_longest_of_the_candidates_count_and_the_built_in_reviewer_does_not() {
        let offline = Terms { is_free: true, ..Terms::default() };
        let alone = plan(OPEN, tokens(0), &[offline]);
        assert_eq!(
            (alone.reserved, alone.guess),
            (Amount { requests: 1, ..Amount::default() }, Tokens::default())
        );
        let cheap = Terms { price: None, longest: Some(32_000), ..Terms::default() };
        let plan = plan(OPEN, tokens(100_010), &[priced(), cheap, offline]);
        assert_eq!((plan.reserved.tokens, plan.reserved.nanos), (25_010, 163_850_000));
        assert_eq!(plan.bounds, [None, Some(25_000), None]);
    }
}
