//! A follower and a source that is there and away as told, with the clock standing still.

use std::sync::{
    Mutex,
    atomic::{AtomicU32, Ordering::Relaxed},
};

use bsm_stack::cache::{Cache, Config, Got, LoadError};
use tokio::{sync::mpsc, time::advance};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::Code;

use super::*;

type Answers = mpsc::UnboundedSender<Result<u32, Status>>;
type Stream = UnboundedReceiverStream<Result<u32, Status>>;

/// The source cannot be reached.
const AWAY: u32 = 1;
/// It can be followed and not asked: the circuit for calls is open.
const DEAF: u32 = 2;

/// A source with one value; every load and every call is counted.
#[derive(Clone)]
struct Rig {
    value: Arc<AtomicU32>,
    down: Arc<AtomicU32>,
    cache: Cache<(), u32, Status>,
    /// From which versions it was called.
    calls: Arc<Mutex<Vec<Option<String>>>>,
    stream: Arc<Mutex<Option<Answers>>>,
}

impl Rig {
    fn start() -> Rig {
        let (value, down) = (Arc::new(AtomicU32::new(1)), Arc::new(AtomicU32::new(0)));
        let (read, fails) = (value.clone(), down.clone());
        let config =
            Config { max_stale: Duration::ZERO, jitter: 0.0, ..Config::with_ttl(Duration::from_secs(300)) };
        let cache = Cache::new("agents", config, move |()| {
            let answer = match fails.load(Relaxed) {
                0 => Ok(read.load(Relaxed)),
                _ => Err(Status::unavailable("away")),
            };
            async move { answer }
        });
        let rig = Rig { value, down, cache, calls: Arc::default(), stream: Arc::default() };
        let warmed = rig.cache.clone();
        let follower = Follower {
            what: "agents",
            caches: vec![Arc::new(rig.cache.clone())],
            changed: Changed::Forgotten,
            warm: Box::new(move || warmed.warm(&())),
            version: |number: u32| number.to_string(),
        };
        let source = rig.clone();
        let open = move |last| {
            let stream = source.open(last);
            async move { stream }
        };
        tokio::spawn(follower.run(open, CancellationToken::new()));
        rig
    }

    fn open(&self, last: Option<String>) -> Result<Stream, Status> {
        self.calls.lock().unwrap().push(last);
        if self.down.load(Relaxed) == AWAY {
            return Err(Status::unavailable("away"));
        }
        let (answers, stream) = mpsc::unbounded_channel();
        *self.stream.lock().unwrap() = Some(answers);
        Ok(UnboundedReceiverStream::new(stream))
    }

    fn tell(&self, message: Result<u32, Status>) {
        self.stream.lock().unwrap().as_ref().unwrap().send(message).unwrap();
    }

    fn lose(&self) {
        *self.stream.lock().unwrap() = None;
    }

    async fn get(&self) -> Result<Got<u32>, Code> {
        rest().await;
        self.cache.get(&()).await.map_err(|err| match &*err {
            LoadError::Failed(status) => status.code(),
            LoadError::Lost => Code::Unknown,
        })
    }
}

async fn rest() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_that_is_told_is_seen_by_the_next_reader() {
    let rig = Rig::start();
    assert_eq!(rig.get().await.unwrap().value, 1);
    rig.value.store(2, Relaxed);
    assert_eq!(rig.get().await.unwrap().value, 1, "nobody has told it yet");
    rig.tell(Ok(2));
    assert_eq!(rig.get().await.unwrap().value, 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_to_be_there_is_there_before_anybody_asks() {
    let rig = Rig::start();
    rest().await;
    rig.down.store(AWAY, Relaxed);
    assert_eq!(rig.get().await.unwrap().stale, None);
}

#[tokio::test(start_paused = true)]
async fn without_its_stream_a_value_is_asked_for_again_and_stands_in_only_when_the_source_is_away() {
    let rig = Rig::start();
    assert_eq!(rig.get().await.unwrap().value, 1);
    rig.value.store(2, Relaxed);
    rig.lose();
    assert_eq!(rig.get().await.unwrap().value, 2, "the source answers: nothing old is served");
    advance(LAST_PAUSE).await;
    rest().await;
    assert!(rig.stream.lock().unwrap().is_some(), "it is followed again");
    rig.down.store(AWAY, Relaxed);
    rig.lose();
    rest().await;
    advance(Duration::from_secs(7)).await;
    let got = rig.get().await.unwrap();
    assert_eq!((got.value, got.stale.unwrap().as_secs()), (2, 7));
    advance(Duration::from_secs(3600 + 300)).await;
    assert_eq!(rig.get().await, Err(Code::Unavailable), "not for ever");
}

#[tokio::test(start_paused = true)]
async fn it_comes_back_from_the_version_it_saw_last_and_renews_everything() {
    let rig = Rig::start();
    rest().await;
    rig.tell(Ok(7));
    rest().await;
    rig.down.store(AWAY, Relaxed);
    rig.tell(Err(Status::unavailable("draining")));
    rest().await;
    advance(Duration::from_secs(3600)).await;
    rig.value.store(9, Relaxed);
    rig.down.store(0, Relaxed);
    for _ in 0..3 {
        advance(LAST_PAUSE).await;
        rest().await;
    }
    assert_eq!(rig.get().await.unwrap().value, 9, "no message, and yet nothing old");
    let calls = rig.calls.lock().unwrap().clone();
    assert_eq!((calls.first(), calls.last()), (Some(&None), Some(&Some("7".to_owned()))));
}

#[tokio::test(start_paused = true)]
async fn a_source_that_stays_away_is_called_at_most_every_two_seconds() {
    let rig = Rig::start();
    rig.down.store(AWAY, Relaxed);
    for _ in 0..100 {
        rest().await;
        advance(Duration::from_secs(1)).await;
    }
    let calls = rig.calls.lock().unwrap().len();
    assert!((30..=60).contains(&calls), "{calls}");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_followed_again_before_it_can_be_asked_is_known_by_what_it_said_last() {
    let rig = Rig::start();
    assert_eq!(rig.get().await.unwrap().value, 1);
    rig.down.store(DEAF, Relaxed);
    rig.lose();
    rest().await;
    advance(LAST_PAUSE).await;
    rest().await;
    assert!(rig.stream.lock().unwrap().is_some(), "it is followed again");
    let got = rig.get().await.unwrap();
    assert_eq!((got.value, got.stale), (1, Some(LAST_PAUSE)));
    rig.tell(Ok(2));
    assert_eq!(rig.get().await, Err(Code::Unavailable), "what has changed is not used");
}
