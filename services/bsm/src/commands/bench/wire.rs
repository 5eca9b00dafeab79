//! Connections to the target, and what can go wrong on them.

mod answer;
mod http1;
mod http2;

use std::{io, sync::Arc};

use super::{
    launch::Wire,
    origin::Origin,
    outcome::{Outcome, Sent},
    request::{Template, Version},
};
use http1::Http1;
use http2::Http2;

/// All connections of a load.
pub(super) enum Connections {
    Http1(Http1),
    Http2(Http2),
}

impl Connections {
    /// At most so many; none is open yet.
    pub(super) fn new(origin: Origin, template: Template, most: usize) -> Arc<Connections> {
        Arc::new(match template.version {
            Version::Http1 => Connections::Http1(Http1::new(origin, template, most)),
            Version::Http2 => Connections::Http2(Http2::new(origin, template, most)),
        })
    }

    /// How many there are at most.
    pub(super) fn most(&self) -> usize {
        match self {
            Connections::Http1(pool) => pool.most,
            Connections::Http2(lanes) => lanes.most(),
        }
    }
}

impl Wire for Connections {
    async fn call(&self, sent: &Sent) -> Outcome {
        match self {
            Connections::Http1(pool) => pool.call(sent).await,
            Connections::Http2(lanes) => lanes.call(sent).await,
        }
    }
}

/// A connection that could not be made: the target's doing, so no call is lost by it but broken.
fn unreachable(err: &io::Error) -> Outcome {
    Outcome::broken(match err.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused",
        _ => "cannot connect",
    })
}

/// A connection or stream that ended before the answer did.
fn broken(err: &hyper::Error) -> Outcome {
    Outcome::broken(if err.is_parse() { "not HTTP" } else { "connection broken" })
}
