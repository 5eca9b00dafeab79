//! The shelf with its runs: tasks that write logs, and readers of those.
//!
//! A run belongs to all its readers. It is a task of its own, so that nobody who leaves takes it from the others; the
//! last one who leaves ends it, at once or after the grace that somebody asked for.

use std::any::Any;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};
use tracing::Instrument;

use super::Refused;
use super::key::Kind;
use super::log::{Item, Log, Reader, Unread};
use super::position::Position;
use super::shelf::{Counts, Found, Left, Limits, Relief, RunId, Shelf, Want};
use super::told::{By, Note};
use super::wishes::CacheUse;

/// A run whose task ended without a word: it panicked, or was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lost;

/// What is kept, and what runs.
pub(super) struct Store {
    shelf: Mutex<Shelf<Run>>,
    limits: Limits,
}

/// How an answer was come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// It was asked for.
    Asked,
    /// It was being given to somebody else.
    Joined,
    /// It had been given this long ago.
    Kept(Duration),
}

/// A reader of a run, which it keeps going.
#[derive(Debug)]
pub(super) struct Opened<T: Item, E> {
    reader: Reader<T, E>,
    run: RunId,
    pub(super) source: Source,
    _lease: Option<Lease>,
}

/// A run as the shelf holds it: of whichever kind its items are.
#[derive(Clone)]
struct Run {
    log: Arc<dyn AnyLog>,
    task: AbortHandle,
}

trait AnyLog: Any + Send + Sync {
    fn spill(&self);
}

/// A place among the readers of a run.
struct Lease {
    store: Arc<Store>,
    run: RunId,
}

/// Ends a log whose task ends without doing so.
struct Writer<T, E>
where
    T: Item,
    E: From<Lost> + Clone,
{
    store: Arc<Store>,
    run: RunId,
    log: Arc<Log<T, E>>,
}

// === impl Store ===

impl Store {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        // Numbers that no other process began with: positions of one that is gone must not mean anything here.
        let first = RandomState::new().hash_one(());
        Arc::new(Self { shelf: Mutex::new(Shelf::new(limits, first)), limits })
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    /// A reader of what is there, else of the run that `start` makes.
    pub(super) fn open<T, E, S>(
        self: &Arc<Self>,
        want: Want,
        start: impl FnOnce() -> S,
    ) -> Result<Opened<T, E>, Refused>
    where
        T: Item,
        E: From<Lost> + Clone + Send + 'static,
        S: Stream<Item = Result<T, E>> + Send + 'static,
    {
        let mut shelf = self.shelf();
        let found = shelf.open(want, Instant::now(), |id| self.run(id, start()));
        self.reader(shelf, found, 0)
    }

    /// A reader of a whole answer: under the key, else to the question. Begins nothing and joins nothing. `below` is what
    /// the cache is used for below a key.
    pub(super) fn kept<T, E>(
        self: &Arc<Self>,
        repeat: Option<Want>,
        exact: Option<Want>,
        below: CacheUse,
    ) -> Result<(Opened<T, E>, Note), Refused>
    where
        T: Item,
        E: From<Lost> + Clone + Send + 'static,
    {
        let wants = [(repeat, By::IdempotencyKey(below)), (exact, By::Question)];
        for (want, by) in wants.into_iter().filter_map(|(want, by)| Some((want?, by))) {
            let mut shelf = self.shelf();
            if let Some(found) = shelf.kept(&want, Instant::now()) {
                let run = self.reader(shelf, found, 0)?;
                let source = run.source;
                return Ok((run, Note { source, by, from_start: true }));
            }
        }
        Err(Refused::NotKept)
    }

    /// A reader of a run from behind a position on; begins nothing.
    pub(super) fn resume<T, E>(
        self: &Arc<Self>,
        want: Want,
        position: Position,
    ) -> Result<Opened<T, E>, Refused>
    where
        T: Item,
        E: From<Lost> + Clone + Send + 'static,
    {
        let mut shelf = self.shelf();
        let now = Instant::now();
        if shelf.run_of(&want.key, now).map(RunId::number) != Some(position.run) {
            return Err(Refused::Gone);
        }
        let want = Want { max_age: None, fresh: false, ..want };
        let found = shelf.open(want, now, |_| unreachable!("the run is there, and any age of it will do"));
        self.reader(shelf, found, position.item.saturating_add(1))
    }

    /// Under the lock of the shelf, so that nothing is spilled before the reader has its place.
    fn reader<T, E>(
        self: &Arc<Self>,
        shelf: MutexGuard<'_, Shelf<Run>>,
        found: Found<Run>,
        from: u64,
    ) -> Result<Opened<T, E>, Refused>
    where
        T: Item,
        E: Clone + Send + 'static,
    {
        let (run, log, source) = match found {
            Found::Begun(id, run) => (id, run.log, Source::Asked),
            Found::Running(id, run) => (id, run.log, Source::Joined),
            Found::Kept(id, run, age) => (id, run.log, Source::Kept(age)),
            Found::OtherQuestion => return Err(Refused::OtherQuestion),
            Found::Spilled => return Err(Refused::TooLarge),
        };
        let log = (log as Arc<dyn Any + Send + Sync>).downcast::<Log<T, E>>();
        let reader =
            log.map_err(|_| Refused::OtherQuestion).and_then(|log| log.read(from).map_err(Refused::from));
        drop(shelf); // the lease locks it when it is dropped
        let is_kept = matches!(source, Source::Kept(_));
        let lease = (!is_kept).then(|| Lease { store: Arc::clone(self), run });
        Ok(Opened { reader: reader?, run, source, _lease: lease })
    }

