//! One alert for the same breaker and state within a minute.

use std::{collections::HashMap, time::Duration};

use bsm_stack::breaker::State;
use tokio::time::Instant;

/// How long the same news is none.
const QUIET: Duration = Duration::from_secs(60);

/// What was told lately. Bounded: there are few breakers and three states.
#[derive(Debug, Default)]
pub(super) struct Dedup(HashMap<(String, State), Instant>);

impl Dedup {
    /// Whether this is news; if so, it is none for the next minute.
    pub(super) fn admits(&mut self, breaker: &str, state: State, now: Instant) -> bool {
        self.0.retain(|_, told| now.duration_since(*told) < QUIET);
        let key = (breaker.to_owned(), state);
        let is_new = !self.0.contains_key(&key);
        if is_new {
            self.0.insert(key, now);
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_breaker_and_state_is_told_once_a_minute() {
        let (mut dedup, start) = (Dedup::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        assert!(dedup.admits("openai", State::Open, start));
        assert!(!dedup.admits("openai", State::Open, after(59)));
        assert!(dedup.admits("openai", State::Closed, after(59)), "another state");
        assert!(dedup.admits("groq", State::Open, after(59)), "another breaker");
        assert!(dedup.admits("openai", State::Open, after(60)), "a refused one does not renew the minute");
        assert_eq!(dedup.0.len(), 3, "what is old is forgotten");
    }
}
