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

/// What follows when a reader leaves.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Left<V> {
    /// Nothing.
    Nothing,
    /// The run is to be looked at again after this time, with this number.
    Look(Duration, u64),
    /// The run is to be ended.
    End(V),
}

/// What no longer has a place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Relief<V> {
    /// Whole answers, to be dropped.
    pub(super) gone: Vec<V>,
    /// Of runs that go on, which are to keep no more than their readers need.
    pub(super) spilled: Vec<V>,
}

/// What a kind of entry has done and holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Calls answered by a whole answer that was there.
    pub(super) hits: u64,
    /// Calls that were not.
    pub(super) misses: u64,
    /// Runs begun.
    pub(super) begun: u64,
    /// Runs that failed, or were ended.
    pub(super) failed: u64,
    /// Calls that joined a run.
    pub(super) joined: u64,
    /// Answers that made room, running ones included.
    pub(super) evicted: u64,
    /// Answers held, running ones included.
    pub(super) entries: usize,
    /// What they take.
    pub(super) bytes: usize,
    /// Age of the oldest whole one.
    pub(super) oldest: Option<Duration>,
    /// Age of the newest whole one.
    pub(super) newest: Option<Duration>,
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

    /// A run has brought so many bytes more.
    #[must_use]
    pub(super) fn grew(&mut self, id: RunId, by: usize) -> Relief<V> {
        let largest = self.limits.largest();
        let mut relief = Relief { gone: Vec::new(), spilled: Vec::new() };
        let Some(entry) = self.entries.get_mut(&id) else { return relief };
        if matches!(entry.phase, Phase::Running { kept: true, .. }) {
            entry.bytes += by;
            self.bytes += by;
            if entry.bytes > largest {
                relief.spilled.extend(self.spill(id));
            }
        }
        while self.bytes > self.limits.bytes && self.make_room(&mut relief) {}
        relief
    }

    /// Whether something could be given up.
    fn make_room(&mut self, relief: &mut Relief<V>) -> bool {
        if let Some(&(_, first)) = self.ended.first() {
            let entry = self.remove(first);
            self.counts[entry.key.kind() as usize].evicted += 1;
            relief.gone.push(entry.value);
            return true;
        }
        let is_kept = |entry: &Entry<V>| matches!(entry.phase, Phase::Running { kept: true, .. });
        let first = self.entries.iter().find(|(_, entry)| is_kept(entry)).map(|(id, _)| *id);
        let spilled = first.and_then(|id| self.spill(id));
        let some = spilled.is_some();
        relief.spilled.extend(spilled);
        some
    }

    /// From now on a run is kept no longer than its readers need it.
    fn spill(&mut self, id: RunId) -> Option<V> {
        let entry = self.entries.get_mut(&id)?;
        let Phase::Running { kept, .. } = &mut entry.phase else { return None };
        *kept = false;
        let rest = OVERHEAD + entry.key.bytes();
        self.bytes -= entry.bytes - rest;
        entry.bytes = rest;
        self.counts[entry.key.kind() as usize].evicted += 1;
        Some(entry.value.clone())
    }

    /// A reader has left. Readers of whole answers are not counted.
    #[must_use]
    pub(super) fn leave(&mut self, id: RunId) -> Left<V> {
        let Some(entry) = self.entries.get_mut(&id) else { return Left::Nothing };
        let Phase::Running { readers, vacancies, kept } = &mut entry.phase else { return Left::Nothing };
        *readers -= 1;
        if *readers > 0 {
            return Left::Nothing;
        }
        *vacancies += 1;
        if *kept && !entry.grace.is_zero() && self.runs.get(&entry.key) == Some(&id) {
            return Left::Look(entry.grace, *vacancies);
        }
        Left::End(self.fail(id).expect("it is there"))
    }

    /// The grace of a run is over: the run, if nobody has come back to it since.
    #[must_use]
    pub(super) fn look_again(&mut self, id: RunId, vacancy: u64) -> Option<V> {
        match self.entries.get(&id)?.phase {
            Phase::Running { readers: 0, vacancies, .. } if vacancies == vacancy => self.fail(id),
            _ => None,
        }
    }

    /// A run has brought its whole answer.
    pub(super) fn end(&mut self, id: RunId, now: Instant) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        let Phase::Running { kept, .. } = entry.phase else { return };
        if !kept || self.runs.get(&entry.key) != Some(&id) {
            self.remove(id);
            return;
        }
        let until = now + self.limits.life(entry.key.kind());
        entry.phase = Phase::Ended { at: now, until };
        self.ended.insert((now, id));
        self.until.insert((until, id));
    }

    /// A run has failed, or is ended: nothing of it is kept.
    pub(super) fn fail(&mut self, id: RunId) -> Option<V> {
        let entry = self.entries.get(&id)?;
        if !matches!(entry.phase, Phase::Running { .. }) {
            return None;
        }
        self.counts[entry.key.kind() as usize].failed += 1;
        Some(self.remove(id).value)
    }

    /// Forgets whatever is kept of a kind. Runs go on for those who read them, and nobody else.
    #[must_use]
    pub(super) fn clear(&mut self, kind: Kind) -> Relief<V> {
        self.runs.retain(|key, _| key.kind() != kind);
        let of_kind = self.entries.iter().filter(|(_, entry)| entry.key.kind() == kind);
        let ids: Vec<_> = of_kind.map(|(id, entry)| (*id, entry.phase)).collect();
        let mut relief = Relief { gone: Vec::new(), spilled: Vec::new() };
        for (id, phase) in ids {
            match phase {
                Phase::Ended { .. } => relief.gone.push(self.remove(id).value),
                Phase::Running { kept: true, .. } => relief.spilled.extend(self.spill(id)),
                Phase::Running { kept: false, .. } => {}
            }
        }
        relief
    }

    /// Forgets what is too old.
    pub(super) fn expire(&mut self, now: Instant) {
        while let Some(&(until, id)) = self.until.first() {
            if until > now {
                return;
            }
            self.remove(id);
        }
    }

    pub(super) fn counts(&mut self, kind: Kind, now: Instant) -> Counts {
        self.expire(now);
        let mut counts = self.counts[kind as usize];
        for entry in self.entries.values().filter(|entry| entry.key.kind() == kind) {
            counts.entries += 1;
            counts.bytes += entry.bytes;
            if let Phase::Ended { at, .. } = entry.phase {
                let age = now.saturating_duration_since(at);
                counts.oldest = Some(counts.oldest.map_or(age, |oldest| oldest.max(age)));
                counts.newest = Some(counts.newest.map_or(age, |newest| newest.min(age)));
            }
        }
        counts
    }

    fn remove(&mut self, id: RunId) -> Entry<V> {
        let entry = self.entries.remove(&id).expect("only what is there is removed");
        self.bytes -= entry.bytes;
        if self.runs.get(&entry.key) == Some(&id) {
            self.runs.remove(&entry.key);
        }
        if let Phase::Ended { at, until } = entry.phase {
            self.ended.remove(&(at, id));
            self.until.remove(&(until, id));
        }
        entry
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}
