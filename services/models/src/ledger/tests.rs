//! What is settled, however a call ends: through the gateway, with a provider on loopback.

use bsm_runtime::degraded::Degraded;
use bsm_runtime::folder::Folder;
use futures_util::StreamExt;
use tempfile::TempDir;

use super::*;
use crate::answer::Usage;
use crate::ask::Ask;
use crate::catalog::Price;
use crate::gateway::Gateway;
use crate::price::Tokens;
use crate::testing::{Script, Scripted, Then, ask, caller, deltas, process, settings};
use crate::usage::{By, Filter, Line, Query, Sums};

mod bounds;

const PRICE: Price = Price { input: 1.0, output: 2.0, cached: 0.5, as_of: None };

const NOW: i64 = 1_800_000_000_000;

const OFFLINE: Offer<'static> = Offer { provider: "offline", model: "offline", unsaid: None };
const GPT_4O: Offer<'static> = Offer { provider: "openai", model: "gpt-4o", unsaid: None };

/// 40 bytes: 10 tokens.
const QUESTION: &str = "0123456789012345678901234567890123456789";

/// A gateway whose usage is kept in a folder.
struct Kept {
    gateway: Gateway,
    _dir: TempDir,
}

impl Kept {
    async fn at(provider: &Scripted) -> Kept {
        Kept::with(provider, &["key 1000000 tokens/day", "key 5 usd/day"]).await
    }

    async fn with(provider: &Scripted, rules: &[&str]) -> Kept {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(Folder::open(dir.path()).unwrap(), 90, Degraded::default()).unwrap();
        let mut prices = Prices::default();
        prices.set("openai", "gpt-4o", PRICE);
        prices.set_output("openai", "gpt-4o", 16_384);
        let rules: Vec<Rule> = rules.iter().map(|line| line.parse().unwrap()).collect();
        let ledger = Ledger::keeping(&rules, prices, store, || NOW).unwrap();
        let gateway = Gateway::of(&process(settings(&provider.url, &["sk-first"]))).unwrap();
        Kept { gateway: gateway.with_ledger(ledger), _dir: dir }
    }

    fn question(&self) -> Ask {
        Ask { max_tokens: Some(100), ..ask(QUESTION) }
    }

    /// Everything that was kept; nothing is held any more.
    async fn settled(&self) -> Vec<Line> {
        let ledger = self.gateway.ledger();
        assert!(ledger.tallies().0.iter().all(|tally| tally.held == 0), "{:?}", ledger.tallies());
        let query = Query { by: vec![By::Provider, By::Model], filter: Filter::default(), limit: 9 };
        let listed = ledger.usage().unwrap().list(query).await.unwrap();
        let tokens = ledger
            .tallies()
            .0
            .iter()
            .find(|tally| tally.measure == crate::budget::Measure::Tokens)
            .map(|t| t.used);
        assert_eq!(tokens.unwrap_or(0), listed.total.tokens.total(), "the books say what is kept");
        listed.lines
    }
}

fn sums(lines: &[Line]) -> Sums {
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines[0].sums
}

const fn tokens(input: u64, output: u64) -> Tokens {
    Tokens { input, output, cached: 0, reasoning: 0 }
}

#[tokio::test]
async fn an_answer_settles_by_what_the_provider_counted() {
    let provider = Scripted::start([Script::says("Hello!")]).await;
    let kept = Kept::at(&provider).await;
    let call = caller().with_agent("a").with_job("j");
    kept.gateway.complete(&kept.question(), call).await.unwrap();
    let lines = kept.settled().await;
    let expected =
        Sums { requests: 1, tokens: tokens(3, 2), nanos: 3 * 1_000 + 2 * 2_000, ..Sums::default() };
    assert_eq!(sums(&lines), expected);
    assert_eq!(
        (lines[0].key.provider.as_str(), lines[0].key.model.as_str()),
        ("openai", "gpt-4o-2024-08-06")
    );
}

#[tokio::test]
async fn a_stream_settles_with_its_last_piece() {
    let provider = Scripted::start([Script::streams(&["Hel", "lo"])]).await;
    let kept = Kept::at(&provider).await;
    let pieces = kept.gateway.stream(&kept.question(), caller()).await.unwrap().answer;
    let held = kept.gateway.ledger().tallies().0.iter().map(|tally| tally.held).max();
    assert_eq!(held, Some(10 * 1_000 + 100 * 2_000), "at its price, until it is over");
    pieces.collect::<Vec<_>>().await;
    assert_eq!(sums(&kept.settled().await).tokens, tokens(3, 2));
}

#[tokio::test]
async fn a_stream_that_ends_early_settles_by_what_was_delivered() {
    for then in [Then::Hang, Then::Reset] {
        let provider = Scripted::start([Script::Stream(deltas(&["01234567"]), then)]).await;
        let kept = Kept::at(&provider).await;
        let mut pieces = kept.gateway.stream(&kept.question(), caller()).await.unwrap().answer;
        assert!(pieces.next().await.unwrap().is_ok());
        if matches!(then, Then::Reset) {
            assert!(pieces.next().await.unwrap().is_err());
        }
        drop(pieces);
        let expected = Sums {
            requests: 1,
            failed: 1,
            estimated: 1,
            tokens: tokens(10, 2),
            nanos: 14_000,
            ..Sums::default()
        };
        assert_eq!(sums(&kept.settled().await), expected, "{then:?}");
    }
}

