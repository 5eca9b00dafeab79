//! Real sockets on loopback, so real time; the times that pass are those of the settings, and short.

use std::time::Duration;

use bsm_runtime::settings::{OfflineUse, Settings};
use futures_util::{StreamExt, TryStreamExt};

use super::*;
use crate::answer::{Piece, Usage};
use crate::ask::Format;
use crate::testing::{Script, Scripted, Then, ask, caller, deltas, process, settings};

mod guards;
mod keys;
mod leaving;
mod limits;
mod providers;
mod slow;
mod traps;

const DIFF: &str = "diff --git a/src/a.rs b/src/a.rs\n--- a/src/a.rs\n+++ b/src/a.rs\n@@ -1 +1,2 @@\n fn a() {}\n+fn b() {}\n";

fn gateway(settings: Settings) -> Gateway {
    Gateway::of(&process(settings)).unwrap()
}

fn at(provider: &Scripted) -> Gateway {
    gateway(settings(&provider.url, &["sk-first"]))
}

/// The failed attempts of a whole answer that did not come.
async fn failure(gateway: &Gateway) -> Attempts {
    match gateway.complete(&ask("hi"), caller()).await {
        Err(Error::Failed(attempts)) => attempts,
        other => panic!("expected a failure, not {other:?}"),
    }
}

#[tokio::test]
async fn an_answer_comes_with_its_provider_model_and_usage() {
    let provider = Scripted::start([Script::says("Hello!")]).await;
    let ask = Ask { idempotency_key: Some("job-7".to_owned()), ..ask("hi") };
    let answered = at(&provider).complete(&ask, caller()).await.unwrap();
    assert_eq!((&*answered.provider, answered.answer.output.as_str()), ("openai", "Hello!"));
    assert_eq!(answered.answer.finish.model, "gpt-4o-2024-08-06");
    assert_eq!(answered.answer.finish.usage, Usage { input_tokens: 3, output_tokens: 2, ..Usage::default() });
    let seen = provider.seen();
    assert_eq!(seen[0].body["messages"][0]["content"], "hi");
    assert_eq!(seen[0].idempotency_key.as_deref(), Some("job-7"));
}

#[tokio::test]
async fn a_stream_comes_piece_by_piece_with_usage_at_the_end() {
    let provider = Scripted::start([Script::streams(&["Hel", "lo سلام"])]).await;
    let answered = at(&provider).stream(&ask("hi"), caller()).await.unwrap();
    let pieces: Vec<Piece> = answered.answer.try_collect().await.unwrap();
    assert_eq!(pieces[..2], [Piece::Delta("Hel".to_owned()), Piece::Delta("lo سلام".to_owned())]);
    let Piece::Done(finish) = &pieces[2] else { panic!("{pieces:?}") };
    assert_eq!(
        (finish.reason.as_str(), finish.usage),
        ("stop", Usage { input_tokens: 3, output_tokens: 2, ..Usage::default() })
    );
    assert_eq!(pieces.len(), 3);
}

#[tokio::test]
async fn a_server_that_knows_no_streams_is_taken_at_its_whole_word() {
    let provider = Scripted::start([Script::says("all at once")]).await;
    let answered = at(&provider).stream(&ask("hi"), caller()).await.unwrap();
    let pieces: Vec<Piece> = answered.answer.try_collect().await.unwrap();
    assert_eq!((pieces.len(), &pieces[0]), (2, &Piece::Delta("all at once".to_owned())));
}

