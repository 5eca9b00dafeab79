//! The model gateway: one way to ask a model, whichever provider answers.

pub mod offline;
