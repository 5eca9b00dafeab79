//! Budgets: how much each caller, agent and job may ask of models, per minute and per day.
//!
//! ```text
//! reserve ── every budget of caller, agent and job has room for the estimate? ── no ──► Exhausted
//!    │ held                                                                        (nothing is held)
//!    └─► settle ── the estimate goes, what it really took comes in its place
//! ```
//! Pure: the state is [`Books`], time comes in as ms since 1970. Because an estimate is held from the moment it is
//! admitted, calls at the same time cannot together get past a limit. Windows are those of the clock in UTC: a minute
//! begins with its second 0, a day at midnight. What was reserved in a window is settled in it, or nowhere once the
//! window has turned.

mod books;
mod merge;
mod rule;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

pub use books::{Books, Reservation, Room, Tally};
pub use merge::{Merged, PutAside, merge, said_twice};
pub use rule::{BadRule, Limits, Rule};

/// US dollars in billionths, so that sums are exact.
pub const NANOS_PER_USD: u64 = 1_000_000_000;

/// What a budget is kept for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A caller: the id of an API key, `admin`, `github` or `anonymous`.
    Key,
    /// An agent.
    Agent,
    /// A job.
    Job,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Measure {
    /// Calls.
    Requests,
    /// Tokens, read and written.
    Tokens,
    /// Money, in billionths of a US dollar.
    Money,
}

/// How long a count lasts before it begins anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Window {
    /// A minute of the clock.
    Minute,
    /// A day of the clock, in UTC.
    Day,
}

/// A count of each measure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// Calls.
    pub requests: u64,
    /// Tokens, read and written.
    pub tokens: u64,
    /// Billionths of a US dollar.
    pub nanos: u64,
}

/// On whose account a call is made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Account {
    /// Who calls.
    pub caller: String,
    /// The agent that asks, if one does.
    pub agent: Option<String>,
    /// The job that it belongs to, if it belongs to one.
    pub job: Option<String>,
}

/// A budget without room for a call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Exhausted {
    /// Whose budget.
    pub kind: Kind,
    /// Which of those.
    pub name: String,
    /// What is used up.
    pub measure: Measure,
    /// Per which time.
    pub window: Window,
    /// How much there may be.
    pub limit: u64,
    /// How much is left, what is reserved for calls under way not counted.
    pub left: u64,
    /// How much the call may take.
    pub wanted: u64,
    /// When the window turns; `None` for a call that takes more than the whole budget.
    pub turns_in: Option<Duration>,
}

// === impl Kind ===

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 3] = [Kind::Key, Kind::Agent, Kind::Job];

    /// Its word in rules and lists.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Kind::Key => "key",
            Kind::Agent => "agent",
            Kind::Job => "job",
        }
    }
}

// === impl Measure ===

impl Measure {
    /// All of them.
    pub const ALL: [Measure; 3] = [Measure::Requests, Measure::Tokens, Measure::Money];

    /// Its word in rules and lists.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Measure::Requests => "requests",
            Measure::Tokens => "tokens",
            Measure::Money => "usd",
        }
    }

    /// An amount of it as people write it.
    #[must_use]
    pub fn show(self, amount: u64) -> String {
        match self {
            Measure::Requests | Measure::Tokens => amount.to_string(),
            Measure::Money => usd(amount),
        }
    }
}

/// Dollars without needless zeros, e.g. `0.25`.
fn usd(nanos: u64) -> String {
    let (whole, rest) = (nanos / NANOS_PER_USD, nanos % NANOS_PER_USD);
    if rest == 0 {
        return whole.to_string();
    }
    format!("{whole}.{}", format!("{rest:09}").trim_end_matches('0'))
}

// === impl Window ===

impl Window {
    /// All of them.
    pub const ALL: [Window; 2] = [Window::Minute, Window::Day];

    /// Its word in rules and lists.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Window::Minute => "minute",
            Window::Day => "day",
        }
    }

    /// Its length in ms.
    #[must_use]
    pub const fn ms(self) -> i64 {
        match self {
            Window::Minute => 60_000,
            Window::Day => 86_400_000,
        }
    }

    /// When the one that `now` lies in began, in ms since 1970.
    #[must_use]
    pub const fn began(self, now: i64) -> i64 {
        now - now.rem_euclid(self.ms())
    }

    /// How long the one that `now` lies in still lasts; never zero.
    #[must_use]
    pub const fn turns_in(self, now: i64) -> Duration {
        Duration::from_millis((self.ms() - now.rem_euclid(self.ms())).unsigned_abs())
    }
}

// === impl Amount ===

impl Amount {
    /// The count of one measure.
    #[must_use]
    pub const fn of(&self, measure: Measure) -> u64 {
        match measure {
            Measure::Requests => self.requests,
            Measure::Tokens => self.tokens,
            Measure::Money => self.nanos,
        }
    }

    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Amount) -> Amount {
        Amount {
            requests: self.requests.saturating_add(other.requests),
            tokens: self.tokens.saturating_add(other.tokens),
            nanos: self.nanos.saturating_add(other.nanos),
        }
    }

    /// This without the other.
    #[must_use]
    pub const fn minus(self, other: Amount) -> Amount {
        Amount {
            requests: self.requests.saturating_sub(other.requests),
            tokens: self.tokens.saturating_sub(other.tokens),
            nanos: self.nanos.saturating_sub(other.nanos),
        }
    }
}

// === impl Account ===

impl Account {
    /// Whose budgets a call concerns, with their names.
    pub fn subjects(&self) -> impl Iterator<Item = (Kind, &str)> {
        let caller = Some((Kind::Key, self.caller.as_str()));
        let agent = self.agent.as_deref().map(|agent| (Kind::Agent, agent));
        let job = self.job.as_deref().map(|job| (Kind::Job, job));
        [caller, agent, job].into_iter().flatten()
    }
}

// === impl Exhausted ===

impl Exhausted {
    /// The budget in the words of its rule, e.g. `key a1 10 requests/minute`.
    #[must_use]
    pub fn budget(&self) -> String {
        let limit = self.measure.show(self.limit);
        let (kind, measure, window) = (self.kind.word(), self.measure.word(), self.window.word());
        format!("{kind} {} {limit} {measure}/{window}", self.name)
    }

    /// Whether it is a limit on how fast calls come, which a client waits out: of requests or tokens in a minute. The
    /// rest is a quota: somebody has to know that a day's calls or money are gone.
    #[must_use]
    pub fn is_rate(&self) -> bool {
        let counts_calls = matches!(self.measure, Measure::Requests | Measure::Tokens);
        counts_calls && self.window == Window::Minute && self.turns_in.is_some()
    }

    /// What to do about a call that is larger than the whole budget.
    const fn remedy(&self) -> &'static str {
        match self.measure {
            Measure::Requests => "the operator has to raise it",
            Measure::Tokens | Measure::Money => "ask for less: a shorter prompt, a smaller max_tokens",
        }
    }
}

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |amount| self.measure.show(amount);
        let (kind, window) = (self.kind.word(), self.window.word());
        let (limit, left, wanted, measure) =
            (show(self.limit), show(self.left), show(self.wanted), self.measure.word());
        write!(f, "the budget of {kind} {} is {limit} {measure} a {window}; ", self.name)?;
        match self.turns_in {
            Some(wait) => {
                let wait = wait.as_millis().div_ceil(1000);
                write!(f, "{left} are left, this call may take {wanted}, and it begins anew in {wait} s")
            }
            None => write!(f, "this call may take {wanted}, so it never fits; {}", self.remedy()),
        }
    }
}
