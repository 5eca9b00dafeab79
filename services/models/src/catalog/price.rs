//! What a model costs, as its provider published it on a day.

use bsm_runtime::diagnostic::Findings;
use bsm_runtime::yaml::{Fields, Node, Path, number};

use super::day::{ADay, Day};

/// US dollars per million tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Price {
    /// Of the prompt.
    pub input: f64,
    /// Of the part of the prompt that the provider had kept from before; as `input` where nobody said.
    pub cached: f64,
    /// Of the answer, what is thought before it included.
    pub output: f64,
    /// The day on which this was so; `None` if nobody said.
    pub as_of: Option<Day>,
}

/// Tokens of one call, as far as they are known or guessed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Of the prompt, those of `cached` included.
    pub input: u64,
    /// Of these, those that the provider had kept from before.
    pub cached: u64,
    /// Of the answer.
    pub output: u64,
}

/// Dollars per million tokens that nobody asks for.
const DEAREST: f64 = 100_000.0;

// === impl Price ===

impl Price {
    /// What a call costs, in US dollars.
    #[must_use]
    pub fn of(&self, tokens: Tokens) -> f64 {
        let cached = tokens.cached.min(tokens.input);
        let dollars = (tokens.input - cached) as f64 * self.input
            + cached as f64 * self.cached
            + tokens.output as f64 * self.output;
        dollars / 1e6
    }
}

/// A price; fields that are missing are those of `base`.
pub(super) fn read(
    node: &Node,
    path: &Path<'_>,
    findings: &mut Findings,
    base: Option<Price>,
) -> Option<Price> {
    let mut fields = Fields::of(node, path, findings)?;
    let dollars = || number(0.0..=DEAREST);
    let (input, output) = match base {
        Some(base) => (
            fields.optional("input", dollars()).or(Some(base.input)),
            fields.optional("output", dollars()).or(Some(base.output)),
        ),
        None => (fields.required("input", dollars()), fields.required("output", dollars())),
    };
    let cached = fields.optional("cached", dollars()).or(base.map(|base| base.cached));
    let as_of = fields.optional("as_of", ADay).or_else(|| base?.as_of);
    fields.finish();
    let (input, output) = (input?, output?);
    Some(Price { input, output, cached: cached.unwrap_or(input), as_of })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_provider_had_kept_costs_less() {
        let price = Price { input: 2.0, cached: 0.5, output: 8.0, as_of: None };
        let cost = |input, cached, output| price.of(Tokens { input, cached, output });
        assert!((cost(1_000_000, 0, 0) - 2.0).abs() < 1e-9);
        assert!((cost(1_000_000, 1_000_000, 500_000) - 4.5).abs() < 1e-9);
        assert!((cost(10, 20, 0) - 5e-6).abs() < 1e-12, "no more is kept than there was");
    }
}
