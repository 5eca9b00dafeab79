//! API keys: made, listed, revoked and checked. A key that was revoked is refused by the next check.
//!
//! - `scope`: what a key may do.
//! - `rules`: what a new key must be, and whether one that is presented is valid: pure.
//! - `seal`: the keyed hash of a secret, and where its key is kept.
//! - `store`: the keys on disk. Several processes of the role may share the file: every check reads it.
//! - `grpc`: the wire's face.

mod error;
mod grpc;
mod rules;
mod scope;
mod seal;
mod store;
#[cfg(test)]
mod tests;

pub(crate) use grpc::Keys;
