//! Limits and strategies of the models file, at work.

use tempfile::TempDir;

use super::*;

/// A gateway whose models file says this of its providers; the folder is the file's.
fn filed(provider: &Scripted, text: &str) -> (Gateway, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("models.yaml");
    std::fs::write(&file, text).unwrap();
    let mut settings = settings(&provider.url, &["sk-first"]);
    settings.models.file = Some(file);
    (gateway(settings), dir)
}

async fn kind_of(gateway: &Gateway, model: &str) -> Option<Kind> {
    match gateway.complete(&Ask { model: Some(model.to_owned()), ..ask("hi") }, caller()).await {
        Ok(_) => None,
        Err(Error::Failed(attempts)) => Some(attempts.kind()),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_provider_gets_no_more_calls_in_a_minute_than_it_may_whatever_the_model() {
    let provider = Scripted::start([Script::says("ok")]).await;
    let text = "providers: { openai: { limits: { rate: { per_minute: 6, burst: 2 } } } }";
    let (gateway, _dir) = filed(&provider, text);
    for _ in 0..2 {
        assert_eq!(kind_of(&gateway, "openai").await, None);
    }
    let refused = gateway.complete(&Ask { model: Some("openai/o3".to_owned()), ..ask("hi") }, caller()).await;
    let Err(Error::Failed(attempts)) = refused else { panic!("the third one is too many") };
    assert_eq!(attempts.kind(), Kind::RateLimited);
    assert!(attempts.retry_after().is_some_and(|wait| wait <= Duration::from_secs(10)));
    assert_eq!(provider.seen().len(), 2);
    assert_eq!(gateway.providers()[0].breaker, "CLOSED", "our own refusals say nothing about the provider");
}

#[tokio::test]
async fn a_family_with_limits_of_its_own_fills_up_alone() {
    let provider = Scripted::start([Script::Hang, Script::Hang, Script::says("ok")]).await;
    let text = "providers: { openai: { family_limits: { gpt-4o: { in_flight: 1, queue: 0 }, \
                o3: { rate: { per_minute: 1 } } } } }";
    let (gateway, _dir) = filed(&provider, text);
    let question = ask("hi");
    let first = gateway.complete(&question, caller());
    let held = async {
        provider.asked().await;
        assert_eq!(kind_of(&gateway, "openai/gpt-4o-2024-08-06").await, Some(Kind::BulkheadFull));
        let other = Ask { model: Some("openai/o3".to_owned()), ..ask("hi") };
        let other = gateway.complete(&other, caller());
        let reached = async {
            while provider.seen().len() < 2 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            _ = other => panic!("it hangs"),
            () = reached => {}
        }
        assert_eq!(kind_of(&gateway, "openai/o3").await, Some(Kind::RateLimited));
        assert_eq!(kind_of(&gateway, "openai/gpt-4.1").await, None, "a third family has neither limit");
    };
    tokio::select! {
        _ = first => panic!("it hangs"),
        () = held => {}
    }
}

#[tokio::test]
async fn by_least_latency_whoever_failed_lately_is_not_the_first_to_be_asked() {
    let works = Scripted::start([Script::says("ok")]).await;
    let broken = Scripted::start([Script::raw(200, "text/html", "<html>")]).await;
    let text = format!(
        "providers:
  a: {{ wire: openai, base_url: '{}', model: m, local: true }}
  b: {{ wire: openai, base_url: '{}', model: m, local: true }}
families:
  both: {{ models: [a, b], strategy: least_latency }}
",
        broken.url, works.url
    );
    let (gateway, _dir) = filed(&works, &text);
    let both = Ask { model: Some("both".to_owned()), ..ask("hi") };
    while broken.seen().is_empty() {
        gateway.complete(&both, caller()).await.unwrap(); // by lot, until the broken one has been met
    }
    let met = broken.seen().len();
    for _ in 0..20 {
        assert_eq!(&*gateway.complete(&both, caller()).await.unwrap().provider, "b");
    }
    assert_eq!(broken.seen().len(), met);
}

#[tokio::test]
async fn a_question_that_needs_a_search_goes_to_whoever_searches() {
    let provider = Scripted::start([Script::says("found")]).await;
    let text = format!(
        "providers: {{ finder: {{ wire: openai, base_url: '{}', model: seek, local: true }} }}
families: {{ perplexity: {{ models: [finder] }} }}",
        provider.url
    );
    let (gateway, _dir) = filed(&provider, &text);
    let search = Ask { search: Some(crate::ask::Search::default()), ..ask("hi") };
    assert_eq!(&*gateway.complete(&search, caller()).await.unwrap().provider, "finder");
    assert_eq!(&*gateway.complete(&ask("hi"), caller()).await.unwrap().provider, "openai");
}
