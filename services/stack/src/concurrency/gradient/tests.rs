use proptest::prelude::*;

use super::*;

const UNLOADED: Duration = Duration::from_millis(20);

/// A gradient and its clock.
struct Bench {
    gradient: Gradient,
    now: Instant,
}

impl Bench {
    fn new() -> Self {
        Self::with(Config::default())
    }

    fn with(config: Config) -> Self {
        let now = Instant::now();
        Self { gradient: Gradient::new(config, now), now }
    }

    /// Windows in which all calls take `took` while `in_flight` of them are out.
    fn windows(&mut self, count: u32, took: Duration, in_flight: usize) {
        self.samples(count, took, in_flight, Ended::Answered);
    }

    fn samples(&mut self, windows: u32, took: Duration, in_flight: usize, ended: Ended) {
        let Config { window, min_samples, .. } = Config::default();
        for _ in 0..windows {
            self.now += window;
            for _ in 0..min_samples {
                let sample = Sample { started: self.now - took, in_flight, now_in_flight: in_flight, ended };
                self.gradient.observe(sample, self.now);
            }
        }
    }

    /// A process with so many workers, kept as full as the limit allows.
    fn full_house(&mut self, windows: u32, workers: usize) {
        for _ in 0..windows {
            let in_flight = self.gradient.limit();
            let queue = (in_flight as f64 / workers as f64).max(1.0);
            self.windows(1, UNLOADED.mul_f64(queue), in_flight);
        }
    }

