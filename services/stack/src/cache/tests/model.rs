//! What the cache should do, said as plainly as possible: numbered epochs, lists that are searched, one caller at a
//! time. The sequences in [`super::sequences`] compare it with the cache.

use std::time::Duration;

use super::super::{Config, Source, Stampede};

/// What the model expects a call to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Value {
        value: u32,
        stale: Option<Duration>,
        source: Source,
    },
    /// By the load of this number.
    Failed(usize),
    Lost,
}

/// How a load ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Value,
    Failure,
    Panic,
}

pub(super) struct Model {
    config: Config,
    fresh: Duration,
    pub(super) now: Duration,
    keys: Vec<Key>,
    pub(super) loads: Vec<Load>,
    pub(super) totals: Totals,
}

/// Hits, misses, failures recalled, loads, load failures, coalesced, stale served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals(pub(super) [u64; 7]);

const HITS: usize = 0;
const MISSES: usize = 1;
const RECALLED: usize = 2;
const LOADS: usize = 3;
const LOAD_FAILURES: usize = 4;
const COALESCED: usize = 5;
const STALE: usize = 6;

#[derive(Clone, Default)]
struct Key {
    epoch: u64,
    value: Option<(u32, Duration)>,
    failure: Option<(Told, Duration)>,
}

pub(super) struct Load {
    key: usize,
    epoch: u64,
    shared: bool,
    /// The calls that wait for it, and what a success would be to them.
    waiting: Vec<(usize, Source)>,
    pub(super) over: bool,
}

impl Model {
    pub(super) fn new(keys: usize, config: Config, fresh: Duration) -> Self {
        let (loads, totals) = (Vec::new(), Totals::default());
        Self { config, fresh, now: Duration::ZERO, keys: vec![Key::default(); keys], loads, totals }
    }

    /// The call of this number begins: what it is told at once, if it need not wait.
    pub(super) fn call(&mut self, call: usize, key: usize, stampede: Stampede) -> Option<Told> {
        if let Some(told) = self.at_once(key) {
            let counted = if matches!(told, Told::Value { .. }) { HITS } else { RECALLED };
            self.totals.0[counted] += 1;
            self.count_stale(&told);
            let due = self.keys[key].value.is_some_and(|(_, at)| self.now - at >= self.fresh);
            if due && !self.failing(key) && self.joinable(key).is_none() {
                self.start(key, true);
            }
            return Some(told);
        }
        self.totals.0[MISSES] += 1;
        let (load, source) = match (stampede, self.joinable(key)) {
            (Stampede::Prevented, Some(load)) => (load, Source::Joined),
            (_, _) => (self.start(key, stampede == Stampede::Prevented), Source::Loaded),
        };
        self.totals.0[COALESCED] += u64::from(source == Source::Joined);
        self.loads[load].waiting.push((call, source));
        None
    }

    /// What is there without a load.
    pub(super) fn at_once(&self, key: usize) -> Option<Told> {
        let ceiling = if self.failing(key) {
            self.config.max_stale.max(self.config.max_stale_on_error)
        } else {
            self.config.max_stale
        };
        let failure = self.keys[key].failure.as_ref().filter(|(_, until)| self.now < *until);
        self.value_within(key, self.config.ttl + ceiling).or(failure.map(|(told, _)| told.clone()))
    }

    /// A load ends: who is told what.
    pub(super) fn end(&mut self, load: usize, ending: Ending) -> Vec<(usize, Told)> {
        let failure = match ending {
            Ending::Value => None,
            Ending::Failure => Some(Told::Failed(load)),
            Ending::Panic => Some(Told::Lost),
        };
        self.totals.0[LOAD_FAILURES] += u64::from(failure.is_some());
        let Load { key, epoch, ref mut waiting, ref mut over, .. } = self.loads[load];
        *over = true;
        let waiting = std::mem::take(waiting);
        if self.keys[key].epoch == epoch {
            match &failure {
                None => self.keep(key, load as u32),
                Some(told) => {
                    self.keys[key].failure = Some((told.clone(), self.now + self.config.remember_failure));
                }
            }
        }
        let told = waiting.into_iter().map(|(call, source)| {
            let own = Told::Value { value: load as u32, stale: None, source };
            (call, failure.clone().map_or(own, |failure| self.stand_in(key).unwrap_or(failure)))
        });
        let told: Vec<_> = told.collect();
        told.iter().for_each(|(_, told)| self.count_stale(told));
        told
    }

