//! Prices that may have changed since somebody looked.

use bsm_runtime::clock;

use super::{Catalog, Day, Model};

/// Days after which a price should be looked up again.
const FRESH_DAYS: i64 = 180;

const DAY_MS: i64 = 86_400_000;

/// Some prices that are old.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldPrices {
    /// How many there are.
    pub count: usize,
    /// The model with the oldest, as `provider/model`.
    pub oldest: String,
    /// The day on which that was so.
    pub as_of: Day,
}

/// Whether a price that was so on this day should be looked up again at `now` (ms since 1970).
#[must_use]
pub fn is_old(as_of: Day, now: i64) -> bool {
    last_fresh(now).is_some_and(|last| as_of < last)
}

/// The earliest day of which a price is taken as it is.
fn last_fresh(now: i64) -> Option<Day> {
    Day::parse(&clock::date(now - FRESH_DAYS * DAY_MS))
}

impl Catalog {
    /// The prices that were so more than 180 days before `now` (ms since 1970), of those models that `counts`. Prices
    /// without a day are the operator's own and not told of.
    #[must_use]
    pub fn old_prices(&self, now: i64, counts: impl Fn(&Model) -> bool) -> Option<OldPrices> {
        let last = last_fresh(now)?;
        let dated = |model: &Model| Some((model.price?.as_of?, model.name()));
        let old = self.models.iter().filter(|model| counts(model)).filter_map(dated);
        let old: Vec<(Day, String)> = old.filter(|(as_of, _)| *as_of < last).collect();
        let count = old.len();
        let (as_of, oldest) = old.into_iter().min()?;
        Some(OldPrices { count, oldest, as_of })
    }
}

impl std::fmt::Display for OldPrices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let OldPrices { count, oldest, as_of } = self;
        write!(
            f,
            "{count} prices are older than {FRESH_DAYS} days, the oldest that of {oldest}, of {as_of}: compare them with \
             your contract and date them anew in the models file (price: {{ as_of: … }})"
        )
    }
}

#[cfg(test)]
mod tests {
    use bsm_runtime::diagnostic::{Findings, Strictness};

    use super::*;

    const MIDNIGHT_OF_2026_07_01: i64 = 1_782_864_000_000;

    #[test]
    fn prices_older_than_half_a_year_are_told_once_with_the_oldest() {
        let price = |model: &str, day: &str| {
            format!("  openai/{model}: {{ price: {{ input: 1, output: 1{day} }} }}\n")
        };
        let text = [
            "models:\n".to_owned(),
            price("a", ", as_of: 2026-01-02"),
            price("b", ", as_of: 2026-01-01"),
            price("c", ", as_of: 2025-12-31"),
            price("d", ""),
        ];
        let (catalog, _) =
            Catalog::read(Findings::new("models.yaml", text.concat(), Strictness::Strict)).unwrap();
        let own = |model: &Model| model.id.len() == 1;
        let old = catalog.old_prices(MIDNIGHT_OF_2026_07_01, own).unwrap();
        assert_eq!(
            (old.count, old.oldest.as_str(), old.as_of.to_string().as_str()),
            (2, "openai/c", "2025-12-31")
        );
        assert_eq!(catalog.old_prices(MIDNIGHT_OF_2026_07_01 - 2 * DAY_MS, own), None);
        assert!(
            old.to_string()
                .starts_with("2 prices are older than 180 days, the oldest that of openai/c, of 2025-12-31")
        );
        let is_old = |day: &str| is_old(Day::parse(day).unwrap(), MIDNIGHT_OF_2026_07_01);
        assert!(is_old("2026-01-01") && !is_old("2026-01-02"), "each says so of itself");
    }
}
