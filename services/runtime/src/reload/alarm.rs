//! Rings when files may have changed.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::{
    sync::Notify,
    time::{Instant, timeout},
};
use tracing::warn;

/// An edit is over when nothing happens for this long: editors write in several steps.
const QUIET: Duration = Duration::from_millis(200);

/// Waits no longer for quiet than this.
const PATIENCE: Duration = Duration::from_secs(2);

/// The events of some folders and all below them, and of single files.
pub(super) struct Alarm {
    bell: Arc<Notify>,
    /// Events end when it is dropped. `None` where the system has none to give.
    _watcher: Option<RecommendedWatcher>,
}

// === impl Alarm ===

impl Alarm {
    /// Listens from now on. Where that cannot be done it never rings, which is said in the log.
    pub(super) fn on(places: &[PathBuf]) -> Alarm {
        let bell = Arc::new(Notify::new());
        let watcher = watch(places, bell.clone());
        if let Err(problem) = &watcher {
            warn!(%problem, "file events are not to be had; edits are found by looking every few seconds");
        }
        Alarm { bell, _watcher: watcher.ok() }
    }

    /// Waits until something happens; what happened since the last time counts. Cancel safe.
    pub(super) async fn rung(&self) {
        self.bell.notified().await;
    }

    /// Waits until nothing happens for a moment.
    pub(super) async fn quiet(&self) {
        let latest = Instant::now() + PATIENCE;
        while Instant::now() < latest && timeout(QUIET, self.rung()).await.is_ok() {}
    }
}

fn watch(places: &[PathBuf], bell: Arc<Notify>) -> notify::Result<RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |event| {
        if matters(&event) {
            bell.notify_one();
        }
    })?;
    for place in places {
        match place.parent() {
            // A file is watched through its folder: editors put another file in its place.
            Some(folder) if !place.is_dir() => {
                let folder = if folder == Path::new("") { Path::new(".") } else { folder };
                watcher.watch(folder, RecursiveMode::NonRecursive)?;
            }
            _ => watcher.watch(place, RecursiveMode::Recursive)?,
        }
    }
    Ok(watcher)
}

/// Reading files is an event, too, and reading is what an alarm leads to. An error may stand for events that were lost.
fn matters(event: &notify::Result<Event>) -> bool {
    !matches!(event, Ok(Event { kind: EventKind::Access(kind), .. }) if *kind != AccessKind::Close(AccessMode::Write))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_rings_and_reading_does_not() {
        let event = |kind| Ok(Event::new(kind));
        assert!(matters(&event(EventKind::Access(AccessKind::Close(AccessMode::Write)))));
        assert!(matters(&event(EventKind::Remove(notify::event::RemoveKind::File))));
        assert!(matters(&Err(notify::Error::generic("the queue overflowed"))));
        assert!(!matters(&event(EventKind::Access(AccessKind::Open(AccessMode::Any)))));
        assert!(!matters(&event(EventKind::Access(AccessKind::Close(AccessMode::Read)))));
    }
}
