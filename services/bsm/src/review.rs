//! Reviewing one diff from the command line.

pub mod embedded;
pub mod input;
pub mod rules;
pub mod show;
