//! A server under ten times the load it can bear, in simulated time: what the limiter is for, measured.
//!
//! The server has [`WORKERS`] workers and an endless queue before them; calls take between half and one and a half of
//! [`MEAN`]. They arrive when they like, whatever became of the others (an open loop), so without a limiter the queue
//! and the wait in it grow for ever. Time and chance are simulated: every run is the same.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response};
use http_body_util::Empty;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, sleep_until};
use tower::{Layer, ServiceExt, service_fn};

use super::{ConcurrencyLayer, Config, Limiter};
use crate::priority::Priority;

const WORKERS: usize = 32;
const MEAN: Duration = Duration::from_millis(50);
/// Calls per second that the server can answer.
const PEAK: f64 = WORKERS as f64 / 0.05;

/// One answered call.
#[derive(Clone, Copy)]
struct Answered {
    priority: Priority,
    took: Duration,
}

struct World {
    limiter: Limiter,
    workers: Arc<Semaphore>,
    answered: Arc<Mutex<Vec<Answered>>>,
    dice: AtomicU64,
}

/// What became of the calls of one phase.
struct Phase {
    asked: [usize; 3],
    answered: Vec<Answered>,
    lasted: Duration,
}

impl World {
    fn new(config: Config) -> Self {
        Self {
            limiter: Limiter::new("memory inbound", config),
            workers: Arc::new(Semaphore::new(WORKERS)),
            answered: Arc::default(),
            dice: AtomicU64::new(1),
        }
    }

    /// Numbers in [0, 1), the same in every run (a linear congruence, Knuth's constants).
    fn roll(&self) -> f64 {
        let next = self
            .dice
            .load(Relaxed)
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.dice.store(next, Relaxed);
        (next >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Calls at `rate` per second for `lasted`, then a pause in which all of them end.
    async fn phase(&self, rate: f64, lasted: Duration) -> Phase {
        self.answered.lock().unwrap().clear();
        let start = Instant::now();
        let mut asked = [0; 3];
        for n in 0..(rate * lasted.as_secs_f64()) as u32 {
            sleep_until(start + Duration::from_secs_f64(f64::from(n) / rate)).await;
            let priority = match n % 20 {
                0 => Priority::Critical, // a twentieth
                1..=9 => Priority::Batch,
                _ => Priority::Normal,
            };
            asked[priority as usize] += 1;
            self.call(priority);
        }
        sleep_until(start + lasted).await;
        let answered = std::mem::take(&mut *self.answered.lock().unwrap());
        Phase { asked, answered, lasted }
    }

    fn call(&self, priority: Priority) {
        let (workers, works) = (Arc::clone(&self.workers), MEAN.mul_f64(0.5 + self.roll()));
        let server = service_fn(move |_: Request<()>| {
            let workers = Arc::clone(&workers);
            async move {
                let _worker = workers.acquire().await.expect("never closed");
                sleep(works).await;
                Ok::<_, Infallible>(Response::new(Empty::<bytes::Bytes>::new()))
            }
        });
        let mut request = Request::new(());
        request.extensions_mut().insert(priority);
        let (answered, start) = (Arc::clone(&self.answered), Instant::now());
        let call = ConcurrencyLayer::new(self.limiter.clone(), |_| false).layer(server).oneshot(request);
        tokio::spawn(async move {
            if call.await.is_ok() {
                answered.lock().unwrap().push(Answered { priority, took: start.elapsed() });
            }
        });
    }
}

impl Phase {
    fn goodput(&self) -> f64 {
        self.answered.len() as f64 / self.lasted.as_secs_f64()
    }

    fn p99(&self) -> Duration {
        let mut times: Vec<_> = self.answered.iter().map(|answered| answered.took).collect();
        times.sort_unstable();
        times[times.len() * 99 / 100]
    }

    /// The share of the calls of one priority that were answered.
    fn served(&self, priority: Priority) -> f64 {
        let answered = self.answered.iter().filter(|answered| answered.priority == priority).count();
        answered as f64 / self.asked[priority as usize] as f64
    }
}

#[tokio::test(start_paused = true)]
async fn under_ten_times_the_load_goodput_stays_at_its_peak_and_the_admitted_are_answered_in_time() {
    let world = World::new(Config::default());
    let quiet = world.phase(PEAK * 0.5, Duration::from_secs(5)).await;
    let overload = world.phase(PEAK * 10.0, Duration::from_secs(30)).await;
    let after = world.phase(PEAK * 0.5, Duration::from_secs(5)).await;

    let goodput = overload.goodput() / PEAK;
    let slower = overload.p99().div_duration_f64(quiet.p99());
    let served = Priority::ALL.map(|priority| overload.served(priority));
    println!(
        "goodput {goodput:.3} of peak; p99 {slower:.2} x unloaded; served {served:.3?}; {:?}",
        world.limiter
    );
    assert!(goodput >= 0.95, "goodput is {goodput:.3} of the peak");
    assert!(slower <= 2.0, "the p99 of the admitted is {slower:.2} times that without load");
    assert!(served[2] >= 0.99 && served[1] > 10.0 * served[0], "batch first, critical last: {served:?}");

    let left_out = 1.0 - quiet.goodput() / (PEAK * 0.5);
    assert!(left_out < 0.03, "without load {left_out:.3} are turned away or still out");
    let left_out = 1.0 - after.goodput() / (PEAK * 0.5);
    assert!(left_out < 0.03, "after the overload {left_out:.3} are turned away or still out");
}

#[tokio::test(start_paused = true)]
async fn a_limit_far_too_high_for_a_sudden_overload_comes_down_and_then_serves_as_well() {
    let world = World::new(Config { initial: 1024, ..Config::default() });
    let quiet = world.phase(PEAK * 0.5, Duration::from_secs(11)).await; // a probe is due when the rush begins
    let onset = world.phase(PEAK * 10.0, Duration::from_secs(15)).await;
    let overload = world.phase(PEAK * 10.0, Duration::from_secs(30)).await;

    let (goodput, slower) = (overload.goodput() / PEAK, overload.p99().div_duration_f64(quiet.p99()));
    println!(
        "onset: goodput {:.3}, p99 {:.2} x unloaded; then {goodput:.3}, {slower:.2}; {:?}",
        onset.goodput() / PEAK,
        onset.p99().div_duration_f64(quiet.p99()),
        world.limiter
    );
    assert!(onset.goodput() >= PEAK * 0.95, "goodput is {:.3} of the peak at first", onset.goodput() / PEAK);
    assert!(goodput >= 0.95, "goodput is {goodput:.3} of the peak");
    assert!(slower <= 2.0, "the p99 of the admitted is {slower:.2} times that without load");
}

#[tokio::test(start_paused = true)]
async fn without_a_limit_the_same_load_makes_every_call_late() {
    let boundless = Config { initial: 1_000_000, min: 1_000_000, max: 1_000_000, ..Config::default() };
    let world = World::new(boundless);
    let quiet = world.phase(PEAK * 0.5, Duration::from_secs(5)).await;
    let overload = world.phase(PEAK * 10.0, Duration::from_secs(3)).await;
    let slower = overload.p99().div_duration_f64(quiet.p99());
    assert!(slower > 20.0, "the p99 is only {slower:.2} times that without load: this is no overload");
}
