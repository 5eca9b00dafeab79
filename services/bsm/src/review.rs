//! Reviewing one diff from the command line.

pub(crate) mod embedded;
pub(crate) mod input;
pub(crate) mod rules;
pub(crate) mod show;
