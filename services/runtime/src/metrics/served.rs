//! What is counted of the calls of one method that ended in one way. It is looked up once: making labels takes longer than
//! counting.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use foldhash::fast::RandomState;
use prometheus_client::metrics::{counter::Counter, histogram::Histogram};

use super::Labels;
use crate::scopes::Scopes;

/// Calls of one role and method that ended with one code.
#[derive(Debug)]
pub(super) struct Calls {
    pub(super) count: Counter,
    /// Those of the method, whatever the code.
    pub(super) seconds: Histogram,
    pub(super) is_our_error: bool,
    pub(super) is_stream: bool,
}

/// All that was looked up so far, by role, method and code: as many as there are labels.
#[derive(Debug, Default)]
pub(super) struct Known(RwLock<By<By<By<Arc<Calls>>>>>);

type By<T> = HashMap<Box<str>, T, RandomState>;

const LABELS: [&str; 3] = ["role", "method", "code"];

// === impl Known ===

impl Known {
    pub(super) fn calls(&self, of: [&str; 3], make: impl FnOnce(&Labels) -> Calls) -> Arc<Calls> {
        self.find(of).unwrap_or_else(|| {
            let labels: Labels =
                LABELS.into_iter().zip(of).map(|(name, value)| (name, value.to_owned())).collect();
            let made = make(&labels);
            let [role, method, code] = of.map(Box::from);
            let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
            let codes = known.entry(role).or_default().entry(method).or_default();
            Arc::clone(codes.entry(code).or_insert_with(|| Arc::new(made)))
        })
    }

    fn find(&self, [role, method, code]: [&str; 3]) -> Option<Arc<Calls>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.get(role)?.get(method)?.get(code).cloned()
    }
}

/// Whether a method of the contract answers with a stream.
pub(super) fn is_stream(method: &str) -> bool {
    Scopes::of_the_contract().rpc(&format!("/{method}")).is_some_and(|rpc| rpc.streams)
}
