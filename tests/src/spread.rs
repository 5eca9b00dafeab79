//! How a set of times is spread.

use std::{fmt, time::Duration};

/// Times in order.
#[derive(Clone, Debug, Default)]
pub struct Spread(Vec<Duration>);

impl FromIterator<Duration> for Spread {
    fn from_iter<I: IntoIterator<Item = Duration>>(times: I) -> Spread {
        let mut times: Vec<_> = times.into_iter().collect();
        times.sort_unstable();
        Spread(times)
    }
}

impl Spread {
    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// So large a share of them took at most this; zero without any.
    pub fn at(&self, share: f64) -> Duration {
        let rank = (self.0.len() as f64 * share).ceil() as usize;
        self.0.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }

    /// The median.
    pub fn p50(&self) -> Duration {
        self.at(0.5)
    }

    /// 99 of 100 took at most this.
    pub fn p99(&self) -> Duration {
        self.at(0.99)
    }

    /// The longest.
    pub fn max(&self) -> Duration {
        self.at(1.0)
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (p50, p99, max) = (self.p50(), self.p99(), self.max());
        write!(f, "p50 {p50:.1?}, p99 {p99:.1?}, longest {max:.1?} ({} calls)", self.len())
    }
}
