//! Which answers are kept, under which keys, and what makes room: no clock, no tasks, no content.
//!
//! ```text
//! open ─▶ running ──ended well──▶ kept ──its time is over, or room is needed──▶ gone
//!            │  └──too large────▶ spilled: goes on for those who read it ──ended──▶ gone
//!            ├──failed───────────────────────────────────────────────────────────▶ gone
//!            └──the last reader left, and its grace is over──────────────────────▶ gone, ended from here
//! ```
//!
//! All that is held counts against one bound of bytes. What ended first goes first; only then do running calls stop
//! being kept, those that began first before the others.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use tokio::time::Instant;

use super::key::{Key, Kind, Print};

mod counts;
mod ends;
mod room;

pub(super) use counts::Counts;
pub(super) use ends::Left;
pub(super) use room::Relief;

/// What an entry takes beside its content and its key, in bytes: estimated, so that empty answers count, too.
const OVERHEAD: usize = 512;

/// An answer that takes more than this share of all room is not kept: one caller's must not push out everybody's.
const LARGEST_SHARE: usize = 4;

/// How much is kept, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all that is held, at most.
    pub bytes: usize,
    /// How long an answer can be repeated under its idempotency key.
    pub repeats: Duration,
    /// How long an answer is good for whoever asks the same.
    pub answers: Duration,
}

/// The number of a run: later ones have larger numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct RunId(u64);

/// What is wanted of the shelf.
#[derive(Clone, Debug)]
pub(super) struct Want {
    pub(super) key: Key,
    pub(super) print: Print,
    /// How old an answer may be; `None`: as old as the shelf keeps any.
    pub(super) max_age: Option<Duration>,
    /// Whether what is there will do.
    pub(super) fresh: bool,
    /// How long a run goes on that nobody reads any more.
    pub(super) grace: Duration,
}

/// What the shelf has.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<V> {
    /// Nothing that will do: a run has begun, and the caller is its first reader.
    Begun(RunId, V),
    /// A run that goes on; the caller is one more reader of it.
    Running(RunId, V),
    /// A whole answer of this age.
    Kept(RunId, V, Duration),
    /// The key belongs to another question.
    OtherQuestion,
    /// A run that goes on, of which the beginning is not there any more.
    Spilled,
}

#[derive(Debug)]
struct Entry<V> {
    key: Key,
    print: Print,
    value: V,
    bytes: usize,
    grace: Duration,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// `vacancies` counts how often its last reader has left.
    Running {
        readers: usize,
        vacancies: u64,
        kept: bool,
    },
    Ended {
        at: Instant,
        until: Instant,
    },
}

/// The shelf.
#[derive(Debug)]
pub(super) struct Shelf<V> {
    limits: Limits,
    /// Where a key leads. A run that a newer one took the key of is in `entries` alone.
    runs: HashMap<Key, RunId>,
    entries: BTreeMap<RunId, Entry<V>>,
    /// Whole answers, the one that ended first at the front.
    ended: BTreeSet<(Instant, RunId)>,
    /// The same, the one whose time is over first at the front.
    until: BTreeSet<(Instant, RunId)>,
    bytes: usize,
    next: u64,
    counts: [Counts; Kind::ALL.len()],
}

// === impl Limits ===

impl Limits {
    fn life(&self, kind: Kind) -> Duration {
        match kind {
            Kind::Repeat => self.repeats,
            Kind::Exact => self.answers,
        }
    }

    fn largest(&self) -> usize {
        self.bytes / LARGEST_SHARE
    }
}

// === impl RunId ===

impl RunId {
    pub(super) fn number(self) -> u64 {
        self.0
    }
}

// === impl Shelf ===

impl<V: Clone> Shelf<V> {
    /// An empty one, whose runs are numbered from `first` on.
    pub(super) fn new(limits: Limits, first: u64) -> Self {
        Self {
            limits,
            runs: HashMap::new(),
            entries: BTreeMap::new(),
            ended: BTreeSet::new(),
            until: BTreeSet::new(),
            bytes: 0,
            next: first,
            counts: [Counts::default(); Kind::ALL.len()],
        }
    }

    /// What there is for somebody who wants this. `begin` makes the run if there is nothing.
    pub(super) fn open(&mut self, want: Want, now: Instant, begin: impl FnOnce(RunId) -> V) -> Found<V> {
        self.expire(now);
        let kind = want.key.kind();
        let found = self.look(&want, now);
        let counts = &mut self.counts[kind as usize];
        match &found {
            Some(Found::Kept(..)) => counts.hits += 1,
            Some(Found::Running(..)) => {
                counts.misses += 1;
                counts.joined += 1;
            }
            _ => counts.misses += 1,
        }
        found.unwrap_or_else(|| self.begin(want, begin))
    }

    /// The whole answer that will do for somebody who wants no other: nothing is begun, and no run joined.
    pub(super) fn kept(&mut self, want: &Want, now: Instant) -> Option<Found<V>> {
        self.expire(now);
        let is_whole = |id| matches!(self.entries[id].phase, Phase::Ended { .. });
        let is_there = self.runs.get(&want.key).is_some_and(is_whole);
        let found = if is_there { self.look(want, now) } else { None };
        let counts = &mut self.counts[want.key.kind() as usize];
        match found {
            Some(Found::Kept(..)) => counts.hits += 1,
            _ => counts.misses += 1,
        }
        found
    }

    /// The run that a key leads to, for somebody who comes back to it.
    pub(super) fn run_of(&mut self, key: &Key, now: Instant) -> Option<RunId> {
        self.expire(now);
        self.runs.get(key).copied()
    }

    fn look(&mut self, want: &Want, now: Instant) -> Option<Found<V>> {
        let id = *self.runs.get(&want.key)?;
        let entry = self.entries.get_mut(&id).expect("a key leads to an entry");
        if entry.print != want.print {
            return Some(Found::OtherQuestion);
        }
        if want.fresh {
            return None;
        }
        match &mut entry.phase {
            Phase::Running { kept: false, .. } => Some(Found::Spilled),
            Phase::Running { readers, .. } => {
                *readers += 1;
                entry.grace = entry.grace.max(want.grace);
                Some(Found::Running(id, entry.value.clone()))
            }
            Phase::Ended { at, .. } => {
                let age = now.saturating_duration_since(*at);
                let will_do = want.max_age.is_none_or(|most| age <= most);
                will_do.then(|| Found::Kept(id, entry.value.clone(), age))
            }
        }
    }

    fn begin(&mut self, want: Want, begin: impl FnOnce(RunId) -> V) -> Found<V> {
        let Want { key, print, grace, .. } = want;
        let id = RunId(self.next);
        self.next = self.next.wrapping_add(1);
        if let Some(older) = self.runs.insert(key.clone(), id)
            && matches!(self.entries[&older].phase, Phase::Ended { .. })
        {
            self.remove(older);
        }
        let (value, bytes) = (begin(id), OVERHEAD + key.bytes());
        let phase = Phase::Running { readers: 1, vacancies: 0, kept: true };
        self.bytes += bytes;
        self.counts[key.kind() as usize].begun += 1;
        self.entries.insert(id, Entry { key, print, value: value.clone(), bytes, grace, phase });
        Found::Begun(id, value)
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}
