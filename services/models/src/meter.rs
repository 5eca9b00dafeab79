//! What calls of models took: in histograms, and in spans under OpenTelemetry's names for generative models. Never what
//! was said.
//!
//! A meter is looked up once a call, when it is known whom it goes to; from there on counting is adding to a histogram.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bsm_runtime::metrics::Metrics;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Span, info_span};

use crate::answer::Finish;
use crate::price::Tokens;

#[cfg(test)]
mod tests;

/// Models told apart at most: callers may name any, and each takes memory for good.
const MOST_MODELS: usize = 512;
/// What the others are counted as.
const OTHER: &str = "other";

type Labels = Vec<(&'static str, String)>;
type Histograms = Family<Labels, Histogram, fn() -> Histogram>;

/// The histograms of all models. Clones share them.
#[derive(Clone, Debug)]
pub struct Meters {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    call: Histograms,
    added: Histograms,
    first_token: Histograms,
    between_tokens: Histograms,
    input: Histograms,
    output: Histograms,
    cost: Histograms,
    failures: Family<Labels, Counter>,
    /// By provider and model.
    known: RwLock<HashMap<String, HashMap<String, Arc<Meter>>>>,
}

/// The histograms of one model of one provider.
#[derive(Debug)]
struct Meter {
    call: Histogram,
    added: Histogram,
    first_token: Histogram,
    between_tokens: Histogram,
    input: Histogram,
    output: Histogram,
    cost: Histogram,
    failures: Counter,
}

/// The time that a call spent waiting for providers.
#[derive(Debug, Default)]
pub struct Waits(AtomicU64);

/// One call under way.
#[derive(Debug)]
pub struct Watch {
    meters: Meters,
    /// Of whom is asked now; `None` before anybody is.
    meter: Option<Arc<Meter>>,
    operation: &'static str,
    span: Span,
    began: Instant,
    waits: Arc<Waits>,
    /// Whether more than one attempt was made: then the time of the others is not ours.
    is_clean: bool,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// An answer that comes whole, or has not begun.
    Whole,
    /// A stream whose first piece is there and was not handed on.
    Opened,
    /// The time at which the last piece was handed on.
    Streaming(Instant),
}

/// What a call took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Took {
    /// As far as they are known or guessed.
    pub tokens: Tokens,
    /// In billionths of a US dollar.
    pub nanos: u64,
    /// Whether it brought no whole answer.
    pub failed: bool,
}

// === impl Meters ===

impl Meters {
    /// Meters that `/metrics` shows.
    #[must_use]
    pub fn new(metrics: &Metrics) -> Self {
        let inner = Inner::default();
        let rows = [
            ("model_call_seconds", "Calls of models, to the end of the answer", &inner.call),
            (
                "model_added_seconds",
                "Of them, time in the gateway until the answer or its first piece",
                &inner.added,
            ),
            ("model_first_token_seconds", "Time to the first piece of a stream", &inner.first_token),
            ("model_between_tokens_seconds", "Time between pieces of a stream", &inner.between_tokens),
            ("model_input_tokens", "Tokens of the prompt of a call", &inner.input),
            ("model_output_tokens", "Tokens of the answer of a call", &inner.output),
            ("model_cost_dollars", "Cost of a call at the catalog's prices", &inner.cost),
        ];
        for (name, help, family) in rows {
            metrics.register(name, help, family.clone());
        }
        metrics.register("model_failures", "Calls of models without a whole answer", inner.failures.clone());
        Self { inner: Arc::new(inner) }
    }

    /// Watches a call that begins now, in this span. Its waiting is told to `waits`.
    #[must_use]
    pub fn watch(&self, operation: &'static str, span: Span, waits: Arc<Waits>) -> Watch {
        let began = Instant::now();
        let (meters, is_clean, stage) = (self.clone(), true, Stage::Whole);
        Watch { meters, meter: None, operation, span, began, waits, is_clean, stage }
    }

    fn of(&self, provider: &str, model: &str) -> Arc<Meter> {
        if let Some(meter) = self.inner.known(provider, model) {
            return meter;
        }
        let mut known = self.inner.known.write().unwrap_or_else(PoisonError::into_inner);
        let is_full = known.values().map(HashMap::len).sum::<usize>() >= MOST_MODELS;
        let model = if is_full { OTHER } else { model };
        let meter = || Arc::new(self.inner.meter(provider, model));
        let of = known.entry(provider.to_owned()).or_default();
        Arc::clone(of.entry(model.to_owned()).or_insert_with(meter))
    }
}

impl Default for Meters {
    /// Meters that nobody looks at.
    fn default() -> Self {
        Self { inner: Arc::default() }
    }
}

// === impl Inner ===

impl Default for Inner {
    fn default() -> Self {
        let seconds: fn() -> Histogram = || Histogram::new(exponential_buckets(0.0001, 2.0, 22)); // 100 µs to 210 s
        let short: fn() -> Histogram = || Histogram::new(exponential_buckets(0.00001, 2.0, 20)); // 10 µs to 5 s
        let tokens: fn() -> Histogram = || Histogram::new(exponential_buckets(1.0, 4.0, 12)); // 1 to 4 million
        let dollars: fn() -> Histogram = || Histogram::new(exponential_buckets(0.000001, 4.0, 14)); // to 67
        Self {
            call: Family::new_with_constructor(seconds),
            added: Family::new_with_constructor(short),
            first_token: Family::new_with_constructor(seconds),
            between_tokens: Family::new_with_constructor(seconds),
            input: Family::new_with_constructor(tokens),
            output: Family::new_with_constructor(tokens),
            cost: Family::new_with_constructor(dollars),
            failures: Family::default(),
            known: RwLock::default(),
        }
    }
}

