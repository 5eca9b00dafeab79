use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

mod sequences;

const SECOND: Duration = Duration::from_secs(1);

fn bucket(percent: u32, floor_per_second: u32) -> (Bucket, Instant) {
    let now = Instant::now();
    (Bucket::new(Config { percent, floor_per_second }, now), now)
}

fn drain(bucket: &mut Bucket, asked: u64, now: Instant) -> usize {
    (0..10_000).take_while(|_| bucket.withdraw(asked, now)).count()
}

#[tokio::test(start_paused = true)]
async fn a_quiet_edge_may_retry_ten_times_a_second() {
    let (mut bucket, now) = bucket(10, 10);
    assert_eq!(drain(&mut bucket, 0, now), 10, "one second's worth to begin with");
    assert_eq!(drain(&mut bucket, 0, now + SECOND / 2), 5);
    assert_eq!(drain(&mut bucket, 0, now + SECOND * 60), 10, "quiet minutes are not saved up");
}

#[tokio::test(start_paused = true)]
async fn every_tenth_call_pays_for_a_retry() {
    let (mut bucket, now) = bucket(10, 0);
    assert_eq!(drain(&mut bucket, 0, now), 1, "no edge starts with nothing");
    let retries = (1..=1000).filter(|asked| bucket.withdraw(*asked, now)).count();
    assert_eq!(retries, 100);
}

#[tokio::test(start_paused = true)]
async fn tiny_steps_of_time_are_not_lost() {
    let (mut bucket, now) = bucket(0, 10);
    drain(&mut bucket, 0, now);
    let step = Duration::from_micros(1);
    for n in 0..100_000 {
        bucket.fill(0, now + step * n);
    }
    assert!(bucket.withdraw(0, now + step * 100_000), "a tenth of a second is a token");
}

#[tokio::test(start_paused = true)]
async fn clones_share_one_budget_and_the_snapshot_tells_what_became_of_it() {
    let budget = Budget::new("gateway->models", Config { percent: 10, floor_per_second: 2 });
    let other = budget.clone();
    other.asked();
    let now = Instant::now();
    assert_eq!([budget.withdraw(now), other.withdraw(now), budget.withdraw(now)], [true, true, false]);
    let expected = Snapshot { name: "gateway->models".into(), asked: 1, sent: 2, refused: 1, tokens: 0.0 };
    assert_eq!(budget.snapshot(), expected);
    tokio::time::advance(SECOND / 4).await;
    assert_eq!(other.snapshot().tokens, 0.5);
}

proptest! {
    /// Any traffic, any appetite for retries: within any window, not only on the whole.
    #[test]
    fn within_any_window_retries_are_a_tenth_of_the_calls_and_the_floor(
        steps in vec((0u64..300, 0u64..60, 0usize..60), 1..80),
    ) {
        let (mut bucket, start) = bucket(10, 10);
        let (mut now, mut asked) = (start, 0);
        let mut log = vec![]; // (when, calls asked by then, retries sent by then)
        let mut sent = 0;
        for (ms, calls, wishes) in steps {
            log.push((now, asked, sent)); // a window may begin before the step
            now += Duration::from_millis(ms);
            asked += calls;
            sent += (0..wishes).filter(|_| bucket.withdraw(asked, now)).count();
            log.push((now, asked, sent)); // and ends after it
        }
        for (index, (from, asked_before, sent_before)) in log.iter().enumerate() {
            for (to, asked_after, sent_after) in &log[index..] {
                let calls = (asked_after - asked_before) as f64;
                let floor = 10.0 * ((*to - *from).as_secs_f64() + 1.0);
                prop_assert!((sent_after - sent_before) as f64 <= calls * 0.1 + floor + 1e-6);
            }
        }
    }
}
