//! Answers that are given more than once: to whoever repeats a call under its idempotency key, or asks exactly what was
//! asked before and said that a kept answer will do.
//!
//! ```text
//! complete, stream ─▶ no wishes ─────────────────────────────▶ gateway, as if this were not there
//!                  └▶ idempotency key ─▶ shelf ─▶ run or log
//!                  └▶ cache on ────────▶ shelf ─▶ run or log      (below the key, if there are both)
//! ```
//!
//! - The same key of the same tenant with the same question attaches to the running call or repeats its whole answer,
//!   whole or streamed; with another question it is refused. A call that failed is not repeated: those attached to it
//!   are told, whoever comes later asks anew.
//! - Leaving ends nothing for others. The last one who leaves ends the call, unless a grace was asked for.
//! - A stream under a key has ids; whoever comes back with the last one goes on behind it, with nothing repeated and
//!   nothing missing, or is told that this cannot be.
//! - Everything is in memory, within one bound of bytes and times; `shelf` decides, and is pure.

use std::sync::Arc;
use std::time::Duration;

use bsm_runtime::call::Call;
use bsm_runtime::process::Process;
use bsm_runtime::settings::ReplaySettings;
use tokio::time;

use crate::answer::Answer;
use crate::ask::Ask;
use crate::error::Error;
use crate::gateway::Gateway;

mod event;
mod key;
mod log;
mod position;
mod relay;
mod shelf;
mod start;
mod store;
#[cfg(test)]
mod tests;
mod told;
mod vectors;
mod view;
mod wishes;

use event::{Collected, Event, Fault, Head};
use key::Key;
pub use key::Print;
pub use position::Position;
pub use relay::Relayed;
pub use shelf::Limits;
use shelf::Want;
use start::{Manner, Start};
use store::{Opened, Store};
use told::{By, Note, numbered};
pub use told::{Cached, Numbered, NumberedStream, Told};
use wishes::Resume;
pub use wishes::{CACHE, CacheUse, GRACE, IDEMPOTENCY_KEY, LONGEST_GRACE, Wishes};

/// How often what is too old is looked for when nobody asks.
const SWEEP: Duration = Duration::from_secs(60);

/// The gateway with a memory.
#[derive(Debug)]
pub struct Replay {
    gateway: Arc<Gateway>,
    store: Arc<Store>,
}

/// Why a call cannot be repeated or resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The key was used for another question.
    #[error("this idempotency key belongs to another request; use a new key for a new request")]
    OtherQuestion,
    /// The beginning of the answer is not there any more.
    #[error(
        "the call under this idempotency key goes on, and its answer is too large to be shared; wait for its end"
    )]
    TooLarge,
    /// There is nothing to go on with.
    #[error("nothing is kept of the stream behind this event id; begin it again without Last-Event-ID")]
    Gone,
    /// The place is none that the stream has come to.
    #[error("the stream has no event with this id yet; come back with the id of the last event that came")]
    Beyond,
    /// Nothing that is kept will do, and nobody was to be asked.
    #[error(
        "no answer to this is kept, and only-if-cached forbids to ask for one; leave it out, and let answers be kept \
         with x-bsm-cache: on"
    )]
    NotKept,
    /// The call that this one was attached to has no end.
    #[error("the call ended without an answer")]
    Lost,
}

type Run = Opened<Event, Fault>;
/// A place among the readers of a run, and how it was come by.
type Place = (Run, Note);

// === impl Refused ===

impl Refused {
    /// The reason code that callers see.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Refused::OtherQuestion => "IDEMPOTENCY_CONFLICT",
            Refused::TooLarge => "ANSWER_TOO_LARGE_TO_SHARE",
            Refused::Gone => "STREAM_GONE",
            Refused::Beyond => "EVENT_UNKNOWN",
            Refused::NotKept => "NOT_CACHED",
            Refused::Lost => "INTERNAL",
        }
    }
}

// === impl Replay ===

impl Replay {
    /// A gateway that remembers as much as these limits allow.
    #[must_use]
    pub fn new(gateway: Arc<Gateway>, limits: Limits) -> Self {
        Self { gateway, store: Store::new(limits) }
    }

    /// The gateway with the memory that the settings allow, listed with the caches of the process.
    #[must_use]
    pub fn of(process: &Process, gateway: Arc<Gateway>) -> Self {
        let ReplaySettings { bytes, repeats, answers } = process.settings.models.replay;
        let limits = Limits { bytes, repeats, answers };
        let replay = Self::new(gateway, limits);
        for view in view::View::all(&replay.store) {
            process.guards.cache(view);
        }
        let store = Arc::clone(&replay.store);
        process.drain.spawn("sweep of kept answers", move |stop| async move {
            while stop.run_until_cancelled(time::sleep(SWEEP)).await.is_some() {
                store.expire();
            }
            Ok(())
        });
        replay
    }

