//! How one call ended.

use std::{borrow::Cow, sync::OnceLock, time::Duration};

use tokio::time::Instant;

/// The end of a call: in what way, and what it is called in a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) class: Class,
    /// A code and perhaps a reason, such as `503 OVERLOADED`; or a few words.
    pub(super) label: Cow<'static, str>,
    /// Of the body of the answer.
    pub(super) bytes: u64,
}

/// In what way a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Answered as hoped: below 400, or OK.
    Good,
    /// Answered with a refusal or an error.
    Refused,
    /// Sent, or tried to, and not answered.
    Broken,
    /// Never sent, for want of room in the generator: the load was less than what was asked for.
    Lost,
}

/// When a call went out, as opposed to when it was due. Empty until then.
#[derive(Debug, Default)]
pub(super) struct Sent(OnceLock<Instant>);

/// Where a call stands in its load.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    /// When it was due, from the start of the load.
    pub(super) due: Duration,
    /// When it went out, if it did.
    pub(super) sent: Option<Duration>,
    /// When it ended.
    pub(super) ended: Duration,
}

// === impl Outcome ===

impl Outcome {
    pub(super) fn answered(label: impl Into<Cow<'static, str>>, good: bool, bytes: u64) -> Outcome {
        Outcome { class: if good { Class::Good } else { Class::Refused }, label: label.into(), bytes }
    }

    pub(super) const fn broken(what: &'static str) -> Outcome {
        Outcome { class: Class::Broken, label: Cow::Borrowed(what), bytes: 0 }
    }

    pub(super) const fn lost(why: &'static str) -> Outcome {
        Outcome { class: Class::Lost, label: Cow::Borrowed(why), bytes: 0 }
    }

    /// What a call is that was given up.
    pub(super) fn given_up(sent: &Sent) -> Outcome {
        match sent.at() {
            Some(_) => Outcome::broken("timed out"),
            None => Outcome::lost("no connection was free in time"),
        }
    }
}

// === impl Sent ===

impl Sent {
    /// The call goes out now.
    pub(super) fn mark(&self) {
        let _ = self.0.set(Instant::now()); // the first time counts
    }

    pub(super) fn at(&self) -> Option<Instant> {
        self.0.get().copied()
    }
}
