//! Threads that come in between each other wherever they can, calls that are cancelled at any await, loads that are
//! killed.
//!
//! Whatever the order: a call sees nothing that began to load before an invalidation which had returned when the call
//! began; no call hangs; a key that is not invalidated is loaded once.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use shuttle::future::{block_on, spawn};
use shuttle::rand::{Rng, thread_rng};

use super::*;
use crate::interleave::{explore, patiently, pause};

const KEY: u8 = 0;

type Explored = Cache<u8, Made, Down>;

/// One way to end an epoch.
type End = fn(&Explored);

/// What everybody in a scene shares.
struct Scene {
    cache: Explored,
    moments: Arc<AtomicU64>,
    /// The latest beginning of an invalidation that has returned.
    floor: AtomicU64,
}

/// A value that knows where it is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Made {
    /// By a load that began at this moment.
    Loaded(u64),
    /// By hand; newer than every load when it came.
    Put,
}

impl Scene {
    /// A scene in which loads fail, and are killed, at these rates.
    fn new(failing: f64, killed: f64) -> Arc<Self> {
        let moments = Arc::new(AtomicU64::new(1));
        let clock = Arc::clone(&moments);
        let world = World {
            roll: Box::new(|| 0.0),
            spawn: Box::new(move |load| {
                let load = spawn(load);
                if thread_rng().gen_bool(killed) {
                    spawn(async move { load.abort() });
                }
            }),
        };
        let cache = Cache::in_world(world, "explored", config(), move |_key| {
            let began = clock.fetch_add(1, SeqCst);
            async move {
                pause(thread_rng().gen_range(0..3)).await;
                if thread_rng().gen_bool(failing) { Err(Down) } else { Ok(Made::Loaded(began)) }
            }
        });
        Arc::new(Self { cache, moments, floor: AtomicU64::new(0) })
    }

    /// Calls once, perhaps giving up; whether there was an answer.
    async fn call(&self, stampede: Stampede) -> bool {
        let floor = self.floor.load(SeqCst);
        let patience = thread_rng().gen_bool(0.5).then(|| thread_rng().gen_range(0..4));
        let answer = patiently(patience, self.cache.get_under(&KEY, stampede)).await;
        if let Some(Ok(Got { value: Made::Loaded(began), .. })) = answer {
            assert!(began > floor, "loaded at {began}, invalidated at {floor}, and seen afterwards");
        }
        answer.is_some()
    }

    fn end_epoch(&self, end: End) {
        let begun = self.moments.fetch_add(1, SeqCst);
        end(&self.cache);
        self.floor.fetch_max(begun, SeqCst);
    }
}

const ENDS: [End; 3] =
    [|cache| _ = cache.invalidate(&KEY), |cache| _ = cache.clear(), |cache| cache.put(KEY, Made::Put)];

/// Three who call twice each, while two end epochs.
fn calls_and_invalidations(failing: f64, killed: f64, stampede: fn() -> Stampede) {
    let scene = Scene::new(failing, killed);
    let mut tasks = Vec::new();
    for _ in 0..3 {
        let scene = Arc::clone(&scene);
        tasks.push(spawn(async move {
            scene.call(stampede()).await;
            pause(1).await;
            scene.call(stampede()).await;
        }));
    }
    for _ in 0..2 {
        let scene = Arc::clone(&scene);
        let end = ENDS[thread_rng().gen_range(0..ENDS.len())];
        tasks.push(spawn(async move {
            pause(thread_rng().gen_range(0..4)).await;
            scene.end_epoch(end);
            scene.call(stampede()).await;
        }));
    }
    block_on(async {
        for task in tasks {
            task.await.expect("nobody kills a caller's task");
        }
        scene.call(Stampede::Prevented).await; // the key still works
    });
}

#[test]
fn nothing_loaded_before_an_invalidation_is_seen_after_it() {
    explore(|| calls_and_invalidations(0.0, 0.0, || Stampede::Prevented));
}

#[test]
fn nor_when_loads_fail_are_killed_or_are_not_shared() {
    explore(|| {
        calls_and_invalidations(0.2, 0.2, || {
            if thread_rng().gen_bool(0.5) { Stampede::Prevented } else { Stampede::Allowed }
        });
    });
}

#[test]
fn a_cold_key_is_loaded_once_whoever_is_cancelled() {
    explore(|| {
        let scene = Scene::new(0.0, 0.0);
        let calls: Vec<_> = (0..4)
            .map(|_| {
                let scene = Arc::clone(&scene);
                spawn(async move {
                    if scene.call(Stampede::Prevented).await {
                        assert!(scene.cache.peek(&KEY).is_some(), "what is told has been kept");
                    }
                })
            })
            .collect();
        block_on(async {
            for call in calls {
                call.await.expect("nobody kills a caller's task");
            }
            scene.cache.get(&KEY).await.expect("the load is not cancelled with its caller");
        });
        assert_eq!(scene.cache.stats().loads, 1);
    });
}
