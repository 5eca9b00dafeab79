//! The layer that decides, once a call, which guards the layers below it apply.

use std::task::{Context, Poll};

use http::Request;
use tower::{Layer, Service};

use super::Flags;
use crate::call::CORRELATION_HEADER;

/// Puts [`Switches`](bsm_stack::switches::Switches) into the extensions of each request, by its correlation id.
#[derive(Clone, Debug)]
pub struct SwitchesLayer {
    flags: Flags,
}

/// The service that [`SwitchesLayer`] makes.
#[derive(Clone, Debug)]
pub struct SwitchesService<S> {
    inner: S,
    flags: Flags,
}

impl SwitchesLayer {
    /// Decides by these flags, as they are at the time of each call.
    pub fn new(flags: Flags) -> SwitchesLayer {
        SwitchesLayer { flags }
    }
}

impl<S> Layer<S> for SwitchesLayer {
    type Service = SwitchesService<S>;

    fn layer(&self, inner: S) -> SwitchesService<S> {
        SwitchesService { inner, flags: self.flags.clone() }
    }
}

impl<S, A> Service<Request<A>> for SwitchesService<S>
where
    S: Service<Request<A>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<A>) -> S::Future {
        let id = request.headers().get(CORRELATION_HEADER).and_then(|id| id.to_str().ok());
        let switches = self.flags.switches(id);
        request.extensions_mut().insert(switches);
        self.inner.call(request)
    }
}
