//! Which agents are running. In memory: after a restart all are stopped, because no agent starts by itself.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

/// What an agent is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing.
    Stopped,
    /// It was started.
    Running {
        /// When.
        since: SystemTime,
    },
}

/// A start of an agent that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is already running")]
pub struct AlreadyRunning;

/// A stop of an agent that does not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not running")]
pub struct NotRunning;

/// The states of all agents.
#[derive(Debug, Default)]
pub struct LifeCycle {
    running: Mutex<HashMap<String, SystemTime>>,
}

// === impl State ===

impl State {
    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            State::Stopped => "stopped",
            State::Running { .. } => "running",
        }
    }
}

// === impl LifeCycle ===

impl LifeCycle {
    /// What an agent is doing; an unknown one is stopped.
    pub fn state(&self, id: &str) -> State {
        self.lock().get(id).map_or(State::Stopped, |since| State::Running { since: *since })
    }

    /// Marks an agent as running from `now`. Whether it may is decided before, by [`crate::rules`].
    ///
    /// # Errors
    /// If it is running.
    pub fn start(&self, id: &str, now: SystemTime) -> Result<(), AlreadyRunning> {
        let mut running = self.lock();
        if running.contains_key(id) {
            return Err(AlreadyRunning);
        }
        running.insert(id.to_owned(), now);
        Ok(())
    }

    /// Marks an agent as stopped and returns how long it ran; zero if the clock went back meanwhile.
    ///
    /// # Errors
    /// If it is not running.
    pub fn stop(&self, id: &str, now: SystemTime) -> Result<Duration, NotRunning> {
        let since = self.lock().remove(id).ok_or(NotRunning)?;
        Ok(now.duration_since(since).unwrap_or_default())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, SystemTime>> {
        // Every change is a single call of the map, so a panic elsewhere leaves it whole.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_starts_once_and_stops_once() {
        let agents = LifeCycle::default();
        let start = SystemTime::UNIX_EPOCH;
        assert_eq!(agents.state("a"), State::Stopped);
        assert_eq!(agents.stop("a", start), Err(NotRunning));
        assert_eq!(agents.start("a", start), Ok(()));
        assert_eq!(agents.start("a", start), Err(AlreadyRunning));
        assert_eq!(agents.state("a"), State::Running { since: start });
        assert_eq!(agents.state("b"), State::Stopped);
        assert_eq!(agents.stop("a", start + Duration::from_secs(5)), Ok(Duration::from_secs(5)));
        assert_eq!(agents.state("a"), State::Stopped);
    }

    #[test]
    fn a_clock_that_goes_back_gives_no_negative_uptime() {
        let agents = LifeCycle::default();
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(9);
        agents.start("a", start).unwrap();
        assert_eq!(agents.stop("a", SystemTime::UNIX_EPOCH), Ok(Duration::ZERO));
    }
}
