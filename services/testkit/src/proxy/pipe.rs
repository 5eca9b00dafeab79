//! Bytes on their way in one direction: when each of them is due. Time is passed in.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use tokio::time::Instant;

use super::fault::Leg;
use crate::seed::Seed;

/// Bytes between the ends, each piece with the time at which it arrives.
pub(super) struct Pipe {
    pieces: VecDeque<(Instant, Bytes)>,
    bytes: usize,
    /// When the link has sent what it was given: bandwidth is a matter of the link, latency comes on top.
    idle: Instant,
    reads: u64,
    seed: Seed,
}

/// What a push cost the bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    /// Through latency and jitter.
    pub delay: Duration,
    /// Through bandwidth.
    pub throttle: Duration,
}

/// Bytes on their way at most: what a long link holds. More of them stay with the sender, who notices.
const ROOM: usize = 1024 * 1024;

/// The link sends this much time's worth of bytes in one piece, and holds five of them.
const SLICE: Duration = Duration::from_millis(20);

// === impl Pipe ===

impl Pipe {
    pub(super) fn new(seed: Seed, now: Instant) -> Pipe {
        Pipe { pieces: VecDeque::new(), bytes: 0, idle: now, reads: 0, seed }
    }

    /// Whether more may be read from the sender.
    pub(super) fn has_room(&self, leg: &Leg) -> bool {
        self.bytes < leg.bandwidth.map_or(ROOM, |rate| slice(rate) * 5)
    }

    /// Takes bytes that were read at `now`.
    pub(super) fn push(&mut self, mut bytes: Bytes, leg: &Leg, now: Instant) -> Cost {
        let delay = leg.latency + leg.jitter.mul_f64(self.seed.share(self.reads));
        self.reads += 1;
        let began = self.idle.max(now);
        self.idle = began;
        while !bytes.is_empty() {
            let size = leg.bandwidth.map_or(bytes.len(), slice).min(bytes.len());
            let piece = bytes.split_to(size);
            if let Some(rate) = leg.bandwidth {
                self.idle += Duration::from_secs_f64(size as f64 / rate as f64);
            }
            let last = self.pieces.back().map_or(now, |(due, _)| *due);
            self.bytes += size;
            self.pieces.push_back(((self.idle + delay).max(last), piece));
        }
        Cost { delay, throttle: self.idle - began }
    }

    /// When the next piece arrives.
    pub(super) fn due(&self) -> Option<Instant> {
        self.pieces.front().map(|(due, _)| *due)
    }

    /// The next piece, if it has arrived.
    pub(super) fn pop(&mut self, now: Instant) -> Option<Bytes> {
        self.due().filter(|due| *due <= now)?;
        let (_, piece) = self.pieces.pop_front()?;
        self.bytes -= piece.len();
        Some(piece)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Another fault holds from now on: nothing that is on its way takes longer than it would take anew.
    pub(super) fn hurry(&mut self, leg: &Leg, now: Instant) {
        if leg.bandwidth.is_none() {
            self.idle = now;
            let latest = now + leg.latency + leg.jitter;
            self.pieces.iter_mut().for_each(|(due, _)| *due = (*due).min(latest));
        }
    }
}

fn slice(rate: u64) -> usize {
    ((rate as f64 * SLICE.as_secs_f64()) as usize).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn pipe() -> (Pipe, Instant) {
        let now = Instant::now();
        (Pipe::new(Seed(1), now), now)
    }

    fn bytes(size: usize) -> Bytes {
        Bytes::from(vec![0; size])
    }

    #[test]
    fn latency_delays_everything_alike() {
        let (mut pipe, now) = pipe();
        let leg = Leg { latency: 50 * MS, ..Leg::NONE };
        assert_eq!(pipe.push(bytes(9), &leg, now).delay, 50 * MS);
        pipe.push(bytes(9), &leg, now + 10 * MS);
        assert_eq!(pipe.pop(now + 49 * MS), None);
        assert_eq!(pipe.pop(now + 50 * MS).unwrap().len(), 9);
        assert_eq!(pipe.due(), Some(now + 60 * MS), "delays overlap, they do not add up");
    }

    #[test]
    fn jitter_never_changes_the_order() {
        let (mut pipe, now) = pipe();
        let leg = Leg { jitter: 100 * MS, ..Leg::NONE };
        let mut delays = Vec::new();
        for n in 0..50 {
            delays.push(pipe.push(bytes(n + 1), &leg, now).delay);
        }
        assert!(delays.iter().any(|d| *d > 60 * MS) && delays.iter().any(|d| *d < 40 * MS), "{delays:?}");
        let sizes: Vec<_> =
            std::iter::from_fn(|| pipe.pop(now + 100 * MS)).map(|piece| piece.len()).collect();
        assert_eq!(sizes, (1..=50).collect::<Vec<_>>());
    }

    #[test]
    fn bandwidth_lets_so_many_bytes_a_second_through() {
        let (mut pipe, now) = pipe();
        let leg = Leg { bandwidth: Some(1_000), ..Leg::NONE };
        assert_eq!(pipe.push(bytes(500), &leg, now).throttle, 500 * MS);
        let arrived =
            |pipe: &mut Pipe, at| std::iter::from_fn(|| pipe.pop(at)).map(|p| p.len()).sum::<usize>();
        assert_eq!(arrived(&mut pipe, now + 100 * MS), 100);
        assert!(!pipe.has_room(&leg), "the sender has to wait");
        assert_eq!(arrived(&mut pipe, now + 500 * MS), 400);
        assert!(pipe.has_room(&leg));
    }

    #[test]
    fn what_is_on_its_way_when_a_fault_ends_arrives_at_once() {
        let (mut pipe, now) = pipe();
        pipe.push(bytes(9), &Leg { latency: Duration::from_secs(60), ..Leg::NONE }, now);
        pipe.hurry(&Leg::NONE, now + MS);
        assert_eq!(pipe.pop(now + MS).unwrap().len(), 9);
    }
}
