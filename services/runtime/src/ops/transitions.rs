//! The changes of a role's breakers and flags: the last ones kept, new ones told to whoever follows.
//!
//! Recording never waits: a follower reads from the ring at its own pace and, if it is too slow, misses the oldest.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bsm_proto::ops::v1::WatchTransitionsResponse;
use bsm_stack::breaker::{Cause, Mode, State};
use futures_util::{Stream, stream};
use tokio::sync::watch;

use super::show::{cause_name, mode_name, state_name};
use crate::{clock, flags::Percent, role::Role};

/// How many are kept.
const KEPT: usize = 256;

/// The changes of one role. Clones share them.
#[derive(Clone, Debug)]
pub struct Transitions {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    role: Role,
    /// Tells this run of the process from others: numbers begin anew with each.
    run: String,
    kept: Mutex<VecDeque<Arc<Transition>>>,
    latest: watch::Sender<u64>,
}

/// What a change is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A breaker's state or mode.
    Breaker {
        /// What it did before.
        from: State,
        /// What it does now.
        to: State,
        /// What an operator lets it do now.
        mode: Mode,
        /// Why.
        cause: Cause,
    },
    /// The share of calls inside a flag.
    Flag {
        /// What it was.
        from: Percent,
        /// What it is now.
        to: Percent,
    },
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// Its place in the order of this run, from 1.
    pub number: u64,
    /// ms since 1970-01-01 UTC.
    pub at_ms: i64,
    /// Which breaker or flag.
    pub name: String,
    /// What changed.
    pub change: Change,
}

/// Where a follower begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// With what happens from now on.
    Now,
    /// After the change of that number; 0 is everything that is kept.
    Number(u64),
}

// === impl Transitions ===

impl Transitions {
    /// None yet.
    pub fn new(role: Role) -> Transitions {
        let run = clock::unix_ms().to_string();
        let (kept, latest) = (Mutex::default(), watch::Sender::new(0));
        Transitions { shared: Arc::new(Shared { role, run, kept, latest }) }
    }

    /// Keeps a change and tells the followers.
    pub fn record(&self, name: &str, change: Change) {
        let mut kept = self.shared.lock();
        let number = *self.shared.latest.borrow() + 1;
        if kept.len() == KEPT {
            kept.pop_front();
        }
        let (at_ms, name) = (clock::unix_ms(), name.to_owned());
        kept.push_back(Arc::new(Transition { number, at_ms, name, change }));
        self.shared.latest.send_replace(number); // under the lock, so that numbers are told in order
    }

    /// The changes since then, and every later one; never ends. Cancel safe.
    pub fn follow(&self, since: Since) -> impl Stream<Item = Arc<Transition>> + Send + use<> {
        let latest = self.shared.latest.subscribe();
        let seen = match since {
            Since::Now => *latest.borrow(),
            Since::Number(number) => number,
        };
        let shared = self.shared.clone();
        stream::unfold((shared, latest, seen), |(shared, mut latest, seen)| async move {
            loop {
                latest.mark_unchanged();
                if let Some(next) = shared.after(seen) {
                    let number = next.number;
                    return Some((next, (shared, latest, number)));
                }
                latest.changed().await.ok()?; // never an error: `shared` holds the sender
            }
        })
    }

    /// Where a client goes on that saw the event of that id last. An id of another run means everything kept.
    pub fn since(&self, last_event_id: Option<&str>) -> Since {
        let Some(id) = last_event_id else { return Since::Now };
        let number = id.strip_prefix(&self.shared.run).and_then(|rest| rest.strip_prefix('-')?.parse().ok());
        Since::Number(number.unwrap_or(0))
    }

