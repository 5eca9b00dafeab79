//! The guards of the stack toward a provider, and the flags that switch them.

use bsm_runtime::flags::{Flag, Percent};
use bsm_stack::breaker::State;
use http::{HeaderMap, HeaderValue};

use super::*;
use crate::ask::Complexity;
use crate::catalog::price::Tokens;

/// Settings with these flags switched off.
fn without(provider: &Scripted, off: &[Flag]) -> Settings {
    let mut settings = settings(&provider.url, &["sk-first"]);
    off.iter().for_each(|flag| settings.flags[*flag as usize] = Percent::NONE);
    settings
}

#[tokio::test]
async fn the_breaker_opens_after_5_failures_and_then_nobody_is_asked() {
    let provider = Scripted::start([Script::fails(500, "")]).await;
    let gateway = gateway(without(&provider, &[Flag::Retry]));
    for _ in 0..5 {
        assert_eq!(failure(&gateway).await.kind(), Kind::Transient);
    }
    let refused = failure(&gateway).await;
    assert_eq!(refused.kind(), Kind::CircuitOpen);
    assert!(refused.retry_after().is_some_and(|wait| wait <= Duration::from_secs(33)));
    assert_eq!(provider.seen().len(), 5);
    let line = gateway.providers().remove(0);
    assert_eq!((&*line.name, line.breaker), ("openai", "OPEN"));
    assert!(line.obstacle.unwrap().starts_with("its circuit is open"));
}

/// A question of which nothing matters but its model.
fn named(model: &str) -> Question<'_> {
    let tokens = Tokens::default();
    let complexity = Complexity::Medium;
    Question { model: Some(model), task: "chat_response", complexity, search: false, tokens }
}

