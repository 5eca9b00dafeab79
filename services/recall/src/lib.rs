//! Exact search over short texts in memory, without a runtime: by likeness of word sets and by BM25.

mod bag;
mod embed;
mod fusion;
mod index;
mod query;
mod ranking;
mod ratio;
mod record;
mod sections;
mod segment;
mod simd;
mod similar;
mod snapshot;
mod strings;
mod text;
mod tombstones;
mod view;

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

pub use bag::Bag;
pub use embed::{DIMENSION, embed};
pub use fusion::{Fused, Ranking, Standing, diversify, fuse};
pub use index::{Index, Merge, Merged};
pub use query::{Filter, Query};
pub use ranking::{Document, Hit};
pub use record::{Change, Record};
pub use sections::Damage;
pub use snapshot::Snapshot;
pub use view::{Held, View};

/// How many documents' bits are handled at once.
pub(crate) const BLOCK: usize = 512;

/// How many documents' counters are handled at once.
pub(crate) const CHUNK: usize = 32_768;

/// Asked now and then within long work: whether to give up, for instance because nobody waits any more.
pub type Stop<'a> = &'a dyn Fn() -> bool;

/// The work was given up as [`Stop`] asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the search was stopped before it was complete; allow it more time")]
pub struct Stopped;
