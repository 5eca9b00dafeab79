//! Something that is replaced as a whole while the process runs, such as all agents, and those who follow it.
//!
//! A version never changes: a request works on the one it began with. What followers are told are states, not steps.
//! So a follower who comes back needs nothing kept for it here: it says which version it saw last, and is told the one
//! in force unless that is the same.

use std::{pin::Pin, sync::Arc};

use futures_util::{Stream, stream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::status;

/// Something whose content a short text stands for.
pub trait Versioned: Send + Sync + 'static {
    /// The same for the same content, in every process and after every restart.
    fn version(&self) -> &str;
}

/// The version in force. Clones share it.
#[derive(Debug)]
pub struct Versions<T> {
    current: watch::Sender<Arc<T>>,
}

/// What a follower is told.
pub type Told<M> = Pin<Box<dyn Stream<Item = Result<M, Status>> + Send>>;

/// One follower.
struct Follower<T, M> {
    states: watch::Receiver<Arc<T>>,
    seen: Option<String>,
    show: fn(&T) -> M,
    stopping: CancellationToken,
}

// === impl Versions ===

impl<T: Versioned> Versions<T> {
    /// Begins with this one.
    pub fn new(first: T) -> Versions<T> {
        Versions { current: watch::Sender::new(Arc::new(first)) }
    }

    /// The version in force. It stays as it is while it is held.
    pub fn current(&self) -> Arc<T> {
        self.current.borrow().clone()
    }

    /// Puts `next` in force and tells the followers; does nothing if it is the same version. Says whether it did.
    pub fn replace(&self, next: T) -> bool {
        self.current.send_if_modified(|current| {
            let differs = current.version() != next.version();
            if differs {
                *current = Arc::new(next);
            }
            differs
        })
    }

    /// Calls `with` for the version in force and for each that replaces it, until `stopping`. A version that is replaced
    /// before it gets its turn is left out.
    pub async fn each(&self, stopping: CancellationToken, mut with: impl FnMut(&T)) {
        let mut states = self.current.subscribe();
        loop {
            let now = states.borrow_and_update().clone();
            with(&now);
            tokio::select! {
                () = stopping.cancelled() => return,
                changed = states.changed() => if changed.is_err() { return },
            }
        }
    }

    /// The version in force unless `last` is the same, then each that replaces it, as `show` puts it. A version that is
    /// replaced before the follower gets to it is left out. Ends with UNAVAILABLE (DRAINING) as the process drains.
    pub fn follow<M: Send + 'static>(
        &self,
        last: Option<String>,
        show: fn(&T) -> M,
        stopping: CancellationToken,
    ) -> Told<M> {
        let follower = Follower { states: self.current.subscribe(), seen: last, show, stopping };
        Box::pin(stream::unfold(Some(follower), |follower| async {
            let mut follower = follower?;
            match follower.next().await {
                Some(told) => Some((Ok(told), Some(follower))),
                None => Some((Err(status::draining()), None)), // the last word
            }
        }))
    }
}

impl<T> Clone for Versions<T> {
    fn clone(&self) -> Self {
        Versions { current: self.current.clone() }
    }
}

// === impl Follower ===

impl<T: Versioned, M> Follower<T, M> {
    /// The next state; `None` once the process drains.
    async fn next(&mut self) -> Option<M> {
        loop {
            let now = self.states.borrow_and_update().clone();
            if self.seen.as_deref() != Some(now.version()) {
                self.seen = Some(now.version().to_owned());
                return Some((self.show)(&now));
            }
            tokio::select! {
                () = self.stopping.cancelled() => return None,
                changed = self.states.changed() => changed.ok()?, // whoever replaces it is gone: the end is near
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, StreamExt as _};
    use tonic::Code;

    use super::*;

    #[derive(Debug)]
    struct Text(&'static str);

    impl Versioned for Text {
        fn version(&self) -> &str {
            self.0
        }
    }

    fn follow(texts: &Versions<Text>, last: Option<&str>, stopping: &CancellationToken) -> Told<String> {
        texts.follow(last.map(str::to_owned), |text| text.0.to_owned(), stopping.clone())
    }

    /// What is told without waiting.
    fn told(stream: &mut Told<String>) -> Option<String> {
        Some(stream.next().now_or_never()??.unwrap())
    }

    #[test]
    fn a_request_keeps_the_version_it_began_with() {
        let texts = Versions::new(Text("a"));
        let begun = texts.current();
        assert!(texts.replace(Text("b")) && !texts.replace(Text("b")));
        assert_eq!((begun.0, texts.current().0), ("a", "b"));
    }

    #[test]
    fn a_follower_is_told_what_is_in_force_and_then_every_change_once() {
        let (texts, stopping) = (Versions::new(Text("a")), CancellationToken::new());
        let mut stream = follow(&texts, None, &stopping);
        assert_eq!((told(&mut stream).as_deref(), told(&mut stream)), (Some("a"), None));
        texts.replace(Text("b"));
        assert_eq!((told(&mut stream).as_deref(), told(&mut stream)), (Some("b"), None));
    }

    #[test]
    fn who_comes_back_misses_nothing_and_is_told_nothing_twice() {
        let (texts, stopping) = (Versions::new(Text("a")), CancellationToken::new());
        assert_eq!(told(&mut follow(&texts, Some("a"), &stopping)), None);
        texts.replace(Text("b"));
        texts.replace(Text("c"));
        let mut stream = follow(&texts, Some("a"), &stopping);
        assert_eq!((told(&mut stream).as_deref(), told(&mut stream)), (Some("c"), None));
        texts.replace(Text("d"));
        texts.replace(Text("c"));
        assert_eq!(told(&mut stream), None, "what it saw last is in force again");
    }

    #[tokio::test]
    async fn each_version_gets_its_turn_until_the_process_drains() {
        let (texts, stopping) = (Versions::new(Text("a")), CancellationToken::new());
        let seen = std::sync::Mutex::new(Vec::new());
        let follow = texts.each(stopping.clone(), |text| seen.lock().unwrap().push(text.0));
        let change = async {
            tokio::task::yield_now().await;
            texts.replace(Text("b"));
            while seen.lock().unwrap().len() < 2 {
                tokio::task::yield_now().await;
            }
            stopping.cancel();
        };
        tokio::join!(follow, change);
        assert_eq!(*seen.lock().unwrap(), ["a", "b"]);
    }

    #[tokio::test]
    async fn a_watch_ends_with_a_word_as_the_process_drains() {
        let (texts, stopping) = (Versions::new(Text("a")), CancellationToken::new());
        let mut stream = follow(&texts, Some("a"), &stopping);
        stopping.cancel();
        let end = stream.next().await.unwrap().unwrap_err();
        assert_eq!((end.code(), status::reason(&end).as_deref()), (Code::Unavailable, Some("DRAINING")));
        assert!(stream.next().await.is_none());
    }
}
