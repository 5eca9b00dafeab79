//! Each behaviour, over real sockets. A fault that does not fire would make every test above it worthless.

// Whatever cannot be set up here is a failed test.
#![allow(clippy::unwrap_used)]

mod client;
mod github;
mod process;
mod provider;
mod proxy;
