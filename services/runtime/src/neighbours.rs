//! Roles of one process call each other without a connection.
//!
//! In `bsm up` a caller and the service that it calls share a process, and a wire between them would only cost: HTTP/2
//! at both ends, four passes through the kernel and as many changes of task for each call. Everything else on the way
//! stays where it is: the caller's whole stack, the callee's whole stack, and messages in their encoded form, so that
//! no guard, limit or metric can tell the difference. What the layers of one side note on a request or an answer for each
//! other stays on that side. A role that drains is no neighbour any more: whoever calls it then
//! meets its closed port.

mod contained;
#[cfg(test)]
mod tests;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, PoisonError, RwLock},
};

use futures_util::future::BoxFuture;
use http::{Request, Response};
use tokio_util::task::task_tracker::TaskTrackerToken;
use tonic::body::Body;

use crate::{
    drain::Drain,
    server::{Grpc, Peer},
};

/// The roles that are served in this process, by the addresses of their ports. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Neighbours {
    open: Arc<RwLock<Vec<Open>>>,
}

#[derive(Debug)]
struct Open {
    address: SocketAddr,
    neighbour: Neighbour,
}

/// A role in this process.
#[derive(Clone, Debug)]
pub(crate) struct Neighbour {
    grpc: Arc<Grpc>,
    drain: Drain,
}

// === impl Neighbours ===

impl Neighbours {
    /// What is called at `address` is answered here from now on; the end of `drain` waits for the answers.
    pub(crate) fn open(&self, address: SocketAddr, grpc: Grpc, drain: &Drain) {
        let neighbour = Neighbour { grpc: Arc::new(grpc), drain: drain.clone() };
        self.open.write().unwrap_or_else(PoisonError::into_inner).push(Open { address, neighbour });
    }

    /// What is called at `address` goes over a connection again. Calls that are out go on.
    pub(crate) fn close(&self, address: SocketAddr) {
        self.open.write().unwrap_or_else(PoisonError::into_inner).retain(|open| open.address != address);
    }

    /// Who answers at `address`, if it is somebody in this process.
    pub(crate) fn at(&self, address: SocketAddr) -> Option<Neighbour> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.iter().find(|open| open.address == address).map(|open| open.neighbour.clone())
    }
}

// === impl Neighbour ===

impl Neighbour {
    /// Calls it in the caller's task. Cancel safe as a call over a connection is: dropping the future, or the body
    /// of the answer, drops the handler.
    pub(crate) fn call(&self, mut request: Request<Body>) -> BoxFuture<'static, Response<Body>> {
        let staying: TaskTrackerToken = self.drain.staying();
        let notes = request.extensions_mut();
        notes.clear();
        notes.insert(Peer(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))));
        Box::pin(contained::answer(self.grpc.answer(request), staying))
    }
}