    fn limit(&self) -> usize {
        self.gradient.limit()
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_is_pressed_against_rises_as_long_as_calls_stay_quick() {
    let mut bench = Bench::new();
    let before = bench.limit();
    bench.windows(20, UNLOADED, bench.limit());
    assert!(bench.limit() > before);
    (0..2000).for_each(|_| bench.windows(1, UNLOADED, bench.limit()));
    assert_eq!(bench.gradient.limit as usize, Config::default().max, "and no further");
}

#[tokio::test(start_paused = true)]
async fn calls_that_take_moments_may_take_a_few_moments_more() {
    for (negligible, falls) in [(Duration::ZERO, true), (UNLOADED * 4, false)] {
        let mut bench = Bench::with(Config { negligible, ..Config::default() });
        bench.windows(5, UNLOADED, bench.limit());
        let before = bench.limit();
        (0..20).for_each(|_| bench.windows(1, UNLOADED * 5, bench.limit()));
        assert_eq!(bench.limit() < before, falls, "{before} became {} ({negligible:?})", bench.limit());
    }
}

#[tokio::test(start_paused = true)]
async fn it_falls_when_calls_queue_somewhere_and_settles_a_little_above_what_there_is_room_for() {
    for workers in [20, 100, 400] {
        let mut bench = Bench::new();
        bench.windows(5, UNLOADED, 1); // a quiet start shows the time without load
        bench.full_house(300, workers);
        let settled = bench.gradient.limit / workers as f64;
        assert!((1.0..1.8).contains(&settled), "{settled} calls in flight for each of {workers} workers");
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_under_overload_finds_the_time_without_load_by_probing() {
    let mut bench = Bench::new();
    bench.full_house(1500, 20); // 64 calls for 20 workers: the first that it sees is three times too slow
    let settled = bench.gradient.limit / 20.0;
    assert!((1.0..1.8).contains(&settled), "{settled}");
    assert!(bench.gradient.unloaded().expect("known") < UNLOADED.mul_f64(1.2));
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_nobody_presses_against_stays() {
    let mut bench = Bench::new();
    let before = bench.limit();
    bench.windows(100, UNLOADED, before / 2 - 1);
    bench.windows(100, UNLOADED * 20, before / 2 - 1);
    assert_eq!(bench.limit(), before, "slow or not");
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_slower_for_good_are_the_new_measure() {
    let mut bench = Bench::new();
    bench.windows(10, UNLOADED, 4);
    bench.windows(10, UNLOADED * 10, 4);
    let unloaded = bench.gradient.unloaded().expect("known");
    assert!(unloaded > UNLOADED * 9, "{unloaded:?}");
}

#[tokio::test(start_paused = true)]
async fn calls_that_run_out_of_time_cost_a_tenth_of_the_limit_a_window_and_half_of_it_when_they_are_most() {
    let mut bench = Bench::new();
    let late = |bench: &mut Bench, calls: usize| {
        let (now, ended) = (bench.now, Ended::OutOfTime);
        let sample = Sample { started: now, in_flight: 64, now_in_flight: 64, ended };
        (0..calls).for_each(|_| bench.gradient.observe(sample, now));
    };
    late(&mut bench, 2);
    bench.windows(1, UNLOADED, 64);
    assert_eq!(bench.limit(), 57);
    bench.samples(1, Duration::from_secs(1), 57, Ended::OutOfTime);
    assert_eq!(bench.limit(), 28);
    bench.samples(100, Duration::from_secs(1), 64, Ended::OutOfTime);
    assert_eq!(bench.limit(), 16, "down to the minimum");
}

#[tokio::test(start_paused = true)]
async fn a_limit_comes_down_within_moments_when_callers_leave_after_waiting_in_vain() {
    let mut bench = Bench::with(Config { initial: 256, ..Config::default() });
    bench.samples(4, Duration::from_secs(2), 256, Ended::Left);
    assert_eq!(bench.limit(), 16, "half of it a window");
}

#[tokio::test(start_paused = true)]
async fn callers_who_leave_early_or_as_late_as_calls_take_say_nothing() {
    let mut bench = Bench::new();
    bench.samples(20, Duration::from_millis(499), 64, Ended::Left);
    assert_eq!(bench.limit(), 64);
    bench.windows(1, Duration::from_secs(1), 1); // which is how long calls take without load
    bench.samples(20, Duration::from_secs(9), 64, Ended::Left);
    assert_eq!(bench.limit(), 64);
}

#[tokio::test(start_paused = true)]
async fn a_probe_halves_the_limit_until_calls_that_began_in_it_have_ended_and_no_queue_is_seen() {
    let mut bench = Bench::new();
    let windows = Config::default().probe_every.div_duration_f64(Config::default().window) as u32;
    (0..windows).for_each(|_| bench.windows(1, UNLOADED, bench.limit()));
    let (limit, whole) = (bench.limit(), bench.gradient.limit);
    assert_eq!(limit, (whole / 2.0) as usize, "it probes");
    let before = bench.now;
    bench.windows(1, UNLOADED * 50, limit); // they began long before
    assert_eq!(bench.limit(), limit, "and still does");
    bench.now = before + UNLOADED * 20;
    bench.windows(1, UNLOADED / 2, limit);
    assert_eq!(bench.limit(), (whole / 4.0) as usize, "half the calls took half the time: there was a queue");
    bench.windows(1, UNLOADED / 2, bench.limit());
    assert_eq!(bench.limit(), whole as usize);
    assert_eq!(
        bench.gradient.unloaded(),
        Some(UNLOADED / 2),
        "what the probe saw counts, not what was known"
    );
}

#[tokio::test(start_paused = true)]
async fn a_limit_far_above_what_there_is_room_for_is_not_taken_for_the_time_without_load() {
    let config = Config { initial: 1024, probe_every: Duration::ZERO, ..Config::default() };
    let mut bench = Bench::with(config); // the first window that is judged begins a probe
    bench.full_house(40, 32);
    let unloaded = bench.gradient.unloaded().expect("known");
    assert!(unloaded < UNLOADED.mul_f64(1.2), "{unloaded:?}");
    assert!(bench.gradient.limit < 32.0 * 4.0, "{}", bench.gradient.limit);
}

#[tokio::test(start_paused = true)]
async fn the_calls_that_end_in_a_rush_are_not_taken_for_the_time_without_load() {
    let mut bench = Bench::new();
    bench.windows(5, UNLOADED, 1);
    for slower in 1..20 {
        // Let in when there were few, each later than the one before: the queue is behind them.
        bench.now += Config::default().window;
        for _ in 0..Config::default().min_samples {
            let started = bench.now - UNLOADED * slower;
            let sample = Sample { started, in_flight: 8, now_in_flight: 60, ended: Ended::Answered };
            bench.gradient.observe(sample, bench.now);
        }
    }
    assert_eq!(bench.gradient.unloaded(), Some(UNLOADED));
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_begins_while_the_queue_grows_is_not_deceived() {
    let (mut bench, workers) = (Bench::with(Config { initial: 256, ..Config::default() }), 16);
    bench.windows(1, UNLOADED, 1);
    bench.now += Config::default().probe_every;
    bench.windows(1, UNLOADED * 8, 128); // half of the queue that will be
    assert!(matches!(bench.gradient.phase, Phase::Probing(_)));
    bench.windows(1, UNLOADED * 7, 115); // let in as soon as there was room
    bench.full_house(20, workers);
    let unloaded = bench.gradient.unloaded().expect("known");
    assert!(unloaded < UNLOADED.mul_f64(1.2), "{unloaded:?}");
    assert!(bench.gradient.limit < 256.0 / 3.0, "{}", bench.gradient.limit);
}

#[tokio::test(start_paused = true)]
async fn a_window_is_judged_only_when_it_is_over_and_holds_enough() {
    let mut bench = Bench::new();
    let Config { window, min_samples, .. } = Config::default();
    let sample = |now| Sample { started: now, in_flight: 64, now_in_flight: 64, ended: Ended::Answered };
    for _ in 0..min_samples * 10 {
        bench.gradient.observe(sample(bench.now), bench.now);
    }
    assert_eq!(bench.limit(), 64, "not over");
    bench.gradient.observe(sample(bench.now + window), bench.now + window);
    assert!(bench.limit() > 64);
}

proptest! {
    #[test]
    fn no_samples_whatever_move_the_limit_out_of_its_bounds(
        samples in proptest::collection::vec((0u64..500, 0u64..100_000, 0usize..5000, any::<bool>()), 1..600),
        min in 0usize..50, max in 0usize..200,
    ) {
        let config = Config { min, max, min_samples: 3, ..Config::default() }.clamped();
        let mut now = Instant::now() + Duration::from_secs(1000);
        let mut gradient = Gradient::new(config, now);
        for (pass, took, in_flight, answered) in samples {
            now += Duration::from_millis(pass);
            let ended = if answered { Ended::Answered } else { Ended::OutOfTime };
            let started = now - Duration::from_millis(took);
            gradient.observe(Sample { started, in_flight, now_in_flight: in_flight / 2, ended }, now);
            prop_assert!((config.min..=config.max).contains(&gradient.limit()));
        }
    }
}
