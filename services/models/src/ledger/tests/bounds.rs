//! What keeps calls within budgets whose answers are as long as the model likes, or cost nobody knows what.

use bsm_runtime::status;
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};
use tonic::{Code, Status};

use super::*;
use crate::budget::Measure;
use crate::error::Error;
use crate::face::{Asked, Face, Question};

/// A question whose caller does not say how long its answer may be.
fn open() -> Ask {
    ask(QUESTION)
}

/// The same in OpenAI's form, with these fields more.
fn relayed(fields: Value) -> Question {
    let mut document = json!({"model": "openai/gpt-4o", "messages": [{"role": "user", "content": QUESTION}]});
    document.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let Asked::Words(question) = Face::OpenAiChat.read(Bytes::from(document.to_string()), &[]).unwrap()
    else {
        panic!("it is about words")
    };
    *question
}

#[tokio::test]
async fn a_call_left_open_is_sent_with_the_bound_that_its_budget_has_for_it() {
    let provider = Scripted::start([Script::says("ok")]).await;
    let kept = Kept::with(&provider, &["key 20010 tokens/day"]).await;
    kept.gateway.complete(&open(), caller()).await.unwrap();
    kept.gateway.relay(&relayed(json!({})), caller()).await.unwrap();
    kept.gateway.complete(&kept.question(), caller()).await.unwrap();
    let sent: Vec<Value> =
        provider.seen().into_iter().map(|seen| seen.body["max_completion_tokens"].clone()).collect();
    assert_eq!(sent, [json!(5_000), json!(4_998), json!(100)], "each call took 5 tokens");

    let plenty = Kept::at(&provider).await;
    plenty.gateway.complete(&open(), caller()).await.unwrap();
    plenty.gateway.relay(&relayed(json!({})), caller()).await.unwrap();
    assert!(provider.seen()[3..].iter().all(|seen| seen.body["max_completion_tokens"].is_null()));
}

#[tokio::test]
async fn a_call_for_several_answers_holds_all_of_them() {
    let provider = Scripted::start([Script::says("ok")]).await;
    let kept = Kept::with(&provider, &["key 1000 tokens/day"]).await;
    let several = |n: u32| relayed(json!({"n": n, "max_tokens": 100}));
    let refused = kept.gateway.relay(&several(10), caller()).await.err().unwrap();
    assert!(matches!(refused, Error::Budget(exhausted) if exhausted.wanted == 1_010));
    assert!(kept.gateway.relay(&several(9), caller()).await.is_ok());
}

#[tokio::test]
async fn a_dollar_budget_refuses_a_model_without_a_price() {
    let provider = Scripted::start([Script::says("ok")]).await;
    let kept = Kept::with(&provider, &["key k1 5 usd/day"]).await;
    let unpriced = Ask { model: Some("openai/gpt-new".to_owned()), ..open() };
    let bound = caller().with_caller("k1");
    let refused = kept.gateway.complete(&unpriced, bound.clone()).await.unwrap_err();
    let sentence = refused.to_string();
    for part in ["openai/gpt-new", "key k1 5 usd/day", "models: { openai/gpt-new: { price:"] {
        assert!(sentence.contains(part), "{sentence}");
    }
    let refused = Status::from(refused);
    assert_eq!(
        (refused.code(), status::reason(&refused).as_deref()),
        (Code::FailedPrecondition, Some("PRICE_UNKNOWN"))
    );
    assert!(provider.seen().is_empty(), "nobody was asked");
    assert!(kept.gateway.complete(&unpriced, caller()).await.is_ok(), "others have no budget in dollars");

    let mut prices = Prices::default();
    prices.set("openai", "gpt-new", Price { input: 0.0, output: 0.0, cached: 0.0, as_of: None });
    kept.gateway.ledger().set_prices(prices);
    assert!(kept.gateway.complete(&unpriced, bound).await.is_ok(), "what costs nothing has a price");
}

