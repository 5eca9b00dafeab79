//! Who has a slot and who is next: plain data, with the time passed in.
//!
//! The queue is there to level bursts, and for that first in, first out is right. Under overload it is wrong: whoever
//! has waited longest has a caller about to give up, so serving the oldest first makes every call late and none
//! useful. Then the newest goes first, and the oldest either get their turn when the crowd has gone or expire.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::deadline::Deadline;

#[cfg(test)]
mod tests;

/// Two in the queue are no overload, however short the queue is.
const BURST: usize = 2;

/// How long a waiter without a deadline is taken to be willing to wait.
const PATIENCE: Duration = Duration::from_secs(10);

/// The slots and the queue for them. `T` is how a waiter hears of its turn; one that is dropped has expired.
#[derive(Debug)]
pub(super) struct Slots<T> {
    slots: usize,
    places: usize,
    taken: usize,
    waiting: VecDeque<Waiter<T>>, // in order of arrival; empty while a slot is free
    arrivals: u64,
}

#[derive(Debug)]
struct Waiter<T> {
    place: u64,
    since: Instant,
    deadline: Option<Deadline>,
    turn: T,
}

/// What a freed slot leads to.
#[derive(Debug)]
pub(super) struct HandOver<T> {
    /// Whose turn it is; the slot is already theirs.
    pub(super) next: Option<T>,
    /// Who was passed over because their deadline is gone.
    pub(super) expired: Vec<T>,
}

/// Which end of the queue is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    OldestFirst,
    NewestFirst,
}

// === impl Slots ===

impl<T> Slots<T> {
    /// `slots` calls at once, and places for `places` more to wait.
    pub(super) const fn new(slots: usize, places: usize) -> Self {
        Self { slots, places, taken: 0, waiting: VecDeque::new(), arrivals: 0 }
    }

    pub(super) const fn taken(&self) -> usize {
        self.taken
    }

    pub(super) fn queued(&self) -> usize {
        self.waiting.len()
    }

    /// Takes a slot if one is free. A freed slot goes to the queue directly, so nobody is overtaken here.
    pub(super) fn take(&mut self) -> bool {
        let free = self.taken < self.slots;
        self.taken += usize::from(free);
        free
    }

    /// Stands in the queue; the number of the place, or `None` if there is none.
    pub(super) fn join(&mut self, turn: T, deadline: Option<Deadline>, now: Instant) -> Option<u64> {
        debug_assert_eq!(self.taken, self.slots, "nobody waits while a slot is free");
        if self.waiting.len() >= self.places {
            return None;
        }
        self.arrivals += 1;
        self.waiting.push_back(Waiter { place: self.arrivals, since: now, deadline, turn });
        Some(self.arrivals)
    }

    /// Leaves the queue. A place that has been served meanwhile is none any more.
    pub(super) fn leave(&mut self, place: u64) -> Option<T> {
        let index = self.waiting.binary_search_by_key(&place, |waiter| waiter.place).ok()?;
        self.waiting.remove(index).map(|waiter| waiter.turn)
    }

    /// Gives a slot back where nobody waits, which is the rule and needs no look at the clock; false where somebody
    /// does.
    pub(super) fn give_back(&mut self) -> bool {
        if !self.waiting.is_empty() {
            return false;
        }
        self.taken -= 1;
        true
    }

    /// Gives a slot back: it is the next waiter's, or free.
    pub(super) fn release(&mut self, now: Instant) -> HandOver<T> {
        let mut expired = Vec::new();
        while let Some(waiter) = self.pop(now) {
            if waiter.deadline.is_none_or(|deadline| !deadline.expired(now)) {
                return HandOver { next: Some(waiter.turn), expired };
            }
            expired.push(waiter.turn);
        }
        self.taken -= 1;
        HandOver { next: None, expired }
    }

    fn pop(&mut self, now: Instant) -> Option<Waiter<T>> {
        match self.order(now) {
            Order::OldestFirst => self.waiting.pop_front(),
            Order::NewestFirst => self.waiting.pop_back(),
        }
    }

    /// Newest first when more than half of the queue is taken, or when the oldest has used up half of its patience.
    pub(super) fn order(&self, now: Instant) -> Order {
        let crowded = self.waiting.len() > (self.places / 2).max(BURST);
        if crowded || self.waiting.front().is_some_and(|oldest| oldest.is_stale(now)) {
            return Order::NewestFirst;
        }
        Order::OldestFirst
    }
}

// === impl Waiter ===

impl<T> Waiter<T> {
    fn is_stale(&self, now: Instant) -> bool {
        let patience = self.deadline.map_or(PATIENCE, |deadline| deadline.remaining(self.since));
        now.saturating_duration_since(self.since) > patience / 2
    }
}
