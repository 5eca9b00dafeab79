use http::Request;
use proptest::prelude::*;
use tower::{Layer, ServiceExt};

use super::*;
use crate::testing::{answer, endpoint};

const SECOND: Duration = Duration::from_secs(1);

fn limiter(quota: Quota, max_keys: usize) -> RateLimiter {
    RateLimiter::new("callers", Config { quota, max_keys })
}

/// Two calls a second, four at once.
fn quota() -> Quota {
    Quota { limit: 2, per: SECOND, burst: 4 }
}

fn caller(name: impl ToString) -> Key {
    Key::caller(name.to_string())
}

#[tokio::test(start_paused = true)]
async fn a_burst_passes_and_then_one_call_per_interval() {
    let (limiter, now) = (limiter(quota(), 10), Instant::now());
    for remaining in [3, 2, 1, 0] {
        assert_eq!(limiter.decide(&caller("a"), now).expect("in the burst").remaining, remaining);
    }
    let refused = Refused { limit: 4, retry_after: SECOND / 2, reset: SECOND * 2 };
    assert_eq!(limiter.decide(&caller("a"), now), Err(refused));
    let back = now + refused.retry_after;
    assert!(limiter.decide(&caller("a"), back - Duration::from_nanos(1)).is_err());
    let last = Remaining { limit: 4, remaining: 0, reset: SECOND * 2 };
    assert_eq!(limiter.decide(&caller("a"), back), Ok(last), "and not a moment later");
    assert!(limiter.decide(&caller("a"), back).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_refused_call_costs_nothing() {
    let (limiter, now) = (limiter(quota(), 10), Instant::now());
    let verdicts: Vec<_> = (0..100).map(|_| limiter.decide(&caller("a"), now)).collect();
    assert_eq!(verdicts[4], verdicts[99]);
    assert_eq!(limiter.snapshot().refused_total, 96);
}

#[tokio::test(start_paused = true)]
async fn a_check_costs_nothing_and_says_what_a_call_would_meet() {
    let (limiter, now) = (limiter(Quota { burst: 1, ..quota() }, 1), Instant::now());
    (0..9).for_each(|_| limiter.check(&caller("a"), now).expect("nothing is counted"));
    limiter.decide(&caller("a"), now).expect("the first");
    assert_eq!(limiter.check(&caller("a"), now), limiter.decide(&caller("a"), now).map(drop));
    limiter.check(&caller("b"), now).expect("a newcomer to a full book");
    limiter.decide(&caller("c"), now).expect("newcomers share one");
    limiter.check(&caller("b"), now).expect_err("and it is used up");
}

#[tokio::test(start_paused = true)]
async fn keys_do_not_share() {
    let (limiter, now) = (limiter(Quota { burst: 1, ..quota() }, 10), Instant::now());
    limiter.decide(&caller("a"), now).expect("its own");
    limiter.decide(&caller("b"), now).expect("its own");
    assert!(limiter.decide(&caller("a"), now).is_err());
}

#[tokio::test(start_paused = true)]
async fn when_the_book_is_full_newcomers_share_one_quota_and_the_known_keep_theirs() {
    let (limiter, now) = (limiter(quota(), 2), Instant::now());
    limiter.decide(&caller("a"), now).expect("known");
    limiter.decide(&caller("b"), now).expect("known");
    let passed = (0..100).filter(|n| limiter.decide(&caller(n), now).is_ok()).count();
    assert_eq!(passed, 4, "one burst for all newcomers");
    assert_eq!(limiter.snapshot().keys, 2);
    assert_eq!(limiter.decide(&caller("a"), now).expect("known").remaining, 2);
}

#[tokio::test(start_paused = true)]
async fn keys_that_are_idle_make_room() {
    let (limiter, now) = (limiter(quota(), 2), Instant::now());
    limiter.decide(&caller("a"), now).expect("known");
    limiter.decide(&caller("b"), now).expect("known");
    let later = now + SECOND * 2; // both have their whole burst again
    let newcomer = limiter.decide(&caller("c"), later).expect("there is room");
    assert_eq!((newcomer.remaining, limiter.snapshot().keys), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn numbers_without_sense_are_brought_into_their_range() {
    let odd = Quota { limit: 0, per: Duration::ZERO, burst: 0 };
    let limiter = limiter(odd, 0);
    assert!(limiter.decide(&caller("a"), Instant::now()).is_ok());
    assert!(limiter.decide(&caller("a"), Instant::now()).is_err());
    let vast = Quota { limit: u32::MAX, per: Duration::MAX, burst: u32::MAX };
    assert!(
        RateLimiter::new("vast", Config { quota: vast, max_keys: 1 })
            .decide(&caller("a"), Instant::now())
            .is_ok()
    );
}

#[test]
fn headers_say_what_is_left_in_whole_seconds_rounded_up() {
    let mut headers = HeaderMap::new();
    Remaining { limit: 4, remaining: 3, reset: SECOND / 2 }.write(&mut headers);
    assert_eq!([&headers[LIMIT], &headers[REMAINING], &headers[RESET]], ["4", "3", "1"]);
    Refused { limit: 4, retry_after: SECOND * 3 / 2, reset: SECOND * 2 }.write(&mut headers);
    assert_eq!([&headers[REMAINING], &headers[RESET], &headers[RETRY_AFTER]], ["0", "2", "2"]);
}

#[tokio::test(start_paused = true)]
async fn the_layer_charges_whom_it_is_told_to_and_refuses_before_the_handler() {
    let (mock, mut handler) = endpoint();
    let limiter = limiter(Quota { burst: 1, ..quota() }, 10);
    let layer = RateLimitLayer::new(limiter, |head| {
        head.headers.get("caller").map(|name| caller(name.to_str().expect("text")))
    });
    let call = |name: Option<&'static str>| {
        let mut request = Request::new(());
        request
            .headers_mut()
            .extend(name.map(|name| (HeaderName::from_static("caller"), name.parse().unwrap())));
        tokio::spawn(layer.layer(mock.clone()).oneshot(request))
    };
    let admitted = call(Some("a"));
    handler.next_request().await.expect("sent").1.send_response(answer("0"));
    let head = admitted.await.expect("no panic").expect("a head");
    assert_eq!(
        (&head.headers()[REMAINING], &head.headers()[POLICY]),
        (&"0".parse().unwrap(), &"2;w=1".parse().unwrap())
    );
    let error = call(Some("a")).await.expect("no panic").expect_err("too many");
    assert_eq!(error.downcast_ref::<Refused>().expect("refused").retry_after, SECOND / 2);
    for _ in 0..3 {
        let free = call(None);
        handler.next_request().await.expect("sent").1.send_response(answer("0"));
        assert!(!free.await.expect("no panic").expect("a head").headers().contains_key(LIMIT));
    }
}

proptest! {
    /// Any traffic of one key: within any window no more than a burst and what the window earns.
    #[test]
    fn within_any_window_a_key_makes_no_more_calls_than_a_burst_and_the_rate_allow(
        steps in proptest::collection::vec(0u64..2000, 1..200),
    ) {
        let (limiter, start) = (limiter(quota(), 10), Instant::now());
        let mut now = start;
        let mut admitted: Vec<Instant> = vec![];
        for ms in steps {
            now += Duration::from_millis(ms);
            match limiter.decide(&caller("a"), now) {
                Ok(_) => admitted.push(now),
                Err(refused) => {
                    prop_assert!(admitted.len() >= 4, "refused although there was some of the burst left");
                    prop_assert!(!refused.retry_after.is_zero() && refused.retry_after <= SECOND / 2);
                }
            }
        }
        for (index, from) in admitted.iter().enumerate() {
            for (calls, to) in admitted[index..].iter().enumerate() {
                prop_assert!((calls + 1) as f64 <= 4.0 + 2.0 * (*to - *from).as_secs_f64() + 1e-6);
            }
        }
    }

    #[test]
    fn the_book_never_holds_more_keys_than_it_may(
        max_keys in 1usize..50, calls in proptest::collection::vec((0u32..500, 0u64..500), 1..300),
    ) {
        let (limiter, mut now) = (limiter(quota(), max_keys), Instant::now());
        for (name, ms) in calls {
            now += Duration::from_millis(ms);
            let _ = limiter.decide(&caller(name), now);
            prop_assert!(limiter.snapshot().keys <= max_keys);
        }
    }
}
