//! What may be wrong with a connection.

use std::time::Duration;

/// A fault of an edge. The default is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fault {
    /// From the client to the target.
    pub up: Leg,
    /// From the target to the client.
    pub down: Leg,
    /// The port is closed: connecting is refused. Connections that exist go on.
    pub refuse: bool,
}

/// A fault of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leg {
    /// How much later bytes arrive. The handshake is not delayed, for the kernel makes it.
    pub latency: Duration,
    /// Up to so much more, drawn anew for each read. Bytes keep their order.
    pub jitter: Duration,
    /// Bytes a second at most.
    pub bandwidth: Option<u64>,
    /// Nothing passes. Connections are accepted and stay open; what waits passes when the fault is gone.
    pub black_hole: bool,
    /// A TCP reset to both ends after so many bytes more, counted anew for each connection and each time that a
    /// fault is set; 0 resets at once.
    pub reset_after: Option<u64>,
    /// How much later an end (FIN) is passed on than the last byte before it.
    pub slow_close: Duration,
}

// === impl Fault ===

impl Fault {
    /// Nothing is wrong.
    pub const NONE: Fault = Fault { up: Leg::NONE, down: Leg::NONE, refuse: false };

    /// The same in both directions.
    #[must_use]
    pub const fn both(leg: Leg) -> Fault {
        Fault { up: leg, down: leg, refuse: false }
    }

    /// Only towards the client, so that a round trip sees it once.
    #[must_use]
    pub const fn down(leg: Leg) -> Fault {
        Fault { down: leg, ..Fault::NONE }
    }

    /// Only towards the target.
    #[must_use]
    pub const fn up(leg: Leg) -> Fault {
        Fault { up: leg, ..Fault::NONE }
    }

    /// A round trip takes this much longer.
    #[must_use]
    pub const fn latency(latency: Duration) -> Fault {
        Fault::down(Leg { latency, ..Leg::NONE })
    }

    /// Nothing passes in either direction.
    #[must_use]
    pub const fn black_hole() -> Fault {
        Fault::both(Leg { black_hole: true, ..Leg::NONE })
    }

    /// Each answer is reset after so many bytes of it.
    #[must_use]
    pub const fn reset_after(bytes: u64) -> Fault {
        Fault::down(Leg { reset_after: Some(bytes), ..Leg::NONE })
    }

    /// New connections are refused.
    #[must_use]
    pub const fn refused() -> Fault {
        Fault { refuse: true, ..Fault::NONE }
    }
}

// === impl Leg ===

impl Leg {
    /// Nothing is wrong.
    pub const NONE: Leg = Leg {
        latency: Duration::ZERO,
        jitter: Duration::ZERO,
        bandwidth: None,
        black_hole: false,
        reset_after: None,
        slow_close: Duration::ZERO,
    };
}
