//! A TCP proxy that spoils the connections through it, live, and proves that it did.
//!
//! It knows nothing of what the bytes mean, so that it fits every edge: gRPC, HTTP, a database. A chaos run counts
//! only if [`Proxy::fired`] says that the fault did something while it was in force.

use std::{io, net::SocketAddr, sync::Arc};

use tokio::{sync::watch, time::Instant};

mod counts;
mod door;
mod fault;
mod line;
mod pipe;
mod pump;
mod text;

pub use counts::{Counts, WayCounts};
use counts::{Ledger, Way};
use door::{Door, Lines};
pub use fault::{Fault, Leg};
pub use text::NoFault;

use crate::seed::Seed;

/// Where connections go: `host:port`, resolved for each connection anew.
type Target = Arc<str>;

/// The running proxy. Dropping it closes the port and resets the connections.
pub struct Proxy {
    address: SocketAddr,
    orders: watch::Sender<Order>,
    applied: watch::Receiver<u64>,
    ledger: Arc<Ledger>,
    /// The counts as they were when the present fault was set.
    before: std::sync::Mutex<Counts>,
}

/// How and where a [`Proxy`] listens.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Default: a free port of 127.0.0.1.
    pub listen: SocketAddr,
    /// Where jitter is drawn from. Default: 0.
    pub seed: Seed,
}

/// What holds for all connections.
#[derive(Clone, Copy, Debug, Default)]
struct Order {
    /// Which order this is.
    number: u64,
    fault: Fault,
    /// Connections are reset that are older than the last of these.
    cut: u64,
}

/// The fault did nothing, wholly or in part.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the fault has not fired: {}", .0.join("; "))]
pub struct NotFired(pub Vec<&'static str>);

// === impl Setup ===

impl Default for Setup {
    fn default() -> Self {
        Setup { listen: SocketAddr::from(([127, 0, 0, 1], 0)), seed: Seed(0) }
    }
}

// === impl Order ===

impl Order {
    fn leg(&self, way: Way) -> &Leg {
        match way {
            Way::Up => &self.fault.up,
            Way::Down => &self.fault.down,
        }
    }
}

// === impl Proxy ===

impl Proxy {
    /// Starts on a free port of loopback, without a fault. The target need not be there yet.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(target: impl ToString) -> io::Result<Proxy> {
        Proxy::set_up(target, Setup::default()).await
    }

    /// Starts as told, without a fault.
    ///
    /// # Errors
    /// When the address is taken.
    pub async fn set_up(target: impl ToString, setup: Setup) -> io::Result<Proxy> {
        let door = Door::bind(setup.listen)?;
        let address = door.address()?;
        let ledger = Arc::<Ledger>::default();
        let (orders, obeyed) = watch::channel(Order::default());
        let (report, applied) = watch::channel(0);
        let target = target.to_string().into();
        let lines = Lines { target, orders: obeyed, ledger: ledger.clone(), seed: setup.seed };
        tokio::spawn(door::keep(door, address, lines, report));
        Ok(Proxy { address, orders, applied, ledger, before: std::sync::Mutex::default() })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://` and the address, for settings that want a URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The fault in force.
    pub fn fault(&self) -> Fault {
        self.orders.borrow().fault
    }

    /// Puts a fault in force, for connections that exist and for new ones. When this returns, it holds.
    ///
    /// # Errors
    /// When a closed port could not be opened again, or an open one not be kept; the proxy is of no use then.
    pub async fn set(&self, fault: Fault) -> io::Result<()> {
        *self.before.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = self.counts();
        let mut number = 0;
        self.orders.send_modify(|order| {
            order.number += 1;
            order.fault = fault;
            number = order.number;
        });
        let mut applied = self.applied.clone();
        let obeyed = applied.wait_for(|obeyed| *obeyed >= number).await;
        obeyed.map(drop).map_err(|_| io::Error::other(format!("the proxy lost its port {}", self.address)))
    }

    /// Ends the fault: what waited passes, the port is open.
    ///
    /// # Errors
    /// As [`set`](Proxy::set).
    pub async fn heal(&self) -> io::Result<()> {
        self.set(Fault::NONE).await
    }

    /// Resets all connections that it has accepted. With [`Fault::refused`] in force, that is what a killed process looks like.
    pub fn cut(&self) {
        self.ledger.note(|counts| counts.cut += counts.open);
        self.orders.send_modify(|order| order.cut += 1);
    }

    /// What happened so far.
    pub fn counts(&self) -> Counts {
        self.ledger.counts(Instant::now())
    }

    /// Whether every part of the fault in force has done something since it was set (see [`Counts::unproved`]). Ask
    /// before it is healed.
    ///
    /// # Errors
    /// Names the parts that have not.
    pub fn fired(&self) -> Result<(), NotFired> {
        let before = *self.before.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let missing = before.unproved(&self.counts(), &self.fault());
        if missing.is_empty() { Ok(()) } else { Err(NotFired(missing)) }
    }
}
