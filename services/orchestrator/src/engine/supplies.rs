//! What the agents of a job are given: fetched once per run of the job and shared by all of them.
//!
//! Without knowledge or memory a job goes on and says so. When the registry or the knowledge service cannot be asked, it
//! goes by what they said last, and says so, too. Without its definition an agent's step fails.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use bsm_proto::{
    memory::v1::SimilarReview,
    registry::v1::{Agent, ResolveAgentRequest},
};
use bsm_runtime::call::Call;
use serde_json::Value;
use tokio::time::sleep;
use tracing::warn;

use super::knowledge::{self, Knowledge, Subject, words};
use crate::{
    change::Change,
    clients::{Known, Refused, SharedMesh, in_words},
    job::Job,
    journal::Setback,
    prompt::{Material, Nonce},
    strategy::Strategies,
};

/// Waits between the tries to reach the registry. Short: what outlasts them is an outage, which is a fact for the
/// policy and not a reason to hold the job.
const REGISTRY_WAITS: [Duration; 3] =
    [Duration::from_millis(200), Duration::from_millis(600), Duration::from_millis(1800)];

/// How many past reviews an agent is shown at most.
const PAST_REVIEWS: u32 = 3;

/// What the agents of a job are given.
#[derive(Debug, Default)]
pub(super) struct Supplies {
    event: String,
    payload: Value,
    change: Option<Change>,
    knowledge: Knowledge,
    reviews: String,
    agents: HashMap<String, Result<Agent, Setback>>,
}

/// Fetches all that the open steps of a job need, and what had to be left out, as sentences.
pub(super) async fn gather(mesh: &SharedMesh, call: &Call, job: &Job) -> (Supplies, Vec<String>) {
    let change = read_change(job.payload.clone()).await;
    let wanted: Vec<&str> =
        job.steps.iter().filter(|step| !step.state.is_final()).map(|step| step.agent_id.as_str()).collect();
    let mut supplies =
        Supplies { event: job.event.clone(), payload: job.payload.clone(), change, ..Supplies::default() };
    if wanted.is_empty() {
        return (supplies, Vec::new());
    }
    let code = supplies.change.as_ref().map(Change::code).unwrap_or_default();
    let subject =
        Subject { event: &job.event, payload: &job.payload, change: supplies.change.as_ref(), input: "" };
    let about = words(subject);
    let (agents, (knowledge, lacking), reviews) = tokio::join!(
        agents(mesh, call, &job.strategy.context, &wanted),
        knowledge::fetch(&**mesh, call, about, &wanted),
        past_reviews(mesh, call, code),
    );
    let mut notes = Vec::new();
    supplies.agents = recalled(agents, &mut notes);
    supplies.knowledge = knowledge;
    notes.extend(lacking);
    supplies.reviews = as_text(&given(reviews, "the memory of past reviews", &mut notes));
    (supplies, notes)
}

/// What jobs of these strategies will ask the registry.
pub(crate) fn wanted(strategies: &Strategies) -> Vec<ResolveAgentRequest> {
    let pairs: BTreeSet<_> = strategies
        .iter()
        .flat_map(|strategy| strategy.agents.iter().map(|agent| (agent.as_str(), strategy.context.as_str())))
        .collect();
    pairs.into_iter().map(|(agent, context)| question(agent, context)).collect()
}

fn question(agent_id: &str, context: &str) -> ResolveAgentRequest {
    ResolveAgentRequest {
        agent_id: agent_id.to_owned(),
        context: context.to_owned(),
        mobile: false, // jobs act for the platform, not for a phone
        outside: false,
    }
}

impl Supplies {
    /// The definition of an agent, or why there is none.
    pub(super) fn agent(&self, agent_id: &str) -> Result<&Agent, Setback> {
        match self.agents.get(agent_id) {
            Some(resolved) => resolved.as_ref().map_err(Clone::clone),
            None => Err(Setback {
                code: "AGENT_NOT_FOUND".to_owned(),
                error: format!("{agent_id} was not resolved"),
                ..Setback::default()
            }),
        }
    }

    /// What an agent may read of the knowledge base, as text.
    pub(super) fn knowledge(&self, agent_id: &str) -> String {
        self.knowledge.for_agent(agent_id)
    }

    /// What an agent's prompt is made of.
    pub(super) fn material<'a>(&'a self, knowledge: &'a str, nonce: &'a Nonce) -> Material<'a> {
        Material {
            event: &self.event,
            payload: &self.payload,
            change: self.change.as_ref(),
            knowledge,
            reviews: &self.reviews,
            input: "",
            nonce,
        }
    }

    /// The change, if the event is about one.
    pub(super) fn change(&self) -> Option<&Change> {
        self.change.as_ref()
    }
}

/// Reads the change of a payload, away from the runtime's threads: a large diff takes its time.
async fn read_change(payload: Value) -> Option<Change> {
    let read = move || Change::from_payload(&payload).ok().flatten(); // a malformed one was refused on arrival
    tokio::task::spawn_blocking(read).await.ok().flatten()
}

/// One after another, and once the registry is out of reach it is not asked for the others.
async fn agents(
    mesh: &SharedMesh,
    call: &Call,
    context: &str,
    wanted: &[&str],
) -> BTreeMap<String, Result<Known<Agent>, Setback>> {
    let mut agents = BTreeMap::new();
    let mut outage = None;
    for agent_id in wanted {
        let resolved = match &outage {
            Some(setback) => Err(Setback::clone(setback)),
            None => resolve(mesh, call, agent_id, context).await.map_err(|refused| {
                let setback = setback(&refused);
                if refused.is_transient() {
                    outage = Some(setback.clone());
                }
                setback
            }),
        };
        agents.insert((*agent_id).to_owned(), resolved);
    }
    agents
}