#[tokio::test]
async fn a_route_under_a_dollar_budget_passes_over_models_without_a_price() {
    let provider = Scripted::start([Script::says("ok")]).await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("models.yaml");
    std::fs::write(&file, "families: { pair: { models: [openai/gpt-new, openai/gpt-4o] } }\n").unwrap();
    let mut settings = settings(&provider.url, &["sk-first"]);
    settings.models.file = Some(file);
    settings.models.budgets = vec!["key k1 5 usd/day".to_owned()];
    let gateway = Gateway::of(&process(settings)).unwrap();
    let pair = Ask { model: Some("pair".to_owned()), ..open() };
    for call in [caller().with_caller("k1"), caller()] {
        gateway.complete(&pair, call).await.unwrap();
    }
    let models: Vec<Value> = provider.seen().into_iter().map(|seen| seen.body["model"].clone()).collect();
    assert_eq!(models, ["gpt-4o", "gpt-new"]);
}

#[tokio::test]
async fn the_built_in_reviewer_takes_no_tokens_and_no_money_of_any_budget() {
    let provider = Scripted::start([Script::says("no")]).await;
    let kept = Kept::with(&provider, &["key 0 tokens/day", "key 0 usd/day", "key 2 requests/day"]).await;
    let offline = Ask { model: Some("offline".to_owned()), ..ask("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n") };
    kept.gateway.complete(&offline, caller()).await.unwrap();
    let mut left = kept.gateway.stream(&offline, caller()).await.unwrap().answer;
    assert!(left.next().await.unwrap().is_ok());
    drop(left);
    let refused = kept.gateway.complete(&offline, caller()).await.unwrap_err();
    assert!(
        matches!(refused, Error::Budget(exhausted) if exhausted.measure == Measure::Requests),
        "calls count"
    );
    let took = sums(&kept.settled().await);
    assert_eq!((took.requests, took.estimated, took.tokens, took.nanos), (2, 0, tokens(0, 0), 0));
}

#[tokio::test]
async fn an_answer_that_passes_without_its_usage_is_measured_by_its_text() {
    let choice = |text: &str| json!({"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"});
    let document = json!({"model": "gpt-4o", "choices": [choice("0123456789"), choice("01")]});
    let provider = Scripted::start([Script::json(200, &document)]).await;
    let kept = Kept::at(&provider).await;
    kept.gateway.relay(&relayed(json!({"n": 2})), caller()).await.unwrap();
    let expected =
        Sums { requests: 1, estimated: 1, tokens: tokens(10, 3), nanos: 16_000, ..Sums::default() };
    assert_eq!(sums(&kept.settled().await), expected);
}

/// What a model that writes as much as it may took.
fn all_of(hold: &Hold) -> Usage {
    let output = hold.bounds()[0].unwrap_or(16_384);
    Usage { input_tokens: 10, output_tokens: output, ..Usage::default() }
}

proptest! {
    #[test]
    fn however_many_open_calls_run_at_once_no_budget_is_overshot_and_none_is_locked_up(
        tokens in 0..200_000_u64,
        cents in 0..100_u64,
        steps in proptest::collection::vec(any::<bool>(), 1..60),
    ) {
        let rules = [format!("key {tokens} tokens/day"), format!("job 0.{cents:02} usd/day")];
        let mut prices = Prices::default();
        prices.set("openai", "gpt-4o", PRICE);
        prices.set_output("openai", "gpt-4o", 16_384);
        let ledger = Ledger::in_memory(&rules.map(|line| line.parse().unwrap()), prices);
        let mut running = Vec::new();
        for begins in steps {
            if begins {
                let room = ledger.books().room(&account(&caller().with_job("j")), (ledger.inner.now)());
                let (left, money) = (room.tokens.unwrap(), room.nanos.unwrap());
                let fits = left >= 10 + 1_024 && money >= 10 * 1_000 + 1_024 * 2_000;
                let hold = ledger.reserve(&caller().with_job("j"), of_ask(&open()), &[GPT_4O]);
                prop_assert_eq!(hold.is_ok(), fits, "{} tokens and {} billionths are left", left, money);
                running.extend(hold.ok());
            } else if let Some(mut hold) = running.pop() {
                hold.asks("openai", "gpt-4o");
                let usage = all_of(&hold);
                hold.answered("gpt-4o", usage);
            }
            for tally in ledger.tallies().0 {
                prop_assert!(tally.used + tally.held <= tally.limit, "{:?}", tally);
            }
        }
    }
}
