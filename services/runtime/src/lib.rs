//! Placeholder.

pub mod diagnostic;
pub mod yaml;
