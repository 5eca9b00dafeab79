//! What can be typed after `bsm bench`.

use std::time::Duration;

use clap::Args;
use hyper::{
    Method,
    header::{HeaderName, HeaderValue},
};

use crate::commands::bench::header;

const AFTER: &str = "Examples:
  bsm bench http://127.0.0.1:8080/api/agents --rate 500 --duration 30
  bsm bench grpc://127.0.0.1:50051/bsm.registry.v1.RegistryService/GetAgentStatus --data '{\"agentId\": \"security-agent\"}'
  bsm bench http://127.0.0.1:8080/api/chat/direct --data '{\"message\": \"Who are you?\"}' --rate 20 --timeout 60s
  bsm bench http://127.0.0.1:8080/api/agents --overload 10 --pid $(pgrep -x bsm)

Calls are sent when they are due, whether or not earlier ones have been answered, and a call's time counts from then: \
a target that stalls is not spared the calls that it would have had meanwhile. Calls wait for a free connection; \
10,000 may be waiting or on their way. What cannot be sent counts as lost.

Over HTTP/1.1 a connection bears one call at a time, so the target never sees more calls at once than there are \
connections; over HTTP/2 (gRPC, or --http2) it sees them all.

--overload N measures in three parts: the unloaded target at --rate; a ramp that finds its peak goodput; then N times \
that peak for --duration. It reports goodput ÷ peak, and the p99 of what was answered well ÷ that of the unloaded target.

A gateway answers 429 to a client that calls more often than rate_limit.max; start the one that is measured with \
--set rate_limit.max=0.

Ctrl-C ends a load and prints what it came to so far.

Exit codes: 0 the load was sent as asked, whatever the answers; 1 it was not (calls lost, interrupted); 64 wrong usage, \
unknown rpcs included; 65 unusable --data; 66 unreadable --data; 69 nobody answers.";

/// What to call, how often and for how long.
#[derive(Args, Debug)]
#[command(after_help = AFTER)]
pub(crate) struct BenchArgs {
    /// http://HOST:PORT/PATH, or grpc://HOST:PORT/PACKAGE.SERVICE/RPC with an rpc of the contract
    #[arg(value_name = "URL")]
    pub url: String,
    /// Calls a second; with --overload the rate that counts as no load
    #[arg(long, default_value = "100", value_name = "CALLS", value_parser = rate)]
    pub rate: f64,
    /// How long calls are counted: seconds, or a number with ms, s or m
    #[arg(long, default_value = "10s", value_name = "TIME", value_parser = duration)]
    pub duration: Duration,
    /// How long calls are sent before that and not counted
    #[arg(long, default_value = "2s", value_name = "TIME", value_parser = time)]
    pub warmup: Duration,
    /// Give a call up so long after it was due
    #[arg(long, default_value = "5s", value_name = "TIME", value_parser = duration)]
    pub timeout: Duration,
    /// Connections at most [default: 64 of HTTP/1.1, 4 of HTTP/2; with --overload 1000 or 32]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub connections: Option<u16>,
    /// The body, or @FILE; for an rpc its message in JSON
    #[arg(long, value_name = "TEXT")]
    pub data: Option<String>,
    /// The method [default: GET, or POST with --data]
    #[arg(long)]
    pub method: Option<Method>,
    /// A header, or metadata of an rpc; may be given again
    #[arg(long = "header", value_name = "NAME:VALUE", value_parser = header)]
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Speak HTTP/2 with a REST target, too
    #[arg(long)]
    pub http2: bool,
    /// Find the peak and then send N times as much
    #[arg(long, value_name = "N", value_parser = factor)]
    pub overload: Option<f64>,
    /// Tell the CPU and memory of this process as well, where /proc exists: the target's
    #[arg(long)]
    pub pid: Option<u32>,
    /// Allow targets other than this machine
    #[arg(long)]
    pub allow_remote: bool,
    /// Print the report as JSON
    #[arg(long)]
    pub json: bool,
}

/// The fastest load: beyond it no generator of one machine keeps up.
pub(crate) const FASTEST: f64 = 1_000_000.0;

const LONGEST: Duration = Duration::from_secs(24 * 3600);

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate| *rate >= 0.001 && *rate <= FASTEST);
    rate.ok_or_else(|| format!("it must be a number of calls a second, 0.001 to {FASTEST}"))
}

fn factor(text: &str) -> Result<f64, String> {
    let factor = text.parse().ok().filter(|factor| (1.0..=100.0).contains(factor));
    factor.ok_or_else(|| "it must be a factor, 1 to 100".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    time(text).and_then(|time| if time.is_zero() { Err(wrong_time()) } else { Ok(time) })
}

fn time(text: &str) -> Result<Duration, String> {
    const UNITS: [(&str, f64); 3] = [("ms", 0.001), ("s", 1.0), ("m", 60.0)];
    let unit = UNITS.iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, *seconds)));
    let (number, seconds) = unit.unwrap_or((text, 1.0));
    let number: f64 = number.trim().parse().map_err(|_| wrong_time())?;
    let time = Duration::try_from_secs_f64(number * seconds).map_err(|_| wrong_time())?;
    if time > LONGEST { Err(wrong_time()) } else { Ok(time) }
}

fn wrong_time() -> String {
    "it must be a time above 0, such as 500ms, 10, 10s or 2m, and at most a day".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_or_have_a_unit() {
        for (text, ms) in [("10", 10_000), ("10s", 10_000), ("500ms", 500), ("1.5", 1500), ("2m", 120_000)] {
            assert_eq!(duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "0", "-1", "x", "1h", "nan", "inf", "86401", "1e30"] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert_eq!(time("0"), Ok(Duration::ZERO), "a load may do without a warm-up");
    }

    #[test]
    fn rates_and_factors_are_bounded() {
        for text in ["0", "-5", "nan", "1000001", "x", ""] {
            assert!(rate(text).is_err(), "{text}");
        }
        assert_eq!((rate("0.5"), factor("10")), (Ok(0.5), Ok(10.0)));
        assert!(factor("0.5").is_err() && factor("101").is_err());
    }
}
