//! What a proxy did to the bytes: the proof that a fault fired.

use std::{sync::Mutex, sync::PoisonError, time::Duration};

use serde::{Serialize, Serializer};
use tokio::time::Instant;

use super::fault::{Fault, Leg};

/// Counts since the proxy started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Connections that were accepted.
    pub accepted: u64,
    /// Connections that are open now.
    pub open: u64,
    /// Connections whose target could not be reached; they were reset.
    pub unreachable: u64,
    /// Connections that were reset by [`cut`](super::Proxy::cut).
    pub cut: u64,
    /// Times that the port was closed. The kernel does not tell who knocked in vain: the clients must.
    pub closed: u64,
    /// From the client to the target.
    pub up: WayCounts,
    /// From the target to the client.
    pub down: WayCounts,
}

/// Counts of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WayCounts {
    /// Bytes that were read from the sender.
    pub read: u64,
    /// Bytes that were written to the receiver.
    pub passed: u64,
    /// Reads that latency or jitter delayed.
    pub delayed: u64,
    /// By how much, in all; milliseconds in JSON, as all times here.
    #[serde(serialize_with = "millis", rename = "delay_ms")]
    pub delay: Duration,
    /// For how long bandwidth held bytes back.
    #[serde(serialize_with = "millis", rename = "throttled_ms")]
    pub throttled: Duration,
    /// Connections in which bytes waited in a black hole.
    pub held: u64,
    /// For how long connections were in a black hole, in all.
    #[serde(serialize_with = "millis", rename = "frozen_ms")]
    pub frozen: Duration,
    /// Connections that were reset after their bytes.
    pub resets: u64,
    /// Ends that were passed on late.
    pub slow_closes: u64,
}

/// Which direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Up,
    Down,
}

fn millis<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

// === impl Counts ===

impl Counts {
    /// What `fault` consists of and has not fired between `self` and `after`: empty if all of it has. What holds in
    /// both directions is proved by one of them: a request that falls into a black hole has no answer to lose. Of a
    /// refusal only those who were refused can tell.
    #[must_use]
    pub fn unproved(&self, after: &Counts, fault: &Fault) -> Vec<&'static str> {
        let up = self.up.effects(&after.up, &fault.up);
        let down = self.down.effects(&after.down, &fault.down);
        let missing = |(up, down): (Effect, Effect)| {
            let (set, fired) = (up.set || down.set, (up.set && up.fired) || (down.set && down.fired));
            (set && !fired).then_some(up.missing)
        };
        up.into_iter().zip(down).filter_map(missing).collect()
    }

    pub(super) fn way(&mut self, way: Way) -> &mut WayCounts {
        match way {
            Way::Up => &mut self.up,
            Way::Down => &mut self.down,
        }
    }
}

/// Whether a part of a fault is set, whether it did something, and what to say if it did not.
struct Effect {
    set: bool,
    fired: bool,
    missing: &'static str,
}

// === impl WayCounts ===

impl WayCounts {
    fn effects(&self, after: &WayCounts, leg: &Leg) -> [Effect; 5] {
        let effect = |set, fired, missing| Effect { set, fired, missing };
        let latency = !leg.latency.is_zero() || !leg.jitter.is_zero();
        let slow_close = !leg.slow_close.is_zero();
        [
            effect(latency, after.delayed > self.delayed, "latency: nothing was delayed"),
            effect(
                leg.bandwidth.is_some(),
                after.throttled > self.throttled,
                "bandwidth: nothing was held back",
            ),
            effect(leg.black_hole, after.held > self.held, "black-hole: nothing fell into it"),
            effect(leg.reset_after.is_some(), after.resets > self.resets, "reset-after: nothing was reset"),
            effect(slow_close, after.slow_closes > self.slow_closes, "slow-close: nothing was closed late"),
        ]
    }
}

/// The counts of a running proxy.
#[derive(Default)]
pub(super) struct Ledger {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    counts: Counts,
    /// Since when the connections that are frozen now are, for each direction.
    frozen: [Vec<Instant>; 2],
}

/// A connection in a black hole. Dropping it thaws it.
pub(super) struct Frozen<'a> {
    ledger: &'a Ledger,
    way: Way,
    since: Instant,
}

// === impl Ledger ===

impl Ledger {
    /// The counts, with black holes that still hold counted up to `now`.
    pub(super) fn counts(&self, now: Instant) -> Counts {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut counts = state.counts;
        for way in [Way::Up, Way::Down] {
            counts.way(way).frozen +=
                state.frozen[way as usize].iter().map(|since| now - *since).sum::<Duration>();
        }
        counts
    }

    pub(super) fn note(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner).counts);
    }

    pub(super) fn freeze(&self, way: Way, now: Instant) -> Frozen<'_> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).frozen[way as usize].push(now);
        Frozen { ledger: self, way, since: now }
    }
}

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        let mut state = self.ledger.state.lock().unwrap_or_else(PoisonError::into_inner);
        let frozen = &mut state.frozen[self.way as usize];
        if let Some(at) = frozen.iter().position(|since| *since == self.since) {
            frozen.swap_remove(at);
        }
        state.counts.way(self.way).frozen += self.since.elapsed();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_that_did_nothing_is_not_proved() {
        let all = "latency=1s,bandwidth=1,black-hole,reset-after=1,slow-close=1s,refuse".parse().unwrap();
        let none = Counts::default();
        assert_eq!(none.unproved(&none, &all).len(), 5);
        let mut after = none;
        after.down.delayed = 1;
        let missing = |fault: &str| none.unproved(&after, &fault.parse().unwrap());
        assert!(missing("down.latency=1s").is_empty());
        assert!(missing("latency=1s").is_empty(), "one of both directions is enough");
        assert_eq!(missing("up.jitter=1s"), ["latency: nothing was delayed"]);
        assert!(none.unproved(&none, &Fault::NONE).is_empty());
    }

    #[test]
    fn a_black_hole_that_still_holds_is_counted() {
        let ledger = Ledger::default();
        let now = Instant::now();
        let frozen = ledger.freeze(Way::Up, now);
        let second = Duration::from_secs(1);
        assert_eq!(ledger.counts(now + second).up.frozen, second);
        drop(frozen);
        assert!(ledger.counts(now + second).up.frozen < second);
        assert_eq!(ledger.counts(now).down.frozen, Duration::ZERO);
    }
}
