//! Any sequence of arrivals, departures and time, told to the bulkhead and to a reference: both say the same all along.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};

use super::*;
use crate::testing::sequences::{self, Chance};

/// A number says which of those who hold a slot, or wait for one, it is about.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// Asks for a slot, willing to wait so many milliseconds, or as long as it takes.
    Arrive(Option<u64>),
    /// Asks for a slot and does not wait.
    Try,
    Release(u16),
    /// A waiter goes away.
    Leave(u16),
    /// A waiter looks whether it is its turn.
    Look(u16),
    Pass(u64),
}

fn make(chance: &mut Chance) -> (Config, Vec<Event>) {
    let config = Config { max_in_flight: chance.below(4) as usize, max_queue: chance.below(9) as usize };
    let length = 10 + chance.below(70);
    (config, (0..length).map(|_| event(chance)).collect())
}

fn event(chance: &mut Chance) -> Event {
    match chance.below(20) {
        0..=5 => Event::Arrive(*chance.pick(&[None, Some(0), Some(5), Some(20), Some(100), Some(30_000)])),
        6 => Event::Try,
        7..=10 => Event::Release(chance.index()),
        11 | 12 => Event::Leave(chance.index()),
        13..=16 => Event::Look(chance.index()),
        _ => Event::Pass(*chance.pick(&[1, 3, 10, 50, 6_000])),
    }
}

/// What a caller is told.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    Admitted,
    Full,
    Expired,
    Waits,
}

/// The rules in the simplest form there is: everybody who waits, in a list.
struct Reference {
    slots: usize,
    places: usize,
    now: u64,
    taken: usize,
    waiting: Vec<Waiter>,
    refused: u64,
}

#[derive(Clone, Copy)]
struct Waiter {
    since: u64,
    deadline: Option<u64>,
    news: News,
}

/// What a waiter will hear when it looks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum News {
    None,
    Turn,
    PassedOver,
}

// === impl Reference ===

impl Reference {
    fn new(config: Config) -> Self {
        let (slots, places) = (config.max_in_flight.max(1), config.max_queue);
        Self { slots, places, now: 0, taken: 0, waiting: Vec::new(), refused: 0 }
    }

    fn arrive(&mut self, patience: Option<u64>, waits: bool) -> Told {
        let deadline = patience.map(|patience| self.now + patience);
        let told = if deadline == Some(self.now) {
            Told::Expired
        } else if self.taken < self.slots {
            self.taken += 1;
            Told::Admitted
        } else if waits && self.queued().count() < self.places {
            self.waiting.push(Waiter { since: self.now, deadline, news: News::None });
            Told::Waits
        } else {
            Told::Full
        };
        self.refused += u64::from(matches!(told, Told::Full | Told::Expired));
        told
    }

    /// The places in the queue, by their index among all who have not looked yet.
    fn queued(&self) -> impl DoubleEndedIterator<Item = usize> {
        (0..self.waiting.len()).filter(|&at| self.waiting[at].news == News::None)
    }

    fn release(&mut self) {
        while let Some(at) = self.next() {
            let expired = self.waiting[at].deadline.is_some_and(|deadline| deadline <= self.now);
            self.waiting[at].news = if expired { News::PassedOver } else { News::Turn };
            if !expired {
                return;
            }
        }
        self.taken -= 1;
    }

    /// Whose turn it is: the oldest's, or under overload the newest's.
    fn next(&self) -> Option<usize> {
        let oldest = self.queued().next()?;
        let Waiter { since, deadline, .. } = self.waiting[oldest];
        let patience = deadline.map_or(10_000, |deadline| deadline - since);
        let stale = (self.now - since) * 2 > patience;
        let crowded = self.queued().count() > (self.places / 2).max(2);
        if stale || crowded { self.queued().next_back() } else { Some(oldest) }
    }

    fn look(&mut self, at: usize) -> Told {
        let Waiter { deadline, news, .. } = self.waiting[at];
        let late = deadline.is_some_and(|deadline| deadline <= self.now);
        let told = match news {
            News::None if !late => return Told::Waits,
            News::Turn if !late => Told::Admitted,
            News::None | News::Turn | News::PassedOver => Told::Expired,
        };
        self.refused += u64::from(told == Told::Expired);
        self.waiting.remove(at);
        if news == News::Turn && told == Told::Expired {
            self.release(); // nobody takes this turn
        }
        told
    }

    fn leave(&mut self, at: usize) {
        if self.waiting.remove(at).news == News::Turn {
            self.release();
        }
    }
}