    pub(super) fn put(&mut self, key: usize, value: u32) {
        self.keep(key, value);
        self.end_epoch(key);
    }

    pub(super) fn invalidate(&mut self, key: usize) {
        let epoch = self.keys[key].epoch;
        self.keys[key] = Key { epoch, ..Key::default() };
        self.end_epoch(key);
    }

    pub(super) fn clear(&mut self) {
        (0..self.keys.len()).for_each(|key| self.invalidate(key));
    }

    /// A call gives up.
    pub(super) fn cancel(&mut self, call: usize) {
        self.loads.iter_mut().for_each(|load| load.waiting.retain(|(waiting, _)| *waiting != call));
        self.drop_unwanted();
    }

    /// The ages of all values that might still be served.
    pub(super) fn ages(&self) -> Vec<Duration> {
        let last = self.config.ttl + self.config.max_stale.max(self.config.max_stale_on_error);
        let ages = self.keys.iter().filter_map(|key| Some(self.now - key.value?.1));
        ages.filter(|age| *age < last).collect()
    }

    /// Keys for which a load is under way whose answer would be kept.
    pub(super) fn epochs(&self) -> usize {
        let under_way = |key: &usize| {
            let epoch = self.keys[*key].epoch;
            self.loads.iter().any(|load| load.key == *key && load.epoch == epoch && !load.over)
        };
        (0..self.keys.len()).filter(under_way).count()
    }

    fn keep(&mut self, key: usize, value: u32) {
        self.keys[key].value = Some((value, self.now));
        self.keys[key].failure = None;
    }

    fn end_epoch(&mut self, key: usize) {
        self.keys[key].epoch += 1;
        self.drop_unwanted();
    }

    /// Loads that nobody waits for and nobody can join are over.
    fn drop_unwanted(&mut self) {
        for load in &mut self.loads {
            let joinable = load.shared && load.epoch == self.keys[load.key].epoch;
            load.over |= load.waiting.is_empty() && !joinable;
        }
    }

    fn start(&mut self, key: usize, shared: bool) -> usize {
        self.totals.0[LOADS] += 1;
        let epoch = self.keys[key].epoch;
        self.loads.push(Load { key, epoch, shared, waiting: Vec::new(), over: false });
        self.loads.len() - 1
    }

    fn joinable(&self, key: usize) -> Option<usize> {
        let epoch = self.keys[key].epoch;
        let joinable = |load: &Load| load.key == key && load.epoch == epoch && load.shared && !load.over;
        self.loads.iter().position(joinable)
    }

    fn failing(&self, key: usize) -> bool {
        self.keys[key].failure.as_ref().is_some_and(|(_, until)| self.now < *until)
    }

    fn stand_in(&self, key: usize) -> Option<Told> {
        self.value_within(key, self.config.ttl + self.config.max_stale.max(self.config.max_stale_on_error))
    }

    fn value_within(&self, key: usize, bound: Duration) -> Option<Told> {
        let (value, at) = self.keys[key].value?;
        match self.now - at {
            age if age < self.fresh => Some(Told::Value { value, stale: None, source: Source::Hit }),
            age if age < bound => Some(Told::Value { value, stale: Some(age), source: Source::Stale }),
            _ => None,
        }
    }

    fn count_stale(&mut self, told: &Told) {
        self.totals.0[STALE] += u64::from(matches!(told, Told::Value { source: Source::Stale, .. }));
    }
}
