//! Flags: which share of calls runs under which guard, changeable while the process runs.
//!
//! A flag is a percentage. Whether one call is inside it is decided by a hash of the call's correlation id, so
//! every hop of a call decides alike, in every process and every release, and a call that is inside at 10 % is
//! inside at 20 %. What was changed at run time is kept in `flags.json` and beats the settings at the next start.

mod bucket;
mod file;
mod layer;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    path::PathBuf,
    str::FromStr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, Ordering::Relaxed},
    },
};

use bsm_stack::switches::Switches;

use crate::shown::shown;

pub use file::Error;
pub use layer::{SwitchesLayer, SwitchesService};

/// A kind of guard that can be switched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Flag {
    /// Outside: breakers neither refuse nor judge the call.
    CircuitBreaker,
    /// Off: callers of a cold key each load for themselves.
    CacheStampedeProtection,
    /// Outside: the call takes no slot of a bulkhead.
    Bulkhead,
    /// Outside: one attempt only.
    Retry,
    /// Outside: no second attempt beside the first.
    Hedging,
}

/// A share of calls: 0 to 100 percent, all of them by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(u8);

/// One percentage for each flag, in the order of [`Flag::ALL`].
pub type Percentages = [Percent; Flag::ALL.len()];

/// A text that names no flag.
#[derive(Debug, thiserror::Error)]
#[error("\"{}\" is not a flag; use one of {names}", shown(.0), names = Flag::names())]
pub struct UnknownFlag(pub String);

/// A text that is no share.
#[derive(Debug, thiserror::Error)]
#[error("a share is a whole number from 0 to 100")]
pub struct NoShare;

/// The flags of a role. Clones share them. Reading takes no lock.
#[derive(Clone)]
pub struct Flags {
    shared: Arc<Shared>,
}

struct Shared {
    now: [AtomicU8; Flag::ALL.len()],
    /// Held while a change is written, so that file and memory change in the same order.
    file: Mutex<Option<PathBuf>>,
}

// === impl Flag ===

impl Flag {
    /// Every flag.
    pub const ALL: [Flag; 5] =
        [Flag::CircuitBreaker, Flag::CacheStampedeProtection, Flag::Bulkhead, Flag::Retry, Flag::Hedging];

    /// The name in paths, files and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Flag::CircuitBreaker => "circuit_breaker",
            Flag::CacheStampedeProtection => "cache_stampede_protection",
            Flag::Bulkhead => "bulkhead",
            Flag::Retry => "retry",
            Flag::Hedging => "hedging",
        }
    }

    /// What being inside means.
    pub const fn meaning(self) -> &'static str {
        match self {
            Flag::CircuitBreaker => "breakers refuse and judge the call",
            Flag::CacheStampedeProtection => "callers of a cold key share one load (on unless 0)",
            Flag::Bulkhead => "the call takes a slot of its dependency's bulkhead",
            Flag::Retry => "the call may be tried again",
            Flag::Hedging => "a slow read may get a second attempt beside the first",
        }
    }

    fn names() -> String {
        Flag::ALL.map(Flag::name).join(", ")
    }
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Flag {
    type Err = UnknownFlag;

    fn from_str(name: &str) -> Result<Flag, UnknownFlag> {
        Flag::ALL.into_iter().find(|flag| flag.name() == name).ok_or_else(|| UnknownFlag(name.to_owned()))
    }
}

// === impl Percent ===

impl Percent {
    /// No call.
    pub const NONE: Percent = Percent(0);
    /// Every call.
    pub const ALL: Percent = Percent(100);

    /// `None` above 100.
    pub fn new(percent: u64) -> Option<Percent> {
        u8::try_from(percent).ok().filter(|percent| *percent <= 100).map(Percent)
    }

    /// 0 to 100.
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl FromStr for Percent {
    type Err = NoShare;

    /// `10`, or `10%`.
    fn from_str(text: &str) -> Result<Percent, NoShare> {
        let number = text.strip_suffix('%').map_or(text, str::trim_end);
        number.parse().ok().and_then(Percent::new).ok_or(NoShare)
    }
}

impl Default for Percent {
    fn default() -> Percent {
        Percent::ALL
    }
}

// === impl Flags ===

impl Default for Flags {
    /// Every guard for every call, kept nowhere.
    fn default() -> Flags {
        Flags::new(Percentages::default())
    }
}

impl Flags {
    /// Flags that are kept nowhere until [`restore`](Flags::restore) says where.
    pub fn new(initial: Percentages) -> Flags {
        let now = initial.map(|percent| AtomicU8::new(percent.get()));
        Flags { shared: Arc::new(Shared { now, file: Mutex::new(None) }) }
    }

    /// Reads what was changed at run time before, and keeps further changes in the same file. Blocks on the disk.
    ///
    /// # Errors
    /// When the file is there and is not what [`set`](Flags::set) writes: a flag that somebody set must not be
    /// lost without a word.
    pub fn restore(&self, file: PathBuf) -> Result<(), Error> {
        let mut place = self.lock();
        for (flag, percent) in file::read(&file)? {
            self.shared.now[flag as usize].store(percent.get(), Relaxed);
        }
        *place = Some(file);
        Ok(())
    }

    /// The share of calls inside the flag.
    pub fn get(&self, flag: Flag) -> Percent {
        Percent(self.shared.now[flag as usize].load(Relaxed))
    }

    /// Changes a flag and returns what it was. When this returns, the change is on disk and in force. Blocks on
    /// the disk.
    ///
    /// # Errors
    /// When it cannot be written; then nothing has changed.
    pub fn set(&self, flag: Flag, percent: Percent) -> Result<Percent, Error> {
        let place = self.lock();
        if let Some(file) = &*place {
            file::change(file, flag, percent)?;
        }
        Ok(Percent(self.shared.now[flag as usize].swap(percent.get(), Relaxed)))
    }

    /// Whether the call is inside the flag.
    pub fn admits(&self, flag: Flag, correlation_id: Option<&str>) -> bool {
        match (self.get(flag).get(), correlation_id) {
            (0, _) => false,
            (100, _) => true,
            (percent, Some(id)) => bucket::of(flag, id) < percent,
            (_, None) => true, // nothing to decide by: better guarded than not
        }
    }

    /// What the guards of a call are, from what is known of it.
    pub fn switches(&self, correlation_id: Option<&str>) -> Switches {
        let is_on = |flag| self.admits(flag, correlation_id);
        Switches {
            breaker: is_on(Flag::CircuitBreaker),
            bulkhead: is_on(Flag::Bulkhead),
            retry: is_on(Flag::Retry),
            hedging: is_on(Flag::Hedging),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<PathBuf>> {
        self.shared.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(Flag::ALL.map(|flag| (flag.name(), self.get(flag).get()))).finish()
    }
}
