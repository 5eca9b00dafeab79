//! What budgets there are: one line each, such as `key 10 requests/minute`.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use super::{Kind, Measure, NANOS_PER_USD, Window};

/// One limit: `<key|agent|job> [<which>] <amount> <requests|tokens|usd>/<minute|day>`.
///
/// Without a name it holds for each key, agent or job by itself; with one, for that one instead of the general limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Whose.
    pub kind: Kind,
    /// Which of those; `None` for each.
    pub name: Option<String>,
    /// What is counted.
    pub measure: Measure,
    /// Per which time.
    pub window: Window,
    /// How much there may be at most, in the measure's unit.
    pub limit: u64,
}

/// A line that is no rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{found:?} is no budget; write one such as \"key 10 requests/minute\", \"agent reviewer 50000 tokens/day\" or \
     \"job 0.25 usd/day\""
)]
pub struct BadRule {
    /// The line, cut to 80 characters.
    pub found: String,
}

/// The limits in force, found by whose they are.
#[derive(Clone, Debug, Default)]
pub struct Limits(HashMap<Kind, Cells>, HashMap<(Kind, String), Cells>);

/// A limit for each measure and window, where there is one.
#[derive(Clone, Copy, Debug, Default)]
struct Cells([[Option<u64>; Window::ALL.len()]; Measure::ALL.len()]);

// === impl Rule ===

impl Rule {
    /// Whether another says how much there may be of the very same: subject, unit and window.
    #[must_use]
    pub fn is_of_the_same(&self, other: &Rule) -> bool {
        let of = |rule: &Rule| (rule.kind, rule.measure, rule.window);
        of(self) == of(other) && self.name == other.name
    }
}

impl FromStr for Rule {
    type Err = BadRule;

    fn from_str(line: &str) -> Result<Rule, BadRule> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let rule = match words[..] {
            [kind, amount, per] => parse(kind, None, amount, per),
            [kind, name, amount, per] => parse(kind, Some(name), amount, per),
            _ => None,
        };
        rule.ok_or_else(|| BadRule { found: line.trim().chars().take(80).collect() })
    }
}

fn parse(kind: &str, name: Option<&str>, amount: &str, per: &str) -> Option<Rule> {
    let kind = Kind::ALL.into_iter().find(|known| known.word() == kind)?;
    let (measure, window) = per.split_once('/')?;
    let measure = Measure::ALL.into_iter().find(|known| known.word() == measure)?;
    let window = Window::ALL.into_iter().find(|known| known.word() == window)?;
    let limit = match measure {
        Measure::Requests | Measure::Tokens => amount.parse().ok()?,
        Measure::Money => nanos(amount)?,
    };
    Some(Rule { kind, name: name.map(str::to_owned), measure, window, limit })
}

/// Dollars with at most nine digits behind the point.
fn nanos(text: &str) -> Option<u64> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || rest.len() > 9 || !digits(whole) || !digits(rest) {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    let rest: u64 = format!("{rest:0<9}").parse().ok()?;
    whole.checked_mul(NANOS_PER_USD)?.checked_add(rest)
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rule { kind, name, measure, window, limit } = self;
        let name = name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
        write!(f, "{}{name} {} {}/{}", kind.word(), measure.show(*limit), measure.word(), window.word())
    }
}

// === impl Limits ===

impl Limits {
    /// Of several rules for the same, the lowest counts.
    #[must_use]
    pub fn new(rules: &[Rule]) -> Limits {
        let mut limits = Limits::default();
        for rule in rules {
            let cells = match &rule.name {
                None => limits.0.entry(rule.kind).or_default(),
                Some(name) => limits.1.entry((rule.kind, name.clone())).or_default(),
            };
            let cell = &mut cells.0[rule.measure as usize][rule.window as usize];
            *cell = Some(cell.map_or(rule.limit, |other| other.min(rule.limit)));
        }
        limits
    }

    /// What one key, agent or job may use: each limit with what it counts.
    pub fn of(&self, kind: Kind, name: &str) -> impl Iterator<Item = (Measure, Window, u64)> + use<> {
        let general = self.0.get(&kind).copied().unwrap_or_default();
        let own = if self.1.is_empty() { None } else { self.1.get(&(kind, name.to_owned())) };
        let own = own.copied().unwrap_or_default();
        let cells = Measure::ALL.into_iter().flat_map(|m| Window::ALL.map(|w| (m, w)));
        cells.filter_map(move |(measure, window)| {
            let at = |cells: &Cells| cells.0[measure as usize][window as usize];
            at(&own).or(at(&general)).map(|limit| (measure, window, limit))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(line: &str) -> Rule {
        line.parse().unwrap()
    }

    #[test]
    fn a_rule_reads_back_as_it_is_written() {
        for line in [
            "key 10 requests/minute",
            "key a1b2 5 usd/day",
            "agent reviewer 50000 tokens/day",
            "job 0.25 usd/day",
            "key 0.000000001 usd/minute",
            "job 0 requests/day",
        ] {
            assert_eq!(rule(line).to_string(), line);
        }
        assert_eq!(rule(" key   1.50  usd/day ").limit, 1_500_000_000);
    }

    #[test]
    fn what_is_no_rule_is_refused_with_examples() {
        for line in [
            "",
            "key",
            "key 10",
            "key ten requests/minute",
            "key -1 requests/minute",
            "key 1.5 requests/minute",
            "key 1 requests/hour",
            "key 1 euros/day",
            "team 1 requests/day",
            "key 0.0000000001 usd/day",
            "key . usd/day",
            "key 99999999999999 usd/day",
            "key a b 1 usd/day",
        ] {
            let problem = line.parse::<Rule>().unwrap_err().to_string();
            assert!(problem.contains("key 10 requests/minute"), "{line}: {problem}");
        }
    }

    #[test]
    fn a_named_limit_stands_in_the_place_of_the_general_one_and_the_lowest_counts() {
        let lines = [
            "key 10 requests/minute",
            "key 5 usd/day",
            "key vip 100 requests/minute",
            "key 7 requests/minute",
        ];
        let limits = Limits::new(&lines.map(rule));
        let of = |name| limits.of(Kind::Key, name).collect::<Vec<_>>();
        let money = (Measure::Money, Window::Day, 5 * NANOS_PER_USD);
        assert_eq!(of("x"), [(Measure::Requests, Window::Minute, 7), money]);
        assert_eq!(of("vip"), [(Measure::Requests, Window::Minute, 100), money]);
        assert_eq!(limits.of(Kind::Job, "x").count(), 0);
    }
}
