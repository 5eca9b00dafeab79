//! What `/metrics` shows: one registry a process, in Prometheus' text format.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use bsm_stack::{breaker, bulkhead, cache, retry};

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

use crate::{
    guards::Guards,
    latency::{Recent, Window},
    role::Role,
    scopes::Scopes,
};

/// What a role has served.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Served {
    /// Calls since the process began.
    pub(crate) calls: u64,
    /// Those that failed on our side.
    pub(crate) errors: u64,
    /// Over the last minute, or the time since the start if that is less.
    pub(crate) per_second: f64,
    /// How long those of the last minute took.
    pub(crate) recent: Recent,
}

#[derive(Debug, Default)]
struct Tally {
    calls: u64,
    errors: u64,
    window: Window,
}

type Labels = Vec<(&'static str, String)>;

/// The metrics of a process. Clones share them.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    calls: Family<Labels, Counter>,
    seconds: Family<Labels, Histogram, fn() -> Histogram>,
    breaker_changes: Family<Labels, Counter>,
    watched: Arc<RwLock<Vec<Guards>>>,
    tallies: Arc<Mutex<BTreeMap<&'static str, Tally>>>,
    began: Instant,
}

impl Default for Metrics {
    fn default() -> Self {
        let calls = Family::default();
        let seconds = Family::new_with_constructor(buckets as fn() -> Histogram);
        let mut registry = Registry::with_prefix("bsm");
        registry.register("calls", "Calls served, by role, method and code", calls.clone());
        registry.register("call_seconds", "Time to the end of the answer", seconds.clone());
        let breaker_changes = Family::default();
        registry.register("breaker_transitions", "Changes of state, by the new one", breaker_changes.clone());
        // One collector for all roles of the process: a family must not be on the page twice.
        let watched = Arc::default();
        registry.register_collector(Box::new(GuardsCollector(Arc::clone(&watched))));
        Metrics {
            registry: Arc::new(Mutex::new(registry)),
            calls,
            seconds,
            breaker_changes,
            watched,
            tallies: Arc::default(),
            began: Instant::now(),
        }
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

    /// Shows these guards, too.
    pub fn watch_guards(&self, guards: Guards) {
        self.watched.write().unwrap_or_else(PoisonError::into_inner).push(guards);
    }

    /// Counts a breaker's change of state.
    pub(crate) fn breaker_changed(&self, breaker: &str, to: &str) {
        let labels = vec![("breaker", breaker.to_owned()), ("to", to.to_owned())];
        self.breaker_changes.get_or_create(&labels).inc();
    }

    /// What a role has served so far.
    pub(crate) fn load(&self, role: Role) -> Served {
        let tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(tally) = tallies.get(role.name()) else { return Served::default() };
        let up = self.began.elapsed();
        let recent = tally.window.recent(up.as_secs());
        let per_second = recent.calls as f64 / up.as_secs_f64().clamp(1.0, 60.0);
        Served { calls: tally.calls, errors: tally.errors, per_second, recent }
    }

    fn tally(&self, role: &'static str, method: &str, code: &str, took: Duration) {
        let mut tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        let tally = tallies.entry(role).or_default();
        tally.calls += 1;
        tally.errors += u64::from(is_our_error(code));
        // A stream lasts as long as somebody watches: that is no latency.
        let streams = Scopes::of_the_contract().rpc(&format!("/{method}")).is_some_and(|rpc| rpc.streams);
        if !streams {
            tally.window.record(self.began.elapsed().as_secs(), took);
        }
    }

    /// Counts one served call.
    pub fn served(&self, role: &'static str, method: &str, code: &str, took: Duration) {
        let labels = vec![("role", role.to_owned()), ("method", method.to_owned())];
        self.seconds.get_or_create(&labels).observe(took.as_secs_f64());
        let labels = labels.into_iter().chain([("code", code.to_owned())]).collect();
        self.calls.get_or_create(&labels).inc();
        self.tally(role, method, code, took);
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

/// Whether a call failed on our side: a gRPC code by name, or an HTTP code.
fn is_our_error(code: &str) -> bool {
    matches!(code, "Internal" | "Unknown" | "DataLoss" | "Unavailable" | "DeadlineExceeded")
        || (code.starts_with('5') && code.len() == 3)
}

/// Reads the guards when asked, so that the hot path keeps no second count.
#[derive(Debug)]
struct GuardsCollector(Arc<RwLock<Vec<Guards>>>);

impl Collector for GuardsCollector {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let watched = self.0.read().unwrap_or_else(PoisonError::into_inner);
        breakers(&mut encoder, &watched.iter().flat_map(Guards::breakers).collect::<Vec<_>>())?;
        bulkheads(&mut encoder, &watched.iter().flat_map(Guards::bulkheads).collect::<Vec<_>>())?;
        budgets(&mut encoder, &watched.iter().flat_map(Guards::retry_budgets).collect::<Vec<_>>())?;
        let caches = watched.iter().flat_map(Guards::caches);
        caches_of(&mut encoder, &caches.map(|cache| cache.stats()).collect::<Vec<_>>())
    }
}

fn breakers(encoder: &mut DescriptorEncoder<'_>, list: &[breaker::Snapshot]) -> fmt::Result {
    let states = list.iter().map(|b| (&*b.name, b.state as i64));
    gauges(encoder, "breaker_state", "0 closed, 1 open, 2 half-open", "breaker", states)?;
    let modes = list.iter().map(|b| (&*b.name, b.mode as i64));
    let help = "0 normal, 1 forced open, 2 disabled, 3 metrics only";
    gauges(encoder, "breaker_mode", help, "breaker", modes)?;
    let columns: [(&str, &str, fn(&breaker::Snapshot) -> u64); 3] = [
        ("breaker_rejections", "Calls refused by a breaker", |b| b.rejected),
        ("breaker_failures", "Calls a breaker saw fail", |b| b.failures),
        ("breaker_slow", "Calls a breaker saw succeed slowly", |b| b.slow),
    ];
    for (name, help, column) in columns {
        counters(encoder, name, help, "breaker", list.iter().map(|b| (&*b.name, column(b))))?;
    }
    Ok(())
}

fn bulkheads(encoder: &mut DescriptorEncoder<'_>, list: &[bulkhead::Snapshot]) -> fmt::Result {
    let held = list.iter().map(|b| (&*b.name, b.in_flight as i64));
    gauges(encoder, "bulkhead_in_flight", "Calls in flight", "bulkhead", held)?;
    let queued = list.iter().map(|b| (&*b.name, b.queued as i64));
    gauges(encoder, "bulkhead_queued", "Calls waiting for a turn", "bulkhead", queued)?;
    let refused = list.iter().map(|b| (&*b.name, b.rejected_total));
    counters(encoder, "bulkhead_rejections", "Calls turned away", "bulkhead", refused)
}

fn budgets(encoder: &mut DescriptorEncoder<'_>, list: &[retry::Snapshot]) -> fmt::Result {
    let columns: [(&str, &str, fn(&retry::Snapshot) -> u64); 3] = [
        ("retry_calls", "Calls that could be retried or hedged", |b| b.asked),
        ("retries", "Retries and hedges made", |b| b.sent),
        ("retry_refusals", "Retries and hedges there was no budget for", |b| b.refused),
    ];
    for (name, help, column) in columns {
        counters(encoder, name, help, "budget", list.iter().map(|b| (&*b.name, column(b))))?;
    }
    Ok(())
}

fn caches_of(encoder: &mut DescriptorEncoder<'_>, list: &[cache::Stats]) -> fmt::Result {
    let entries = list.iter().map(|c| (&*c.name, c.entries as i64));
    gauges(encoder, "cache_entries", "Values held", "cache", entries)?;
    let columns: [(&str, &str, fn(&cache::Stats) -> u64); 6] = [
        ("cache_hits", "Reads that found a value", |c| c.hits),
        ("cache_misses", "Reads that waited for a load", |c| c.misses),
        ("cache_loads", "Loads begun", |c| c.loads),
        ("cache_load_failures", "Loads that failed", |c| c.load_failures),
        ("cache_coalesced", "Reads that shared the load of another", |c| c.coalesced),
        ("cache_stale_served", "Reads that were given a value past its time", |c| c.stale_served),
    ];
    for (name, help, column) in columns {
        counters(encoder, name, help, "cache", list.iter().map(|c| (&*c.name, column(c))))?;
    }
    Ok(())
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
