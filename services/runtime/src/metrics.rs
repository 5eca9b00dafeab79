//! What `/metrics` shows: one registry a process, in Prometheus' text format.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, text},
    metrics::{
        MetricType,
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::ConstGauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Metric, Registry},
};

use crate::guards::Guards;

type Labels = Vec<(&'static str, String)>;

/// The metrics of a process. Clones share them.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    calls: Family<Labels, Counter>,
    seconds: Family<Labels, Histogram, fn() -> Histogram>,
}

impl Default for Metrics {
    fn default() -> Self {
        let calls = Family::default();
        let seconds = Family::new_with_constructor(buckets as fn() -> Histogram);
        let mut registry = Registry::with_prefix("bsm");
        registry.register("calls", "Calls served, by role, method and code", calls.clone());
        registry.register("call_seconds", "Time to the end of the answer", seconds.clone());
        Metrics { registry: Arc::new(Mutex::new(registry)), calls, seconds }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// 100 µs to 52 s, doubling.
fn buckets() -> Histogram {
    Histogram::new(exponential_buckets(0.0001, 2.0, 20))
}

impl Metrics {
    /// Adds a metric of a service, under `bsm_<name>`. Keep the handle: looking it up again is not possible.
    pub fn register<M: Metric + Clone>(&self, name: &str, help: &str, metric: M) -> M {
        self.lock().register(name, help, metric.clone());
        metric
    }

    /// Shows the breakers and bulkheads of these guards.
    pub fn watch_guards(&self, guards: Guards) {
        self.lock().register_collector(Box::new(GuardsCollector(guards)));
    }

    /// Counts one served call.
    pub fn served(&self, role: &'static str, method: &str, code: &str, took: Duration) {
        let labels = vec![("role", role.to_owned()), ("method", method.to_owned())];
        self.seconds.get_or_create(&labels).observe(took.as_secs_f64());
        let labels = labels.into_iter().chain([("code", code.to_owned())]).collect();
        self.calls.get_or_create(&labels).inc();
    }

    /// All metrics as text.
    pub fn render(&self) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail; a collector that refuses would only shorten the page.
        let _ = text::encode(&mut out, &self.lock());
        out
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the guards when asked, so that the hot path keeps no second count.
#[derive(Debug)]
struct GuardsCollector(Guards);

impl Collector for GuardsCollector {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let breakers = self.0.breakers();
        let states = breakers.iter().map(|b| (&*b.name, b.state as i64));
        gauges(&mut encoder, "breaker_state", "0 closed, 1 open, 2 half-open", "breaker", states)?;
        let rejected = breakers.iter().map(|b| (&*b.name, b.rejected));
        counters(&mut encoder, "breaker_rejections", "Calls refused by a breaker", "breaker", rejected)?;
        let failures = breakers.iter().map(|b| (&*b.name, b.failures));
        counters(&mut encoder, "breaker_failures", "Calls a breaker saw fail", "breaker", failures)?;
        let bulkheads = self.0.bulkheads();
        let held = bulkheads.iter().map(|b| (&*b.name, b.in_flight as i64));
        gauges(&mut encoder, "bulkhead_in_flight", "Calls in flight", "bulkhead", held)?;
        let queued = bulkheads.iter().map(|b| (&*b.name, b.queued as i64));
        gauges(&mut encoder, "bulkhead_queued", "Calls waiting for a turn", "bulkhead", queued)
    }
}

fn gauges<'a>(
    encoder: &mut DescriptorEncoder,
    name: &str,
    help: &str,
    label: &str,
    rows: impl Iterator<Item = (&'a str, i64)>,
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (value, count) in rows {
        let labels = [(label, value)];
        ConstGauge::new(count).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

fn counters<'a>(
    encoder: &mut DescriptorEncoder,
    name: &str,
    help: &str,
    label: &str,
    rows: impl Iterator<Item = (&'a str, u64)>,
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (value, count) in rows {
        let labels = [(label, value)];
        ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_and_guards_show_under_their_labels() {
        let (metrics, guards) = (Metrics::default(), Guards::default());
        metrics.watch_guards(guards.clone());
        let _breaker = guards.breaker("openai", bsm_stack::breaker::Config::provider());
        metrics.served("models", "bsm.models.v1.ModelService/Complete", "OK", Duration::from_millis(3));
        let text = metrics.render();
        for line in [
            "bsm_calls_total{role=\"models\",method=\"bsm.models.v1.ModelService/Complete\",code=\"OK\"} 1",
            "bsm_breaker_state{breaker=\"openai\"} 0",
            "bsm_call_seconds_count",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
