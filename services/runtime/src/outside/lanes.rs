//! The HTTP clients of one server: as many as its connections need.
//!
//! Over HTTP/2 a client has one connection, and a call beyond the streams that the server allows on it waits there for
//! another to end, unseen by every guard, for minutes if the others are long answers of models. So a client has no more
//! calls at once than any server is asked to allow, and the next goes over another one. They stay: what was needed once
//! will be again, and an idle client closes its connections by itself.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use bsm_stack::body::{End, Guard};

/// Calls of one client at once: the least number of streams that RFC 9113 asks servers to allow.
const STREAMS: usize = 100;

/// Clients at most. With so many the bulkhead is what bounds calls.
const MOST: usize = 32;

/// The clients of one server. They are asked in the order in which they were made, so that few connections are busy.
pub(super) struct Lanes<C> {
    lanes: Mutex<Vec<Lane<C>>>,
    another: Box<dyn Fn() -> Option<C> + Send + Sync>,
}

struct Lane<C> {
    client: C,
    /// Shared with each call.
    calls: Arc<()>,
}

/// A call's place in its lane, to be kept until its answer has ended.
#[derive(Debug)]
pub(super) struct Place {
    _call: Arc<()>,
}

// === impl Lanes ===

impl<C: Clone> Lanes<C> {
    /// The first client, and how another is made; `None` where that fails, and the call goes over one that there is.
    pub(super) fn new(first: C, another: impl Fn() -> Option<C> + Send + Sync + 'static) -> Lanes<C> {
        Lanes { lanes: Mutex::new(vec![Lane::new(first)]), another: Box::new(another) }
    }

    /// The client for the next call.
    pub(super) fn take(&self) -> (C, Place) {
        // Lanes are only added, so a panic elsewhere while they were held does not spoil them.
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let free = lanes.iter().position(|lane| lane.calls() < STREAMS);
        let at = free.or_else(|| {
            let another = (lanes.len() < MOST).then(|| (self.another)()).flatten()?;
            lanes.push(Lane::new(another));
            Some(lanes.len() - 1)
        });
        match at {
            Some(at) => lanes[at].take(),
            None => lanes.iter().min_by_key(|lane| lane.calls()).expect("the first lane stays").take(),
        }
    }
}

impl<C> fmt::Debug for Lanes<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("Lanes").field("lanes", &lanes.len()).finish_non_exhaustive()
    }
}

// === impl Lane ===

impl<C> Lane<C> {
    fn new(client: C) -> Lane<C> {
        Lane { client, calls: Arc::default() }
    }

    fn calls(&self) -> usize {
        Arc::strong_count(&self.calls) - 1
    }
}

impl<C: Clone> Lane<C> {
    fn take(&self) -> (C, Place) {
        (self.client.clone(), Place { _call: Arc::clone(&self.calls) })
    }
}

impl Guard for Place {
    fn end(self, _: End<'_>) {}
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use super::*;

    /// Lanes whose clients are numbers.
    fn numbered(most: usize) -> Lanes<usize> {
        let made = AtomicUsize::new(1);
        Lanes::new(0, move || Some(made.fetch_add(1, Relaxed)).filter(|number| *number < most))
    }

    #[test]
    fn calls_beyond_the_streams_of_a_connection_go_over_another() {
        let lanes = numbered(9);
        let places: Vec<_> = (0..=STREAMS * 2).map(|_| lanes.take()).collect();
        let over = |number| places.iter().filter(|(client, _)| *client == number).count();
        assert_eq!((over(0), over(1), over(2)), (STREAMS, STREAMS, 1));
    }

    #[test]
    fn a_call_that_ends_makes_room_for_the_next() {
        let lanes = numbered(9);
        let mut places: Vec<_> = (0..STREAMS).map(|_| lanes.take()).collect();
        assert_eq!(lanes.take().0, 1);
        places.pop();
        assert_eq!(lanes.take().0, 0);
    }

    #[test]
    fn where_no_other_can_be_made_calls_go_where_there_are_the_fewest() {
        let lanes = numbered(2);
        let mut places: Vec<_> = (0..STREAMS * 2).map(|_| lanes.take()).collect();
        places.remove(0);
        places.remove(0);
        assert_eq!([lanes.take().0, lanes.take().0], [0, 0]);
        assert_eq!(lanes.lanes.lock().unwrap().len(), 2);
    }
}