    fn run<T, E, S>(self: &Arc<Self>, run: RunId, stream: S) -> Run
    where
        T: Item,
        E: From<Lost> + Clone + Send + 'static,
        S: Stream<Item = Result<T, E>> + Send + 'static,
    {
        let log = Arc::new(Log::new());
        let writer = Writer { store: Arc::clone(self), run, log: Arc::clone(&log) };
        let task = tokio::spawn(writer.write(stream).in_current_span()).abort_handle();
        Run { log, task }
    }

    pub(super) fn counts(&self, kind: Kind) -> Counts {
        self.shelf().counts(kind, Instant::now())
    }

    pub(super) fn clear(&self, kind: Kind) {
        let relief = self.shelf().clear(kind);
        relieve(&relief);
    }

    /// Forgets what is too old.
    pub(super) fn expire(&self) {
        self.shelf().expire(Instant::now());
    }

    fn leave(self: &Arc<Self>, run: RunId) {
        let left = self.shelf().leave(run);
        match left {
            Left::Nothing => {}
            Left::End(run) => run.task.abort(),
            Left::Look(grace, vacancy) => self.look_after(run, grace, vacancy),
        }
    }

    /// Ends a run after its grace, unless somebody comes back.
    fn look_after(self: &Arc<Self>, run: RunId, grace: Duration, vacancy: u64) {
        let store = Arc::clone(self);
        let look = move || {
            let abandoned = store.shelf().look_again(run, vacancy);
            abandoned.into_iter().for_each(|run| run.task.abort());
        };
        match Handle::try_current() {
            Ok(runtime) => {
                _ = runtime.spawn(async move {
                    sleep(grace).await;
                    look();
                })
            }
            Err(_) => look(), // the runtime is gone, and all runs with it
        }
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf<Run>> {
        // Never left half-changed: a panic elsewhere while it was held spoils nothing.
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("limits", &self.limits).finish_non_exhaustive()
    }
}

// === impl Opened ===

impl<T: Item, E: Clone> Opened<T, E> {
    /// The first item of the run, wherever this reader began.
    pub(super) fn first(&self) -> Option<T> {
        self.reader.first()
    }

    /// The next item and where it stands; then the failure if there is one, then nothing. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<Result<(Position, T), E>> {
        let run = self.run.number();
        let next = self.reader.next().await?;
        Some(next.map(|(item, value)| (Position { run, item }, value)))
    }
}

// === impl Lease ===

impl Drop for Lease {
    fn drop(&mut self) {
        self.store.leave(self.run);
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lease").field(&self.run).finish()
    }
}

// === impl Writer ===

impl<T, E> Writer<T, E>
where
    T: Item,
    E: From<Lost> + Clone,
{
    async fn write(self, stream: impl Stream<Item = Result<T, E>>) {
        let mut stream = std::pin::pin!(stream);
        while let Some(item) = stream.next().await {
            match item {
                Ok(item) => self.add(item).await,
                Err(failure) => return self.fail(failure),
            }
        }
        self.end();
        self.log.end(Ok(()));
    }

    async fn add(&self, item: T) {
        let relief = self.store.shelf().grew(self.run, item.weight());
        relieve(&relief);
        // Before anybody can read it: who has read the last item leaves, and must not take a whole answer along.
        if item.is_last() {
            self.end();
        }
        self.log.push(item);
        self.log.room().await;
    }

    fn end(&self) {
        self.store.shelf().end(self.run, Instant::now());
    }

    /// Off the shelf first: nobody who comes later is told of a failure that is not its own.
    fn fail(&self, failure: E) {
        let _run = self.store.shelf().fail(self.run);
        self.log.end(Err(failure));
    }
}

impl<T, E> Drop for Writer<T, E>
where
    T: Item,
    E: From<Lost> + Clone,
{
    fn drop(&mut self) {
        self.fail(Lost.into()); // counts only when there was no other end
    }
}

// === impl AnyLog ===

impl<T, E> AnyLog for Log<T, E>
where
    T: Item,
    E: Clone + Send + 'static,
{
    fn spill(&self) {
        Log::spill(self);
    }
}

fn relieve(relief: &Relief<Run>) {
    relief.spilled.iter().for_each(|run| run.log.spill());
}

impl From<Unread> for Refused {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Gone => Refused::TooLarge,
            Unread::Beyond => Refused::Beyond,
        }
    }
}
