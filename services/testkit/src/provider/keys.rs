//! Which keys the provider accepts.

use std::collections::{HashMap, HashSet};

use super::Asked;
use crate::reply::Reply;

/// By default every key, and none, is accepted.
#[derive(Default)]
pub(super) struct Keys {
    accepted: Option<HashSet<String>>,
    refused: HashMap<String, Reply>,
}

// === impl Keys ===

impl Keys {
    pub(super) fn accept(&mut self, keys: HashSet<String>) {
        self.accepted = Some(keys);
    }

    pub(super) fn accept_any(&mut self) {
        self.accepted = None;
    }

    pub(super) fn refuse(&mut self, key: &str, reply: Reply) {
        self.refused.insert(key.to_owned(), reply);
    }

    pub(super) fn restore(&mut self, key: &str) {
        self.refused.remove(key);
    }

    /// The reply to a call whose key is no good.
    pub(super) fn check(&self, asked: &Asked) -> Option<Reply> {
        if let Some(reply) = asked.key.as_ref().and_then(|key| self.refused.get(key)) {
            return Some(reply.clone());
        }
        let known = |accepted: &HashSet<String>| asked.key.as_ref().is_some_and(|key| accepted.contains(key));
        let accepted = self.accepted.as_ref().is_none_or(known);
        (!accepted).then_some(Reply::Fails(401))
    }
}
