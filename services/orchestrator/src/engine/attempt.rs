//! One attempt at a step, from the prompt to its outcome, within its time. Writes nothing.

use std::{sync::Arc, time::Duration};

use bsm_runtime::call::Call;
use tokio::time::timeout;

use super::{
    UNPARSEABLE_ANSWER,
    ask::{Asked, Question, Unanswered, ask},
    supplies::Supplies,
};
use crate::{
    clients::SharedMesh,
    digest,
    job::{JobId, Usage},
    journal::Setback,
    prompt::{self, Nonce},
};

/// Waits between attempts: from the first, doubling up to the last.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LAST_WAIT: Duration = Duration::from_secs(10);

/// What became of an attempt.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The agent answered.
    Answered(Asked),
    /// It did not; another attempt may work out.
    Failed(Setback, Option<Duration>),
    /// It did not, and never will.
    GivenUp(Setback),
    /// The wait before another attempt is over.
    Rested,
}

/// The end of an attempt.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    /// What the agent could not be given, each a sentence.
    pub(super) notes: Vec<String>,
}

/// What an attempt needs; owns all, because it runs in a task of its own.
#[derive(Clone)]
pub(super) struct Attempt {
    pub(super) mesh: SharedMesh,
    pub(super) supplies: Arc<Supplies>,
    pub(super) call: Call,
    pub(super) job: JobId,
    pub(super) agent_id: String,
    pub(super) timeout: Duration,
}

impl Attempt {
    /// Makes the attempt. Dropping the future withdraws the question.
    pub(super) async fn run(self) -> Ended {
        let (question, notes) = match self.question() {
            Ok(asked) => asked,
            Err(setback) => return Ended::of(Outcome::GivenUp(setback)),
        };
        let call = self.call.within(self.timeout).with_agent(&self.agent_id);
        let outcome = match timeout(self.timeout, ask(&*self.mesh, &call, question)).await {
            Ok(Ok(asked)) => Outcome::Answered(asked),
            Ok(Err(unanswered)) => outcome(unanswered),
            Err(_) => {
                let error = format!("the agent did not answer within {} s", self.timeout.as_secs());
                Outcome::Failed(setback("STEP_TIMEOUT", error, Usage::default()), None)
            }
        };
        Ended { outcome, notes }
    }

    fn question(&self) -> Result<(Question, Vec<String>), Setback> {
        let agent = self.supplies.agent(&self.agent_id)?;
        let key = format!("{}:{}", self.job, self.agent_id);
        let (nonce, knowledge) = (Nonce::of(&key), self.supplies.knowledge(&self.agent_id));
        let prompt = prompt::render(agent, &self.supplies.material(&knowledge, &nonce))
            .map_err(|err| setback("PROMPT_FAILED", err.to_string(), Usage::default()))?;
        let notes = prompt.notes.clone();
        // The key is the same for every attempt: repeats are the same call upstream. A step that runs again after a
        // crash may have found other documents meanwhile: that is another question.
        let asked = digest::of(&[&prompt.system, &prompt.user]);
        let key = format!("{key}:{}", &asked[..16]);
        Ok((Question { agent: agent.clone(), prompt, idempotency_key: Some(key) }, notes))
    }
}

// === impl Ended ===

impl Ended {
    /// An outcome without a word beside it.
    pub(super) fn of(outcome: Outcome) -> Self {
        Self { outcome, notes: Vec::new() }
    }
}

/// How long to wait after the attempt with this number (from 1) failed.
pub(super) fn rest_after(attempts: u32, asked_for: Option<Duration>) -> Duration {
    let doubled = FIRST_WAIT.saturating_mul(1 << attempts.saturating_sub(1).min(10));
    doubled.max(asked_for.unwrap_or_default()).min(LAST_WAIT)
}

fn outcome(unanswered: Unanswered) -> Outcome {
    let error = unanswered.to_string();
    match unanswered {
        Unanswered::Refused { source, usage } => {
            let setback = setback(&source.reason(), error, usage);
            if source.is_transient() {
                Outcome::Failed(setback, source.retry_after())
            } else {
                Outcome::GivenUp(setback)
            }
        }
        Unanswered::Unparseable { usage, .. } => Outcome::GivenUp(setback(UNPARSEABLE_ANSWER, error, usage)),
    }
}

fn setback(code: &str, error: String, usage: Usage) -> Setback {
    Setback { code: code.to_owned(), error, usage }
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;
    use crate::{
        fake::{APPROVE, Fake, Say, job, strategy},
        strategy::{Execution, OnFailure},
    };

    async fn attempt(say: Say) -> Outcome {
        let mesh: SharedMesh = Arc::new(Fake::new(move |_, _| say.clone()));
        let job = job(strategy(Execution::Parallel, OnFailure::Continue, &["a"]));
        let call = Call::background("c-1");
        let (supplies, _) = crate::engine::supplies::gather(&mesh, &call, &job).await;
        let attempt = Attempt {
            mesh,
            supplies: Arc::new(supplies),
            call,
            job: job.id,
            agent_id: "a".into(),
            timeout: Duration::from_secs(30),
        };
        attempt.run().await.outcome
    }

    #[tokio::test(start_paused = true)]
    async fn an_agent_that_says_nothing_is_given_up_after_its_time() {
        let began = tokio::time::Instant::now();
        let Outcome::Failed(setback, None) = attempt(Say::Hang).await else { panic!("it never answers") };
        assert_eq!((setback.code.as_str(), began.elapsed().as_secs()), ("STEP_TIMEOUT", 30));
        assert_eq!(setback.error, "the agent did not answer within 30 s");
    }

    #[tokio::test]
    async fn what_passes_may_be_tried_again_and_what_does_not_is_given_up() {
        assert!(matches!(attempt(APPROVE).await, Outcome::Answered(_)));
        let passing = attempt(Say::Refuse(Code::Unavailable, "CIRCUIT_OPEN")).await;
        assert!(matches!(passing, Outcome::Failed(setback, _) if setback.code == "CIRCUIT_OPEN"));
        let lasting = attempt(Say::Refuse(Code::NotFound, "MODEL_NOT_FOUND")).await;
        assert!(matches!(lasting, Outcome::GivenUp(setback) if setback.code == "MODEL_NOT_FOUND"));
        let unfit = attempt(Say::Text("no")).await;
        assert!(matches!(unfit, Outcome::GivenUp(setback) if setback.code == UNPARSEABLE_ANSWER));
    }

    #[test]
    fn rests_double_and_heed_what_was_asked_for_within_bounds() {
        let ms = |attempts| rest_after(attempts, None).as_millis();
        assert_eq!([ms(1), ms(2), ms(3), ms(9)], [500, 1000, 2000, 10_000]);
        assert_eq!(rest_after(1, Some(Duration::from_secs(3))), Duration::from_secs(3));
        assert_eq!(rest_after(1, Some(Duration::from_secs(999_999))), LAST_WAIT);
    }
}
