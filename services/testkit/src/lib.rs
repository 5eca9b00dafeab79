//! Servers that behave as told, for tests of the mesh. Never part of the product.

pub mod provider;
pub mod reply;

pub use provider::{Asked, Provider};
pub use reply::Reply;