impl Inner {
    fn known(&self, provider: &str, model: &str) -> Option<Arc<Meter>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(provider)?.get(model).cloned()
    }

    fn meter(&self, provider: &str, model: &str) -> Meter {
        let labels: Labels = vec![("provider", provider.to_owned()), ("model", model.to_owned())];
        let of = |family: &Histograms| family.get_or_create(&labels).clone();
        Meter {
            call: of(&self.call),
            added: of(&self.added),
            first_token: of(&self.first_token),
            between_tokens: of(&self.between_tokens),
            input: of(&self.input),
            output: of(&self.output),
            cost: of(&self.cost),
            failures: self.failures.get_or_create(&labels).clone(),
        }
    }
}

// === impl Waits ===

impl Waits {
    /// So much more was waited.
    pub fn add(&self, time: Duration) {
        self.0.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }

    fn all(&self) -> Duration {
        Duration::from_nanos(self.0.load(Relaxed))
    }
}

// === impl Watch ===

impl Watch {
    /// Somebody is asked.
    pub fn asks(&mut self, provider: &str, model: &str) {
        self.is_clean &= self.meter.is_none();
        self.meter = Some(self.meters.of(provider, model));
        if !self.span.is_disabled() {
            self.span.record("gen_ai.provider.name", well_known(provider));
            self.span.record("gen_ai.request.model", model);
            self.span.record("otel.name", format!("{} {model}", self.operation));
        }
    }

    /// An attempt failed before the one that did not.
    pub fn retried(&mut self) {
        self.is_clean = false;
    }

    /// The first piece of a stream is there.
    pub fn opened(&mut self) {
        self.stage = Stage::Opened;
        let Some(meter) = &self.meter else { return };
        meter.first_token.observe(self.began.elapsed().as_secs_f64());
        self.added(meter);
    }

    /// A piece of the answer is handed on.
    pub fn delivered(&mut self) {
        let now = Instant::now();
        match (self.stage, &self.meter) {
            (Stage::Whole, _) => return,
            (Stage::Streaming(last), Some(meter)) => {
                meter.between_tokens.observe((now - last).as_secs_f64());
            }
            (Stage::Opened | Stage::Streaming(_), _) => {}
        }
        self.stage = Stage::Streaming(now);
    }

    /// The answer ended like this.
    pub fn finished(&self, finish: &Finish) {
        if !self.span.is_disabled() {
            self.span.record("gen_ai.response.model", finish.model.as_str());
            self.span.record("gen_ai.response.finish_reasons", format!("[{:?}]", finish.reason));
        }
    }

    /// Nobody answered, for this reason.
    pub fn failed(&self, reason: &str) {
        self.span.record("error.type", reason);
    }

    /// The call is over.
    pub fn ended(self, took: Took) {
        let Took { tokens, nanos, failed } = took;
        self.span.record("gen_ai.usage.input_tokens", tokens.input);
        self.span.record("gen_ai.usage.output_tokens", tokens.output);
        let Some(meter) = &self.meter else { return };
        meter.call.observe(self.began.elapsed().as_secs_f64());
        if failed {
            meter.failures.inc();
            return;
        }
        if self.stage == Stage::Whole {
            self.added(meter);
        }
        meter.input.observe(tokens.input as f64);
        meter.output.observe(tokens.output as f64);
        meter.cost.observe(nanos as f64 / 1e9);
    }

    fn added(&self, meter: &Meter) {
        if self.is_clean {
            meter.added.observe(self.began.elapsed().saturating_sub(self.waits.all()).as_secs_f64());
        }
    }
}

/// The span of a call.
pub(crate) fn call_span(operation: &'static str) -> Span {
    info_span!(
        "gen_ai",
        otel.kind = "client",
        otel.name = Empty,
        gen_ai.operation.name = operation,
        gen_ai.provider.name = Empty,
        gen_ai.request.model = Empty,
        gen_ai.response.model = Empty,
        gen_ai.response.finish_reasons = Empty,
        gen_ai.usage.input_tokens = Empty,
        gen_ai.usage.output_tokens = Empty,
        "error.type" = Empty,
    )
}

/// The span of one attempt.
pub(crate) fn attempt_span(operation: &'static str, provider: &str, model: &str) -> Span {
    info_span!(
        "gen_ai.attempt",
        otel.kind = "client",
        gen_ai.operation.name = operation,
        gen_ai.provider.name = well_known(provider),
        gen_ai.request.model = model,
        "error.type" = Empty,
    )
}

/// A provider by the name that OpenTelemetry gives it.
fn well_known(provider: &str) -> &str {
    const NAMES: [(&str, &str); 3] =
        [("google", "gcp.gemini"), ("azure", "azure.ai.openai"), ("mistral", "mistral_ai")];
    NAMES.iter().find(|(ours, _)| *ours == provider).map_or(provider, |(_, theirs)| theirs)
}
