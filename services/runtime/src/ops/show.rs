//! Guards as the contract shows them.

use std::time::SystemTime;

use bsm_proto::ops::v1::{
    Breaker, BreakerChange, BreakerStats, BreakerWindow, Bulkhead, Cache, ConcurrencyLimit, Flag, Latency,
    Load, RateLimit, RetryBudget,
};
use bsm_stack::{breaker, bulkhead, cache, concurrency, rate_limit, retry};
use tokio::time::Instant;

use crate::{clock, flags, metrics::Served, process::Process, role::Role};

/// Two readings of the same moment: what guards count in is monotonic, what operators read is not.
#[derive(Clone, Copy)]
struct Now {
    monotonic: Instant,
    unix_ms: f64,
}

impl Now {
    fn read() -> Now {
        Now { monotonic: Instant::now(), unix_ms: clock::ms_of(SystemTime::now()) as f64 }
    }

    fn unix_ms_of(self, then: Instant) -> f64 {
        self.unix_ms - (self.monotonic.saturating_duration_since(then).as_millis() as f64)
    }
}

/// The breakers of a process.
pub fn breakers(process: &Process) -> Vec<Breaker> {
    let now = Now::read();
    process.guards.breakers().into_iter().map(|b| breaker(process.role, &b, now)).collect()
}

/// One breaker of a process as it is now.
pub(super) fn breaker_of(role: Role, of: &breaker::Breaker) -> Breaker {
    breaker(role, &of.snapshot(), Now::read())
}

fn breaker(role: Role, snapshot: &breaker::Snapshot, now: Now) -> Breaker {
    Breaker {
        name: snapshot.name.to_string(),
        service: role.name().to_owned(),
        state: state_name(snapshot.state).to_owned(),
        failures: snapshot.consecutive_failures,
        successes: snapshot.successes as f64,
        next_attempt: snapshot.retry_in.map(|wait| now.unix_ms + wait.as_millis() as f64),
        stats: Some(BreakerStats {
            total: snapshot.total as f64,
            failures: snapshot.failures as f64,
            successes: snapshot.successes as f64,
            rejections: snapshot.rejected as f64,
            slow: snapshot.slow as f64,
        }),
        mode: mode_name(snapshot.mode).to_owned(),
        generation: snapshot.generation as f64,
        recent: Some(BreakerWindow {
            calls: snapshot.recent.calls,
            failures: snapshot.recent.failures,
            slow: snapshot.recent.slow,
        }),
        admits_percent: snapshot.admits_percent.into(),
        opened_at: snapshot.opened_at.map(|at| now.unix_ms_of(at)),
        last_change: snapshot.last_transition.as_ref().map(|change| BreakerChange {
            from: state_name(change.from).to_owned(),
            to: state_name(change.to).to_owned(),
            mode: mode_name(change.mode).to_owned(),
            cause: cause_name(change.cause).to_owned(),
            timestamp: now.unix_ms_of(change.at),
        }),
    }
}

/// A state as the contract writes it.
pub const fn state_name(state: breaker::State) -> &'static str {
    match state {
        breaker::State::Closed => "CLOSED",
        breaker::State::Open => "OPEN",
        breaker::State::HalfOpen => "HALF_OPEN",
    }
}

/// Every mode with its name in the contract.
pub(super) const MODES: [(&str, breaker::Mode); 4] = [
    ("normal", breaker::Mode::Normal),
    ("forced_open", breaker::Mode::ForcedOpen),
    ("disabled", breaker::Mode::Disabled),
    ("metrics_only", breaker::Mode::MetricsOnly),
];

pub(super) const fn mode_name(mode: breaker::Mode) -> &'static str {
    match mode {
        breaker::Mode::Normal => MODES[0].0,
        breaker::Mode::ForcedOpen => MODES[1].0,
        breaker::Mode::Disabled => MODES[2].0,
        breaker::Mode::MetricsOnly => MODES[3].0,
    }
}

pub(super) const fn cause_name(cause: breaker::Cause) -> &'static str {
    match cause {
        breaker::Cause::FailuresInARow => "failures_in_a_row",
        breaker::Cause::ShareOfCalls => "share_of_calls",
        breaker::Cause::ProbeDue => "probe_due",
        breaker::Cause::PeerWell => "peer_well",
        breaker::Cause::ProbesPassed => "probes_passed",
        breaker::Cause::ProbeFailed => "probe_failed",
        breaker::Cause::ProbeLost => "probe_lost",
        breaker::Cause::Reset => "reset",
        breaker::Cause::ModeSet => "mode_set",
    }
}

pub(super) fn bulkheads(process: &Process) -> Vec<Bulkhead> {
    process.guards.bulkheads().into_iter().map(|b| bulkhead(process.role, &b)).collect()
}

