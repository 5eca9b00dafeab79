//! One cache of the contract over all processes that have it.

use bsm_proto::ops::v1::{Cache, CacheStats, GetCacheStatsResponse};

/// The caches that the contract has figures of.
const NAMES: [&str; 3] = ["agents", "knowledge", "registry"];

/// The caches that can be cleared by name: those of the contract, what the gateway keeps of the providers' state, and
/// models' answers, kept for who asks the same and for who repeats a call.
pub(super) const CLEARABLE: [&str; 6] =
    ["agents", "knowledge", "registry", "providers", "responses", "idempotency"];

/// How long a value of each is fresh, in ms; told when no process has the cache.
const TTLS: [f64; 3] = [300_000.0, 600_000.0, 900_000.0];

/// The contract's figures from those of all processes.
pub(super) fn stats(all: &[Cache], timestamp: f64) -> GetCacheStatsResponse {
    let [agents, knowledge, registry] = [0, 1, 2].map(|at| {
        let own = all.iter().filter(|cache| cache.name == NAMES[at]);
        Some(sum(NAMES[at], TTLS[at], &own.collect::<Vec<_>>()))
    });
    GetCacheStatsResponse { agents, knowledge, registry, timestamp }
}

fn sum(name: &str, ttl: f64, all: &[&Cache]) -> CacheStats {
    let total = |of: fn(&Cache) -> f64| all.iter().map(|cache| of(cache)).sum::<f64>();
    let ages = || all.iter().filter_map(|cache| cache.age.map(|age| (age, cache.ttl)));
    let (hits, misses) = (total(|cache| cache.hits), total(|cache| cache.misses));
    let cached = ages().next().is_some();
    CacheStats {
        name: name.to_owned(),
        cached,
        age: ages().map(|(age, _)| age).fold(0.0, f64::max),
        valid: cached && ages().all(|(age, ttl)| age <= ttl),
        ttl: all.iter().map(|cache| cache.ttl).reduce(f64::max).unwrap_or(ttl),
        hits,
        misses,
        reloads: total(|cache| cache.loads),
        stampede_prevented: total(|cache| cache.coalesced),
        stale_served: total(|cache| cache.stale_served),
        hit_rate: if hits > 0.0 { hits / (hits + misses) } else { 0.0 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(name: &str, age: Option<f64>, hits: f64, misses: f64) -> Cache {
        Cache { name: name.to_owned(), age, ttl: 100.0, hits, misses, ..Cache::default() }
    }

    #[test]
    fn figures_of_a_cache_add_up_over_the_processes() {
        let all = [
            cache("agents", Some(40.0), 6.0, 1.0),
            cache("agents", Some(90.0), 3.0, 2.0),
            cache("other", Some(1.0), 99.0, 9.0),
            cache("agents", None, 0.0, 0.0),
        ];
        let agents = stats(&all, 5.0).agents.unwrap();
        assert_eq!((agents.hits, agents.misses, agents.hit_rate), (9.0, 3.0, 0.75));
        assert_eq!((agents.cached, agents.valid, agents.age, agents.ttl), (true, true, 90.0, 100.0));
        let late = [cache("agents", Some(40.0), 0.0, 0.0), cache("agents", Some(101.0), 0.0, 0.0)];
        assert!(!stats(&late, 5.0).agents.unwrap().valid, "one old copy is enough");
    }

    #[test]
    fn without_any_cache_the_shape_is_the_same() {
        let none = stats(&[], 5.0);
        for (stats, ttl) in
            [(none.agents, 300_000.0), (none.knowledge, 600_000.0), (none.registry, 900_000.0)]
        {
            let stats = stats.unwrap();
            assert_eq!((stats.cached, stats.valid, stats.age, stats.ttl), (false, false, 0.0, ttl));
        }
    }
}
