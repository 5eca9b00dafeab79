//! The resilience layers every edge of the mesh is built from, one per file.
//!
//! This crate knows no service and no wire format beyond `http` types and gRPC status numbers. Each layer is a
//! thin `tower` service around a decision that is plain data and plain functions, with the time passed in.
//!
//! # The order of an outbound call
//!
//! ```text
//! deadline (whole call, inherited)      deadline::OutboundLayer    the caller's patience, told to the callee
//!   → retry (within a budget)           retry::RetryLayer          a second chance, at one hop only
//!     → hedge (within the same)         hedge::HedgeLayer          a second attempt beside one that is late
//!       → balance (several endpoints)   balance::Balance           the one with the least to do; each has its own
//!         → breaker                     breaker::BreakerLayer      sees the timeout below as a failure
//!           → bulkhead (bounded queue)  bulkhead::BulkheadLayer    a slot until the body has ended
//!             → attempt timeout         timeout::TimeoutLayer      the head of one attempt
//!               → connection
//! ```
//!
//! The deadline is outermost because it covers queueing and every attempt. Retry and hedge are above the
//! balancer so that each attempt may go to another endpoint, and above the breakers so that each asks anew: what every
//! breaker refuses is final. The breaker is above the bulkhead
//! so that a call it refuses never takes a slot, and above the timeout so that it sees timeouts. The timeout is below
//! the bulkhead so that waiting in our own queue is never counted as the upstream's slowness.
//!
//! # The order of an inbound call
//!
//! ```text
//! rate limit (per caller) → adaptive concurrency (sheds what does not fit) → deadline::InboundLayer
//!   → bulkhead (bounded queue) → handler
//! ```
//!
//! The two that never wait stand first: they answer in the moment of the call, so no time is lost above the deadline. The
//! deadline is below the adaptive limit so that the limit sees which calls ran out of time, and above the bulkhead so that
//! time in its queue counts.
//!
//! # What a layer says when it says no
//!
//! All errors are [`tower::BoxError`]; find the type by downcast: [`CircuitOpen`], [`bulkhead::Rejected`],
//! [`DeadlineExceeded`], [`AttemptTimedOut`]. The first three are our own refusals, as is what a client below
//! [withholds](classify::Withheld): a breaker never counts them (see [`classify::is_own_refusal`]). After more than one attempt the error is a [`retry::GaveUp`] with the last
//! one's as its source.
//!
//! # Where to find what
//!
//! | module | holds |
//! |---|---|
//! | [`concurrency`] | how many inbound calls a process takes on at once, found out by itself |
//! | [`deadline`] | the whole call's deadline: type, `grpc-timeout`, inbound and outbound layer |
//! | [`timeout`] | the bound on the head of one attempt |
//! | [`bulkhead`] | how many calls one dependency may hold, and how many may wait |
//! | [`breaker`] | stop sending to what keeps failing |
//! | [`cache`] | what was loaded once, served to many and never from before an invalidation |
//! | [`classify`] | what an answer says about the one that gave it: tables |
//! | [`dice`] | chance, passed in where something is decided |
//! | [`hedge`] | a second attempt beside one that is late |
//! | [`priority`] | who is turned away first |
//! | [`rate_limit`] | how many calls one caller or address may make |
//! | [`retry`] | a second chance, where it helps and harms nobody |
//! | [`switches`] | which of the guards a call runs under |
//! | [`balance`] | which of several endpoints gets a call |
//! | [`body`] | the response body that carries a guard to its end |

pub mod balance;
pub mod body;
pub mod breaker;
pub mod bulkhead;
pub mod cache;
pub mod classify;
pub mod concurrency;
pub mod deadline;
pub mod dice;
pub mod hedge;
pub mod pieces;
pub mod priority;
pub mod rate_limit;
pub mod retry;
pub mod switches;
pub mod timeout;

mod alarm;
mod interleave;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use balance::Balance;
pub use breaker::{Breaker, BreakerLayer, CircuitOpen};
pub use bulkhead::{Bulkhead, BulkheadLayer};
pub use classify::{Classify, GrpcClassifier, HttpClassifier, Outcome};
pub use concurrency::ConcurrencyLayer;
pub use deadline::{Deadline, DeadlineExceeded};
pub use hedge::HedgeLayer;
pub use priority::Priority;
pub use rate_limit::RateLimitLayer;
pub use retry::RetryLayer;
pub use timeout::{AttemptTimedOut, TimeoutLayer};
