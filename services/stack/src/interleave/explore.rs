//! Threads that come in between each other wherever they can.
//!
//! Shuttle runs the real code on one thread, a step at a time, in an order of its choice; a step ends where a task
//! waits, and at each [`point`]. A call that hangs is reported as a deadlock.
//!
//! Every run of the tests tries a few thousand orders of each scene. A hundred thousand, all in all:
//!
//! ```text
//! BSM_INTERLEAVINGS=10000 cargo test -p bsm-stack --release --lib interleavings
//! ```

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, Runner};

/// Orders tried per scene and scheduler; `BSM_INTERLEAVINGS` in the environment sets another number.
const ORDERS: usize = 2_500;

/// Bytes; the product's futures are larger than those that the scheduler expects.
const STACK: usize = 256 * 1024;

thread_local! {
    static EXPLORING: Cell<bool> = const { Cell::new(false) };
}

/// Lets the scheduler choose who goes on, if there is one.
pub(crate) fn point() {
    if EXPLORING.get() && !std::thread::panicking() {
        shuttle::thread::sleep(Duration::ZERO); // a plain choice; to yield would be to go last
    }
}

/// Runs a scene in many orders, under a scheduler that chooses evenly and one that likes rare orders.
pub(crate) fn explore(scene: fn()) {
    let orders = std::env::var("BSM_INTERLEAVINGS").map_or(ORDERS, |text| text.parse().expect("a number"));
    let tried = run(RandomScheduler::new(orders), scene) + run(PctScheduler::new(3, orders), scene);
    println!("{tried} interleavings");
}

fn run(scheduler: impl Scheduler + 'static, scene: fn()) -> usize {
    let mut config = Config::new();
    config.stack_size = STACK;
    Runner::new(scheduler, config).run(move || {
        EXPLORING.set(true);
        scene();
        EXPLORING.set(false);
    })
}

/// Lets others go first, this many times.
pub(crate) async fn pause(times: u32) {
    let mut left = times;
    poll_fn(|cx| match left.checked_sub(1) {
        None => Poll::Ready(()),
        Some(fewer) => {
            left = fewer;
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
}

/// Drops the future where it waits, after it was polled once and `patience` times more; never if that is `None`.
pub(crate) async fn patiently<F: Future>(patience: Option<u32>, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = patience;
    poll_fn(|cx| match (future.as_mut().poll(cx), &mut left) {
        (Poll::Ready(output), _) => Poll::Ready(Some(output)),
        (Poll::Pending, None) => Poll::Pending,
        (Poll::Pending, Some(0)) => Poll::Ready(None),
        (Poll::Pending, Some(left)) => {
            *left -= 1;
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await
}
