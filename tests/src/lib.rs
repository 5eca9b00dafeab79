//! What the tests of the whole mesh share: the real binary as processes, and clients that use it as people do.

// The harness may panic: a mesh that cannot be set up is a failed test.
#![allow(clippy::unwrap_used)]

pub mod collector;
pub mod diffs;
pub mod github;
pub mod mesh;
pub mod node;
pub mod plan;
pub mod rest;
pub mod spread;
pub mod tls;

pub use collector::Collector;
pub use mesh::Mesh;
pub use node::Node;
pub use plan::Plan;
pub use rest::Rest;
pub use spread::Spread;
