//! The edges of the mesh, and what each of them may cost: the one table that the matrix is made of.

use std::{
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use bsm_runtime::role::Role;
use bsm_tests::{Rest, diffs};
use reqwest::{Method, RequestBuilder};
use serde_json::json;

use super::fault::Fault;

/// Providers are given so long, so that a silent one is found out soon.
pub(super) const PROVIDER_SECONDS: u64 = 2;

/// A way from one part of the mesh to another.
pub(super) struct Edge {
    /// What its breaker is called.
    pub(super) breaker: &'static str,
    pub(super) from: Role,
    /// `None` is the model provider.
    pub(super) to: Option<Role>,
    /// A call that goes over it.
    pub(super) call: fn(&Rest) -> RequestBuilder,
    /// The HTTP code of its answer while all is well.
    pub(super) well: u16,
    /// How many of these go out at once.
    pub(super) at_once: usize,
    /// What becomes of such a call while the edge is broken.
    pub(super) told: Told,
    /// What becomes of a job meanwhile.
    pub(super) job: Job,
    /// How soon silence is noticed.
    pub(super) patience: Patience,
}

/// What the one who calls is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// That it failed, by a code and a reason.
    Failed,
    /// The answer: this goes on without the callee.
    Answered,
}

/// What a job comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Job {
    /// The usual decision.
    Decided,
    /// The usual decision, with a note that names what it went without.
    DecidedWithout(&'static str),
    /// A person has to look.
    ManualReview,
    /// It cannot be handed in.
    Refused,
}

/// How soon silence is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// Stores answer in moments: an attempt ends after 5 s.
    Store,
    /// Whoever asks models waits for minutes; a connection that has died is noticed by its keep-alive, after 25 s.
    Model,
    /// As [`Store`](Patience::Store), but there is one question that all share: so few attempts open no breaker.
    Shared,
    /// As long as the setting says.
    Provider,
}

/// What a broken edge is to be like.
pub(super) struct Bounds {
    /// By when its breaker is open; `None` when it need not be, and answers only come late.
    pub(super) opens: Option<Duration>,
    /// By when whoever calls is told.
    pub(super) told: Duration,
    /// By when calls flow again once the fault is over.
    pub(super) heals: Duration,
}

const fn edge(breaker: &'static str, from: Role, to: Role, call: fn(&Rest) -> RequestBuilder) -> Edge {
    let patience = match to {
        Role::Models | Role::Orchestrator => Patience::Model,
        _ => Patience::Store,
    };
    let (told, job) = (Told::Failed, Job::Decided);
    Edge { breaker, from, to: Some(to), call, well: 200, at_once: 6, told, job, patience }
}

use Role::{Gateway, Knowledge, Memory, Models, Orchestrator, Registry};

/// Every edge.
pub(super) static EDGES: [Edge; 10] = [
    Edge { well: 404, ..edge("gateway->registry", Gateway, Registry, unknown_agent) },
    Edge { well: 404, ..edge("gateway->knowledge", Gateway, Knowledge, unknown_document) },
    edge("gateway->memory", Gateway, Memory, search),
    edge("gateway->models", Gateway, Models, built_in),
    Edge { job: Job::Refused, ..edge("gateway->orchestrator", Gateway, Orchestrator, strategies) },
    Edge {
        well: 404,
        job: Job::ManualReview,
        ..edge("orchestrator->registry", Orchestrator, Registry, run_unknown_agent)
    },
    Edge {
        told: Told::Answered,
        job: Job::DecidedWithout("knowledge"),
        patience: Patience::Shared,
        ..edge("orchestrator->knowledge", Orchestrator, Knowledge, run_agent)
    },
    Edge {
        told: Told::Answered,
        well: 202,
        at_once: 3, // each asks four agents, and a provider takes ten calls at once
        job: Job::DecidedWithout("memory"),
        ..edge("orchestrator->memory", Orchestrator, Memory, run_job)
    },
    Edge { job: Job::ManualReview, ..edge("orchestrator->models", Orchestrator, Models, run_agent) },
    Edge {
        to: None,
        job: Job::ManualReview,
        patience: Patience::Provider,
        ..edge("openai", Models, Models, ask_provider)
    },
];

/// A name that nobody asked for before: what is kept, or asked for by somebody else just now, never has the answer.
fn unknown() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("nobody-{}", NEXT.fetch_add(1, Relaxed))
}

fn unknown_agent(rest: &Rest) -> RequestBuilder {
    rest.request(Method::GET, &format!("/api/agents/{}/status", unknown()))
}

fn unknown_document(rest: &Rest) -> RequestBuilder {
    rest.request(Method::GET, &format!("/api/knowledge/{}", unknown()))
}

