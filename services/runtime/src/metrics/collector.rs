//! Guards on the page: read when it is asked for, so that the hot path keeps no second count.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use bsm_stack::{Priority, breaker, bulkhead, cache, concurrency, rate_limit, retry};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};

use crate::guards::Guards;

/// The guards of the roles that share a page.
#[derive(Debug)]
pub(super) struct GuardsCollector(Arc<RwLock<Vec<Guards>>>);

/// A counter of each guard of a kind: its name, what it counts, and where.
type Column<T> = (&'static str, &'static str, fn(&T) -> u64);

impl GuardsCollector {
    pub(super) fn of(watched: Arc<RwLock<Vec<Guards>>>) -> GuardsCollector {
        GuardsCollector(watched)
    }
}

impl Collector for GuardsCollector {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let watched = self.0.read().unwrap_or_else(PoisonError::into_inner);
        breakers(&mut encoder, &watched.iter().flat_map(Guards::breakers).collect::<Vec<_>>())?;
        bulkheads(&mut encoder, &watched.iter().flat_map(Guards::bulkheads).collect::<Vec<_>>())?;
        limits(&mut encoder, &watched.iter().flat_map(Guards::limiters).collect::<Vec<_>>())?;
        rate_limits(&mut encoder, &watched.iter().flat_map(Guards::rate_limiters).collect::<Vec<_>>())?;
        budgets(&mut encoder, &watched.iter().flat_map(Guards::retry_budgets).collect::<Vec<_>>())?;
        egress(&mut encoder, watched.iter().flat_map(|guards| guards.egress().refusals()))?;
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
    let columns: [Column<breaker::Snapshot>; 3] = [
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

/// Roles that share a page may ask the same server.
fn egress(
    encoder: &mut DescriptorEncoder<'_>,
    refusals: impl Iterator<Item = (Arc<str>, &'static str, u64)>,
) -> fmt::Result {
    let mut sums: BTreeMap<_, u64> = BTreeMap::new();
    for (to, reason, count) in refusals {
        *sums.entry((to, reason)).or_default() += count;
    }
    let help = "Requests that the egress policy kept in";
    let mut family = encoder.encode_descriptor("egress_refusals", help, None, MetricType::Counter)?;
    for ((to, reason), count) in sums {
        let labels = [("to", &*to), ("reason", reason)];
        ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

fn limits(encoder: &mut DescriptorEncoder<'_>, list: &[concurrency::Snapshot]) -> fmt::Result {
    let limits = list.iter().map(|l| (&*l.name, l.limit as i64));
    gauges(encoder, "concurrency_limit", "Calls there may be in flight", "limiter", limits)?;
    let held = list.iter().map(|l| (&*l.name, l.in_flight as i64));
    gauges(encoder, "concurrency_in_flight", "Calls in flight, without the exempt", "limiter", held)?;
    let help = "Calls turned away because there was no room for their priority";
    let mut family = encoder.encode_descriptor("concurrency_rejections", help, None, MetricType::Counter)?;
    for limit in list {
        for (priority, count) in Priority::ALL.iter().zip(limit.refused) {
            let labels = [("limiter", &*limit.name), ("priority", priority.as_str())];
            ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

fn rate_limits(encoder: &mut DescriptorEncoder<'_>, list: &[rate_limit::Snapshot]) -> fmt::Result {
    let clients = list.iter().map(|l| (&*l.name, l.keys as i64));
    gauges(encoder, "rate_limit_clients", "Clients told apart", "limiter", clients)?;
    let refused = list.iter().map(|l| (&*l.name, l.refused_total));
    counters(encoder, "rate_limit_rejections", "Calls of clients that called too often", "limiter", refused)
}

fn budgets(encoder: &mut DescriptorEncoder<'_>, list: &[retry::Snapshot]) -> fmt::Result {
    let columns: [Column<retry::Snapshot>; 3] = [
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
    let columns: [Column<cache::Stats>; 6] = [
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
