//! The port of a proxy: open, or closed so that connecting is refused.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::watch,
};

use super::{Order, Target, counts::Ledger, line::Line};
use crate::seed::Seed;

/// A port that belongs to this proxy whether it listens or not.
pub(super) enum Door {
    Open(TcpListener),
    /// Bound without listening: the kernel refuses connections, and hands the port to nobody who asks for a free one.
    Closed(TcpSocket),
}

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;

/// What a connection needs.
pub(super) struct Lines {
    pub target: Target,
    pub orders: watch::Receiver<Order>,
    pub ledger: Arc<Ledger>,
    pub seed: Seed,
}

/// Accepts until the proxy is gone, and reports in `applied` which order the door obeys.
pub(super) async fn keep(mut door: Door, address: SocketAddr, lines: Lines, applied: watch::Sender<u64>) {
    let mut orders = lines.orders.clone();
    loop {
        let order = *orders.borrow_and_update();
        door = match door.obey(order.fault.refuse, address, &lines.ledger) {
            Ok(door) => door,
            Err(_) => return, // the port was lost: whoever waits for `applied` hears of it
        };
        applied.send_replace(order.number);
        tokio::select! {
            biased;
            changed = orders.changed() => if changed.is_err() { return },
            stream = door.accept() => lines.carry(stream),
        }
    }
}

// === impl Door ===

impl Door {
    pub(super) fn bind(address: SocketAddr) -> io::Result<Door> {
        Ok(Door::Open(bound(address)?.listen(BACKLOG)?))
    }

    pub(super) fn address(&self) -> io::Result<SocketAddr> {
        match self {
            Door::Open(listener) => listener.local_addr(),
            Door::Closed(socket) => socket.local_addr(),
        }
    }

    fn obey(self, refuse: bool, address: SocketAddr, ledger: &Ledger) -> io::Result<Door> {
        match (self, refuse) {
            (Door::Open(listener), true) => {
                drop(listener);
                ledger.note(|counts| counts.closed += 1);
                Ok(Door::Closed(bound(address)?))
            }
            (Door::Closed(socket), false) => Ok(Door::Open(socket.listen(BACKLOG)?)),
            (door, _) => Ok(door),
        }
    }

    async fn accept(&self) -> TcpStream {
        let Door::Open(listener) = self else { return std::future::pending().await };
        loop {
            match listener.accept().await {
                Ok((stream, _)) => return stream,
                // Usually too many open files: wait for some to close rather than spin.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }
}

fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?; // connections of before may still stand on the port
    socket.bind(address)?;
    Ok(socket)
}

// === impl Lines ===

impl Lines {
    fn carry(&self, stream: TcpStream) {
        let (target, orders, ledger) = (self.target.clone(), self.orders.clone(), self.ledger.clone());
        tokio::spawn(Line::new(stream, target, orders, ledger, self.seed).carry());
    }
}
