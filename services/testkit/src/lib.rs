//! Servers and faults that behave as told, for tests of the mesh and, as `bsm-testkit`, for trials by hand. Never part
//! of the product.
//!
//! | part | what it is |
//! |---|---|
//! | [`Provider`] | a model provider that speaks the wires of real ones and answers as scripted |
//! | [`GitHub`] | a GitHub that checks tokens, counts merges, moves heads and runs into limits on command |
//! | [`Proxy`] | a fault proxy for any TCP edge: latency, jitter, bandwidth, black hole, resets, slow ends, refusal |
//!
//! Everything is the same in every run: what looks random is drawn from a [`Seed`]. Everything listens on a free port of
//! loopback and ends with the runtime it was started on (a proxy when it is dropped).
//!
//! A run with a fault counts only if the fault did something and work went on meanwhile:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! use bsm_testkit::{Fault, Provider, Proxy, Reply};
//!
//! let provider = Provider::start(|call| match call.number {
//!     0 => Reply::throttled("999999"),
//!     1 => Reply::Says("one two three".into()).hang_after(2),
//!     _ => Reply::review("approve", 9, "Fine."),
//! })
//! .await?;
//! let proxy = Proxy::start(provider.address()).await?;
//! proxy.set(Fault::black_hole()).await?;
//! // … work through proxy.url() …
//! assert!(proxy.fired().is_err(), "nothing fell into it: this run proves nothing");
//! assert_eq!(provider.tally().answered, 0);
//! # Ok(())
//! # }
//! ```

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
