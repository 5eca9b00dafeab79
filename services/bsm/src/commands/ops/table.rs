//! An answer for people.

use std::{fmt::Display, time::Duration};

use bsm_proto::ops::v1::{Breaker, Bulkhead, Cache, ConcurrencyLimit, Flag, RateLimit, RetryBudget};
use comfy_table::{Cell, CellAlignment, Color, Row};

use super::answer::{Answer, List};
use crate::commands::shown;

impl Answer {
    /// A table, or a sentence where there is nothing to tabulate.
    pub(super) fn text(&self) -> String {
        match &self.list {
            List::Breakers(list) => table(BREAKERS, list.iter().map(breaker)),
            List::Bulkheads(list) => table(BULKHEADS, list.iter().map(bulkhead)),
            List::Limits(calls, clients) => {
                let calls = table(CONCURRENCY, calls.iter().map(concurrency));
                format!("{calls}\n\n{}", table(RATES, clients.iter().map(rate)))
            }
            List::Budgets(list) => table(BUDGETS, list.iter().map(budget)),
            List::Caches(list) => table(CACHES, list.iter().map(cache)),
            List::Flags(list) => table(FLAGS, shares(list).iter().map(flag)),
            List::Cleared(list) if list.is_empty() => "There are no caches here.".to_owned(),
            List::Cleared(list) => format!("Cleared: {}.", list.join(", ")),
        }
    }
}

const BREAKERS: &[&str] =
    &["service", "breaker", "state", "mode", "calls", "failures", "slow", "refused", "last change"];
const BULKHEADS: &[&str] = &["service", "bulkhead", "in flight", "of", "waiting", "of", "refused"];
const CONCURRENCY: &[&str] = &[
    "service",
    "calls at once",
    "in flight",
    "of",
    "least",
    "most",
    "without load",
    "batch refused",
    "normal",
    "critical",
];
const RATES: &[&str] =
    &["service", "calls per client", "calls", "per", "at once", "clients", "of", "refused"];
const BUDGETS: &[&str] = &["service", "budget", "left", "calls", "retries and hedges", "refused"];
const CACHES: &[&str] = &[
    "service",
    "cache",
    "values",
    "bytes",
    "of",
    "age",
    "ttl",
    "hits",
    "misses",
    "loads",
    "failed",
    "shared",
    "stale",
    "gone for room",
];
const FLAGS: &[&str] = &["flag", "calls inside", "services"];

fn table(header: &[&str], rows: impl Iterator<Item = Row>) -> String {
    shown::table(header.to_vec(), rows)
}

fn breaker(breaker: &Breaker) -> Row {
    let stats = breaker.stats.unwrap_or_default();
    let state = match breaker.state.as_str() {
        "CLOSED" if breaker.admits_percent < 100 => format!("CLOSED {} %", breaker.admits_percent),
        state => state.to_owned(),
    };
    let change = breaker.last_change.as_ref().map_or(String::new(), |change| change.cause.replace('_', " "));
    let mode = match breaker.mode.as_str() {
        "normal" => Cell::new("normal"),
        other => Cell::new(other).fg(Color::Yellow),
    };
    Row::from(vec![
        Cell::new(&breaker.service),
        Cell::new(&breaker.name),
        Cell::new(state).fg(colour(&breaker.state)),
        mode,
        count(stats.total),
        bad(stats.failures),
        count(stats.slow),
        bad(stats.rejections),
        Cell::new(change),
    ])
}

fn colour(state: &str) -> Color {
    match state {
        "CLOSED" => Color::Green,
        "OPEN" => Color::Red,
        _ => Color::Yellow,
    }
}

fn bulkhead(bulkhead: &Bulkhead) -> Row {
    Row::from(vec![
        Cell::new(&bulkhead.service),
        Cell::new(&bulkhead.name),
        right(bulkhead.in_flight),
        right(bulkhead.max_in_flight),
        bad(bulkhead.queued.into()),
        right(bulkhead.max_queue),
        bad(bulkhead.rejections),
    ])
}

fn concurrency(limit: &ConcurrencyLimit) -> Row {
    Row::from(vec![
        Cell::new(&limit.service),
        Cell::new(&limit.name),
        right(limit.in_flight),
        right(limit.limit),
        right(limit.min),
        right(limit.max),
        right(limit.unloaded.map_or("–".to_owned(), |ms| format!("{ms:.1} ms"))),
        bad(limit.refused_batch),
        bad(limit.refused_normal),
        bad(limit.refused_critical),
    ])
}

fn rate(limit: &RateLimit) -> Row {
    Row::from(vec![
        Cell::new(&limit.service),
        Cell::new(&limit.name),
        right(limit.limit),
        right(duration(limit.window)),
        right(limit.burst),
        right(limit.clients),
        right(limit.max_clients),
        bad(limit.rejections),
    ])
}

