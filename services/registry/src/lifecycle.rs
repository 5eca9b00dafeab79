//! What an agent is doing: started by somebody, stopped by somebody or by a rule, and remembered through restarts.
//!
//! ```text
//! stopped ──start, if the rules allow it──► running ──stop, or a rule that forbids it by now──► stopped
//! ```
//!
//! Nothing but a start makes an agent running: no event, no request, no restart. The state is a statement of the operators
//! and not a switch: what events and requests need of an agent is run as the rules allow, started or not. A fresh
//! installation, where nobody has started anything, decides about its first pull request all the same.
//!
//! - here: the states and how they follow each other. Pure.
//! - `store`: the states on disk. Several processes of the role may share the file: every question reads it.
//! - `states`: a change with its line in the audit log, in one transaction.

mod states;
mod store;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use crate::{rules::Forbidden, vocabulary::Context};
pub(crate) use states::{Action, Asked, States};

/// What an agent is doing. Times are ms since 1970-01-01 UTC.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum State {
    /// Nothing, and nobody ever started it.
    #[default]
    New,
    /// It was started.
    Running {
        /// When.
        since: i64,
        /// For what.
        context: Context,
    },
    /// It was stopped.
    Stopped {
        /// When.
        since: i64,
        /// The rule that forbade it, as a sentence; none where somebody stopped it.
        reason: Option<String>,
    },
}

/// A change that does not fit what an agent is doing; reads on after "agent x".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// It is to be started.
    #[error("is running already")]
    AlreadyRunning,
    /// It is to be stopped.
    #[error("is not running")]
    NotRunning,
}

// === impl State ===

impl State {
    /// The word on the wire.
    pub const fn name(&self) -> &'static str {
        match self {
            State::New | State::Stopped { .. } => "stopped",
            State::Running { .. } => "running",
        }
    }

    /// Whether it is running.
    pub const fn is_running(&self) -> bool {
        matches!(self, State::Running { .. })
    }

    /// What a start makes of it. Whether it may be started is for the rules.
    ///
    /// # Errors
    /// When it is running.
    pub fn start(&self, context: Context, now: i64) -> Result<State, Misfit> {
        match self {
            State::New | State::Stopped { .. } => Ok(State::Running { since: now, context }),
            State::Running { .. } => Err(Misfit::AlreadyRunning),
        }
    }

    /// What a stop makes of it.
    ///
    /// # Errors
    /// When it is not running.
    pub fn stop(&self, now: i64) -> Result<State, Misfit> {
        match self {
            State::Running { .. } => Ok(State::Stopped { since: now, reason: None }),
            State::New | State::Stopped { .. } => Err(Misfit::NotRunning),
        }
    }

    /// What a rule makes of it that forbids it by now.
    ///
    /// # Errors
    /// When it is not running.
    pub fn forbid(&self, rule: Forbidden, now: i64) -> Result<State, Misfit> {
        let reason = Some(format!("It {rule}."));
        self.stop(now).map(|_| State::Stopped { since: now, reason })
    }

    /// How long it has been running, in ms; 0 when it is not, or when the clock was set back.
    pub fn uptime(&self, now: i64) -> i64 {
        match self {
            State::Running { since, .. } => now.saturating_sub(*since).max(0),
            State::New | State::Stopped { .. } => 0,
        }
    }

    /// As the audit log writes it.
    fn audited(&self) -> Value {
        match self {
            State::New => json!({"status": "stopped"}),
            State::Running { context, .. } => json!({"status": "running", "context": context.name()}),
            State::Stopped { reason: None, .. } => json!({"status": "stopped"}),
            State::Stopped { reason: Some(reason), .. } => json!({"status": "stopped", "reason": reason}),
        }
    }
}
