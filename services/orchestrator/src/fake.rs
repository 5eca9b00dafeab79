//! A mesh of one script, for tests: says what each agent answers, counts what was asked, and holds answers back.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use bsm_proto::{
    memory::v1::{SimilarReview, StoreDecisionRequest, StoreReviewRequest},
    models::v1::{CompleteResponse, Completion, Prompt, Usage},
    registry::v1::{Agent, AnswerKind, ResolveAgentRequest},
};
use bsm_runtime::{
    call::Call,
    diagnostic::{Findings, Strictness},
    status::Refusal,
};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tonic::{Code, Status};

use crate::{
    clients::{Document, Known, Mesh, Passage, PassageQuestion, Refused, Reply},
    engine::{Engine, Parts},
    github::GitHub,
    job::{Job, JobId, JobState, Step},
    journal::{Journal, NewJob},
    policy::Policy,
    rules::Rules,
    strategy::{Execution, OnFailure, StepRules, Strategy},
};

/// What a model does when asked.
#[derive(Debug, Clone)]
pub(crate) enum Say {
    /// Answers by the schema.
    Review(&'static str, f64),
    /// Answers with this text.
    Text(&'static str),
    /// Refuses.
    Refuse(Code, &'static str),
    /// Answers nothing, ever.
    Hang,
    /// Approves, and warns of something in the log.
    Warn,
    /// Takes the step's task down.
    Panic,
}

/// Says what an agent answers when asked for the nth time, from 1.
type Script = Box<dyn Fn(&str, usize) -> Say + Send + Sync>;

/// The scripted mesh.
pub(crate) struct Fake {
    script: Script,
    /// `resolve a`, `documents`, `ask a`, `store review`, ... in order.
    log: Mutex<Vec<String>>,
    prompts: Mutex<Vec<Prompt>>,
    /// Correlation id and trace of every question to a model.
    calls: Mutex<Vec<(String, Option<String>)>>,
    accounts: Mutex<Vec<[String; 3]>>,
    /// Services that are down, by name: registry, knowledge, memory.
    down: &'static [&'static str],
    /// A service that is down for so many questions.
    down_at_first: Mutex<(&'static str, usize)>,
    /// How old what registry and knowledge say is, if they cannot be asked.
    age: Option<Duration>,
    /// An answer of a model takes a permit and keeps it.
    pub(crate) answers: Semaphore,
}

pub(crate) const APPROVE: Say = Say::Review("approve", 9.0);

impl Fake {
    pub(crate) fn new(script: impl Fn(&str, usize) -> Say + Send + Sync + 'static) -> Self {
        Self {
            script: Box::new(script),
            log: Mutex::default(),
            prompts: Mutex::default(),
            calls: Mutex::default(),
            accounts: Mutex::default(),
            down: &[],
            down_at_first: Mutex::new(("", 0)),
            age: None,
            answers: Semaphore::new(Semaphore::MAX_PERMITS),
        }
    }

    /// The same with these services down.
    pub(crate) fn without(self, down: &'static [&'static str]) -> Self {
        Self { down, ..self }
    }

    /// The same with a service down for the first questions.
    pub(crate) fn without_at_first(self, service: &'static str, questions: usize) -> Self {
        Self { down_at_first: Mutex::new((service, questions)), ..self }
    }

    /// The same with a registry and a knowledge service that are known from before only.
    pub(crate) fn remembering(self, age: Duration) -> Self {
        Self { age: Some(age), ..self }
    }

    /// The same with models that answer only once `answers` has permits.
    pub(crate) fn held(self) -> Self {
        Self { answers: Semaphore::new(0), ..self }
    }

    /// How often something was asked for.
    pub(crate) fn count(&self, what: &str) -> usize {
        self.log.lock().unwrap().iter().filter(|entry| *entry == what).count()
    }

    /// All that was asked for, in order.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// What the models were asked, in order.
    pub(crate) fn prompts(&self) -> Vec<Prompt> {
        self.prompts.lock().unwrap().clone()
    }

    /// On whose account models were asked: caller, agent and job.
    pub(crate) fn accounts(&self) -> Vec<[String; 3]> {
        self.accounts.lock().unwrap().clone()
    }

    /// The calls that models were asked in: correlation id and trace.
    pub(crate) fn calls(&self) -> Vec<(String, Option<String>)> {
        self.calls.lock().unwrap().clone()
    }

    fn note(&self, what: String) {
        self.log.lock().unwrap().push(what);
    }

    fn up(&self, service: &str) -> Result<(), Refused> {
        let mut at_first = self.down_at_first.lock().unwrap();
        let early = at_first.0 == service && at_first.1 > 0;
        at_first.1 -= usize::from(early);
        if early || self.down.contains(&service) {
            return Err(refused(Code::Unavailable, "UNREACHABLE"));
        }
        Ok(())
    }
}

pub(crate) fn refused(code: Code, reason: &str) -> Refused {
    Status::from(Refusal::new(code, reason, "the service is not there")).into()
}

impl Mesh for Fake {
    fn resolve_agent<'a>(&'a self, _: &'a Call, request: ResolveAgentRequest) -> Reply<'a, Known<Agent>> {
        Box::pin(async move {
            self.note(format!("resolve {}", request.agent_id));
            self.up("registry")?;
            let kind = match request.agent_id.as_str() {
                // Outside of any step: this takes the job's run down.
                "poison" => panic!("on purpose"),
                "forbidden" => return Err(refused(Code::PermissionDenied, "CONTEXT_FORBIDDEN")),
                "prose" => AnswerKind::Text,
                _ => AnswerKind::Review,
            };
            let agent =
                Agent { id: request.agent_id, name: "N".into(), answer: kind.into(), ..Agent::default() };
            Ok(Known { value: agent, age: self.age })
        })
    }

    fn passages<'a>(&'a self, _: &'a Call, question: PassageQuestion) -> Reply<'a, Vec<Passage>> {
        Box::pin(async move {
            self.note(format!("passages for {}", question.audience.join(" ")));
            self.up("knowledge")?;
            if self.age.is_some() {
                return Err(refused(Code::Unavailable, "UNREACHABLE"));
            }
            Ok(vec![Passage {
                id: "rules#keys".into(),
                title: "Rules".into(),
                headings: vec!["Keys".into()],
                source: "rules.md".into(),
                hash: "0".repeat(64),
                text: "never commit a key".into(),
                tokens: 5,
                audience: vec!["all".into()],
            }])
        })
    }

    fn documents<'a>(&'a self, _: &'a Call) -> Reply<'a, Known<Arc<[Document]>>> {
        Box::pin(async move {
            self.note("documents".into());
            self.up("knowledge")?;
            let text = "never commit a key".into();
            let audience = vec!["all".into()];
            let document = Document { id: "rules".into(), title: "Rules".into(), text, audience };
            Ok(Known { value: Arc::from([document]), age: self.age })
        })
    }

    fn similar_reviews<'a>(&'a self, _: &'a Call, _: String, _: u32) -> Reply<'a, Vec<SimilarReview>> {
        Box::pin(async move {
            self.note("similar reviews".into());
            self.up("memory")?;
            Ok(Vec::new())
        })
    }

    fn complete<'a>(&'a self, call: &'a Call, prompt: Prompt) -> Reply<'a, CompleteResponse> {
        Box::pin(async move {
            self.calls.lock().unwrap().push((call.correlation_id().to_owned(), call.traceparent()));
            let (agent, job) = (call.agent().unwrap_or_default(), call.job().unwrap_or_default());
            self.accounts.lock().unwrap().push([call.caller(), agent, job].map(str::to_owned));
            let key = prompt.idempotency_key.clone().unwrap_or_else(|| "-:direct".into());
            let agent = key.split(':').nth(1).unwrap().to_owned();
            self.note(format!("ask {agent}"));
            self.prompts.lock().unwrap().push(prompt);
            let nth = self.count(&format!("ask {agent}"));
            self.answers.acquire().await.unwrap().forget();
            let review = |decision: &str, score: f64| {
                json!({"decision": decision, "score": score, "summary": "s", "findings": []}).to_string()
            };
            let output = match (self.script)(&agent, nth) {
                Say::Review(decision, score) => review(decision, score),
                Say::Warn => {
                    tracing::warn!("the model thinks aloud");
                    review("approve", 9.0)
                }
                Say::Text(text) => text.to_owned(),
                Say::Refuse(code, reason) => return Err(refused(code, reason)),
                Say::Hang => std::future::pending().await,
                Say::Panic => panic!("on purpose"),
            };
            let usage = Some(Usage { input_tokens: 10, output_tokens: 2, ..Default::default() });
            let completion =
                Completion { provider: "fake".into(), model: "m".into(), usage, ..Default::default() };
            Ok(CompleteResponse { output, completion: Some(completion), ..Default::default() })
        })
    }

    fn store_review<'a>(&'a self, _: &'a Call, review: StoreReviewRequest) -> Reply<'a, ()> {
        Box::pin(async move {
            assert!(!review.code.is_empty() && !review.review.is_empty());
            self.note("store review".into());
            self.up("memory")
        })
    }

    fn store_decision<'a>(&'a self, _: &'a Call, decision: StoreDecisionRequest) -> Reply<'a, ()> {
        Box::pin(async move {
            self.note(format!("store decision {}", decision.action));
            self.up("memory")
        })
    }
}

/// An engine on a journal.
pub(crate) fn engine(folder: &std::path::Path, mesh: &Arc<Fake>, max_jobs: usize) -> Engine {
    engine_with(folder, mesh, max_jobs, None)
}

/// An engine that can ask GitHub.
pub(crate) fn engine_with(
    folder: &std::path::Path,
    mesh: &Arc<Fake>,
    max_jobs: usize,
    github: Option<GitHub>,
) -> Engine {
    let agents = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../agents");
    let journal = Journal::open(folder).unwrap();
    let rules = Arc::new(rules(&agents));
    let reports = folder.join("reports");
    let _ = std::fs::create_dir(&reports);
    Engine::new(Parts { journal, mesh: Arc::clone(mesh) as _, github, rules, reports, max_jobs })
}

/// The rules as delivered, with the agent `a` in every panel, so that jobs of few agents can be approved.
fn rules(agents: &std::path::Path) -> Rules {
    let text = std::fs::read_to_string(agents.join("policy.yaml")).unwrap();
    let mut text = text.replacen("governance: [", "governance: [a, ", 1);
    for panel in ["security: [", "review: ["] {
        assert!(text.contains(panel), "{panel}");
        text = text.replacen(panel, &format!("{panel}a, "), 1);
    }
    let mut findings = Findings::new("policy.yaml", text, Strictness::Strict);
    let policy = Policy::read(&mut findings, None).unwrap();
    Rules::new(Rules::load(agents).unwrap().strategies().clone(), policy)
}

pub(crate) fn strategy(execution: Execution, on_failure: OnFailure, agents: &[&str]) -> Strategy {
    let agents: Vec<_> = agents.iter().map(|agent| (*agent).to_owned()).collect();
    Strategy {
        event: "pull_request.opened".into(),
        description: "reviews".into(),
        context: "github".into(),
        execution,
        required: agents.clone(),
        agents,
        deadline_seconds: 60,
        step: StepRules { timeout_seconds: 30, max_attempts: 2, on_failure },
    }
}

/// A small sound change of a pull request.
pub(crate) fn payload() -> Value {
    json!({
        "repo": "acme/shop", "prNumber": 12, "headSha": "abc", "title": "Say hello",
        "diff": "--- a/src/x.rs\n+++ b/src/x.rs\n@@ -1 +1,2 @@\n fn a() {}\n+fn hello() {}\n",
    })
}

pub(crate) fn new_job(strategy: Strategy) -> NewJob {
    NewJob {
        id: JobId::new(),
        event: strategy.event.clone(),
        source: "api".into(),
        subject: "acme/shop#12".into(),
        correlation_id: "c-1".into(),
        traceparent: None,
        caller: "anonymous".into(),
        created_at: 1_700_000_000_000,
        strategy,
        payload: payload(),
        context: json!({}),
        rerun_of: None,
    }
}

/// The same as it is in the journal, just begun.
pub(crate) fn job(strategy: Strategy) -> Job {
    let new = new_job(strategy);
    Job {
        id: new.id,
        event: new.event,
        state: JobState::Running,
        source: new.source,
        subject: new.subject,
        correlation_id: new.correlation_id,
        created_at: new.created_at,
        started_at: Some(new.created_at),
        finished_at: None,
        steps: new.strategy.agents.iter().map(Step::pending).collect(),
        strategy: new.strategy,
        payload: new.payload,
        context: new.context,
        decision: None,
        report_file: None,
        notes: Vec::new(),
    }
}

/// How many of each entry a log has.
pub(crate) fn tally(log: &[String]) -> HashMap<&str, usize> {
    let mut tally = HashMap::new();
    log.iter().for_each(|entry| *tally.entry(entry.as_str()).or_default() += 1);
    tally
}
