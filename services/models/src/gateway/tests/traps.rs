//! What providers do to their callers; the list of all known traps is in `services/stack/src/tests/traps.rs`.

use super::*;

/// How an attempt may end, whatever the provider does.
#[tokio::test]
async fn trap_13_a_provider_that_hangs_trickles_lies_or_breaks_off_costs_one_bounded_failure_of_its_kind() {
    let (hangs, trickles) = (Then::Hang, Then::Trickle(Duration::from_millis(20)));
    let streams = [
        ("hangs after k chunks", Script::Stream(deltas(&["a", "b"]), hangs), Kind::Timeout),
        ("sends a byte at a time", Script::Stream(deltas(&["a"]), trickles), Kind::Timeout),
        ("resets amid the answer", Script::Stream(deltas(&["a"]), Then::Reset), Kind::Transient),
    ];
    for (what, script, kind) in streams {
        let provider = Scripted::start([script]).await;
        let answered = hasty(&provider).stream(&ask("hi"), caller()).await.unwrap();
        let pieces: Vec<_> = bounded(what, answered.answer.collect()).await;
        let failure = pieces.last().cloned().unwrap().expect_err(what);
        assert_eq!(failure.kind, kind, "a provider that {what}");
    }

    let busy = Script::fails(429, "rate_limit_exceeded").with("retry-after", "999999");
    let cut = Script::raw(200, "application/json", r#"{"choices": [{"message": {"content": "he"#);
    let wholes = [
        ("answers Retry-After: 999999", busy, Kind::Throttled),
        ("sends HTML with 200", Script::raw(200, "text/html", "<html>login</html>"), Kind::Malformed),
        ("sends JSON that is cut short", cut, Kind::Malformed),
        ("says nothing at all", Script::Hang, Kind::Timeout),
    ];
    for (what, script, kind) in wholes {
        let provider = Scripted::start([script]).await;
        let attempts = bounded(what, failure(&hasty(&provider))).await;
        assert_eq!(attempts.kind(), kind, "a provider that {what}");
        assert_eq!(provider.seen().len(), 1, "a provider that {what} is not asked again at once");
    }
}

/// Attempts of this gateway may take a third of a second.
fn hasty(provider: &Scripted) -> Gateway {
    let mut settings = settings(&provider.url, &["sk-first"]);
    settings.models.timeout = Some(Duration::from_millis(300));
    gateway(settings)
}

async fn bounded<F: Future>(what: &str, future: F) -> F::Output {
    let end = tokio::time::timeout(Duration::from_secs(10), future).await;
    end.unwrap_or_else(|_| panic!("the caller of a provider that {what} waits for it"))
}
