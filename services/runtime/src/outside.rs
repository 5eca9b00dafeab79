//! The one client stack toward HTTP servers outside of the mesh: model providers, GitHub, the receiver of alerts.
//!
//! It is the stack of [`client`](crate::client) with three differences. What an answer says about the server is read
//! from an HTTP status, and a success is judged by whoever reads its body, through the
//! [`Judge`](bsm_stack::breaker::Judge) in its extensions. An attempt that timed out is not repeated, because it may
//! have been paid for. And nothing of ours is sent along: no deadline, no ids.

mod address;
mod connector;
pub mod egress;
mod gate;
mod http_client;
mod lanes;
#[cfg(test)]
mod tests;
mod trouble;

use std::{sync::Arc, time::Duration};

use bsm_stack::{
    breaker::{self, Breaker, BreakerLayer, SentLayer},
    bulkhead::{self, Bulkhead, BulkheadLayer},
    classify::Classify,
    deadline::OutboundLayer,
    retry::{Attempts, Before, Budget, BudgetConfig, Failure, GaveUp, Policy, RetryLayer},
    timeout::TimeoutLayer,
};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty, Full, combinators::UnsyncBoxBody};
use tower::{BoxError, ServiceBuilder, ServiceExt as _, util::BoxCloneSyncService};

use crate::{flags::SwitchesLayer, guards::Guards};
pub use egress::Declared;
pub use gate::Destination;
pub use http_client::{AsSent, HeadWithin, HttpClient, NoClient, Took, Trust, in_the_clear};
pub use trouble::Trouble;

/// A body that is still to come, held to the deadline of its call.
pub type Body = UnsyncBoxBody<Bytes, BoxError>;

/// The stack as a service. Clones share the connections and the guards. Errors are those of the layers and of the
/// HTTP client; [`Trouble::of`] reads them.
pub type Stack = BoxCloneSyncService<Request<Bytes>, Response<Body>, BoxError>;

/// Two more attempts within moments. A server that wants to be left alone for longer is: whoever waits hears so.
const RETRY: Policy = Policy {
    max_attempts: 3,
    base: Duration::from_millis(100),
    cap: Duration::from_secs(1),
    patience: Duration::from_secs(2),
    max_body: 32 * 1024 * 1024, // which is never copied
};

/// A server outside of the mesh, as far as the stack toward it must know it.
#[derive(Clone, Debug)]
pub struct Server<C> {
    /// What its guards are called, e.g. `openai`.
    pub name: String,
    /// The whole call, its body included, when the caller set no deadline or a later one.
    pub deadline: Duration,
    /// From sending to the head of the answer.
    pub attempt: Duration,
    /// When it is left alone.
    pub breaker: breaker::Config,
    /// How many calls it may hold.
    pub bulkhead: bulkhead::Config,
    /// What its answers say about it.
    pub classifier: C,
}

/// A server of several parts that fail apart from each other, such as the models of a provider: they share its
/// connections, its bulkhead and its retry budget, and each has a breaker of its own.
#[derive(Clone, Debug)]
pub struct InParts<C> {
    server: Server<C>,
    client: HttpClient,
    bulkhead: Bulkhead,
    budget: Budget,
    guards: Guards,
}

/// A way to a server outside of the mesh. Clones share the connections and the guards.
#[derive(Clone, Debug)]
pub struct Outside {
    stack: Stack,
    breaker: Breaker,
}

/// The server's last word, if it spoke before this process refused to ask it again.
fn last_word(error: BoxError) -> Result<Response<Body>, BoxError> {
    let GaveUp { attempts, source, before } = *error.downcast::<GaveUp>()?;
    let made = attempts - u32::from(before.is_some());
    let (status, headers) = match before {
        Some(Before::Answered(status, headers)) => (status, headers),
        Some(Before::Failed(error)) if made > 1 => {
            return Err(GaveUp { attempts: made, source: error, before: None }.into());
        }
        Some(Before::Failed(error)) => return Err(error),
        None => return Err(GaveUp { attempts, source, before }.into()),
    };
    let mut response = Response::new(Empty::new().map_err(|never| match never {}).boxed_unsync());
    (*response.status_mut(), *response.headers_mut()) = (status, headers);
    response.extensions_mut().insert(Attempts(made));
    Ok(response)
}