#[tokio::test]
async fn a_bad_answer_is_its_kind_of_failure_whole_or_streamed() {
    let cases = [
        (Script::fails(500, "server_error"), Kind::Transient, "openai answered 500"),
        (Script::raw(529, "text/plain", "busy"), Kind::Transient, "openai answered 529"),
        (Script::raw(200, "text/html", "<html>login</html>"), Kind::Malformed, "an HTML page instead of"),
        (
            Script::raw(200, "application/json", r#"{"choices": [{"#),
            Kind::Malformed,
            "JSON that is cut short",
        ),
        (Script::raw(200, "application/json", r#"{"choices": []}"#), Kind::Malformed, "without any choice"),
        (Script::raw(200, "application/json", ""), Kind::Malformed, "an empty body instead of JSON"),
        (Script::raw(302, "text/plain", "").with("location", "http://127.0.0.1:1/"), Kind::Malformed, "302"),
        (Script::fails(404, "model_not_found"), Kind::ModelGone, "openai answered 404: as scripted"),
        (Script::fails(400, "context_length_exceeded"), Kind::ContextTooLong, "openai answered 400"),
    ];
    for (script, kind, sentence) in cases {
        let provider = Scripted::start([script.clone()]).await;
        let whole = failure(&at(&provider)).await;
        assert_eq!(whole.kind(), kind, "{script:?}");
        assert!(whole.last().failure.message.contains(sentence), "{script:?}: {whole:?}");
        match at(&provider).stream(&ask("hi"), caller()).await {
            Err(Error::Failed(attempts)) => assert_eq!(attempts.kind(), kind, "{script:?}"),
            other => panic!("{script:?}: {:?}", other.map(|answered| answered.provider)),
        }
    }
}

#[tokio::test]
async fn a_connection_that_breaks_is_transient_before_and_amid_the_answer() {
    let nobody = gateway(settings("http://127.0.0.1:1/v1", &["sk-first"]));
    let refused = failure(&nobody).await;
    assert_eq!(refused.kind(), Kind::Transient);
    assert_eq!(
        refused.last().failure.message,
        "openai could not be reached: connection refused (3 attempts)"
    );

    let provider = Scripted::start([Script::Stream(deltas(&["Hel"]), Then::Reset)]).await;
    let mut answered = at(&provider).stream(&ask("hi"), caller()).await.unwrap();
    assert_eq!(answered.answer.next().await, Some(Ok(Piece::Delta("Hel".to_owned()))));
    let broken = answered.answer.next().await.unwrap().unwrap_err();
    assert_eq!(broken.kind, Kind::Transient, "{broken}");
    assert!(answered.answer.next().await.is_none(), "nothing follows a failure");
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let provider =
        Scripted::start([Script::raw(200, "application/json", "x".repeat(17 * 1024 * 1024))]).await;
    let attempts = failure(&at(&provider)).await;
    assert_eq!(attempts.kind(), Kind::Malformed);
    assert!(attempts.last().failure.message.contains("more than 16777216 bytes"), "{attempts:?}");
}

#[tokio::test]
async fn what_the_caller_did_wrong_never_opens_the_breaker() {
    let provider = Scripted::start([Script::fails(400, "")]).await;
    let gateway = at(&provider);
    for _ in 0..8 {
        assert_eq!(failure(&gateway).await.kind(), Kind::Rejected);
    }
    assert_eq!(provider.seen().len(), 8);
}

#[tokio::test]
async fn a_broken_stream_feeds_the_breaker_too() {
    let provider = Scripted::start([Script::Stream(deltas(&["a"]), Then::Reset)]).await;
    let gateway = at(&provider);
    for _ in 0..5 {
        let answered = gateway.stream(&ask("hi"), caller()).await.unwrap();
        answered.answer.collect::<Vec<_>>().await;
    }
    assert_eq!(failure(&gateway).await.kind(), Kind::CircuitOpen);
}

#[tokio::test]
async fn the_next_candidate_answers_and_says_who_did_not() {
    let provider = Scripted::start([Script::fails(500, "")]).await;
    let mut settings = settings(&provider.url, &["sk-first"]);
    settings.models.offline = OfflineUse::Always;
    let gateway = gateway(settings);
    let answered = gateway.complete(&ask(DIFF), caller()).await.unwrap();
    assert_eq!((&*answered.provider, answered.answer.finish.model.as_str()), ("offline", "offline"));
    let tried: Vec<_> = answered.attempts.iter().map(|a| (&*a.provider, a.failure.reason())).collect();
    assert_eq!(tried, [("openai", "UPSTREAM_ERROR")]);
    let streamed = gateway.stream(&ask(DIFF), caller()).await.unwrap();
    assert_eq!((&*streamed.provider, streamed.attempts.len()), ("offline", 1));
}

#[tokio::test]
async fn a_request_that_is_wrong_everywhere_is_asked_once() {
    let provider = Scripted::start([Script::fails(400, "")]).await;
    let mut settings = settings(&provider.url, &["sk-first"]);
    settings.models.offline = OfflineUse::Always;
    assert_eq!(failure(&gateway(settings)).await.iter().count(), 1);
}

#[tokio::test]
async fn after_the_first_piece_nobody_takes_over() {
    let provider = Scripted::start([Script::Stream(deltas(&["half"]), Then::Reset)]).await;
    let mut settings = settings(&provider.url, &["sk-first"]);
    settings.models.offline = OfflineUse::Always;
    let answered = gateway(settings).stream(&ask(DIFF), caller()).await.unwrap();
    assert_eq!(&*answered.provider, "openai");
    let pieces: Vec<_> = answered.answer.collect().await;
    assert!(matches!(pieces[..], [Ok(Piece::Delta(_)), Err(_)]), "{pieces:?}");
}

#[tokio::test]
async fn without_a_key_the_built_in_reviewer_answers_in_text_or_json() {
    let gateway = gateway(settings("http://127.0.0.1:1/v1", &[]));
    let text = gateway.complete(&ask(DIFF), caller()).await.unwrap();
    assert_eq!(&*text.provider, "offline");
    let in_json = |text| Ask { format: Format::Json, ..ask(text) };
    let json = gateway.complete(&in_json(DIFF), caller()).await.unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(&json.answer.output).unwrap().is_object());
    let streamed = gateway.stream(&ask(DIFF), caller()).await.unwrap();
    let pieces: Vec<Piece> = streamed.answer.try_collect().await.unwrap();
    let delta = |piece: &Piece| match piece {
        Piece::Delta(text) => text.clone(),
        _ => String::new(),
    };
    assert_eq!(pieces.iter().map(delta).collect::<String>(), text.answer.output);

    let no_diff = gateway.complete(&in_json("hi"), caller()).await;
    assert!(matches!(no_diff, Err(Error::Failed(attempts)) if attempts.kind() == Kind::Rejected));
}

#[tokio::test]
async fn safe_mode_asks_nobody_outside() {
    let provider = Scripted::start([Script::says("no")]).await;
    let gateway = gateway(Settings { safe_mode: true, ..settings(&provider.url, &["sk-first"]) });
    assert_eq!(&*gateway.complete(&ask(DIFF), caller()).await.unwrap().provider, "offline");
    let named = gateway.complete(&Ask { model: Some("openai".to_owned()), ..ask(DIFF) }, caller()).await;
    assert_eq!(named.unwrap_err(), Error::SafeMode { provider: "openai".into() });
    assert!(provider.seen().is_empty());
}

#[tokio::test]
async fn the_models_on_offer_are_those_that_can_be_asked() {
    let ids = |gateway: &Gateway| gateway.models().into_iter().map(|model| model.id).collect::<Vec<_>>();
    assert_eq!(ids(&gateway(settings("http://127.0.0.1:1/v1", &[]))), ["auto", "offline"]);
    let with_key = gateway(settings("http://127.0.0.1:1/v1", &["sk-first"]));
    let families = ["auto", "offline", "default", "gpt-4", "gpt-4o"];
    assert_eq!(ids(&with_key)[..5], families, "families that nobody could answer for are left out");
    assert_eq!(
        ids(&with_key)[5..7],
        ["openai/gpt-4o", "openai/gpt-4o-mini"],
        "the provider's own model first"
    );
    assert!(!ids(&with_key).iter().any(|id| id.starts_with("anthropic/")));
}

#[tokio::test]
async fn whatever_may_be_asked_for_is_a_model_and_nothing_else_is() {
    let gateway = gateway(settings("http://127.0.0.1:1", &["sk-one"]));
    for listed in gateway.models() {
        assert_eq!(gateway.model(&listed.id).as_ref(), Ok(&listed));
    }
    for (name, provider) in
        [("openai", "openai"), ("gpt-4o-mini", "openai"), ("openai/any", "openai"), ("default", "")]
    {
        let found = gateway.model(name).unwrap();
        assert_eq!((found.id.as_str(), &*found.provider), (name, provider));
    }
    assert!(matches!(gateway.model("gpt-9000"), Err(Error::UnknownModel { .. })));
    assert!(
        matches!(gateway.model("claude-opus"), Err(Error::MissingKey { .. })),
        "as its question would be"
    );
    assert!(matches!(gateway.model(&"x".repeat(129)), Err(Error::Invalid(_))));
}
