use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const PLACES: usize = 8;

/// One slot, taken, and `waiting` in the queue with a minute of patience each; they are called 0, 1, 2, ...
fn line(now: Instant, waiting: u32) -> Slots<u32> {
    let mut slots = Slots::new(1, PLACES);
    assert!(slots.take());
    for name in 0..waiting {
        slots.join(name, Some(Deadline::at(now + Duration::from_secs(60))), now).expect("a place");
    }
    slots
}

#[tokio::test(start_paused = true)]
async fn a_short_queue_is_served_in_order_of_arrival() {
    let now = Instant::now();
    let mut slots = line(now, 4);
    let served: Vec<_> = (0..4).map(|_| slots.release(now).next).collect();
    assert_eq!(served, [Some(0), Some(1), Some(2), Some(3)]);
}

#[tokio::test(start_paused = true)]
async fn a_queue_more_than_half_full_is_served_newest_first_until_it_is_half_empty() {
    let now = Instant::now();
    let mut slots = line(now, 6);
    let served: Vec<_> = (0..6).map(|_| slots.release(now).next).collect();
    assert_eq!(served, [Some(5), Some(4), Some(0), Some(1), Some(2), Some(3)]);
}

#[tokio::test(start_paused = true)]
async fn two_in_a_short_queue_are_no_overload() {
    let now = Instant::now();
    let mut slots = Slots::new(1, 2);
    assert!(slots.take());
    slots.join("first", None, now);
    slots.join("second", None, now);
    assert_eq!(slots.order(now), Order::OldestFirst);
}

#[tokio::test(start_paused = true)]
async fn when_the_oldest_has_used_up_half_of_its_patience_the_newest_goes_first() {
    let now = Instant::now();
    let (patient, rude) = (Deadline::at(now + Duration::from_secs(60)), now + Duration::from_secs(31));
    let mut slots = Slots::new(1, PLACES);
    assert!(slots.take());
    slots.join("oldest", Some(patient), now);
    slots.join("newest", None, now + Duration::from_secs(29));
    assert_eq!(slots.order(now + Duration::from_secs(30)), Order::OldestFirst);
    assert_eq!(slots.release(rude).next, Some("newest"));

    let mut slots = Slots::new(1, PLACES);
    assert!(slots.take());
    slots.join("without a deadline", None, now);
    assert_eq!(slots.order(now + PATIENCE / 2), Order::OldestFirst);
    assert_eq!(slots.order(now + PATIENCE), Order::NewestFirst);
}

#[tokio::test(start_paused = true)]
async fn the_expired_are_passed_over_and_told() {
    let now = Instant::now();
    let mut slots = Slots::new(1, PLACES);
    assert!(slots.take());
    slots.join("expired", Some(Deadline::at(now)), now);
    slots.join("alive", Some(Deadline::at(now + Duration::from_secs(1))), now);
    let handed = slots.release(now);
    assert_eq!((handed.next, handed.expired), (Some("alive"), vec!["expired"]));
    assert_eq!(slots.taken(), 1);
}

#[derive(Clone, Debug)]
enum Event {
    Arrive { patience_ms: Option<u64> },
    Release,
    Leave { index: usize },
    Pass { ms: u64 },
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => proptest::option::of(0u64..400).prop_map(|patience_ms| Event::Arrive { patience_ms }),
        3 => Just(Event::Release),
        1 => (0usize..16).prop_map(|index| Event::Leave { index }),
        1 => (0u64..200).prop_map(|ms| Event::Pass { ms }),
    ]
}

/// What the rules say about the slots, kept beside them in the simplest form there is.
struct Model {
    slots: Slots<u64>,
    now: Instant,
    names: u64,
    waiting: Vec<(u64, u64, Option<Deadline>)>, // name, place, deadline, in order of arrival
}

impl Model {
    fn arrive(&mut self, patience_ms: Option<u64>, places: usize) {
        if self.slots.take() {
            return;
        }
        self.names += 1;
        let deadline = patience_ms.map(|ms| Deadline::at(self.now + Duration::from_millis(ms)));
        match self.slots.join(self.names, deadline, self.now) {
            Some(place) => self.waiting.push((self.names, place, deadline)),
            None => assert_eq!(self.waiting.len(), places, "turned away although there was a place"),
        }
    }

    fn release(&mut self) {
        if self.slots.taken() == 0 {
            return;
        }
        let order = self.slots.order(self.now);
        let oldest_alive = self.waiting.iter().find(|waiter| self.is_alive(waiter)).map(|waiter| waiter.0);
        let handed = self.slots.release(self.now);
        if order == Order::OldestFirst && handed.expired.is_empty() {
            assert_eq!(handed.next, oldest_alive, "nobody is overtaken without an overload");
        }
        assert_eq!(handed.next.is_none(), oldest_alive.is_none(), "a turn was lost");
        for name in handed.next.iter().chain(&handed.expired) {
            let index = self.waiting.iter().position(|waiter| waiter.0 == *name).expect("served once");
            let waiter = self.waiting.remove(index);
            assert_eq!(self.is_alive(&waiter), handed.next == Some(*name), "expired work does not start");
        }
    }

    fn leave(&mut self, index: usize) {
        if index < self.waiting.len() {
            let (name, place, _) = self.waiting.remove(index);
            assert_eq!(self.slots.leave(place), Some(name));
            assert_eq!(self.slots.leave(place), None);
        }
    }

    fn is_alive(&self, waiter: &(u64, u64, Option<Deadline>)) -> bool {
        waiter.2.is_none_or(|deadline| !deadline.expired(self.now))
    }
}

proptest! {
    #[test]
    fn never_more_than_the_slots_nobody_overtaken_without_overload_and_no_turn_lost(
        slots in 1usize..4, places in 0usize..8, events in vec(event(), 1..200),
    ) {
        let mut model =
            Model { slots: Slots::new(slots, places), now: Instant::now(), names: 0, waiting: Vec::new() };
        for event in events {
            match event {
                Event::Arrive { patience_ms } => model.arrive(patience_ms, places),
                Event::Release => model.release(),
                Event::Leave { index } => model.leave(index),
                Event::Pass { ms } => model.now += Duration::from_millis(ms),
            }
            prop_assert!(model.slots.taken() <= slots);
            prop_assert_eq!(model.slots.queued(), model.waiting.len());
            prop_assert!(model.waiting.is_empty() || model.slots.taken() == slots, "waits beside a free slot");
        }
    }
}
