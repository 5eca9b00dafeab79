//! One connection through the proxy, from its acceptance to its end.

use std::sync::Arc;

use tokio::{net::TcpStream, sync::watch, time::Instant};

use super::{
    Order, Target,
    counts::{Ledger, Way},
    pump::{Pump, Reset},
};
use crate::seed::Seed;

/// A connection that was accepted. It counts as open for as long as this lives.
pub(super) struct Line {
    client: TcpStream,
    target: Target,
    orders: watch::Receiver<Order>,
    /// Resets up to this many were before this connection.
    cut: u64,
    ledger: Arc<Ledger>,
    seed: Seed,
}

// === impl Line ===

impl Line {
    pub(super) fn new(
        client: TcpStream,
        target: Target,
        orders: watch::Receiver<Order>,
        ledger: Arc<Ledger>,
        seed: Seed,
    ) -> Line {
        let cut = orders.borrow().cut;
        let mut number = 0;
        ledger.note(|counts| {
            number = counts.accepted;
            counts.accepted += 1;
            counts.open += 1;
        });
        Line { client, target, orders, cut, ledger, seed: seed.fork(number) }
    }

    /// Carries the bytes until both directions have ended, or one is reset.
    pub(super) async fn carry(mut self) {
        let _ = self.client.set_nodelay(true);
        if self.run().await.is_err() {
            let _ = self.client.set_zero_linger();
        }
    }

    async fn run(&mut self) -> Result<(), Reset> {
        hole(&self.client, &mut self.orders, self.cut, &self.ledger).await?;
        let mut server = TcpStream::connect(self.target.as_ref()).await.inspect_err(|_| {
            self.ledger.note(|counts| counts.unreachable += 1);
        })?;
        let _ = server.set_nodelay(true);
        let pump =
            |way| Pump::new(way, &self.ledger, self.orders.clone(), self.cut, self.seed.fork(way as u64));
        let (up, down) = (pump(Way::Up), pump(Way::Down));
        let ((from_client, to_client), (from_server, to_server)) = (self.client.split(), server.split());
        let ended = tokio::try_join!(up.run(from_client, to_server), down.run(from_server, to_client));
        if ended.is_err() {
            let _ = server.set_zero_linger();
        }
        ended.map(drop)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.ledger.note(|counts| counts.open -= 1);
    }
}

/// Waits while a black hole holds what the client sends: the target hears nothing of this connection until then.
async fn hole(
    client: &TcpStream,
    orders: &mut watch::Receiver<Order>,
    cut: u64,
    ledger: &Ledger,
) -> Result<(), Reset> {
    let mut frozen = None;
    let (mut held, mut look) = (false, [0]);
    loop {
        let order = *orders.borrow_and_update();
        if order.cut > cut {
            return Err(Reset);
        }
        if !order.fault.up.black_hole {
            return Ok(());
        }
        frozen.get_or_insert_with(|| ledger.freeze(Way::Up, Instant::now()));
        tokio::select! {
            biased;
            changed = orders.changed() => changed.map_err(|_| Reset)?,
            waits = client.peek(&mut look), if !held => {
                waits?;
                held = true;
                ledger.note(|counts| counts.up.held += 1);
            }
        }
    }
}