async fn resolve(
    mesh: &SharedMesh,
    call: &Call,
    agent_id: &str,
    context: &str,
) -> Result<Known<Agent>, Refused> {
    let request = question(agent_id, context);
    for wait in REGISTRY_WAITS {
        match mesh.resolve_agent(call, request.clone()).await {
            Err(refused) if refused.is_transient() => {
                warn!(agent = agent_id, error = %refused, "the registry did not answer; trying again");
                sleep(wait).await;
            }
            settled => return settled,
        }
    }
    mesh.resolve_agent(call, request).await
}

async fn past_reviews(mesh: &SharedMesh, call: &Call, code: String) -> Result<Vec<SimilarReview>, Refused> {
    if code.trim().is_empty() {
        return Ok(Vec::new());
    }
    mesh.similar_reviews(call, code, PAST_REVIEWS).await
}

fn as_text(reviews: &[SimilarReview]) -> String {
    let text = |review: &SimilarReview| format!("[likeness {:.2}]\n{}", review.score, review.review.trim());
    reviews.iter().map(text).collect::<Vec<_>>().join("\n\n")
}

fn given<T: Default>(answer: Result<T, Refused>, what: &str, notes: &mut Vec<String>) -> T {
    answer.unwrap_or_else(|refused| {
        warn!(error = %refused, what, "the job goes on without it");
        notes.push(format!("{what} was unavailable, so the agents went without it: {refused}"));
        T::default()
    })
}

/// The agents; a note if any of them is defined and allowed by what the registry said a while ago.
fn recalled(
    agents: BTreeMap<String, Result<Known<Agent>, Setback>>,
    notes: &mut Vec<String>,
) -> HashMap<String, Result<Agent, Setback>> {
    let known = agents.iter().filter_map(|(id, agent)| Some((id.as_str(), agent.as_ref().ok()?.age?)));
    let (ids, ages): (Vec<_>, Vec<_>) = known.unzip();
    if let Some(oldest) = ages.into_iter().max() {
        let (ids, age) = (ids.join(", "), in_words(oldest));
        warn!(agents = ids, age, "the registry cannot be asked; the job goes on with what it said last");
        notes.push(format!("the registry was unavailable, so these agents ran as it last allowed and defined them, up to {age} before: {ids}"));
    }
    agents.into_iter().map(|(id, agent)| (id, agent.map(|known| known.value))).collect()
}

fn setback(refused: &Refused) -> Setback {
    Setback {
        code: refused.reason(),
        error: format!("the agent cannot be used: {refused}"),
        ..Setback::default()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        fake::{APPROVE, Fake, job, strategy},
        job::StepState,
        strategy::{Execution, OnFailure},
    };

    fn three_agents() -> Job {
        job(strategy(Execution::Parallel, OnFailure::Continue, &["a", "b", "forbidden"]))
    }

    async fn gathered(fake: Fake, job: &Job) -> (Arc<Fake>, Supplies, Vec<String>) {
        let fake = Arc::new(fake);
        let mesh: SharedMesh = Arc::clone(&fake) as _;
        let (supplies, notes) = gather(&mesh, &Call::background("c-1"), job).await;
        (fake, supplies, notes)
    }

    #[tokio::test(start_paused = true)]
    async fn a_registry_that_is_away_for_a_moment_costs_nothing_but_the_moment() {
        let fake = Fake::new(|_, _| APPROVE).without_at_first("registry", 2);
        let (fake, supplies, _) = gathered(fake, &three_agents()).await;
        assert!(supplies.agent("a").is_ok() && supplies.agent("b").is_ok());
        assert_eq!((fake.count("resolve a"), fake.count("resolve b")), (3, 1));
        assert_eq!(supplies.agent("forbidden").unwrap_err().code, "CONTEXT_FORBIDDEN");
    }

    #[tokio::test(start_paused = true)]
    async fn a_registry_that_stays_away_fails_every_step_after_one_patience() {
        let (fake, supplies, _) =
            gathered(Fake::new(|_, _| APPROVE).without(&["registry"]), &three_agents()).await;
        assert_eq!(supplies.agent("a").unwrap_err().code, "UNREACHABLE");
        assert_eq!(supplies.agent("b").unwrap_err().code, "UNREACHABLE");
        assert_eq!((fake.count("resolve a"), fake.count("resolve b")), (4, 0), "asked for the first only");
    }

    #[tokio::test]
    async fn a_job_whose_steps_all_ended_needs_nobody() {
        let mut job = three_agents();
        job.steps.iter_mut().for_each(|step| step.state = StepState::Succeeded);
        let (fake, supplies, notes) = gathered(Fake::new(|_, _| APPROVE), &job).await;
        assert_eq!((fake.log(), notes), (vec![], vec![]));
        assert!(supplies.change().is_some());
    }

    #[tokio::test]
    async fn a_job_that_goes_by_what_was_said_before_says_so() {
        let fake = Fake::new(|_, _| APPROVE).remembering(Duration::from_secs(180));
        let (_, supplies, notes) = gathered(fake, &three_agents()).await;
        assert!(supplies.agent("a").is_ok() && supplies.knowledge("a").contains("never commit a key"));
        assert_eq!(
            notes,
            [
                "the registry was unavailable, so these agents ran as it last allowed and defined them, up to 3 min before: a, b",
                "the knowledge base was unavailable, so the agents were given its documents of 3 min before",
            ]
        );
        assert_eq!(supplies.agent("forbidden").unwrap_err().code, "CONTEXT_FORBIDDEN");
    }
}