#[tokio::test]
async fn a_call_whose_caller_leaves_settles_by_its_estimate() {
    let provider = Scripted::start([Script::Hang]).await;
    let kept = Kept::at(&provider).await;
    let question = kept.question();
    tokio::select! {
        _ = kept.gateway.complete(&question, caller()) => panic!("it hangs"),
        () = provider.asked() => {}
    }
    let lines = kept.settled().await;
    let expected = Sums {
        requests: 1,
        failed: 1,
        estimated: 1,
        tokens: tokens(10, 100),
        nanos: 210_000,
        ..Sums::default()
    };
    assert_eq!(sums(&lines), expected);
    assert_eq!(lines[0].key.model, "gpt-4o", "the model that it was asked for");
}

#[tokio::test]
async fn a_refused_call_took_nothing_and_one_that_may_have_been_worked_on_its_estimate() {
    for (script, estimated, took) in [
        (Script::fails(429, ""), 0, tokens(0, 0)),
        (Script::fails(400, ""), 0, tokens(0, 0)),
        (Script::raw(200, "text/html", "<html>"), 1, tokens(10, 100)),
    ] {
        let provider = Scripted::start([script]).await;
        let kept = Kept::at(&provider).await;
        kept.gateway.complete(&kept.question(), caller()).await.unwrap_err();
        let sums = sums(&kept.settled().await);
        assert_eq!((sums.requests, sums.failed, sums.estimated, sums.tokens), (1, 1, estimated, took));
    }
}

#[tokio::test]
async fn a_question_that_nobody_can_be_asked_counts_nowhere() {
    let provider = Scripted::start([Script::says("no")]).await;
    let kept = Kept::at(&provider).await;
    let unknown = Ask { model: Some("gpt-9".to_owned()), ..kept.question() };
    kept.gateway.complete(&unknown, caller()).await.unwrap_err();
    assert_eq!(kept.settled().await, []);
}

#[tokio::test]
async fn where_the_provider_does_not_count_the_answer_is_measured() {
    let choice =
        serde_json::json!({"index": 0, "message": {"content": "0123456789"}, "finish_reason": "stop"});
    let provider =
        Scripted::start([Script::json(200, &serde_json::json!({"model": "x", "choices": [choice]}))]).await;
    let kept = Kept::at(&provider).await;
    kept.gateway.complete(&kept.question(), caller()).await.unwrap();
    let lines = kept.settled().await;
    let expected =
        Sums { requests: 1, estimated: 1, tokens: tokens(10, 3), nanos: 16_000, ..Sums::default() };
    assert_eq!(sums(&lines), expected);
    assert_eq!(lines[0].key.model, "gpt-4o", "the name that has a price");
}

#[tokio::test]
async fn what_the_built_in_reviewer_does_is_counted_and_costs_nothing() {
    let provider = Scripted::start([Script::says("no")]).await;
    let kept = Kept::at(&provider).await;
    let offline = Ask { model: Some("offline".to_owned()), ..ask("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n") };
    kept.gateway.complete(&offline, caller()).await.unwrap();
    assert_eq!(sums(&kept.settled().await), Sums { requests: 1, ..Sums::default() });
}

#[tokio::test]
async fn what_passes_in_the_form_of_another_api_is_settled_alike() {
    let scripts =
        [Script::says("ok"), Script::streams(&["o", "k"]), Script::Stream(deltas(&["1234"]), Then::Hang)];
    let provider = Scripted::start(scripts).await;
    let kept = Kept::at(&provider).await;
    let question = |stream: bool| {
        let document = serde_json::json!({
            "model": "openai/gpt-4o", "max_tokens": 100, "stream": stream,
            "messages": [{"role": "user", "content": QUESTION}],
        });
        let asked = crate::face::Face::OpenAiChat.read(document.to_string().into(), &[]).unwrap();
        let crate::face::Asked::Words(question) = asked else { panic!() };
        question
    };
    kept.gateway.relay(&question(false), caller()).await.unwrap();
    for parts in [usize::MAX, 1] {
        let answered = kept.gateway.relay(&question(true), caller()).await.unwrap();
        let crate::provider::Passed::SameStream(stream) = answered.answer else { panic!() };
        let parts: Vec<_> = stream.take(parts).collect().await;
        assert!(parts.iter().all(Result::is_ok));
    }
    let total = kept.settled().await.iter().fold(Sums::default(), |mut total, line| {
        total.requests += line.sums.requests;
        total.estimated += line.sums.estimated;
        total.tokens.input += line.sums.tokens.input;
        total.tokens.output += line.sums.tokens.output;
        total
    });
    assert_eq!((total.requests, total.estimated), (3, 1), "the caller who left is charged by what he got");
    assert_eq!((total.tokens.input, total.tokens.output), (3 + 3 + 10, 2 + 2 + 1));
}

#[test]
fn other_budgets_of_an_edited_file_count_what_was_used_before() {
    let ledger = Ledger::in_memory(&["key 3 requests/day".parse().unwrap()], Prices::default());
    let call = || ledger.reserve(&caller(), of_ask(&ask("hi")), &[OFFLINE]);
    let mut held = call().unwrap();
    held.asks("offline", "offline");
    held.answered("offline", Usage::default());
    let mut catalog = Catalog::built_in();
    catalog.budgets = vec!["key 1 requests/day".parse().unwrap()];
    ledger.follow(&catalog);
    assert_eq!(call().unwrap_err().limit, 1, "and one is used");
    catalog.budgets.clear();
    ledger.follow(&catalog);
    assert!(call().is_ok());
    assert_eq!(ledger.prices().of("openai", "gpt-4o").map(|price| price.input), Some(2.5));
}