// === impl InParts ===

impl<C> InParts<C>
where
    C: Classify + Clone + Send + Sync + 'static,
{
    /// Lists what the parts share.
    pub fn new(server: Server<C>, client: HttpClient, guards: &Guards) -> InParts<C> {
        let bulkhead = guards.bulkhead(server.name.as_str(), server.bulkhead);
        let budget = guards.retry_budget(server.name.as_str(), BudgetConfig::default());
        InParts { server, client, bulkhead, budget, guards: guards.clone() }
    }

    /// The server, as it was described.
    pub fn server(&self) -> &Server<C> {
        &self.server
    }

    /// Makes the way to a part and lists its breaker, which has this name. Each call makes another breaker.
    pub fn part(&self, breaker: impl Into<Arc<str>>) -> Outside {
        self.way(breaker.into(), self.bulkhead.clone())
    }

    /// The same for a part that has places of its own, which are listed under the same name.
    pub fn part_apart(&self, name: impl Into<Arc<str>>, places: bulkhead::Config) -> Outside {
        let name = name.into();
        let bulkhead = self.guards.bulkhead(Arc::clone(&name), places);
        self.way(name, bulkhead)
    }

    fn way(&self, breaker: Arc<str>, bulkhead: Bulkhead) -> Outside {
        let Server { deadline, attempt, ref classifier, .. } = self.server;
        let breaker = self.guards.breaker(breaker, self.server.breaker.clone());
        let judged = BreakerLayer::new(breaker.clone(), classifier.clone());
        let judged = judged.above_a_queue().judged_by_its_reader();
        let stack = ServiceBuilder::new()
            .map_response(|response: Response<_>| response.map(BodyExt::boxed_unsync)) // one type for all servers
            .layer(SwitchesLayer::new(self.guards.flags().clone())) // which of the guards below this call runs under
            .layer(OutboundLayer::new(deadline, Duration::ZERO)) // the whole call and its body, never without an end
            .map_request(|request: Request<Bytes>| request.map(Full::new)) // can be sent again as it is
            .layer(RetryLayer::new(RETRY, self.budget.clone()).reading(Failure::of_http_api)) // unless somebody above does it
            .layer(judged) // judges each attempt, timeouts included; a success is its reader's to judge
            .layer(BulkheadLayer::new(bulkhead)) // a slot until the body has ended
            .layer(SentLayer) // queued time is not the server's slowness
            .layer(TimeoutLayer::new(attempt)) // one try, to the head of its answer
            .service(self.client.clone());
        Outside { stack: BoxCloneSyncService::new(stack), breaker }
    }
}

// === impl Outside ===

impl Outside {
    /// Makes the way to a server that fails as a whole, and lists its guards. Connects when first used.
    pub fn to<C>(server: Server<C>, client: HttpClient, guards: &Guards) -> Outside
    where
        C: Classify + Clone + Send + Sync + 'static,
    {
        let name: Arc<str> = server.name.as_str().into();
        InParts::new(server, client, guards).part(name)
    }

    /// Sends a request and waits for the head of the answer, whatever its status. The caller's deadline is a
    /// [`Deadline`](bsm_stack::Deadline) in the extensions, which [`Call::mark`](crate::call::Call::mark) sets. Cancel
    /// safe: dropping the future, or the body, ends the call at the server.
    ///
    /// If this process refuses a further attempt, because the circuit has opened meanwhile or everything is full, what
    /// the attempt before ended in is the result: an answer then has no body.
    ///
    /// # Errors
    /// When there is no answer; [`Trouble::of`] tells why.
    pub async fn ask(&self, request: Request<Bytes>) -> Result<Response<Body>, BoxError> {
        self.stack.clone().oneshot(request).await.or_else(last_word)
    }

    /// The stack as a service.
    pub fn stack(&self) -> Stack {
        self.stack.clone()
    }

    /// Its breaker.
    pub fn breaker(&self) -> &Breaker {
        &self.breaker
    }
}
