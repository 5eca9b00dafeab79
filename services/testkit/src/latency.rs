//! How long calls take, as a distribution.

use std::{f64::consts::TAU, fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    seed::Seed,
    span::{NoSpan, Span},
};

/// A distribution of waiting times. In text: `20ms`, `10ms..50ms`, `exp:20ms`, `20ms/200ms` (median and 99th percentile).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Latency {
    /// Always the same.
    Fixed(Duration),
    /// Every length between the two alike.
    Uniform(Duration, Duration),
    /// Exponential with this mean: many short, few long.
    Exponential(Duration),
    /// Log-normal with this median and this 99th percentile: what services show in practice.
    LogNormal {
        /// Half of the calls are faster.
        median: Duration,
        /// One call in a hundred is slower.
        p99: Duration,
    },
}

/// The 99th percentile of the standard normal distribution.
const Z99: f64 = 2.326_347_874;

// === impl Latency ===

impl Latency {
    /// How long the n-th call of a sequence takes.
    #[must_use]
    pub fn at(self, seed: Seed, n: u64) -> Duration {
        match self {
            Latency::Fixed(wait) => wait,
            Latency::Uniform(from, to) => from + to.saturating_sub(from).mul_f64(seed.share(n)),
            Latency::Exponential(mean) => mean.mul_f64(-(1.0 - seed.share(n)).ln()),
            Latency::LogNormal { median, p99 } => {
                let sigma = (p99.as_secs_f64() / median.as_secs_f64()).max(1.0).ln() / Z99;
                median.mul_f64((sigma * normal(seed, n)).exp())
            }
        }
    }
}

/// A standard normal number (Box–Muller).
fn normal(seed: Seed, n: u64) -> f64 {
    let (a, b) = (1.0 - seed.share(n), seed.fork(1).share(n));
    (-2.0 * a.ln()).sqrt() * (TAU * b).cos()
}

/// Text that is no distribution.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoLatency {
    /// One of its lengths of time is none.
    #[error(transparent)]
    Span(#[from] NoSpan),
    /// The smaller one must come first, and a median must not be 0.
    #[error("`{0}` must rise, from more than 0, such as 20ms/200ms or 10ms..50ms")]
    Falling(String),
}

impl FromStr for Latency {
    type Err = NoLatency;

    fn from_str(text: &str) -> Result<Self, NoLatency> {
        let span = |text: &str| text.parse::<Span>().map(|span| span.0);
        let rising = |from: Duration, to: Duration| match from <= to {
            true => Ok((from, to)),
            false => Err(NoLatency::Falling(text.to_owned())),
        };
        if let Some(mean) = text.strip_prefix("exp:") {
            return Ok(Latency::Exponential(span(mean)?));
        }
        if let Some((from, to)) = text.split_once("..") {
            let (from, to) = rising(span(from)?, span(to)?)?;
            return Ok(Latency::Uniform(from, to));
        }
        if let Some((median, p99)) = text.split_once('/') {
            let (median, p99) = rising(span(median)?, span(p99)?)?;
            let positive = !median.is_zero();
            return positive
                .then_some(Latency::LogNormal { median, p99 })
                .ok_or(NoLatency::Falling(text.to_owned()));
        }
        Ok(Latency::Fixed(span(text)?))
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Latency::Fixed(wait) => write!(f, "{}", Span(wait)),
            Latency::Uniform(from, to) => write!(f, "{}..{}", Span(from), Span(to)),
            Latency::Exponential(mean) => write!(f, "exp:{}", Span(mean)),
            Latency::LogNormal { median, p99 } => write!(f, "{}/{}", Span(median), Span(p99)),
        }
    }
}

impl TryFrom<String> for Latency {
    type Error = NoLatency;

    fn try_from(text: String) -> Result<Self, NoLatency> {
        text.parse()
    }
}

impl From<Latency> for String {
    fn from(latency: Latency) -> Self {
        latency.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(latency: &str) -> Vec<f64> {
        let latency: Latency = latency.parse().unwrap();
        let mut all: Vec<f64> = (0..10_000).map(|n| latency.at(Seed(5), n).as_secs_f64() * 1e3).collect();
        all.sort_by(f64::total_cmp);
        all
    }

    #[test]
    fn a_distribution_has_the_median_and_the_tail_it_names() {
        let all = sorted("20ms/200ms");
        assert!((all[5_000] - 20.0).abs() < 2.0, "median {}", all[5_000]);
        assert!((all[9_900] - 200.0).abs() < 40.0, "p99 {}", all[9_900]);
        let all = sorted("10ms..50ms");
        assert!(all[0] >= 10.0 && all[9_999] <= 50.0 && (all[5_000] - 30.0).abs() < 2.0);
        let all = sorted("exp:20ms");
        assert!((all.iter().sum::<f64>() / 10_000.0 - 20.0).abs() < 1.0);
        assert_eq!(sorted("3ms")[9_999], 3.0);
    }

    #[test]
    fn the_same_seed_gives_the_same_times() {
        let latency: Latency = "20ms/200ms".parse().unwrap();
        assert_eq!(latency.at(Seed(1), 9), latency.at(Seed(1), 9));
        assert_ne!(latency.at(Seed(1), 9), latency.at(Seed(2), 9));
    }

    #[test]
    fn distributions_are_written_as_they_are_read() {
        for text in ["20ms", "10ms..50ms", "exp:20ms", "20ms/200ms"] {
            assert_eq!(text.parse::<Latency>().unwrap().to_string(), text);
        }
        for text in ["", "50ms..10ms", "0s/1s", "exp:", "1ms..2ms..3ms"] {
            assert!(text.parse::<Latency>().is_err(), "{text}");
        }
    }
}