fn budget(budget: &RetryBudget) -> Row {
    Row::from(vec![
        Cell::new(&budget.service),
        Cell::new(&budget.name),
        right(format!("{:.1}", budget.available)),
        count(budget.calls),
        count(budget.sent),
        bad(budget.refused),
    ])
}

fn cache(cache: &Cache) -> Row {
    let age = cache.age.map_or("–".to_owned(), duration);
    let is_old = cache.age.is_some_and(|age| age > cache.ttl);
    Row::from(vec![
        Cell::new(&cache.service),
        Cell::new(&cache.name),
        count(cache.entries),
        cache.bytes.map_or_else(none, count),
        cache.max_bytes.map_or_else(none, count),
        if is_old { right(age).fg(Color::Yellow) } else { right(age) },
        right(duration(cache.ttl)),
        count(cache.hits),
        count(cache.misses),
        count(cache.loads),
        bad(cache.load_failures),
        count(cache.coalesced),
        count(cache.stale_served),
        cache.evicted.map_or_else(none, count),
    ])
}

/// What is not counted.
fn none() -> Cell {
    right("–".to_owned())
}

/// A flag, a percentage and the services that have it so: one row, while all agree.
type Share<'a> = (&'a str, u32, Vec<&'a str>);

fn shares(flags: &[Flag]) -> Vec<Share<'_>> {
    let mut shares: Vec<Share<'_>> = Vec::new();
    for flag in flags {
        match shares.iter_mut().find(|(name, percent, _)| (*name, *percent) == (&flag.name, flag.percent)) {
            Some((_, _, services)) => services.push(&flag.service),
            None => shares.push((&flag.name, flag.percent, vec![&flag.service])),
        }
    }
    shares
}

fn flag((name, percent, services): &Share<'_>) -> Row {
    let share = right(format!("{percent} %"));
    let share = if *percent < 100 { share.fg(Color::Yellow) } else { share };
    Row::from(vec![Cell::new(name), share, Cell::new(services.join(", "))])
}

fn right(text: impl Display) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

fn count(n: f64) -> Cell {
    right(format!("{n:.0}"))
}

/// A count that is good news only when it is 0.
fn bad(n: f64) -> Cell {
    if n > 0.0 { count(n).fg(Color::Red) } else { count(n) }
}

/// ms as people say it, to the second where it is seconds.
fn duration(ms: f64) -> String {
    let whole = Duration::from_millis(ms.max(0.0) as u64);
    match whole.as_secs() {
        0 => format!("{} ms", whole.as_millis()),
        seconds @ 1..=119 => format!("{seconds} s"),
        seconds => format!("{} min", seconds / 60),
    }
}

#[cfg(test)]
mod tests {
    use bsm_proto::ops::v1::{BreakerChange, BreakerStats};

    use super::*;

    #[test]
    fn a_breaker_shows_its_state_mode_and_why_it_changed() {
        let open = Breaker {
            name: "gateway->models".into(),
            service: "gateway".into(),
            state: "OPEN".into(),
            mode: "forced_open".into(),
            stats: Some(BreakerStats { total: 12.0, failures: 5.0, rejections: 7.0, ..Default::default() }),
            last_change: Some(BreakerChange { cause: "mode_set".into(), ..Default::default() }),
            ..Breaker::default()
        };
        let text = List::Breakers(vec![open]).alone().text();
        for part in ["gateway->models", "OPEN", "forced_open", "12", "7", "mode set"] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }

    #[test]
    fn limits_are_two_tables_with_whom_they_turned_away() {
        let calls = ConcurrencyLimit {
            name: "memory inbound".into(),
            service: "memory".into(),
            limit: 64,
            unloaded: Some(1.25),
            refused_batch: 7.0,
            ..Default::default()
        };
        let clients = RateLimit { name: "gateway clients".into(), window: 900_000.0, ..Default::default() };
        let text = List::Limits(vec![calls], vec![clients]).alone().text();
        for part in ["memory inbound", "64", "1.2 ms", "7", "gateway clients", "15 min"] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
        assert!(List::Limits(vec![], vec![]).alone().text().contains("There are none."));
    }

    #[test]
    fn times_are_told_in_the_unit_that_people_would_use() {
        assert_eq!([7.4, 1500.0, 119_000.0, 300_000.0].map(duration), ["7 ms", "1 s", "119 s", "5 min"]);
    }

    #[test]
    fn an_empty_list_is_a_sentence() {
        assert_eq!(List::Caches(vec![]).alone().text(), "There are none.");
        assert_eq!(List::Cleared(vec!["agents".into()]).alone().text(), "Cleared: agents.");
    }

    #[test]
    fn a_flag_is_one_row_while_the_services_agree() {
        let flag = |service: &str, percent| Flag { name: "retry".into(), service: service.into(), percent };
        let flags = [flag("models", 10), flag("memory", 10), flag("gateway", 20)];
        assert_eq!(shares(&flags), [("retry", 10, vec!["models", "memory"]), ("retry", 20, vec!["gateway"])]);
    }
}
