//! Tests of the counts, and of the whole breaker against a model of it.

mod model;
mod window;