    /// Asks for a whole answer. Dropping the future is leaving: it ends the call unless others wait for it, too.
    ///
    /// # Errors
    /// Those of [`Gateway::complete`], and [`Error::Replay`].
    pub async fn complete(&self, ask: Ask, wishes: Wishes, call: Call) -> Result<Told<Answer>, Error> {
        if wishes.is_plain() {
            return Ok(Told::plain(self.gateway.complete(&ask, call).await?));
        }
        let Some((mut run, note)) = self.open(&ask, &wishes, &call, Manner::Whole)? else {
            return Ok(Told::plain(self.gateway.complete(&ask, call).await?));
        };
        let head = head(&mut run).await?;
        let mut collected = Collected::default();
        while let Some(event) = run.next().await {
            match event {
                Ok((_, Event::Began(_))) => {}
                Ok((_, Event::Piece(piece))) => {
                    if let Some(answer) = collected.add(piece) {
                        return Ok(note.tell(&head, answer));
                    }
                }
                Err(fault) => return Err(head.failed(fault.amid_the_answer())),
            }
        }
        Err(head.failed(event::lost()))
    }

    /// Asks for a streamed answer and waits for its first piece. Dropping the future or the stream is leaving.
    ///
    /// # Errors
    /// Those of [`Gateway::stream`], and [`Error::Replay`]. A later failure is in the stream.
    pub async fn stream(&self, ask: Ask, wishes: Wishes, call: Call) -> Result<Told<NumberedStream>, Error> {
        if wishes.is_plain() {
            return Ok(Told::plain(self.gateway.stream(&ask, call).await?).unnumbered());
        }
        let Some((mut run, note)) = self.open(&ask, &wishes, &call, Manner::Streamed)? else {
            return Ok(Told::plain(self.gateway.stream(&ask, call).await?).unnumbered());
        };
        let head = if note.from_start {
            head(&mut run).await?
        } else {
            run.first().and_then(Event::head).ok_or(Refused::Gone)?
        };
        Ok(note.tell(&head, numbered(run, note.by)))
    }

    /// A reader of the call that this one is; `None` where it can only be a call of its own.
    fn open(
        &self,
        ask: &Ask,
        wishes: &Wishes,
        call: &Call,
        manner: Manner,
    ) -> Result<Option<Place>, Refused> {
        let (tenant, print) = (tenant(call), Print::of(ask));
        let key =
            wishes.key.as_deref().map(|key| Key::Repeat { tenant: Arc::clone(&tenant), key: key.into() });
        let want = |key, max_age, fresh| Want { key, print, max_age, fresh, grace: wishes.grace };
        let fresh = wishes.cache == CacheUse::Refresh;
        let exact = want(Key::Exact { tenant, print }, wishes.max_age, fresh);
        let start =
            Start { gateway: Arc::clone(&self.gateway), ask: ask.clone(), call: call.detached(), manner };
        match (key.map(|key| want(key, None, false)), wishes.resume) {
            (repeat, None) if wishes.only_kept => {
                let exact = (wishes.cache != CacheUse::Off).then_some(exact);
                self.store.kept(repeat, exact, wishes.cache).map(Some)
            }
            (Some(repeat), None) => {
                let run = match wishes.cache {
                    CacheUse::Off => self.store.open(repeat, || start.events())?,
                    CacheUse::On | CacheUse::Refresh => {
                        let store = Arc::clone(&self.store);
                        self.store.open(repeat, || start.events_by_cache(store, exact))?
                    }
                };
                let (by, source) = (By::IdempotencyKey(wishes.cache), run.source);
                Ok(Some((run, Note { source, by, from_start: true })))
            }
            (Some(repeat), Some(Resume::After(position))) => {
                let run = self.store.resume(repeat, position)?;
                let (by, source) = (By::IdempotencyKey(wishes.cache), run.source);
                Ok(Some((run, Note { source, by, from_start: false })))
            }
            // Only streams under a key have ids.
            (_, Some(_)) => Err(Refused::Gone),
            (None, None) => Ok(self.store.open(exact, || start.events()).ok().map(|run| {
                let source = run.source;
                (run, Note { source, by: By::Question, from_start: true })
            })),
        }
    }
}

/// Whose answers they are: what one tenant asked is never given to another.
fn tenant(call: &Call) -> Arc<str> {
    call.caller().into()
}

/// Waits until somebody answers.
async fn head(run: &mut Run) -> Result<Arc<Head>, Error> {
    match run.next().await {
        Some(Ok((_, event))) => event.head().ok_or(Error::Replay(Refused::Lost)),
        Some(Err(fault)) => Err(fault.before_any_answer()),
        None => Err(Error::Replay(Refused::Lost)),
    }
}
