//! The connection of an endpoint, which can be changed for another one while calls go on.
//!
//! A connection over which nothing comes back any more looks as good as one that waits for an answer, for as long as
//! its keepalive takes to tell. Once a fresh connection works, calls go over that one. A service that is at home in this
//! process needs none.

use std::{
    sync::{Arc, OnceLock, PoisonError, RwLock, Weak},
    task::{Context, Poll},
};

use futures_util::{
    FutureExt as _,
    future::{BoxFuture, Either, Map},
};
use http::{Request, Response};
use tokio_util::task::AbortOnDropHandle;
use tonic::{
    body::Body,
    transport::{Channel, Error},
};
use tower::Service;

use super::wire::Route;
use crate::neighbours::Neighbours;

/// The way to an endpoint. Clones lead over the connection that is in use when they are made.
pub(super) struct Line {
    channel: Channel,
    shared: Arc<Shared>,
}

struct Shared {
    route: Route,
    neighbours: Neighbours,
    in_use: RwLock<Channel>,
    /// The task that changes the connection; ends with the last line.
    keeper: OnceLock<AbortOnDropHandle<()>>,
}

type OverTheWire = <Channel as Service<Request<Body>>>::Future;

/// What a neighbour says is an answer, be it a refusal.
type Answered = fn(Response<Body>) -> Result<Response<Body>, Error>;

/// A line that may be gone.
pub(super) struct WeakLine(Weak<Shared>);

// === impl Line ===

impl Line {
    /// A line that connects when first used, unless the endpoint is a neighbour by then.
    pub(super) fn new(route: Route, neighbours: Neighbours) -> Line {
        let channel = route.channel();
        let in_use = RwLock::new(channel.clone());
        Line { channel, shared: Arc::new(Shared { route, neighbours, in_use, keeper: OnceLock::new() }) }
    }

    /// Runs a task as long as there is a line.
    pub(super) fn keep(&self, keeper: impl Future<Output = ()> + Send + 'static) {
        let task = AbortOnDropHandle::new(tokio::spawn(keeper));
        if self.shared.keeper.set(task).is_err() {
            unreachable!("a line has one keeper");
        }
    }

    pub(super) fn downgrade(&self) -> WeakLine {
        WeakLine(Arc::downgrade(&self.shared))
    }
}

impl Clone for Line {
    fn clone(&self) -> Line {
        let channel = self.shared.in_use.read().unwrap_or_else(PoisonError::into_inner).clone();
        Line { channel, shared: Arc::clone(&self.shared) }
    }
}

impl Service<Request<Body>> for Line {
    type Response = Response<Body>;
    type Error = Error;
    type Future = Either<Map<BoxFuture<'static, Response<Body>>, Answered>, OverTheWire>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Service::poll_ready(&mut self.channel, cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match self.shared.neighbours.at(self.shared.route.address()) {
            Some(neighbour) => Either::Left(neighbour.call(request).map(Ok)),
            None => Either::Right(Service::call(&mut self.channel, request)),
        }
    }
}

// === impl WeakLine ===

impl WeakLine {
    /// A connection of its own to the same place; `None` if the line is gone.
    pub(super) fn another(&self) -> Option<Channel> {
        Some(self.0.upgrade()?.route.channel())
    }

    /// From now on calls go over this connection. Those that are out stay where they are.
    pub(super) fn change(&self, channel: Channel) {
        if let Some(shared) = self.0.upgrade() {
            *shared.in_use.write().unwrap_or_else(PoisonError::into_inner) = channel;
        }
    }
}
