//! The places where another thread may come in between: nothing in the product, a choice for the scheduler in tests.
//!
//! Each is right before a lock is taken, with none held, so a test that explores schedules on one thread never finds
//! a lock taken.

/// Another thread may come in here.
#[cfg(not(test))]
#[inline(always)]
pub(super) fn point() {}

#[cfg(test)]
pub(super) use super::tests::interleavings::point;
