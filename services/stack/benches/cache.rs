//! What a warm hit costs: alone, and with eight threads on one hot key. Bare quick_cache beside it.
//!
//! `cargo bench -p bsm-stack --bench cache`

use std::convert::Infallible;
use std::hint::black_box;
use std::pin::pin;
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use bsm_stack::cache::{Cache, Config};
use criterion::{Criterion, criterion_group, criterion_main};

const THREADS: usize = 8;

type Warm = Cache<String, Arc<str>, Infallible>;

/// A cache that holds the key, and never has to load it.
fn warm(key: &str) -> Warm {
    let cache = Cache::new("bench", Config::with_ttl(Duration::from_secs(3600)), |_key| async {
        unreachable!("the value is there")
    });
    cache.put(key.to_owned(), "value".into());
    cache
}

fn hit(cache: &Warm, key: &String) -> Arc<str> {
    let get = pin!(cache.get(key));
    match get.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(got)) => got.value,
        Poll::Ready(Err(_)) | Poll::Pending => unreachable!("a hit does not wait"),
    }
}

/// The time that all threads together need until each has done `times` calls.
fn together(times: u64, call: impl Fn() + Sync) -> Duration {
    let start = Barrier::new(THREADS + 1);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    (0..times).for_each(|_| call());
                })
            })
            .collect();
        start.wait();
        let began = Instant::now();
        threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
        began.elapsed()
    })
}

fn hits(criterion: &mut Criterion) {
    let key = "registry/agents/reviewer".to_owned();
    let cache = warm(&key);
    let bare = quick_cache::sync::Cache::<String, Arc<str>>::new(10_000);
    bare.insert(key.clone(), "value".into());

    let mut group = criterion.benchmark_group("cache");
    group.bench_function("warm hit", |bencher| bencher.iter(|| hit(&cache, black_box(&key))));
    group.bench_function("warm hit, bare quick_cache", |bencher| bencher.iter(|| bare.get(black_box(&key))));
    group.bench_function("8 threads, one hot key", |bencher| {
        bencher.iter_custom(|times| together(times, || drop(black_box(hit(&cache, &key)))));
    });
    group.bench_function("8 threads, one hot key, bare quick_cache", |bencher| {
        bencher.iter_custom(|times| together(times, || drop(black_box(bare.get(&key)))));
    });
    group.finish();
}

criterion_group!(benches, hits);
criterion_main!(benches);
