use std::future::pending;

use tokio::time::{advance, sleep};

use super::*;

const S: Duration = Duration::from_secs(1);
const LIMITS: Limits = Limits {
    whole: Duration::from_secs(30),
    first: Duration::from_secs(20),
    silence: Duration::from_secs(10),
};

/// How long a wait for something that never comes takes, and what kind of failure it ends in.
async fn in_vain(patience: &mut Patience) -> (Duration, Kind) {
    let began = Instant::now();
    let failure = patience.wait(pending::<Result<(), Failure>>()).await.unwrap_err();
    (began.elapsed(), failure.kind)
}

#[tokio::test(start_paused = true)]
async fn a_stream_must_begin_in_time_what_was_spent_before_included() {
    let mut patience = Patience::new(LIMITS, None);
    patience.opens();
    assert_eq!(in_vain(&mut patience).await, (20 * S, Kind::Timeout));
    let mut patience = Patience::new(LIMITS, None);
    patience.opens();
    patience.spent(15 * S);
    let failure = patience.wait(pending::<Result<(), Failure>>()).await.unwrap_err();
    assert_eq!(failure.message, "did not begin its answer within 20s");
}

#[test]
fn only_the_head_of_a_stream_must_come_sooner_than_the_whole() {
    let mut patience = Patience::new(LIMITS, None);
    assert_eq!(patience.head(), None);
    patience.opens();
    assert_eq!(patience.head(), Some(20 * S));
    let alike = Limits { first: LIMITS.whole, ..LIMITS };
    let mut patience = Patience::new(alike, None);
    patience.opens();
    assert_eq!(patience.head(), None, "the time of an attempt says the same");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_never_began_is_not_said_to_have_stalled() {
    let alike = Limits { first: LIMITS.whole, ..LIMITS };
    let mut patience = Patience::new(alike, None);
    patience.opens();
    let failure = patience.wait(pending::<Result<(), Failure>>()).await.unwrap_err();
    assert_eq!(failure.message, "did not begin its answer within 30s");
    let mut patience = Patience::new(LIMITS, None);
    patience.spent(25 * S);
    patience.begun();
    let failure = patience.wait(pending::<Result<(), Failure>>()).await.unwrap_err();
    assert_eq!(failure.message, "did not finish its answer within 30s");
}

#[tokio::test(start_paused = true)]
async fn a_whole_answer_may_take_the_whole_time() {
    assert_eq!(in_vain(&mut Patience::new(LIMITS, None)).await, (30 * S, Kind::Timeout));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_has_begun_may_not_be_silent_for_long() {
    let mut patience = Patience::new(LIMITS, None);
    patience.begun();
    assert_eq!(in_vain(&mut patience).await, (10 * S, Kind::Timeout));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_trickles_ends_with_the_whole_time() {
    let mut patience = Patience::new(LIMITS, None);
    patience.begun();
    let mut bytes = 0;
    let trickle = || async {
        sleep(S).await;
        Ok(())
    };
    while patience.wait(trickle()).await.is_ok() {
        bytes += 1;
    }
    assert!((29..=30).contains(&bytes), "one byte a second for 30 s: {bytes}");
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_uses_up_nobodys_time() {
    let mut patience = Patience::new(LIMITS, None);
    advance(100 * S).await;
    assert_eq!(patience.wait(async { Ok(7) }).await, Ok(7));
    assert_eq!(in_vain(&mut patience).await, (30 * S, Kind::Timeout));
}

#[tokio::test(start_paused = true)]
async fn the_callers_deadline_is_not_the_providers_fault() {
    let mut patience = Patience::new(LIMITS, Some(Deadline::after(5 * S)));
    assert_eq!(in_vain(&mut patience).await, (5 * S, Kind::CallerDeadline));
}
