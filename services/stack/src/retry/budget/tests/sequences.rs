//! Any sequence of calls, wishes to retry and time, told to the budget and to a reference: both say the same all along.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::*;
use crate::testing::sequences::{self, Chance};

#[derive(Clone, Copy, Debug)]
enum Event {
    /// So many calls are asked for.
    Asked(u64),
    /// A retry is wished for, by a thread that read the clock so many nanoseconds ago.
    Withdraw(u64),
    /// So many nanoseconds pass.
    Pass(u64),
}

fn make(chance: &mut Chance) -> (Config, Vec<Event>) {
    let config = Config {
        percent: *chance.pick(&[0, 1, 10, 50, 100, 250]),
        floor_per_second: *chance.pick(&[0, 1, 3, 10, 1000]),
    };
    let length = 10 + chance.below(70);
    (config, (0..length).map(|_| event(chance)).collect())
}

fn event(chance: &mut Chance) -> Event {
    match chance.below(10) {
        0..=2 => Event::Asked(*chance.pick(&[1, 1, 1, 7, 10, 1_000])),
        3..=7 => Event::Withdraw(*chance.pick(&[0, 0, 0, 0, 1, 1_000_000, 2_000_000_000])),
        _ => Event::Pass(*chance.pick(&[1, 333, 1_000_000, 99_999_999, 100_000_000, 3_600_000_000_000])),
    }
}

/// The rules in whole numbers of a hundredth of a billionth of a token, in which nothing is ever rounded.
struct Reference {
    percent: u128,
    per_second: u128,
    tokens: u128,
    /// The latest clock that anybody has read, in nanoseconds.
    seen: u128,
    totals: [u64; 3],
}

const TOKEN: u128 = 100_000_000_000;

// === impl Reference ===

impl Reference {
    fn new(config: Config) -> Self {
        let (percent, per_second) = (config.percent.min(100).into(), config.floor_per_second.into());
        Self { percent, per_second, tokens: TOKEN * u128::max(per_second, 1), seen: 0, totals: [0; 3] }
    }

    fn pay_in(&mut self, amount: u128) {
        self.tokens = (self.tokens + amount).min(TOKEN * self.per_second.max(1));
    }

    fn asked(&mut self, calls: u64) {
        self.totals[0] += calls;
        (0..calls).for_each(|_| self.pay_in(self.percent * TOKEN / 100));
    }

    fn withdraw(&mut self, now: u128) -> bool {
        self.pay_in(now.saturating_sub(self.seen) * self.per_second * 100);
        self.seen = self.seen.max(now);
        let allowed = self.tokens >= TOKEN;
        self.tokens -= if allowed { TOKEN } else { 0 };
        self.totals[if allowed { 1 } else { 2 }] += 1;
        allowed
    }
}

fn run(config: &Config, events: &[Event], refusals: &AtomicU64) -> Result<(), String> {
    let budget = Budget::new("model", *config);
    let start = budget.shared.lock().filled;
    let (mut reference, mut now) = (Reference::new(*config), 0);
    for (at, event) in events.iter().enumerate() {
        match *event {
            Event::Pass(nanos) => now += nanos,
            Event::Asked(calls) => {
                (0..calls).for_each(|_| budget.asked());
                reference.asked(calls);
            }
            Event::Withdraw(ago) => {
                let read = now.saturating_sub(ago);
                let ours = budget.withdraw(start + Duration::from_nanos(read));
                let expected = reference.withdraw(read.into());
                let left = u128::from(budget.shared.lock().tokens) * 100;
                if (ours, left) != (expected, reference.tokens) {
                    return Err(format!(
                        "event {at}: {ours} with {left} left, not {expected} with {}",
                        reference.tokens
                    ));
                }
            }
        }
    }
    let Snapshot { asked, sent, refused, .. } = budget.snapshot();
    refusals.fetch_add(refused, Relaxed);
    let totals = [asked, sent, refused];
    if totals == reference.totals { Ok(()) } else { Err(format!("{totals:?}, not {:?}", reference.totals)) }
}

#[test]
fn in_all_sequences_of_events_the_budget_says_what_the_reference_says() {
    let refusals = AtomicU64::new(0);
    let sequences = sequences::check(make, |config, events| run(config, events, &refusals));
    assert!(refusals.into_inner() > sequences, "hardly a retry was refused");
}
