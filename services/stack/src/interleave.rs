//! The places where another thread may come in between: nothing in the product, a choice for the scheduler in tests.
//!
//! Each is right before a lock is taken, or between two looks at what others change, with no lock held; so a test that
//! explores schedules on one thread never finds a lock taken.

#[cfg(test)]
mod explore;

/// Another thread may come in here.
#[cfg(not(test))]
#[inline(always)]
pub(crate) fn point() {}

#[cfg(test)]
pub(crate) use explore::{explore, patiently, pause, point};
