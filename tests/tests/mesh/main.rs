//! The whole mesh as its users meet it: real processes, real ports, real clients.

mod compose;
mod contract;
mod crates;
mod decisions;
mod faults;
mod recovery;
mod starts;
