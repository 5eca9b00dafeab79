//! The orchestrator: events become jobs, jobs run agents, a policy decides.
//!
//! Everything that moves a job goes through the [`journal`], so that a crash at any point loses nothing and
//! repeats no finished step. What is to happen next is decided by pure functions (`engine/plan.rs`, [`policy`]).

pub mod answer;
pub mod change;
pub mod ci;
pub mod job;
pub mod journal;
pub mod policy;
pub mod prompt;
pub mod report;
pub mod strategy;
pub mod validate;
mod version;
mod visible;
