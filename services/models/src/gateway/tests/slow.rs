use super::*;

const WHOLE: Duration = Duration::from_millis(300);
/// Not for ever, even on a busy machine.
const SOON: Duration = Duration::from_secs(10);

/// A gateway whose attempts may take [`WHOLE`].
fn hasty(provider: &Scripted) -> Gateway {
    let mut settings = settings(&provider.url, &["sk-first"]);
    settings.models.timeout = Some(WHOLE);
    gateway(settings)
}

/// What a stream ends in, and how long it took.
async fn streamed(gateway: &Gateway) -> (Vec<Result<Piece, Failure>>, Duration) {
    let began = Instant::now();
    let answered = gateway.stream(&ask("hi"), caller()).await.unwrap();
    (answered.answer.collect().await, began.elapsed())
}

#[tokio::test]
async fn a_provider_that_says_nothing_times_out_and_opens_the_breaker() {
    let provider = Scripted::start([Script::Hang]).await;
    let gateway = hasty(&provider);
    let calls: Vec<_> = (0..5).map(|_| failure(&gateway)).collect();
    let began = Instant::now();
    for attempts in futures_util::future::join_all(calls).await {
        assert_eq!(attempts.kind(), Kind::Timeout);
        assert_eq!(attempts.last().failure.message, "openai did not begin its answer within 300ms");
    }
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    assert_eq!(failure(&gateway).await.kind(), Kind::CircuitOpen);
    assert!(provider.left().await >= 1, "a call that timed out is ended upstream");
}

#[tokio::test]
async fn a_stream_that_hangs_before_its_first_token_leaves_room_for_another_candidate() {
    let provider = Scripted::start([Script::Stream(Vec::new(), Then::Hang)]).await;
    let mut settings = settings(&provider.url, &["sk-first"]);
    settings.models.timeout = Some(WHOLE);
    settings.models.offline = OfflineUse::Always;
    let answered = gateway(settings).stream(&ask(DIFF), caller()).await.unwrap();
    assert_eq!((&*answered.provider, answered.attempts[0].failure.kind), ("offline", Kind::Timeout));
}

#[tokio::test]
async fn a_stream_that_does_not_begin_in_time_ends_long_before_the_whole_time() {
    for script in [Script::Hang, Script::Stream(Vec::new(), Then::Hang)] {
        let provider = Scripted::start([script]).await;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("models.yaml");
        let text = "providers: { openai: { timeouts: { first_token: 0.2, whole: 600 } } }";
        std::fs::write(&file, text).unwrap();
        let mut settings = settings(&provider.url, &["sk-first"]);
        settings.models.file = Some(file);
        let Err(Error::Failed(attempts)) = gateway(settings).stream(&ask("hi"), caller()).await else {
            panic!("nothing comes");
        };
        assert_eq!(attempts.kind(), Kind::Timeout);
        assert_eq!(provider.seen().len(), 1, "what timed out is not asked again");
    }
}

#[tokio::test]
async fn a_stream_that_falls_silent_ends_in_a_timeout() {
    let provider = Scripted::start([Script::Stream(deltas(&["a", "b"]), Then::Hang)]).await;
    let (pieces, took) = streamed(&hasty(&provider)).await;
    assert_eq!(pieces.len(), 3);
    let failure = pieces[2].clone().unwrap_err();
    assert_eq!(failure.kind, Kind::Timeout);
    assert_eq!(failure.message, "openai fell silent for 100ms amid its answer");
    assert!(took < SOON, "{took:?}");
    assert_eq!(provider.left().await, 1);
}

#[tokio::test]
async fn a_stream_that_trickles_ends_in_a_timeout() {
    let provider = Scripted::start([Script::Stream(deltas(&["a"]), Then::Trickle(WHOLE / 30))]).await;
    let (pieces, took) = streamed(&hasty(&provider)).await;
    assert_eq!(pieces.last().cloned().unwrap().unwrap_err().kind, Kind::Timeout);
    assert!(took < SOON, "{took:?}");
}

#[tokio::test]
async fn the_callers_own_deadline_says_nothing_about_the_provider() {
    let provider = Scripted::start([Script::Hang]).await;
    let gateway = at(&provider);
    let short = || caller().within(Duration::from_millis(20));
    let (first, second) = (ask("hi"), ask("hi"));
    for _ in 0..3 {
        let calls = [gateway.complete(&first, short()), gateway.complete(&second, short())];
        for call in futures_util::future::join_all(calls).await {
            assert!(matches!(call, Err(Error::Failed(attempts)) if attempts.kind() == Kind::CallerDeadline));
        }
    }
    assert_eq!(gateway.providers()[0].breaker, "CLOSED", "six calls in vain, none of them its fault");
}

#[tokio::test]
async fn nothing_is_begun_for_a_caller_whose_time_is_over() {
    let provider = Scripted::start([Script::says("late")]).await;
    let over = caller().within(Duration::ZERO);
    let call = at(&provider).complete(&ask("hi"), over).await;
    assert!(matches!(call, Err(Error::Failed(attempts)) if attempts.kind() == Kind::CallerDeadline));
    assert!(provider.seen().is_empty());
}

#[tokio::test]
async fn more_calls_than_fit_are_refused_at_once() {
    let provider = Scripted::start([Script::Hang]).await;
    let gateway = at(&provider);
    let question = ask("hi");
    let mut calls: futures_util::stream::FuturesUnordered<_> =
        (0..21).map(|_| gateway.complete(&question, caller())).collect();
    let first = calls.next().await.unwrap();
    let Err(Error::Failed(attempts)) = first else { panic!("{first:?}") };
    assert_eq!(attempts.kind(), Kind::BulkheadFull, "10 in flight, 10 waiting, and one too many");
    assert_eq!(gateway.providers()[0].breaker, "CLOSED");
}
