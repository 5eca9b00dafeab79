//! What the attempts of one call share: where they went, and the request, to be sent once more.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use http::request::Parts;
use http::{Extensions, Request};

use crate::retry::{ReplayBody, Whole, count_attempts};

/// In a request's extensions: the endpoints that attempts of this call went to. Clones share it, so that a retry or a
/// hedge knows of the others. Remembers 64 endpoints; of more it may take one for another.
///
/// The layer that makes it puts the request aside in it, and a layer below that sends again makes do with that.
#[derive(Clone)]
pub struct Tried {
    call: Arc<Call>,
    /// How many attempts came before the one that carries this.
    before: u32,
}

struct Call {
    places: AtomicU64,
    head: Parts, // without this, which would keep itself
    body: Whole,
}

// === impl Tried ===

impl Tried {
    /// Puts a request aside that has not been sent yet.
    pub(crate) fn nothing_yet(head: &Parts, body: Whole) -> Self {
        let mut head = head.clone();
        head.extensions.remove::<Self>();
        Self { call: Arc::new(Call { places: AtomicU64::new(0), head, body }), before: 0 }
    }

    /// The request once more, which carries this.
    pub(crate) fn again<B>(&mut self) -> Request<ReplayBody<B>> {
        self.before += 1;
        let mut head = self.call.head.clone();
        count_attempts(&mut head.headers, self.before);
        head.extensions.insert(self.clone());
        Request::from_parts(head, self.call.body.again())
    }

    /// What the request said to the layers of this process.
    pub(crate) fn extensions(&self) -> &Extensions {
        &self.call.head.extensions
    }

    /// The length of the body, in bytes.
    pub(crate) fn body_len(&self) -> usize {
        self.call.body.len()
    }

    pub(super) fn contains(&self, at: usize) -> bool {
        self.call.places.load(Relaxed) & bit(at) != 0
    }

    pub(super) fn insert(&self, at: usize) {
        self.call.places.fetch_or(bit(at), Relaxed);
    }
}

impl fmt::Debug for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = self.call.places.load(Relaxed);
        f.debug_struct("Tried").field("before", &self.before).field("places", &places).finish_non_exhaustive()
    }
}

const fn bit(at: usize) -> u64 {
    1 << (at % 64)
}
