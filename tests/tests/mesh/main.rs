//! The whole mesh as its users meet it: real processes, real ports, real clients.

// Tests may panic, and their helpers are tests, too.
#![allow(clippy::unwrap_used)]

mod audit;
mod authz;
mod caches;
mod compose;
mod contract;
mod crates;
mod decisions;
mod faults;
mod figures;
mod jobs;
mod keys;
mod matrix;
mod ops;
mod recovery;
mod requests;
mod resume;
mod rolling;
mod secrets;
mod starts;
mod tls;
