use std::time::Duration;

use tokio::time::Instant;

use crate::breaker::window::{Counts, Hit, Window};

const WINDOW: Duration = Duration::from_secs(10);

fn window() -> (Window, Instant) {
    let now = Instant::now();
    (Window::new(WINDOW, now), now)
}

fn healthy(window: &Window, generation: u64, now: Instant) {
    window.count(generation, now, Hit::Healthy, || true);
}

/// Counts a failure and says what that makes.
fn failure(window: &Window, generation: u64, now: Instant) -> Counts {
    window.count(generation, now, Hit::Failed, || true);
    window.counts(generation, now)
}

fn counts(consecutive: u32, calls: u32, failures: u32) -> Counts {
    Counts { consecutive, calls, failures, slow: 0 }
}

#[test]
fn counts_calls_failures_and_the_run() {
    let (window, now) = window();
    assert_eq!(failure(&window, 0, now), counts(1, 1, 1));
    assert_eq!(failure(&window, 0, now), counts(2, 2, 2));
    healthy(&window, 0, now);
    assert_eq!(window.counts(0, now).consecutive, 0, "a healthy answer ends the run");
    assert_eq!(failure(&window, 0, now), counts(1, 4, 3));
}

#[test]
fn forgets_what_is_older_than_the_window() {
    let (window, now) = window();
    failure(&window, 0, now);
    assert_eq!(failure(&window, 0, now + WINDOW - Duration::from_millis(1)), counts(2, 2, 2));
    assert_eq!(failure(&window, 0, now + WINDOW), counts(3, 2, 2), "the run has no age, the share has");
    assert_eq!(failure(&window, 0, now + WINDOW * 1000), counts(4, 1, 1));
}

#[test]
fn a_new_generation_starts_from_nothing() {
    let (window, now) = window();
    failure(&window, 0, now);
    assert_eq!(window.counts(2, now), counts(0, 0, 0));
    assert_eq!(failure(&window, 2, now), counts(1, 1, 1));
}

#[test]
fn a_healthy_answer_of_the_past_changes_nothing() {
    let (window, now) = window();
    failure(&window, 2, now);
    window.count(0, now, Hit::Healthy, || false);
    assert_eq!(failure(&window, 2, now), counts(2, 2, 2));
}

#[test]
fn a_healthy_answer_overtaken_by_a_trip_leaves_nothing_a_later_generation_reads() {
    let (window, now) = window();
    healthy(&window, 0, now); // admitted by 0, and 0 ended before it was written
    assert_eq!(failure(&window, 2, now), counts(1, 1, 1));
}

#[test]
fn a_thread_that_was_held_up_does_not_wipe_a_later_slot() {
    let (window, now) = window();
    failure(&window, 0, now + WINDOW);
    healthy(&window, 0, now); // the same slot, one round earlier
    assert_eq!(failure(&window, 0, now + WINDOW).calls, 2);
}

#[test]
fn a_full_slot_keeps_the_share() {
    let (window, now) = window();
    for _ in 0..50_000 {
        healthy(&window, 0, now);
        failure(&window, 0, now);
    }
    let Counts { calls, failures, .. } = failure(&window, 0, now);
    let share = f64::from(failures) / f64::from(calls);
    assert!((0.49..0.51).contains(&share), "{failures} of {calls}");
    assert!(calls > 1000);
}

#[test]
fn counts_from_many_threads_are_all_kept() {
    let (window, now) = window();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..500).for_each(|_| healthy(&window, 0, now)));
        }
    });
    assert_eq!(failure(&window, 0, now), counts(1, 2001, 1));
}

#[test]
fn a_slow_answer_ends_the_run_and_a_call_given_up_does_not() {
    let (window, now) = window();
    failure(&window, 0, now);
    window.count(0, now, Hit::SlowSilence, || true);
    assert_eq!(window.counts(0, now), Counts { consecutive: 1, calls: 2, failures: 1, slow: 1 });
    window.count(0, now, Hit::SlowAnswer, || true);
    assert_eq!(window.counts(0, now), Counts { consecutive: 0, calls: 3, failures: 1, slow: 2 });
}

#[test]
fn it_is_troubled_as_long_as_it_holds_a_bad_call() {
    let troubled = |window: &Window, generation, now| window.count(generation, now, Hit::Healthy, || true);
    for bad in [Hit::Failed, Hit::SlowAnswer, Hit::SlowSilence] {
        let (window, now) = window();
        assert!(!troubled(&window, 3, now));
        assert!(window.count(3, now, bad, || true));
        assert!(troubled(&window, 3, now));
        assert!(troubled(&window, 3, now + WINDOW - Duration::from_millis(1)));
        assert!(!troubled(&window, 3, now + WINDOW), "forgotten");
        assert!(!troubled(&window, 4, now), "another generation's trouble");
    }
}
