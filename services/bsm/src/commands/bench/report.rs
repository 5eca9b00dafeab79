//! What is told of a load: numbers first, then as JSON or as a text.

mod table;

use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use super::{
    origin::Scheme,
    outcome::Class,
    overload::Overload,
    request::{Template, Version},
    run::Run,
    tally::Times,
    usage::Usage,
};

/// Whom the load was sent to, and how.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Target {
    url: String,
    method: String,
    protocol: &'static str,
    connections: usize,
    timeout_ms: f64,
}

/// Times in ms, from when a call was due.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Latency {
    pub(super) p50: f64,
    pub(super) p90: f64,
    pub(super) p99: f64,
    pub(super) p999: f64,
    pub(super) max: f64,
}

/// Calls that ended alike.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct End {
    /// A code and perhaps a reason, or a few words.
    pub(super) what: String,
    /// `good`, `refused`, `unanswered` or `lost`.
    pub(super) kind: &'static str,
    pub(super) calls: u64,
    pub(super) latency_ms: Latency,
}

/// What one load came to. Counts are of calls that were due after the warm-up.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Summary {
    /// Calls a second that were asked for.
    pub(super) rate: f64,
    pub(super) seconds: f64,
    pub(super) warmup_seconds: f64,
    pub(super) interrupted: bool,
    pub(super) asked: u64,
    /// Those that went out, or tried to.
    pub(super) sent: u64,
    pub(super) answered: u64,
    pub(super) unanswered: u64,
    /// Those that never went out.
    pub(super) lost: u64,
    /// Those that were on their way when the load was interrupted.
    pub(super) unfinished: u64,
    /// Those that went out more than 10 ms after they were due.
    pub(super) late: u64,
    /// Calls sent, answered, and answered well a second; answers only while the load lasted.
    pub(super) achieved_rate: f64,
    pub(super) answered_rate: f64,
    pub(super) goodput: f64,
    pub(super) body_bytes: u64,
    /// Of all calls sent; those that were given up with the time they had.
    pub(super) latency_ms: Latency,
    pub(super) good_latency_ms: Latency,
    /// From when a call was due until it went out: what of the times is the generator's.
    pub(super) send_delay_ms: Latency,
    pub(super) ends: Vec<End>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) generator: Option<Usage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) target: Option<Usage>,
}

/// What is printed.
pub(super) struct Report {
    target: Target,
    what: What,
}

enum What {
    Load(Box<Summary>),
    Overload(Box<Overload>),
}

// === impl Target ===

impl Target {
    pub(super) fn new(url: &str, template: &Template, connections: usize, timeout: Duration) -> Target {
        let protocol = match (template.scheme, template.version) {
            (Scheme::Grpc, _) => "gRPC",
            (Scheme::Rest, Version::Http1) => "HTTP/1.1",
            (Scheme::Rest, Version::Http2) => "HTTP/2",
        };
        let (url, method) = (url.to_owned(), template.method.to_string());
        Target { url, method, protocol, connections, timeout_ms: timeout.as_secs_f64() * 1e3 }
    }
}

// === impl Summary ===

impl Summary {
    pub(super) fn of(run: &Run) -> Summary {
        let tally = &run.tally;
        let count = |class| tally.count(class);
        let (answered, unanswered) = (count(Class::Good) + count(Class::Refused), count(Class::Broken));
        let unfinished = run.unfinished as u64;
        let sent = answered + unanswered + unfinished;
        let seconds = run.counted_for.as_secs_f64();
        let per_second = |calls: u64| if seconds > 0.0 { calls as f64 / seconds } else { 0.0 };
        Summary {
            rate: run.plan.rate,
            seconds,
            warmup_seconds: run.plan.warmup.as_secs_f64(),
            interrupted: run.interrupted,
            asked: run.plan.counted(),
            sent,
            answered,
            unanswered,
            lost: count(Class::Lost),
            unfinished,
            late: tally.late,
            achieved_rate: per_second(sent),
            answered_rate: per_second(tally.answers_in_time),
            goodput: per_second(tally.good_in_time),
            body_bytes: tally.bytes,
            latency_ms: Latency::of(&tally.sent),
            good_latency_ms: Latency::of(&tally.times(Class::Good)),
            send_delay_ms: Latency::of(&tally.lag),
            ends: ends(run),
            generator: run.generator,
            target: run.target,
        }
    }

    /// The most frequent end among those asked for.
    pub(super) fn most(&self, wanted: impl Fn(&&End) -> bool) -> &str {
        self.ends
            .iter()
            .filter(wanted)
            .max_by_key(|end| end.calls)
            .map_or("nothing is known", |end| &end.what)
    }
}

fn ends(run: &Run) -> Vec<End> {
    let end = |((_, what), kind): (&(u8, std::borrow::Cow<'static, str>), &super::tally::Kind)| End {
        what: what.to_string(),
        kind: match kind.class {
            Class::Good => "good",
            Class::Refused => "refused",
            Class::Broken => "unanswered",
            Class::Lost => "lost",
        },
        calls: kind.times.count(),
        latency_ms: Latency::of(&kind.times),
    };
    run.tally.kinds.iter().map(end).collect()
}

impl Latency {
    fn of(times: &Times) -> Latency {
        let at = |share| times.at(share);
        Latency { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: at(1.0) }
    }
}

// === impl Report ===

impl Report {
    pub(super) fn load(target: Target, run: Run) -> Report {
        Report { target, what: What::Load(Box::new(Summary::of(&run))) }
    }

    pub(super) fn overload(target: Target, overload: Overload) -> Report {
        Report { target, what: What::Overload(Box::new(overload)) }
    }

    /// Every load that was to be sent as asked; the ramp looks for the rate at which that ends.
    pub(super) fn summaries(&self) -> Vec<&Summary> {
        match &self.what {
            What::Load(load) => vec![load],
            What::Overload(overload) => {
                [Some(&overload.unloaded), overload.overloaded.as_ref()].into_iter().flatten().collect()
            }
        }
    }

    /// For machines.
    ///
    /// # Errors
    /// Never for numbers and texts as these.
    pub(super) fn json(&self) -> serde_json::Result<String> {
        let value = match &self.what {
            What::Load(load) => json!({ "target": self.target, "load": load }),
            What::Overload(overload) => json!({
                "target": self.target,
                "overload": {
                    "factor": overload.factor,
                    "peak": overload.peak,
                    "goodputShare": overload.goodput_share(),
                    "p99Ratio": overload.p99_ratio(),
                },
                "unloaded": overload.unloaded,
                "ramp": overload.steps,
                "overloaded": overload.overloaded,
            }),
        };
        serde_json::to_string_pretty(&value)
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let body = match &self.what {
            What::Load(load) => table::load(load),
            What::Overload(overload) => table::overload(overload),
        };
        format!("{}\n{body}", table::target(&self.target))
    }
}

// === impl Overload ===

impl Overload {
    /// Good answers under overload, of those at the peak.
    pub(super) fn goodput_share(&self) -> Option<f64> {
        self.overloaded.as_ref().filter(|_| self.peak > 0.0).map(|over| over.goodput / self.peak)
    }

    /// How much longer good answers take under overload; none if there were none.
    pub(super) fn p99_ratio(&self) -> Option<f64> {
        let (without, with) =
            (self.unloaded.good_latency_ms.p99, self.overloaded.as_ref()?.good_latency_ms.p99);
        (without > 0.0 && with > 0.0).then(|| with / without)
    }
}
