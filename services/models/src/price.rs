//! What calls cost: the catalog's prices, found by provider and model, and exact sums of them; beside them how long an
//! answer of each model may be.

use std::collections::HashMap;

use crate::catalog::{Catalog, Model, Price};

/// Tokens of one call, or of many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Of the prompt.
    pub input: u64,
    /// Of the answer.
    pub output: u64,
    /// Those of the prompt that the provider had in its cache; part of `input`.
    pub cached: u64,
    /// Those of the answer that went into thinking; part of `output`.
    pub reasoning: u64,
}

/// What is known of each model's price and of the length of its answers, by provider and the model's id.
#[derive(Clone, Debug, Default)]
pub struct Prices(HashMap<String, HashMap<String, Terms>>);

#[derive(Clone, Copy, Debug, Default)]
struct Terms {
    price: Option<Price>,
    /// Tokens of an answer at most.
    output: Option<u64>,
}

/// What tokens cost, in billionths of a US dollar, rounded up.
#[must_use]
pub fn nanos(price: &Price, tokens: Tokens) -> u64 {
    let cached = tokens.cached.min(tokens.input);
    let dollars_per_million = (tokens.input - cached) as f64 * price.input
        + cached as f64 * price.cached
        + tokens.output as f64 * price.output;
    (dollars_per_million * 1_000.0).ceil() as u64 // a float beyond the range becomes its end
}

// === impl Prices ===

impl Prices {
    /// Those of a catalog.
    #[must_use]
    pub fn of_catalog(catalog: &Catalog) -> Prices {
        let mut prices = Prices::default();
        for Model { provider, id, price, output, .. } in &catalog.models {
            *prices.terms(provider, id) = Terms { price: *price, output: *output };
        }
        prices
    }

    /// Sets the price of a model.
    pub fn set(&mut self, provider: &str, model: &str, price: Price) {
        self.terms(provider, model).price = Some(price);
    }

    /// Sets how many tokens an answer of a model has at most.
    pub fn set_output(&mut self, provider: &str, model: &str, tokens: u64) {
        self.terms(provider, model).output = Some(tokens);
    }

    /// The price of a model. A dated release, such as `gpt-4o-2024-08-06`, costs what the model does that it is one of,
    /// unless it has a price of its own.
    #[must_use]
    pub fn of(&self, provider: &str, model: &str) -> Option<Price> {
        self.known(provider, model, |terms| terms.price)
    }

    /// How many tokens an answer of a model has at most, if somebody said so; of a dated release as for [`of`](Self::of).
    #[must_use]
    pub fn output(&self, provider: &str, model: &str) -> Option<u64> {
        self.known(provider, model, |terms| terms.output)
    }

    fn known<T>(&self, provider: &str, model: &str, term: fn(&Terms) -> Option<T>) -> Option<T> {
        let of = self.0.get(provider)?;
        let own = of.get(model).and_then(term);
        own.or_else(|| of.get(undated(model)?).and_then(term))
    }

    fn terms(&mut self, provider: &str, model: &str) -> &mut Terms {
        self.0.entry(provider.to_owned()).or_default().entry(model.to_owned()).or_default()
    }
}

/// The model without the date at the end of its id: `-2024-08-06`, `-20240806` or `-0613`.
fn undated(model: &str) -> Option<&str> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (rest, last) = model.rsplit_once('-')?;
    match last.len() {
        8 | 4 if digits(last) => Some(rest),
        2 if digits(last) => {
            let (rest, month) = rest.rsplit_once('-')?;
            let (rest, year) = rest.rsplit_once('-')?;
            (digits(month) && month.len() == 2 && digits(year) && year.len() == 4).then_some(rest)
        }
        _ => None,
    }
}

impl Tokens {
    /// Those read and those written.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.input.saturating_add(self.output)
    }

    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Tokens) -> Tokens {
        Tokens {
            input: self.input.saturating_add(other.input),
            output: self.output.saturating_add(other.output),
            cached: self.cached.saturating_add(other.cached),
            reasoning: self.reasoning.saturating_add(other.reasoning),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(input: f64, output: f64, cached: f64) -> Price {
        Price { input, output, cached, as_of: None }
    }

    #[test]
    fn cached_tokens_have_their_own_price_and_nothing_is_rounded_away() {
        let price_of_all = price(2.5, 10.0, 1.25);
        let tokens = Tokens { input: 1_000, output: 100, cached: 400, reasoning: 50 };
        assert_eq!(nanos(&price_of_all, tokens), (600 * 2_500) + (400 * 1_250) + (100 * 10_000));
        assert_eq!(nanos(&price(0.000_1, 0.0, 0.0), Tokens { input: 1, ..Tokens::default() }), 1);
        let more_cached_than_read = Tokens { input: 1, cached: 9, ..Tokens::default() };
        assert_eq!(nanos(&price_of_all, more_cached_than_read), 1_250);
    }

    #[test]
    fn a_dated_release_costs_what_its_model_does() {
        let mut prices = Prices::default();
        let price = |input| price(input, 0.0, 0.0);
        prices.set("openai", "gpt-4o", price(1.0));
        prices.set("openai", "gpt-4o-2024-05-13", price(2.0));
        prices.set("openai", "gpt-4", price(3.0));
        for (model, expected) in [
            ("gpt-4o", Some(1.0)),
            ("gpt-4o-2024-08-06", Some(1.0)),
            ("gpt-4o-20240806", Some(1.0)),
            ("gpt-4o-2024-05-13", Some(2.0)),
            ("gpt-4-0613", Some(3.0)),
            ("gpt-4o-mini", None),
            ("gpt-4o-mini-2024-07-18", None),
            ("gpt-5", None),
        ] {
            assert_eq!(prices.of("openai", model).map(|price| price.input), expected, "{model}");
        }
        assert_eq!(prices.of("groq", "gpt-4o"), None);
        prices.set_output("openai", "gpt-4o", 16_384);
        assert_eq!(prices.output("openai", "gpt-4o-2024-05-13"), Some(16_384), "its answers are as long");
        assert_eq!(prices.output("openai", "gpt-5"), None);
    }
}
