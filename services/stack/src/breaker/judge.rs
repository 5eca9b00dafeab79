//! [`Judge`]: the right to say how a call went, handed to whoever reads the body of its answer.
//!
//! Some answers promise well in their head and hold nothing: HTML where JSON should be, a document that is cut short,
//! an empty page. Only who reads them knows, and knows it after the last byte, when the body alone would have told the
//! breaker that all is well.

use std::sync::{Arc, Mutex, PoisonError};

use super::Permit;

/// In the extensions of a response whose head promises well, if the layer was told that
/// [its reader judges](super::BreakerLayer::judged_by_its_reader).
///
/// While nobody takes the permit, the end of the body decides. Whoever takes it decides instead, by
/// [`Permit::record`]; dropped, it says that the reader went away. An answer without a body is for its reader alone.
#[derive(Clone, Debug)]
pub struct Judge(Arc<Mutex<Option<Permit>>>);

// === impl Judge ===

impl Judge {
    pub(super) fn new(permit: Permit) -> Self {
        Self(Arc::new(Mutex::new(Some(permit))))
    }

    /// The permit of the call; `None` if somebody else has it or has judged already.
    #[must_use = "a permit that is dropped says nothing about the call"]
    pub fn take(&self) -> Option<Permit> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// As [`Permit::lasts`], while nobody has taken the permit.
    pub(super) fn lasts(&self) {
        if let Some(permit) = self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            permit.lasts();
        }
    }
}
