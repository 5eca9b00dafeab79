//! Tests of the parts that are compiled twice (here, and for the model checker), and of the whole breaker.

mod window;