    /// A change as the contract shows it.
    pub fn show(&self, transition: &Transition) -> WatchTransitionsResponse {
        let (event_type, from, to, cause, mode) = match &transition.change {
            Change::Breaker { from, to, mode, cause } => {
                let [from, to] = [from, to].map(|state| state_name(*state).to_owned());
                ("breaker.transition", from, to, cause_name(*cause), mode_name(*mode))
            }
            Change::Flag { from, to } => {
                ("flag.changed", from.get().to_string(), to.get().to_string(), "operator", "")
            }
        };
        WatchTransitionsResponse {
            event_id: format!("{}-{}", self.shared.run, transition.number),
            event_type: event_type.to_owned(),
            timestamp: transition.at_ms as f64,
            service: self.shared.role.name().to_owned(),
            name: transition.name.clone(),
            from,
            to,
            cause: cause.to_owned(),
            mode: mode.to_owned(),
        }
    }
}

impl Shared {
    fn after(&self, seen: u64) -> Option<Arc<Transition>> {
        let kept = self.lock();
        let at = kept.partition_point(|transition| transition.number <= seen);
        kept.get(at).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Transition>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, StreamExt as _};

    use super::*;

    fn percent(n: u64) -> Percent {
        Percent::new(n).unwrap()
    }

    /// A change that can be told from others.
    fn mark(transitions: &Transitions, to: u64) {
        transitions.record("retry", Change::Flag { from: Percent::ALL, to: percent(to) });
    }

    async fn next(stream: &mut (impl Stream<Item = Arc<Transition>> + Unpin)) -> (u64, u8) {
        let next = stream.next().await.unwrap();
        let Change::Flag { to, .. } = next.change else { panic!("{next:?}") };
        (next.number, to.get())
    }

    #[tokio::test]
    async fn a_follower_hears_of_what_happens_from_now_on_in_order() {
        let transitions = Transitions::new(Role::Models);
        mark(&transitions, 1);
        let mut stream = Box::pin(transitions.follow(transitions.since(None)));
        assert!(stream.next().now_or_never().is_none());
        mark(&transitions, 2);
        mark(&transitions, 3);
        assert_eq!(next(&mut stream).await, (2, 2));
        assert_eq!(next(&mut stream).await, (3, 3));
        assert!(stream.next().now_or_never().is_none());
    }

    #[tokio::test]
    async fn a_client_that_comes_back_misses_and_repeats_nothing() {
        let transitions = Transitions::new(Role::Models);
        let mut stream = Box::pin(transitions.follow(Since::Now));
        mark(&transitions, 2);
        let seen = transitions.show(&stream.next().await.unwrap());
        drop(stream);
        mark(&transitions, 3);
        let mut again = Box::pin(transitions.follow(transitions.since(Some(&seen.event_id))));
        assert_eq!(next(&mut again).await, (2, 3));
        assert_eq!(transitions.since(Some("1-1")), Since::Number(0), "another run: everything kept");
        assert_eq!((seen.service.as_str(), seen.event_type.as_str()), ("models", "flag.changed"));
    }

    #[tokio::test]
    async fn a_slow_follower_misses_the_oldest_and_holds_up_nobody() {
        let transitions = Transitions::new(Role::Models);
        let mut slow = Box::pin(transitions.follow(Since::Now));
        for _ in 0..KEPT + 10 {
            mark(&transitions, 4);
        }
        assert_eq!(next(&mut slow).await.0, 11);
        assert_eq!(slow.by_ref().take(KEPT - 1).count().await, KEPT - 1);
        assert!(slow.next().now_or_never().is_none());
    }

    #[test]
    fn a_breakers_change_says_why_and_in_which_mode() {
        let transitions = Transitions::new(Role::Models);
        let change = Change::Breaker {
            from: State::Closed,
            to: State::Open,
            mode: Mode::Normal,
            cause: Cause::FailuresInARow,
        };
        let shown = transitions.show(&Transition { number: 7, at_ms: 5, name: "openai".to_owned(), change });
        assert!(shown.event_id.ends_with("-7") && shown.timestamp == 5.0, "{shown:?}");
        assert_eq!([&*shown.from, &*shown.to, &*shown.mode], ["CLOSED", "OPEN", "normal"]);
        assert_eq!(shown.cause, "failures_in_a_row");
    }
}
