use std::sync::Mutex;

use bsm_runtime::metrics::Metrics;
use futures_util::StreamExt;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::{Layer, Registry, registry::LookupSpan};

use super::*;
use crate::gateway::Gateway;
use crate::testing::{Script, Scripted, ask, caller, process, settings};

const OF: &str = "{provider=\"openai\",model=\"gpt-4o\"}";

fn metered(provider: &Scripted) -> (Gateway, Metrics) {
    let metrics = Metrics::default();
    let gateway = Gateway::of(&process(settings(&provider.url, &["sk-first"]))).unwrap();
    (gateway.with_meters(Meters::new(&metrics)), metrics)
}

/// How often something was counted.
fn count(metrics: &Metrics, name: &str) -> u64 {
    let (text, line) = (metrics.render(), format!("bsm_{name}_count{OF} "));
    let found = text.lines().find_map(|found| found.strip_prefix(&line));
    found.map_or(0, |count| count.parse().unwrap())
}

#[tokio::test]
async fn a_whole_answer_counts_its_time_tokens_and_cost_once() {
    let provider = Scripted::start([Script::says("Hello!")]).await;
    let (gateway, metrics) = metered(&provider);
    gateway.complete(&ask("hi"), caller()).await.unwrap();
    let counted = |name| count(&metrics, name);
    for name in ["model_call_seconds", "model_added_seconds", "model_input_tokens", "model_cost_dollars"] {
        assert_eq!(counted(name), 1, "{name}\n{}", metrics.render());
    }
    assert_eq!((counted("model_first_token_seconds"), counted("model_between_tokens_seconds")), (0, 0));
    let text = metrics.render();
    assert!(text.contains(&format!("bsm_model_input_tokens_sum{OF} 3.0")), "{text}");
    assert!(text.contains(&format!("bsm_model_output_tokens_sum{OF} 2.0")), "{text}");
}

#[tokio::test]
async fn a_stream_counts_its_first_piece_and_each_gap_behind_it() {
    let provider = Scripted::start([Script::streams(&["a", "b", "c", "d"])]).await;
    let (gateway, metrics) = metered(&provider);
    let answered = gateway.stream(&ask("hi"), caller()).await.unwrap();
    answered.answer.collect::<Vec<_>>().await;
    let counted = |name| count(&metrics, name);
    assert_eq!((counted("model_first_token_seconds"), counted("model_between_tokens_seconds")), (1, 3));
    assert_eq!((counted("model_added_seconds"), counted("model_call_seconds")), (1, 1));
}

#[tokio::test]
async fn a_failure_counts_as_one_and_its_time_is_nobodys_overhead() {
    let provider = Scripted::start([Script::fails(400, "")]).await;
    let (gateway, metrics) = metered(&provider);
    gateway.complete(&ask("hi"), caller()).await.unwrap_err();
    assert_eq!((count(&metrics, "model_call_seconds"), count(&metrics, "model_added_seconds")), (1, 0));
    assert!(metrics.render().contains(&format!("bsm_model_failures_total{OF} 1")), "{}", metrics.render());
}

#[tokio::test(start_paused = true)]
async fn added_time_is_what_was_not_waited_for_the_provider() {
    let metrics = Metrics::default();
    let (meters, waits) = (Meters::new(&metrics), Arc::new(Waits::default()));
    let mut watch = meters.watch("chat", Span::none(), Arc::clone(&waits));
    watch.asks("openai", "gpt-4o");
    tokio::time::advance(Duration::from_millis(1500)).await;
    waits.add(Duration::from_millis(1250));
    watch.ended(Took { tokens: Tokens::default(), nanos: 0, failed: false });
    let text = metrics.render();
    assert!(text.contains(&format!("bsm_model_added_seconds_sum{OF} 0.25")), "{text}");
    assert!(text.contains(&format!("bsm_model_call_seconds_sum{OF} 1.5")), "{text}");
}

#[test]
fn models_that_callers_make_up_share_a_meter() {
    let (metrics, mut names) = (Metrics::default(), 0);
    let meters = Meters::new(&metrics);
    for at in 0..MOST_MODELS + 100 {
        meters.of("openai", &format!("made-up-{at}"));
    }
    names += meters.inner.known.read().unwrap().values().map(HashMap::len).sum::<usize>();
    assert_eq!(names, MOST_MODELS + 1);
}

/// Every field of every span, by its name.
#[derive(Clone, Default)]
struct Fields(Arc<Mutex<Vec<(String, String)>>>);

impl Visit for &Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.lock().unwrap().push((field.name().to_owned(), value.to_owned()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.lock().unwrap().push((field.name().to_owned(), format!("{value:?}")));
    }
}

impl<S: tracing::Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Fields {
    fn on_new_span(&self, span: &tracing::span::Attributes<'_>, _: &tracing::span::Id, _: Context<'_, S>) {
        span.record(&mut &*self);
    }

    fn on_record(&self, _: &tracing::span::Id, values: &tracing::span::Record<'_>, _: Context<'_, S>) {
        values.record(&mut &*self);
    }
}

#[tokio::test]
async fn spans_tell_who_was_asked_for_what_and_never_what_was_said() {
    let fields = Fields::default();
    let _guard = tracing::subscriber::set_default(Registry::default().with(fields.clone()));
    let provider = Scripted::start([Script::fails(401, ""), Script::says("a secret answer")]).await;
    let mut settings = settings(&provider.url, &["sk-first", "sk-second"]);
    settings.models.timeout = Some(Duration::from_secs(30));
    let gateway = Gateway::of(&process(settings)).unwrap();
    gateway.complete(&ask("a secret question"), caller()).await.unwrap();
    let told = fields.0.lock().unwrap().clone();
    let values = |name: &str| {
        told.iter().filter(|(field, _)| field == name).map(|(_, value)| value.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(
        values("gen_ai.operation.name"),
        ["chat", "chat", "chat"],
        "the call and two attempts: {told:?}"
    );
    assert!(values("gen_ai.provider.name").iter().all(|name| *name == "openai"), "{told:?}");
    assert_eq!(values("gen_ai.response.model"), ["gpt-4o-2024-08-06"]);
    assert_eq!(values("gen_ai.response.finish_reasons"), ["[\"stop\"]"]);
    assert_eq!(
        (values("gen_ai.usage.input_tokens"), values("gen_ai.usage.output_tokens")),
        (vec!["3"], vec!["2"])
    );
    assert_eq!(values("error.type"), ["CREDENTIAL_REFUSED"]);
    assert!(!told.iter().any(|(_, value)| value.contains("secret") || value.contains("sk-")), "{told:?}");
}
