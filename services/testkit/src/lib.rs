//! Servers and faults that behave as told, for tests of the mesh and, as `bsm-testkit`, for trials by hand. Never part
//! of the product.
//!
//! | part | what it is |
//! |---|---|
//! | [`Provider`] | a model provider that speaks the wires of real ones and answers as scripted |
//! | [`GitHub`] | a GitHub that checks tokens, counts merges, moves heads and runs into limits on command |
//! | [`Proxy`] | a fault proxy for any TCP edge: latency, jitter, bandwidth, black hole, resets, slow ends, refusal |
//!
//! Everything is the same in every run: what looks random is drawn from a [`Seed`].

pub mod github;
pub mod latency;
pub mod provider;
pub mod proxy;
pub mod reply;
pub mod seed;
mod serve;
pub mod span;
mod watched;
pub mod wire;

pub use github::GitHub;
pub use latency::Latency;
pub use provider::{Asked, Call, End, Provider};
pub use proxy::{Fault, Leg, Proxy};
pub use reply::Reply;
pub use seed::Seed;