fn bulkhead(role: Role, snapshot: &bulkhead::Snapshot) -> Bulkhead {
    Bulkhead {
        name: snapshot.name.to_string(),
        service: role.name().to_owned(),
        in_flight: snapshot.in_flight as u32,
        queued: snapshot.queued as u32,
        max_in_flight: snapshot.max_in_flight as u32,
        max_queue: snapshot.max_queue as u32,
        rejections: snapshot.rejected_total as f64,
    }
}

pub(super) fn concurrency_limits(process: &Process) -> Vec<ConcurrencyLimit> {
    process.guards.limiters().into_iter().map(|limit| concurrency_limit(process.role, &limit)).collect()
}

fn concurrency_limit(role: Role, snapshot: &concurrency::Snapshot) -> ConcurrencyLimit {
    let [batch, normal, critical] = snapshot.refused.map(|count| count as f64);
    ConcurrencyLimit {
        name: snapshot.name.to_string(),
        service: role.name().to_owned(),
        in_flight: snapshot.in_flight as u32,
        limit: snapshot.limit as u32,
        min: snapshot.min as u32,
        max: snapshot.max as u32,
        unloaded: snapshot.unloaded.map(|time| time.as_secs_f64() * 1e3),
        refused_batch: batch,
        refused_normal: normal,
        refused_critical: critical,
    }
}

pub(super) fn rate_limits(process: &Process) -> Vec<RateLimit> {
    process.guards.rate_limiters().into_iter().map(|limit| rate_limit(process.role, &limit)).collect()
}

fn rate_limit(role: Role, snapshot: &rate_limit::Snapshot) -> RateLimit {
    RateLimit {
        name: snapshot.name.to_string(),
        service: role.name().to_owned(),
        limit: snapshot.quota.limit,
        window: snapshot.quota.per.as_millis() as f64,
        burst: snapshot.quota.burst,
        clients: snapshot.keys as u32,
        max_clients: snapshot.max_keys as u32,
        rejections: snapshot.refused_total as f64,
    }
}

pub(super) fn retry_budgets(process: &Process) -> Vec<RetryBudget> {
    process.guards.retry_budgets().into_iter().map(|b| retry_budget(process.role, &b)).collect()
}

fn retry_budget(role: Role, snapshot: &retry::Snapshot) -> RetryBudget {
    RetryBudget {
        name: snapshot.name.to_string(),
        service: role.name().to_owned(),
        available: snapshot.tokens,
        calls: snapshot.asked as f64,
        sent: snapshot.sent as f64,
        refused: snapshot.refused as f64,
    }
}

pub(super) fn caches(process: &Process) -> Vec<Cache> {
    process.guards.caches().iter().map(|cache| self::cache(process.role, &cache.stats())).collect()
}

fn cache(role: Role, stats: &cache::Stats) -> Cache {
    Cache {
        name: stats.name.to_string(),
        service: role.name().to_owned(),
        entries: stats.entries as f64,
        age: stats.oldest.map(|age| age.as_millis() as f64),
        ttl: stats.ttl.as_millis() as f64,
        hits: stats.hits as f64,
        misses: stats.misses as f64,
        loads: stats.loads as f64,
        load_failures: stats.load_failures as f64,
        coalesced: stats.coalesced as f64,
        stale_served: stats.stale_served as f64,
        bytes: stats.held_bytes.map(|bytes| bytes as f64),
        max_bytes: stats.most_bytes.map(|bytes| bytes as f64),
        evicted: stats.evicted.map(|count| count as f64),
    }
}

/// The flags of a process.
pub fn flags(process: &Process) -> Vec<Flag> {
    flags::Flag::ALL.into_iter().map(|flag| self::flag(process, flag)).collect()
}

pub(super) fn flag(process: &Process, flag: flags::Flag) -> Flag {
    Flag {
        name: flag.name().to_owned(),
        percent: process.guards.flags().get(flag).get().into(),
        service: process.role.name().to_owned(),
    }
}

/// The load of a process.
pub(super) fn load(process: &Process) -> Load {
    let Served { calls, errors, per_second, recent } = process.metrics.load(process.role);
    let cost = crate::cost::Cost::now();
    Load {
        role: process.role.name().to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        uptime_ms: process.started.elapsed().as_millis() as f64,
        ready: process.readiness.is_ready(),
        calls: calls as f64,
        errors: errors as f64,
        calls_per_second: per_second,
        latency: Some(Latency { p50: recent.p50, p95: recent.p95, p99: recent.p99 }),
        process_id: std::process::id(),
        cpu_seconds: cost.cpu_seconds,
        resident_bytes: cost.resident_bytes,
    }
}
