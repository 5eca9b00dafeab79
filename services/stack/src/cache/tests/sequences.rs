//! Random sequences of calls, invalidations, endings and time, on the cache and on the model.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::{Context, Poll, Waker};
use std::thread;

use proptest::prelude::*;
use proptest::test_runner::{Config as RunnerConfig, TestRunner};

use super::super::handle::BoxFuture;
use super::model::{Ending, Model, Told, Totals};
use super::*;
use crate::testing::sequences;

const KEYS: usize = 2;
const MS: Duration = Duration::from_millis(1);
/// As moments of a test: within the memory of a failure, at its end, and at each bound of a value, before and after.
const STEPS: [u64; 6] = [300, 700, 1_000, 2_000, 3_800, 8_000];

/// Fails with the number of the load.
type Tested = Cache<usize, u32, usize>;
type Tasks = Arc<Mutex<Vec<BoxFuture<()>>>>;
type Endings = Arc<Mutex<Vec<oneshot::Sender<Ending>>>>;

/// The cache, the tasks of its loads, the calls that wait, and the model of all that.
struct Pair {
    cache: Tested,
    tasks: Tasks,
    endings: Endings,
    waiting: BTreeMap<usize, BoxFuture<Told>>,
    calls: usize,
    model: Model,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Call { key: usize, stampede: Stampede },
    End { load: usize, ending: Ending },
    Cancel { call: usize },
    Put { key: usize },
    Invalidate { key: usize },
    Clear,
    Peek { key: usize },
    Advance { time: Duration },
}

impl Step {
    /// Reads a step from a random word; neighbouring words are alike, which helps shrinking.
    fn of(word: u16) -> Self {
        let [kind, detail] = word.to_be_bytes();
        let detail = usize::from(detail);
        let key = detail % KEYS;
        match kind {
            0..80 => Self::Call { key, stampede: Stampede::Prevented },
            80..96 => Self::Call { key, stampede: Stampede::Allowed },
            96..128 => Self::End { load: detail, ending: Ending::Value },
            128..150 => Self::End { load: detail, ending: Ending::Failure },
            150..156 => Self::End { load: detail, ending: Ending::Panic },
            156..176 => Self::Cancel { call: detail },
            176..186 => Self::Put { key },
            186..204 => Self::Invalidate { key },
            204..210 => Self::Clear,
            210..216 => Self::Peek { key },
            216..=255 => Self::Advance { time: MS * STEPS[detail % STEPS.len()] as u32 },
        }
    }
}

