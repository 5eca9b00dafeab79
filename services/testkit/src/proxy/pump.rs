//! Carries the bytes of one direction of a connection, under the fault in force.

use std::io;

use bytes::{Buf, Bytes};
use futures_util::FutureExt;
use tokio::{
    io::AsyncWriteExt,
    net::tcp::{ReadHalf, WriteHalf},
    sync::watch,
    time::{Instant, sleep_until},
};

use super::{
    Order,
    counts::{Frozen, Ledger, Way},
    fault::Leg,
    pipe::Pipe,
};
use crate::seed::Seed;

/// One direction.
pub(super) struct Pump<'a> {
    way: Way,
    ledger: &'a Ledger,
    orders: watch::Receiver<Order>,
    leg: Leg,
    /// Resets up to this many were before this connection.
    cut: u64,
    /// Bytes until the reset.
    allowance: Option<u64>,
    pipe: Pipe,
    /// What is being written.
    writing: Bytes,
    /// When the sender ended, and the receiver may hear of it.
    ending: Option<Instant>,
    frozen: Option<Frozen<'a>>,
    /// Something has waited in the present black hole.
    held: bool,
}

/// The connection ends with a reset.
#[derive(Debug)]
pub(super) struct Reset;

/// Bytes of one read at most.
const READ: usize = 16 * 1024;

impl From<io::Error> for Reset {
    fn from(_: io::Error) -> Self {
        Reset // one end broke the connection: the other learns it in the same way
    }
}

// === impl Pump ===

impl<'a> Pump<'a> {
    pub(super) fn new(
        way: Way,
        ledger: &'a Ledger,
        orders: watch::Receiver<Order>,
        cut: u64,
        seed: Seed,
    ) -> Pump<'a> {
        let pipe = Pipe::new(seed, Instant::now());
        let (leg, allowance, writing) = (Leg::NONE, None, Bytes::new());
        Pump {
            way,
            ledger,
            orders,
            leg,
            cut,
            allowance,
            pipe,
            writing,
            ending: None,
            frozen: None,
            held: false,
        }
    }

    /// Runs until the sender's end has been passed on.
    pub(super) async fn run(mut self, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>) -> Result<(), Reset> {
        self.obey()?;
        loop {
            let open = self.frozen.is_none();
            let hears = match open {
                true => self.ending.is_none() && self.pipe.has_room(&self.leg),
                false => !self.held && self.ending.is_none(),
            };
            let idle = open && self.writing.is_empty();
            let ends = self.ending.filter(|_| idle && self.pipe.is_empty());
            tokio::select! {
                biased;
                changed = self.orders.changed() => match changed {
                    Ok(()) => self.obey()?,
                    Err(_) => return Err(Reset), // the proxy is gone
                },
                ready = from.readable(), if hears => {
                    ready?;
                    self.hear(&mut from)?;
                }
                wrote = to.write(&self.writing), if open && !self.writing.is_empty() => self.wrote(wrote?)?,
                () = at(self.pipe.due()), if idle => self.load(),
                () = at(ends), if ends.is_some() => {
                    let _ = to.shutdown().await; // whoever is gone already needs no end
                    return Ok(());
                }
            }
        }
    }

    /// Takes over the fault in force.
    fn obey(&mut self) -> Result<(), Reset> {
        let now = Instant::now();
        let order = *self.orders.borrow_and_update();
        if order.cut > self.cut {
            return Err(Reset);
        }
        self.leg = *order.leg(self.way);
        self.pipe.hurry(&self.leg, now);
        self.allowance = self.leg.reset_after;
        if let Some(ended) = self.ending {
            self.ending = Some(ended.min(now + self.leg.latency + self.leg.slow_close));
        }
        match (self.leg.black_hole, self.frozen.is_some()) {
            (true, false) => {
                self.frozen = Some(self.ledger.freeze(self.way, now));
                self.held = false;
                if !self.pipe.is_empty() || !self.writing.is_empty() {
                    self.hold();
                }
            }
            (false, true) => self.frozen = None,
            (true, true) | (false, false) => {}
        }
        self.spend(0)
    }

    /// The sender has something: takes it, or notes that it waits.
    fn hear(&mut self, from: &mut ReadHalf<'_>) -> Result<(), Reset> {
        if self.frozen.is_some() {
            // Readiness alone may be a false alarm; a look tells, and asks to be woken anew if it was one.
            if from.peek(&mut [0]).now_or_never().is_some() {
                self.hold();
            }
            return Ok(());
        }
        let mut buffer = [0; READ];
        match from.try_read(&mut buffer) {
            Ok(0) => self.ended(),
            Ok(size) => self.read(&buffer[..size]),
            Err(err) if err.kind() == io::ErrorKind::WouldBlock => {}
            Err(err) => return Err(err.into()),
        }
        Ok(())
    }

    fn hold(&mut self) {
        self.held = true;
        self.ledger.note(|counts| counts.way(self.way).held += 1);
    }

    fn read(&mut self, bytes: &[u8]) {
        let cost = self.pipe.push(Bytes::copy_from_slice(bytes), &self.leg, Instant::now());
        self.ledger.note(|counts| {
            let counts = counts.way(self.way);
            counts.read += bytes.len() as u64;
            counts.delayed += u64::from(!cost.delay.is_zero());
            counts.delay += cost.delay;
            counts.throttled += cost.throttle;
        });
    }

    fn ended(&mut self) {
        self.ending = Some(Instant::now() + self.leg.latency + self.leg.slow_close);
        if !self.leg.slow_close.is_zero() {
            self.ledger.note(|counts| counts.way(self.way).slow_closes += 1);
        }
    }

    /// Takes the next piece from the pipe, no longer than what may pass before a reset.
    fn load(&mut self) {
        self.writing = self.pipe.pop(Instant::now()).unwrap_or_default();
        if let Some(left) = self.allowance {
            self.writing.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        }
    }

    fn wrote(&mut self, size: usize) -> Result<(), Reset> {
        self.writing.advance(size);
        self.ledger.note(|counts| counts.way(self.way).passed += size as u64);
        self.spend(size as u64)
    }

    fn spend(&mut self, bytes: u64) -> Result<(), Reset> {
        let Some(left) = &mut self.allowance else { return Ok(()) };
        *left = left.saturating_sub(bytes);
        if *left > 0 || self.frozen.is_some() {
            return Ok(());
        }
        self.ledger.note(|counts| counts.way(self.way).resets += 1);
        Err(Reset)
    }
}

/// Waits until then; without a time, for ever.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