type Waiting = Pin<Box<dyn Future<Output = Result<Permit, Rejected>>>>;

/// The bulkhead, those who hold its slots or wait for one, and the reference.
struct Pair {
    bulkhead: Bulkhead,
    held: Vec<Permit>,
    waiting: Vec<Waiting>,
    reference: Reference,
}

// === impl Pair ===

impl Pair {
    fn new(config: Config) -> Self {
        let bulkhead = Bulkhead::new("model", config);
        Self { bulkhead, held: Vec::new(), waiting: Vec::new(), reference: Reference::new(config) }
    }

    async fn tell(&mut self, event: Event) -> Result<(), String> {
        let which = |which: u16, of: usize| usize::from(which).checked_rem(of);
        match event {
            Event::Pass(ms) => {
                advance(Duration::from_millis(ms)).await;
                self.reference.now += ms;
            }
            Event::Arrive(patience) => {
                let deadline = patience.map(|ms| Deadline::after(Duration::from_millis(ms)));
                let bulkhead = self.bulkhead.clone();
                let arrival: Waiting = Box::pin(async move { bulkhead.acquire(deadline).await });
                let expected = self.reference.arrive(patience, true);
                let told = self.look(arrival, self.waiting.len());
                compare(&told, &expected)?;
            }
            Event::Try => {
                let told = told(self.bulkhead.try_acquire().map(|permit| self.held.push(permit)).err());
                compare(&told, &self.reference.arrive(None, false))?;
            }
            Event::Release(which_one) => {
                if let Some(at) = which(which_one, self.held.len()) {
                    drop(self.held.swap_remove(at));
                    self.reference.release();
                }
            }
            Event::Leave(which_one) => {
                if let Some(at) = which(which_one, self.waiting.len()) {
                    drop(self.waiting.remove(at));
                    self.reference.leave(at);
                }
            }
            Event::Look(which_one) => {
                if let Some(at) = which(which_one, self.waiting.len()) {
                    let waiter = self.waiting.remove(at);
                    let told = self.look(waiter, at);
                    compare(&told, &self.reference.look(at))?;
                }
            }
        }
        self.compare()
    }

    /// Polls once; one that still waits goes (back) to its place.
    fn look(&mut self, mut waiter: Waiting, place: usize) -> Told {
        match waiter.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => {
                self.waiting.insert(place, waiter);
                Told::Waits
            }
            Poll::Ready(result) => told(result.map(|permit| self.held.push(permit)).err()),
        }
    }

    fn compare(&self) -> Result<(), String> {
        let Snapshot { in_flight, queued, rejected_total, .. } = self.bulkhead.snapshot();
        let ours = (in_flight, queued, rejected_total);
        let expected = (self.reference.taken, self.reference.queued().count(), self.reference.refused);
        compare(&ours, &expected)
    }

    /// When all have gone, every slot is free.
    fn end(mut self) -> Result<(), String> {
        self.waiting.clear();
        self.held.clear();
        let Snapshot { in_flight, queued, .. } = self.bulkhead.snapshot();
        compare(&(in_flight, queued), &(0, 0))
    }
}

fn told(refused: Option<Rejected>) -> Told {
    match refused {
        None => Told::Admitted,
        Some(Rejected::Full { .. }) => Told::Full,
        Some(Rejected::Expired { .. }) => Told::Expired,
    }
}

/// In (flight, queue, refused so far), or what one caller is told.
fn compare<T: PartialEq + std::fmt::Debug>(ours: &T, expected: &T) -> Result<(), String> {
    if ours == expected { Ok(()) } else { Err(format!("it says {ours:?}, not {expected:?}")) }
}

fn run(config: &Config, events: &[Event], turns: &AtomicU64) -> Result<(), String> {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime = sequences::paused();
    }
    RUNTIME.with(|runtime| {
        runtime.block_on(async {
            let mut pair = Pair::new(*config);
            for (at, event) in events.iter().enumerate() {
                pair.tell(*event).await.map_err(|why| format!("event {at}, {event:?}: {why}"))?;
                let has_turn = pair.reference.waiting.iter().any(|waiter| waiter.news == News::Turn);
                turns.fetch_add(u64::from(has_turn), Relaxed);
            }
            pair.end()
        })
    })
}

#[test]
fn in_all_sequences_of_events_the_bulkhead_says_what_the_reference_says() {
    let turns = AtomicU64::new(0);
    let sequences = sequences::check(make, |config, events| run(config, events, &turns));
    assert!(turns.into_inner() > sequences / 10, "hardly a slot was handed on");
}
