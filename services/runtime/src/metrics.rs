//! What `/metrics` shows: one registry a process, in Prometheus' text format.

mod collector;
mod served;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use prometheus_client::{
    encoding::text,
    metrics::{
        counter::Counter,
        family::Family,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Metric, Registry},
};

use collector::GuardsCollector;
use served::{Calls, Known};

use crate::{
    guards::Guards,
    latency::{Recent, Window},
    role::Role,
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
    known: Arc<Known>,
    breaker_changes: Family<Labels, Counter>,
    reloads: Family<Labels, Counter>,
    reload_failures: Family<Labels, Counter>,
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
        let (reloads, reload_failures) = (Family::default(), Family::default());
        registry.register("reloads", "Edited files that were read and are in force", reloads.clone());
        registry.register("reload_failures", "Edited files that are not usable", reload_failures.clone());
        // One collector for all roles of the process: a family must not be on the page twice.
        let watched = Arc::default();
        registry.register_collector(Box::new(GuardsCollector::of(Arc::clone(&watched))));
        Metrics {
            registry: Arc::new(Mutex::new(registry)),
            calls,
            seconds,
            known: Arc::default(),
            breaker_changes,
            reloads,
            reload_failures,
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

    /// Counts one reading of edited files.
    pub(crate) fn reloaded(&self, what: &str, usable: bool) {
        let counts = if usable { &self.reloads } else { &self.reload_failures };
        counts.get_or_create(&vec![("what", what.to_owned())]).inc();
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

    /// Counts one served call.
    pub fn served(&self, role: &'static str, method: &str, code: &str, took: Duration) {
        let calls = self.known.calls([role, method, code], |labels| Calls {
            count: self.calls.get_or_create(&labels.to_vec()).clone(),
            seconds: self.seconds.get_or_create(&labels[..2].to_vec()).clone(),
            is_our_error: is_our_error(code),
            is_stream: served::is_stream(method),
        });
        calls.seconds.observe(took.as_secs_f64());
        calls.count.inc();
        let mut tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        let tally = tallies.entry(role).or_default();
        tally.calls += 1;
        tally.errors += u64::from(calls.is_our_error);
        // A stream lasts as long as somebody watches: that is no latency.
        if !calls.is_stream {
            tally.window.record(self.began.elapsed().as_secs(), took);
        }
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

    #[test]
    fn limits_show_with_whom_they_turned_away() {
        use bsm_stack::{Priority, concurrency, rate_limit};
        let (metrics, guards) = (Metrics::default(), Guards::default());
        metrics.watch_guards(guards.clone());
        let config = concurrency::Config { initial: 1, min: 1, max: 1, ..Default::default() };
        let limiter = guards.limiter("memory inbound", config);
        let _held = limiter.try_acquire(Priority::Normal).unwrap();
        limiter.try_acquire(Priority::Batch).unwrap_err();
        let quota = rate_limit::Quota { limit: 1, per: Duration::from_secs(60), burst: 1 };
        let rate = guards.rate_limiter("gateway clients", rate_limit::Config { quota, max_keys: 10 });
        let (key, now) = (rate_limit::Key::caller("a"), tokio::time::Instant::now());
        let _ = (rate.decide(&key, now), rate.decide(&key, now));
        let text = metrics.render();
        for line in [
            "bsm_concurrency_limit{limiter=\"memory inbound\"} 1",
            "bsm_concurrency_in_flight{limiter=\"memory inbound\"} 1",
            "bsm_concurrency_rejections_total{limiter=\"memory inbound\",priority=\"batch\"} 1",
            "bsm_concurrency_rejections_total{limiter=\"memory inbound\",priority=\"critical\"} 0",
            "bsm_rate_limit_clients{limiter=\"gateway clients\"} 1",
            "bsm_rate_limit_rejections_total{limiter=\"gateway clients\"} 1",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn caches_and_budgets_show_and_roles_that_share_a_page_share_its_families() {
        use bsm_stack::{cache, retry::BudgetConfig};
        let metrics = Metrics::default();
        for name in ["agents", "registry"] {
            let guards = Guards::default();
            metrics.watch_guards(guards.clone());
            let config = cache::Config::with_ttl(Duration::from_secs(1));
            guards.cache(cache::Cache::new(name, config, |key: u32| async move { Ok::<_, ()>(key) }));
            guards.retry_budget(name, BudgetConfig::default()).asked();
        }
        let text = metrics.render();
        for line in [
            "bsm_cache_hits_total{cache=\"agents\"} 0",
            "bsm_cache_entries{cache=\"registry\"} 0",
            "bsm_retry_calls_total{budget=\"agents\"} 1",
            "bsm_retries_total{budget=\"registry\"} 0",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        assert_eq!(text.matches("# TYPE bsm_cache_hits ").count(), 1);
    }
}
