//! Balancing: which of several endpoints that can answer the same call gets it.
//!
//! Of two endpoints drawn at random the one with less to do is taken: that is nearly as good as looking at all of
//! them, and callers that do not know of each other do not all run to the same one. What is "less" is the number of
//! calls that are out, to the end of their bodies, times how long answers take at the moment; a failure counts as a
//! slow answer, so that an endpoint that fails fast draws no calls.
//!
//! Before load comes what is known to be no use: an endpoint whose breaker refuses is not taken at all, one that has
//! just turned a call away (nobody listens, the connection ends) only when there is no other, and one that this call
//! has tried before only when there is no other again. If every breaker refuses, the call ends at once with the
//! [`CircuitOpen`](crate::CircuitOpen) of the one that opens first.
//!
//! | part | holds |
//! |---|---|
//! | [`pick`] | the decision: what is known of each → which one; pure |
//! | `load` | what each has to do, and whether it rests; pure but for a lock |
//! | [`Endpoints`] | who there is, changed while calls go on |
//! | [`Balance`] | where they meet a request |
//! | [`Tried`] | where the attempts of one call went, and the request put aside for another one |

use tower::BoxError;

mod endpoints;
mod load;
mod pick;
mod service;
#[cfg(test)]
mod tests;
mod tried;

pub use endpoints::{Endpoint, Endpoints, WeakEndpoints};
pub use pick::{View, pick};
pub use service::{Balance, BalanceFuture, Held};
pub use tried::Tried;

/// The endpoint did not process the call, and there is another one that is worth trying at once.
#[derive(Debug, thiserror::Error)]
#[error("this endpoint did not take the call; another one may")]
pub struct Elsewhere(#[source] pub BoxError);

/// In a response's extensions: the same as [`Elsewhere`], of an endpoint that said so by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakenElsewhere;

/// Nobody is known who could be sent the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no endpoint is known")]
pub struct NoEndpoint;