impl Pair {
    fn new(config: Config) -> Self {
        let (tasks, endings) = (Tasks::default(), Endings::default());
        let spawned = Arc::clone(&tasks);
        let world = World {
            roll: Box::new(|| 0.5),
            spawn: Box::new(move |load| spawned.lock().expect("unpoisoned").push(load)),
        };
        let begun = Arc::clone(&endings);
        let cache = Cache::in_world(world, "tested", config.clone(), move |_key| {
            let (ending, ended) = oneshot::channel();
            let mut begun = begun.lock().expect("unpoisoned");
            let number = begun.len();
            begun.push(ending);
            async move {
                match ended.await.expect("the test ends every load itself") {
                    Ending::Value => Ok(number as u32),
                    Ending::Failure => Err(number),
                    Ending::Panic => resume_unwind(Box::new("the test blows this load up")), // says nothing
                }
            }
        });
        let fresh = config.ttl * 95 / 100; // at half of a jitter of a tenth
        let model = Model::new(KEYS, config, fresh);
        Self { cache, tasks, endings, waiting: BTreeMap::new(), calls: 0, model }
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Call { key, stampede } => self.call(key, stampede),
            Step::End { load, ending } => self.end(load, ending),
            Step::Cancel { call } => self.cancel(call),
            Step::Put { key } => {
                let value = 1_000 + self.calls as u32;
                self.cache.put(key, value);
                self.model.put(key, value);
            }
            Step::Invalidate { key } => {
                self.cache.invalidate(&key);
                self.model.invalidate(key);
            }
            Step::Clear => {
                self.cache.clear();
                self.model.clear();
            }
            Step::Peek { key } => {
                let expected = self.model.at_once(key).filter(|told| matches!(told, Told::Value { .. }));
                assert_eq!(self.cache.peek(&key).map(|got| told(Ok(got))), expected);
            }
            Step::Advance { time } => {
                advance(time).await;
                self.model.now += time;
            }
        }
        self.run_loads();
        self.compare_loads();
    }

    fn call(&mut self, key: usize, stampede: Stampede) {
        let number = self.calls;
        self.calls += 1;
        let cache = self.cache.clone();
        let mut call: BoxFuture<Told> = Box::pin(async move { told(cache.get_under(&key, stampede).await) });
        let answer = poll(&mut call);
        assert_eq!(answer, self.model.call(number, key, stampede), "call {number}");
        if answer.is_none() {
            self.waiting.insert(number, call);
        }
    }

    /// Ends one of the loads that are under way, and tells all who wait.
    fn end(&mut self, choice: usize, ending: Ending) {
        let under_way: Vec<usize> = self.under_way().collect();
        let Some(&load) = under_way.get(choice % under_way.len().max(1)) else { return };
        self.send(load, ending);
        self.run_loads();
        let mut told = self.model.end(load, ending);
        told.sort_by_key(|(call, _)| *call);
        let waiting = std::mem::take(&mut self.waiting).into_iter();
        let mut answers = Vec::new();
        for (number, mut call) in waiting {
            match poll(&mut call) {
                Some(answer) => answers.push((number, answer)),
                None => _ = self.waiting.insert(number, call),
            }
        }
        assert_eq!(answers, told, "load {load} ended with {ending:?}");
    }

    fn send(&self, load: usize, ending: Ending) {
        let mut endings = self.endings.lock().expect("unpoisoned");
        let (closed, _) = oneshot::channel();
        let sender = std::mem::replace(&mut endings[load], closed);
        sender.send(ending).expect("the load is under way");
    }

    fn cancel(&mut self, choice: usize) {
        let Some(&call) = self.waiting.keys().nth(choice % self.waiting.len().max(1)) else { return };
        self.waiting.remove(&call);
        self.model.cancel(call);
    }

    /// Loads that are under way, in the model's opinion.
    fn under_way(&self) -> impl Iterator<Item = usize> {
        self.model.loads.iter().enumerate().filter(|(_, load)| !load.over).map(|(number, _)| number)
    }

    /// Polls the tasks until each waits or has ended; a panic ends a task, as on a runtime.
    fn run_loads(&self) {
        let mut tasks = std::mem::take(&mut *self.tasks.lock().expect("unpoisoned"));
        tasks.retain_mut(|task| matches!(catch_unwind(AssertUnwindSafe(|| poll(task))), Ok(None)));
        self.tasks.lock().expect("unpoisoned").extend(tasks);
    }

    /// The loads under way are those of the model, and no others.
    fn compare_loads(&self) {
        let endings = self.endings.lock().expect("unpoisoned");
        let alive = endings.iter().enumerate().filter(|(_, ending)| !ending.is_closed());
        assert!(alive.map(|(number, _)| number).eq(self.under_way()), "which loads are under way");
        assert_eq!(self.cache.epochs(), self.model.epochs(), "nothing is known of a key without a load");
    }

    fn compare_stats(&self) {
        let stats = self.cache.stats();
        let totals = [
            stats.hits,
            stats.misses,
            stats.failures_recalled,
            stats.loads,
            stats.load_failures,
            stats.coalesced,
            stats.stale_served,
        ];
        assert_eq!(Totals(totals), self.model.totals);
        let ages = self.model.ages();
        let expected = (ages.len(), ages.iter().max().copied(), ages.iter().min().copied());
        assert_eq!((stats.entries, stats.oldest, stats.newest), expected);
    }
}

fn poll<T>(future: &mut BoxFuture<T>) -> Option<T> {
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

fn told(answer: Result<Got<u32>, Arc<LoadError<usize>>>) -> Told {
    match answer {
        Ok(Got { value, stale, source }) => Told::Value { value, stale, source },
        Err(error) => match *error {
            LoadError::Failed(load) => Told::Failed(load),
            LoadError::Lost => Told::Lost,
        },
    }
}

/// Two caches in turn: one in which failures are covered for longer than staleness is allowed, and the reverse.
fn bounds(longer_on_error: bool) -> Config {
    let (max_stale, max_stale_on_error) = if longer_on_error { (2_000, 8_000) } else { (2_000, 1_000) };
    Config {
        capacity: 100,
        max_stale: MS * max_stale,
        max_stale_on_error: MS * max_stale_on_error,
        ..Config::with_ttl(MS * 4_000)
    }
}

fn run(sequences: u32) {
    let runtime = sequences::paused();
    let config = RunnerConfig { cases: sequences, failure_persistence: None, ..RunnerConfig::default() };
    let words = (any::<bool>(), prop::collection::vec(any::<u16>(), 1..24));
    let outcome = TestRunner::new(config).run(&words, |(longer_on_error, words)| {
        runtime.block_on(async {
            let mut pair = Pair::new(bounds(longer_on_error));
            for word in words {
                pair.step(Step::of(word)).await;
            }
            pair.compare_stats();
        });
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn the_cache_does_what_the_model_does() {
    let sequences = sequences::wanted() as u32;
    let threads = thread::available_parallelism().map_or(1, |n| n.get() as u32);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| run(sequences.div_ceil(threads)));
        }
    });
}
