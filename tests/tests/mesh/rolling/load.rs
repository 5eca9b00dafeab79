//! Calls at a fixed rate, whatever becomes of them.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use bsm_tests::{Rest, Spread, diffs, github, rest::Answer};
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::Balancer;

/// What is called, how often in forty, and what a good answer looks like.
struct Kind {
    name: &'static str,
    share: usize,
    request: fn(&Rest, usize) -> RequestBuilder,
    is_good: fn(&Answer) -> bool,
}

const KINDS: [Kind; 6] = [
    Kind { name: "agents", share: 14, request: agent, is_good: |answer| answer.code == 404 },
    Kind { name: "documents", share: 10, request: document, is_good: |answer| answer.code == 404 },
    Kind { name: "memory search", share: 10, request: search, is_good: |answer| answer.code == 200 },
    Kind { name: "streams", share: 4, request: stream, is_good: is_whole },
    Kind { name: "deliveries", share: 1, request: delivery, is_good: |answer| answer.code == 202 },
    Kind { name: "submits", share: 1, request: submit, is_good: |answer| answer.code == 202 },
];

/// One that nobody knows, another each time: what is kept at the gateway has no answer, the registry must be asked.
fn agent(rest: &Rest, number: usize) -> RequestBuilder {
    rest.request(Method::GET, &format!("/api/agents/nobody-{number}/status"))
}

fn document(rest: &Rest, number: usize) -> RequestBuilder {
    rest.request(Method::GET, &format!("/api/knowledge/nobody-{number}"))
}

fn search(rest: &Rest, _: usize) -> RequestBuilder {
    rest.request(Method::POST, "/api/memory/reviews/search").json(&json!({"code": "fn parse()", "topK": 1}))
}

/// A model's answer as it comes, word by word.
fn stream(rest: &Rest, _: usize) -> RequestBuilder {
    let request = rest.request(Method::POST, "/api/chat/direct").header("accept", "text/event-stream");
    request.json(&json!({"message": "hello", "language": "en"}))
}

fn is_whole(answer: &Answer) -> bool {
    answer.code == 200 && answer.text.contains("\"done\":{") && !answer.text.contains("event: error")
}

/// A push, which one agent looks at.
fn delivery(rest: &Rest, number: usize) -> RequestBuilder {
    let body = json!({
        "ref": "refs/heads/main", "before": format!("{number:040x}"), "after": format!("{:040x}", number + 1),
        "repository": {"full_name": "octo/shop"}, "commits": [],
    });
    github::delivery(rest, "push", &format!("delivery-{number}"), &body)
}

fn submit(rest: &Rest, number: usize) -> RequestBuilder {
    let payload = json!({"repo": "octo/shop", "number": number, "diff": diffs::clean()});
    let body = json!({"event": "push", "payload": payload, "idempotencyKey": format!("submit-{number}")});
    rest.request(Method::POST, "/api/orchestrator/run").json(&body)
}

/// The running load.
pub(super) struct Load {
    shared: Arc<Shared>,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

struct Shared {
    balancer: Balancer,
    asked: AtomicUsize,
    seen: Mutex<BTreeMap<&'static str, Seen>>,
}

#[derive(Default)]
struct Seen {
    took: Vec<Duration>,
    failures: Vec<String>,
}

/// What became of the calls.
pub(super) struct Report {
    took: BTreeMap<&'static str, Spread>,
    /// Calls that were taken to another gateway.
    pub(super) moved: usize,
    /// Those that failed, with their kind.
    pub(super) failures: Vec<String>,
}

impl Load {
    pub(super) fn start(balancer: Balancer, rate: u32) -> Load {
        let shared = Arc::new(Shared { balancer, asked: AtomicUsize::new(0), seen: Mutex::default() });
        let stop = CancellationToken::new();
        let running = tokio::spawn(shared.clone().run(rate, stop.clone()));
        Load { shared, stop, running }
    }

    /// Calls so far.
    pub(super) fn asked(&self) -> usize {
        self.shared.asked.load(Relaxed)
    }

    /// Waits until there were so many.
    pub(super) async fn reaches(&self, calls: usize) {
        while self.asked() < calls {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Asks no more, and waits for the answers.
    pub(super) async fn stop(self) -> Report {
        self.stop.cancel();
        self.running.await.unwrap();
        let seen = std::mem::take(&mut *self.shared.seen.lock().unwrap());
        let failures =
            seen.iter().flat_map(|(kind, seen)| seen.failures.iter().map(move |f| format!("{kind}: {f}")));
        Report {
            moved: self.shared.balancer.moved(),
            failures: failures.collect(),
            took: seen.into_iter().map(|(kind, seen)| (kind, seen.took.into_iter().collect())).collect(),
        }
    }
}

impl Shared {
    async fn run(self: Arc<Self>, rate: u32, stop: CancellationToken) {
        let mut calls = JoinSet::new();
        let mut due = tokio::time::interval(Duration::from_secs(1) / rate); // late ones are made up for
        while stop.run_until_cancelled(due.tick()).await.is_some() {
            let number = self.asked.fetch_add(1, Relaxed);
            calls.spawn(self.clone().call(number, Instant::now()));
            while calls.try_join_next().is_some() {}
        }
        calls.join_all().await;
    }

    async fn call(self: Arc<Self>, number: usize, due: Instant) {
        let kind = kind_of(number);
        let answer = self.balancer.call(|gateway| (kind.request)(gateway, number)).await;
        let failure = match answer {
            Ok(answer) if (kind.is_good)(&answer) => None,
            Ok(answer) => Some(format!("{} {}", answer.code, answer.text)),
            Err(broken) => Some(broken),
        };
        let mut seen = self.seen.lock().unwrap();
        let seen = seen.entry(kind.name).or_default();
        seen.took.push(due.elapsed());
        seen.failures.extend(failure);
    }
}

/// Kinds are spread evenly: 17 and 40 have no common divisor.
fn kind_of(number: usize) -> &'static Kind {
    let mut place = number * 17 % 40;
    let kind = KINDS.iter().find(|kind| {
        let found = place < kind.share;
        place = place.saturating_sub(kind.share);
        found
    });
    kind.unwrap_or(&KINDS[0])
}

impl Report {
    /// All calls.
    pub(super) fn calls(&self) -> usize {
        self.took.values().map(Spread::len).sum()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (kind, took) in &self.took {
            writeln!(f, "  {kind}: {took}")?;
        }
        writeln!(
            f,
            "  {} calls, {} failed, {} moved to the other gateway",
            self.calls(),
            self.failures.len(),
            self.moved
        )?;
        self.failures.iter().take(20).try_for_each(|failure| writeln!(f, "  {failure}"))
    }
}
