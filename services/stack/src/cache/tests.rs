//! The rules of the cache, one test each, with the clock standing still.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::{JoinHandle, yield_now};
use tokio::time::{advance, timeout};

use super::handle::World;
use super::*;

mod epochs;
mod freshness;
mod interleavings;
mod loads;
mod model;
mod sequences;

const TTL: Duration = Duration::from_secs(100);
const STALE: Duration = Duration::from_secs(50);
const ON_ERROR: Duration = Duration::from_secs(200);
const SECOND: Duration = Duration::from_secs(1);
/// Longer than anything takes that ends at all. Where the clock stands still, it is over as soon as nobody moves.
const FOR_EVER: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the source is down")]
struct Down;

type Cached = Cache<&'static str, u32, Down>;
type Call = JoinHandle<Result<Got<u32>, Arc<LoadError<Down>>>>;

/// What the cache loads from. Every load waits until the test answers it.
#[derive(Clone, Default)]
struct Upstream {
    waiting: Arc<Mutex<VecDeque<Load>>>,
}

/// A load that waits for its answer; dropping it makes the load panic.
struct Load {
    answer: oneshot::Sender<Result<u32, Down>>,
}

impl Upstream {
    fn cache(&self, config: Config) -> Cached {
        Cache::new("agents", config, self.loader())
    }

    fn loader<K>(&self) -> impl Fn(K) -> BoxLoad + Send + Sync + 'static {
        let waiting = Arc::clone(&self.waiting);
        move |_key| {
            let (answer, answered) = oneshot::channel();
            waiting.lock().expect("unpoisoned").push_back(Load { answer });
            Box::pin(async move { answered.await.expect("the test blows this load up") })
        }
    }

    /// Loads that have begun and were not yet taken by [`next`](Self::next), once everything has come to rest.
    async fn begun(&self) -> usize {
        rest().await;
        self.waiting.lock().expect("unpoisoned").len()
    }

    /// The oldest of them; other threads may need a moment to begin it.
    async fn next(&self) -> Load {
        for _ in 0..10_000 {
            rest().await;
            if let Some(load) = self.waiting.lock().expect("unpoisoned").pop_front() {
                return load;
            }
        }
        panic!("no load has begun");
    }
}

type BoxLoad = super::handle::BoxFuture<Result<u32, Down>>;

impl Load {
    fn succeed(self, value: u32) {
        let _ = self.answer.send(Ok(value)); // it may have been dropped
    }

    fn fail(self) {
        let _ = self.answer.send(Err(Down));
    }

    fn is_dropped(&self) -> bool {
        self.answer.is_closed()
    }
}

/// Without jitter, with bounds that differ from each other.
fn config() -> Config {
    Config { max_stale: STALE, max_stale_on_error: ON_ERROR, jitter: 0.0, ..Config::with_ttl(TTL) }
}

fn setup() -> (Upstream, Cached) {
    let upstream = Upstream::default();
    let cache = upstream.cache(config());
    (upstream, cache)
}

/// Lets every task go as far as it can.
async fn rest() {
    for _ in 0..10 {
        yield_now().await;
    }
}

/// A call that need not wait.
async fn ask(cache: &Cached, key: &'static str) -> Result<Got<u32>, Arc<LoadError<Down>>> {
    timeout(FOR_EVER, cache.get(&key)).await.expect("no call hangs")
}

/// A call in a task of its own, which has begun to wait.
async fn call(cache: &Cached, key: &'static str) -> Call {
    let cache = cache.clone();
    let call = tokio::spawn(async move { cache.get(&key).await });
    rest().await;
    call
}

/// Brings `value` into the cache through a load.
async fn load(upstream: &Upstream, cache: &Cached, key: &'static str, value: u32) {
    let call = call(cache, key).await;
    upstream.next().await.succeed(value);
    assert_eq!(got(call).await, loaded(value));
}

async fn told(call: Call) -> Result<Got<u32>, Arc<LoadError<Down>>> {
    timeout(FOR_EVER, call).await.expect("no call hangs").expect("no panic")
}

async fn got(call: Call) -> Got<u32> {
    told(call).await.expect("a value")
}

async fn error(call: Call) -> Arc<LoadError<Down>> {
    told(call).await.expect_err("an error")
}

fn loaded(value: u32) -> Got<u32> {
    Got { value, stale: None, source: Source::Loaded }
}

fn joined(value: u32) -> Got<u32> {
    Got { value, stale: None, source: Source::Joined }
}