/// The kind of failure of a question to this model of the provider; `None` if it was answered.
async fn failure_of(gateway: &Gateway, model: &str) -> Option<Kind> {
    let question = Ask { model: Some(format!("openai/{model}")), ..ask("hi") };
    match gateway.complete(&question, caller()).await {
        Ok(_) => None,
        Err(Error::Failed(attempts)) => Some(attempts.kind()),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_model_family_that_fails_does_not_stop_the_others_of_its_provider() {
    let fails = (0..5).map(|_| Script::fails(500, ""));
    let provider = Scripted::start(fails.chain([Script::says("ok")])).await;
    let process = process(without(&provider, &[Flag::Retry]));
    let gateway = Gateway::of(&process).unwrap();
    for _ in 0..5 {
        assert_eq!(failure_of(&gateway, "gpt-4o-mini").await, Some(Kind::Transient));
    }
    assert_eq!(failure_of(&gateway, "gpt-4o-mini-2024-07-18").await, Some(Kind::CircuitOpen), "one family");
    assert_eq!(failure_of(&gateway, "gpt-4o-2024-08-06").await, None, "another");
    assert_eq!(provider.seen().len(), 6);

    let standing = |model: &str| gateway.candidates(&named(model)).unwrap().remove(0).reason();
    assert!(standing("openai/gpt-4o-mini").starts_with("its circuit is open"));
    assert_eq!(standing("openai"), "asked for by name");
    assert_eq!((gateway.providers()[0].breaker, &gateway.providers()[0].obstacle), ("CLOSED", &None));
    standing("openai/o3"); // to look is not to ask
    let states = process.guards.breakers().into_iter().map(|b| (b.name.to_string(), b.state));
    let expected = [("openai/gpt-4o", State::Closed), ("openai/gpt-4o-mini", State::Open)];
    assert!(states.eq(expected.map(|(name, state)| (name.to_owned(), state))));
    assert_eq!(process.guards.retry_budgets().len(), 1);
}

#[tokio::test]
async fn a_connection_that_fails_counts_for_the_family_that_met_it() {
    let gateway = gateway(settings("http://127.0.0.1:1/v1", &["sk-first"]));
    while failure_of(&gateway, "o3").await != Some(Kind::CircuitOpen) {}
    assert_eq!(gateway.providers()[0].breaker, "CLOSED");
    assert_eq!(failure_of(&gateway, "gpt-4o").await, Some(Kind::Transient), "it has to find out by itself");
}

#[tokio::test]
async fn without_the_flag_a_failing_provider_is_still_asked() {
    let provider = Scripted::start([Script::fails(500, "")]).await;
    let gateway = gateway(without(&provider, &[Flag::Retry, Flag::CircuitBreaker]));
    for _ in 0..12 {
        assert_eq!(failure(&gateway).await.kind(), Kind::Transient);
    }
    assert_eq!((provider.seen().len(), gateway.providers()[0].breaker), (12, "CLOSED"));
}

#[tokio::test]
async fn without_the_flag_more_calls_are_sent_than_fit() {
    let provider = Scripted::start([Script::Hang]).await;
    let gateway = gateway(without(&provider, &[Flag::Bulkhead]));
    let question = ask("hi");
    let mut calls: futures_util::stream::FuturesUnordered<_> =
        (0..25).map(|_| gateway.complete(&question, caller())).collect();
    let all = async {
        while provider.seen().len() < 25 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = calls.next() => panic!("none is refused, and none answered"),
        () = all => {}
    }
}

#[tokio::test]
async fn a_moment_of_trouble_is_got_over_within_one_attempt_unless_somebody_above_retries() {
    let trouble = || [Script::fails(503, ""), Script::raw(529, "text/plain", "busy"), Script::says("ok")];
    let provider = Scripted::start(trouble()).await;
    let process = process(settings(&provider.url, &["sk-first"]));
    let answered = Gateway::of(&process).unwrap().complete(&ask("hi"), caller()).await.unwrap();
    assert_eq!((answered.answer.output.as_str(), answered.attempts.len()), ("ok", 0));
    let budget = process.guards.retry_budgets().remove(0);
    assert_eq!((&*budget.name, budget.asked, budget.sent), ("openai", 1, 2));

    let provider = Scripted::start(trouble()).await;
    let retried_above: HeaderMap =
        [(bsm_stack::retry::RETRIES, HeaderValue::from_static("0"))].into_iter().collect();
    let call = at(&provider).complete(&ask("hi"), Call::from_headers(&retried_above)).await;
    let Err(Error::Failed(attempts)) = call else { panic!("{call:?}") };
    assert_eq!(attempts.last().failure.message, "openai answered 503");
    assert_eq!(provider.seen().len(), 1);
}

#[tokio::test]
async fn a_failure_tells_how_many_attempts_it_took_even_if_they_opened_the_circuit() {
    let provider = Scripted::start([Script::fails(503, "")]).await;
    let gateway = at(&provider);
    let sentence = |attempts: Attempts| attempts.last().failure.message.clone();
    assert_eq!(sentence(failure(&gateway).await), "openai answered 503 (3 attempts)");
    let opened = failure(&gateway).await; // its second attempt is the fifth failure in a row
    assert_eq!(
        (opened.kind(), sentence(opened)),
        (Kind::Transient, "openai answered 503 (2 attempts)".into())
    );
    assert_eq!((failure(&gateway).await.kind(), provider.seen().len()), (Kind::CircuitOpen, 5));
}

#[tokio::test]
async fn an_attempt_that_may_have_been_paid_for_is_not_made_twice() {
    let provider = Scripted::start([Script::Hang]).await;
    let mut settings = settings(&provider.url, &["sk-first"]);
    settings.models.timeout = Some(Duration::from_millis(50));
    assert_eq!(failure(&gateway(settings)).await.kind(), Kind::Timeout);
    assert_eq!(provider.seen().len(), 1);
}

#[tokio::test]
async fn with_another_key_a_throttled_call_does_not_wait() {
    let throttled = Script::fails(429, "rate_limit_exceeded").with("retry-after", "1");
    let provider = Scripted::start([throttled.clone(), Script::says("ok")]).await;
    let began = Instant::now();
    let gateway = gateway(settings(&provider.url, &["sk-first", "sk-second"]));
    gateway.complete(&ask("hi"), caller()).await.unwrap();
    assert_eq!(provider.keys(), ["sk-first", "sk-second"]);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());

    let provider = Scripted::start([throttled, Script::says("ok")]).await;
    let answered = at(&provider).complete(&ask("hi"), caller()).await.unwrap();
    assert_eq!(answered.attempts.len(), 0, "with one key a short wait is made");
}

#[tokio::test]
async fn a_success_that_holds_no_answer_opens_the_breaker_and_a_good_one_does_not() {
    for script in [
        Script::raw(200, "text/html", "<html>login</html>"),
        Script::raw(200, "application/json", r#"{"choices": [{"#),
        Script::raw(200, "application/json", ""),
        Script::Stream(Vec::new(), Then::Close),
    ] {
        let provider = Scripted::start([script.clone()]).await;
        let gateway = at(&provider);
        for _ in 0..5 {
            assert!(gateway.stream(&ask("hi"), caller()).await.is_err(), "{script:?}");
        }
        assert_eq!(failure(&gateway).await.kind(), Kind::CircuitOpen, "{script:?}");
    }
    let provider = Scripted::start([Script::says("ok")]).await;
    let process = process(settings(&provider.url, &["sk-first"]));
    Gateway::of(&process).unwrap().complete(&ask("hi"), caller()).await.unwrap();
    assert_eq!(process.guards.breakers()[0].successes, 1);
}

#[tokio::test]
async fn once_a_hanging_provider_is_left_alone_nobody_waits_for_it() {
    let provider = Scripted::start([Script::Hang]).await;
    let mut settings = settings(&provider.url, &["sk-first"]);
    settings.models.timeout = Some(Duration::from_millis(50));
    let gateway = gateway(settings);
    futures_util::future::join_all((0..5).map(|_| failure(&gateway))).await;
    let mut waits = Vec::new();
    for _ in 0..200 {
        let began = std::time::Instant::now();
        assert_eq!(failure(&gateway).await.kind(), Kind::CircuitOpen);
        waits.push(began.elapsed());
    }
    waits.sort();
    let (p50, p99) = (waits[100], waits[198]);
    println!("a provider hangs, 200 refusals after opening, in process: p50 {p50:?}, p99 {p99:?}");
    assert!(p50 < Duration::from_millis(1), "half of them took longer than {p50:?}");
    assert_eq!(provider.seen().len(), 5);
}