fn run_unknown_agent(rest: &Rest) -> RequestBuilder {
    rest.request(Method::POST, "/api/agents/run").json(&json!({"agentId": unknown(), "input": "Look."}))
}

fn agents(rest: &Rest) -> RequestBuilder {
    rest.request(Method::GET, "/api/agents")
}

fn documents(rest: &Rest) -> RequestBuilder {
    rest.request(Method::GET, "/api/knowledge")
}

fn search(rest: &Rest) -> RequestBuilder {
    rest.request(Method::POST, "/api/memory/reviews/search").json(&json!({"code": "fn parse()", "topK": 1}))
}

fn built_in(rest: &Rest) -> RequestBuilder {
    complete(rest, "offline")
}

fn ask_provider(rest: &Rest) -> RequestBuilder {
    complete(rest, "openai")
}

fn complete(rest: &Rest, model: &str) -> RequestBuilder {
    let prompt = json!({"model": model, "messages": [{"role": "user", "content": "hello"}]});
    rest.request(Method::POST, "/api/models/complete").json(&json!({"prompt": prompt}))
}

fn strategies(rest: &Rest) -> RequestBuilder {
    rest.request(Method::GET, "/api/orchestrator/config")
}

fn run_agent(rest: &Rest) -> RequestBuilder {
    rest.request(Method::POST, "/api/agents/run")
        .json(&json!({"agentId": "security-agent", "input": "Look."}))
}

fn run_job(rest: &Rest) -> RequestBuilder {
    let body = json!({"event": "pull_request.opened", "payload": {"diff": diffs::clean()}, "wait": 30});
    rest.request(Method::POST, "/api/orchestrator/run").json(&body)
}

/// Makes a call.
pub(super) type Request = fn(&Rest) -> RequestBuilder;

/// What answers by the gateway's own ways, and by whom.
const ROUTES: [(Role, Request); 5] = [
    (Registry, agents),
    (Knowledge, documents),
    (Memory, search),
    (Models, built_in),
    (Orchestrator, strategies),
];

fn health(rest: &Rest) -> RequestBuilder {
    rest.request(Method::GET, "/health")
}

// === impl Edge ===

impl Edge {
    /// Calls that have nothing to do with this edge while that fault lasts.
    pub(super) fn others(&self, fault: Fault) -> Vec<fn(&Rest) -> RequestBuilder> {
        let away = self.to.filter(|_| self.from == Gateway || fault == Fault::Killed);
        let routes = ROUTES.iter().filter(|(role, _)| Some(*role) != away).map(|(_, call)| *call);
        [health as fn(&Rest) -> RequestBuilder].into_iter().chain(routes).collect()
    }

    /// Names of breakers that may open: its own, and when a process is gone, those of all who call it.
    pub(super) fn may_open(&self, breaker: &str, fault: Fault) -> bool {
        let gone = self.to.filter(|_| fault == Fault::Killed);
        breaker.starts_with(self.breaker)
            || gone.is_some_and(|role| breaker.contains(&format!("->{}", role.name())))
    }

    /// What a job comes to: the ways of the orchestrator are spoiled only if its process or its callee's is gone.
    pub(super) fn job(&self, fault: Fault) -> Job {
        let same = |other: &&Edge| other.from == Orchestrator && other.to == self.to;
        match EDGES.iter().find(same) {
            Some(others) if fault == Fault::Killed && self.to.is_some() => others.job,
            _ if fault == Fault::Slow && self.patience == Patience::Model => Job::Decided,
            _ => self.job,
        }
    }

    pub(super) fn bounds(&self, fault: Fault) -> Bounds {
        let at_once = matches!(fault, Fault::Killed | Fault::Resets);
        let seconds = Duration::from_secs;
        let (silence, told) = match self.patience {
            Patience::Store => (Some(5), 10),
            Patience::Shared => (None, 10),
            Patience::Model if fault == Fault::Slow => (None, 5),
            Patience::Model => (Some(25), 25),
            Patience::Provider => (Some(PROVIDER_SECONDS), PROVIDER_SECONDS),
        };
        // One question at a time takes five rounds to open a breaker.
        let rounds = if self.patience == Patience::Shared { 5 } else { 0 };
        let opens = if at_once { Some(rounds) } else { silence };
        Bounds {
            opens: opens.map(|after| seconds(after) + BUSY),
            told: seconds(if at_once { 2 } else { told }) + BUSY,
            // A provider is asked again when its breaker's time is over; services are watched.
            heals: seconds(if self.patience == Patience::Provider { 30 } else { 2 }) + BUSY / 3,
        }
    }
}

/// What a busy machine adds.
const BUSY: Duration = Duration::from_secs(3);
