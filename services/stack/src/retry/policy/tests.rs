use proptest::prelude::*;

use super::*;

const FAILED: Failure = Failure { processed: Processed::Perhaps, pushback: Pushback::Silent };
const REFUSED: Failure = Failure { processed: Processed::No, pushback: Pushback::Silent };

fn tried(attempts: u32) -> Tried {
    Tried { attempts, idempotent: true, deadline: None }
}

fn told(pushback: Pushback) -> Failure {
    Failure { processed: Processed::No, pushback }
}

fn decide(tried: Tried, failure: Failure) -> Verdict {
    Policy::default().decide(tried, failure, Instant::now(), 0.5)
}

#[tokio::test(start_paused = true)]
async fn there_are_no_more_than_three_attempts() {
    assert!(matches!(decide(tried(1), FAILED), Verdict::Again { .. }));
    assert!(matches!(decide(tried(2), FAILED), Verdict::Again { .. }));
    assert_eq!(decide(tried(3), FAILED), Verdict::Final(Why::Attempts));
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_processed_is_sent_again_only_if_it_is_idempotent() {
    let once = Tried { idempotent: false, ..tried(1) };
    assert_eq!(decide(once, FAILED), Verdict::Final(Why::Processed));
    assert!(matches!(decide(once, REFUSED), Verdict::Again { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_callee_that_says_never_is_obeyed_and_one_that_says_when_too() {
    assert_eq!(decide(tried(1), told(Pushback::Never)), Verdict::Final(Why::Pushback));
    let second = Duration::from_secs(1);
    let expected = Verdict::Again { after: second + Policy::default().base / 2 };
    assert_eq!(decide(tried(1), told(Pushback::After(second))), expected);
}

#[tokio::test(start_paused = true)]
async fn no_wait_ends_at_the_deadline_or_after_it() {
    let now = Instant::now();
    let policy = Policy { base: Duration::ZERO, ..Policy::default() };
    let tried = Tried { deadline: Some(Deadline::at(now + Duration::from_secs(2))), ..tried(1) };
    let verdict = |wait| policy.decide(tried, told(Pushback::After(Duration::from_secs(wait))), now, 0.0);
    assert_eq!(verdict(1), Verdict::Again { after: Duration::from_secs(1) });
    assert_eq!(verdict(2), Verdict::Final(Why::TooLate));
    assert_eq!(verdict(999_999), Verdict::Final(Why::TooLate));
}

#[tokio::test(start_paused = true)]
async fn without_a_deadline_patience_is_the_bound() {
    let wait = |seconds| decide(tried(1), told(Pushback::After(Duration::from_secs(seconds))));
    assert!(matches!(wait(29), Verdict::Again { .. }));
    assert_eq!(wait(30), Verdict::Final(Why::TooLate));
    assert_eq!(wait(u64::MAX), Verdict::Final(Why::TooLate));
}

proptest! {
    #[test]
    fn the_backoff_lies_anywhere_between_nothing_and_its_doubling_bound(attempts in 1u32..100, roll in 0.0f64..1.0) {
        let policy = Policy { max_attempts: u32::MAX, ..Policy::default() };
        let bound = policy.base.saturating_mul(1 << (attempts - 1).min(20)).min(policy.cap);
        let Verdict::Again { after } = policy.decide(tried(attempts), FAILED, Instant::now(), roll) else {
            panic!("there is time");
        };
        prop_assert!(after <= bound);
        prop_assert!(after.abs_diff(bound.mul_f64(roll)) < Duration::from_micros(1), "all of it is jitter");
    }
}
