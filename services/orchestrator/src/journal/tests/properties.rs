//! Random histories on the journal and on a model of it in a few lines: both must say the same, and a crash
//! between any two operations must change nothing but what recovery is for.

use std::collections::HashMap;

use proptest::{
    collection,
    prelude::{Just, ProptestConfig, Strategy as Generator, prop_oneof, proptest},
};

use super::*;

const AGENTS: [&str; 2] = ["a", "b"];
const JOBS: usize = 3;

#[derive(Debug, Clone)]
enum Op {
    Accept { key: u8, body: u8 },
    Begin(usize),
    BeginStep(usize, usize),
    Succeed(usize, usize),
    Retry(usize, usize),
    Decide(usize, u8),
    Finish(usize),
    Crash,
}

/// What the journal should hold of one job.
#[derive(Debug, Clone, PartialEq)]
struct Held {
    state: JobState,
    steps: [(StepState, u32); 2],
    decision: Option<String>,
}

#[derive(Default)]
struct Model {
    jobs: Vec<(JobId, Held)>,
    /// How often each job's end was cut off.
    ends_cut_off: HashMap<JobId, u32>,
    keys: Vec<(u8, u8, JobId)>,
    decisions: Vec<(u8, String)>,
}

impl Model {
    fn accept(&mut self, key: u8, body: u8, id: JobId) -> Result<Accepted, ()> {
        match self.keys.iter().find(|(known, ..)| *known == key) {
            Some((_, same, job_id)) if *same == body => {
                let (_, held) = self.jobs.iter().find(|(id, _)| id == job_id).expect("a key names a job");
                Ok(Accepted { job_id: *job_id, duplicate: true, state: held.state })
            }
            Some(_) => Err(()),
            None => {
                self.keys.push((key, body, id));
                let steps = [(StepState::Pending, 0); 2];
                self.jobs.push((id, Held { state: JobState::Queued, steps, decision: None }));
                Ok(Accepted { job_id: id, duplicate: false, state: JobState::Queued })
            }
        }
    }

    fn change(&mut self, job: usize, change: impl FnOnce(&mut Held) -> Result<(), ()>) -> Result<(), ()> {
        change(&mut self.jobs[job].1)
    }

    fn step(&mut self, job: usize, agent: usize, from: &[StepState], to: StepState) -> Result<(), ()> {
        self.change(job, |held| {
            let (state, attempts) = &mut held.steps[agent];
            if held.state != JobState::Running || !from.contains(state) {
                return Err(());
            }
            *state = to;
            *attempts += u32::from(to == StepState::Running);
            Ok(())
        })
    }

    fn decide(&mut self, job: usize, key: u8, id: &str) -> Result<(), ()> {
        if self.jobs[job].1.state == JobState::Running && self.jobs[job].1.decision.is_some() {
            return Ok(());
        }
        let known = self.decisions.iter().find(|(known, _)| *known == key).map(|(_, id)| id.clone());
        let mine = known.clone().unwrap_or_else(|| id.to_owned());
        self.change(job, |held| {
            if held.state != JobState::Running {
                return Err(());
            }
            held.decision = Some(mine);
            Ok(())
        })?;
        if known.is_none() {
            self.decisions.push((key, id.to_owned()));
        }
        Ok(())
    }

    fn crash(&mut self) {
        for (id, held) in self.jobs.iter_mut().filter(|(_, held)| held.state == JobState::Running) {
            for (state, _) in &mut held.steps {
                if *state == StepState::Running {
                    *state = StepState::Pending;
                }
            }
            if held.steps.iter().all(|(state, _)| *state == StepState::Succeeded) {
                let cut_off = self.ends_cut_off.entry(*id).or_default();
                *cut_off += 1;
                if *cut_off == 3 {
                    held.state = JobState::Failed;
                }
            }
        }
    }
}

fn ops() -> impl Generator<Value = Vec<Op>> {
    let job = 0..JOBS;
    let op = prop_oneof![
        2 => (0..4u8, 0..2u8).prop_map(|(key, body)| Op::Accept { key, body }),
        3 => job.clone().prop_map(Op::Begin),
        4 => (job.clone(), 0..2usize).prop_map(|(job, agent)| Op::BeginStep(job, agent)),
        3 => (job.clone(), 0..2usize).prop_map(|(job, agent)| Op::Succeed(job, agent)),
        1 => (job.clone(), 0..2usize).prop_map(|(job, agent)| Op::Retry(job, agent)),
        2 => (job.clone(), 0..2u8).prop_map(|(job, key)| Op::Decide(job, key)),
        1 => job.prop_map(Op::Finish),
        1 => Just(Op::Crash),
    ];
    collection::vec(op, 1..40)
}

async fn run(history: Vec<Op>) {
    let (mut dir, mut journal) = open();
    let mut model = Model::default();
    for (number, op) in history.into_iter().enumerate() {
        if matches!(&op, Op::Crash) {
            let after = reopen_as_after_a_crash(dir.path());
            (dir, journal) = after;
            journal.recover(NOW).await.unwrap();
            model.crash();
        } else {
            apply(&journal, &mut model, op, number).await;
        }
        agree(&journal, &model).await;
    }
}

async fn apply(journal: &Journal, model: &mut Model, op: Op, number: usize) {
    if let Op::Accept { key, body } = op {
        let job = new_job(&AGENTS);
        let id = job.id;
        let delivery = Delivery { key: Some(key.to_string()), body_key: None, body_hash: body.to_string() };
        let accepted = journal.accept(job, delivery).await.map_err(|_| ());
        return assert_eq!(accepted, model.accept(key, body, id));
    }
    let id = |job: usize| model.jobs.get(job).map(|(id, _)| *id);
    let (real, expected) = match op {
        Op::Begin(job) => {
            let Some(id) = id(job) else { return };
            let expected = model.change(job, |held| {
                let ok = held.state == JobState::Queued;
                held.state = if ok { JobState::Running } else { held.state };
                ok.then_some(()).ok_or(())
            });
            (journal.begin(id, NOW).await, expected)
        }
        Op::BeginStep(job, agent) => {
            let Some(id) = id(job) else { return };
            let expected = model.step(job, agent, &[StepState::Pending], StepState::Running);
            (journal.begin_step(id, AGENTS[agent], NOW).await.map(drop), expected)
        }
        Op::Succeed(job, agent) => {
            let Some(id) = id(job) else { return };
            let open = [StepState::Pending, StepState::Running];
            let expected = model.step(job, agent, &open, StepState::Succeeded);
            (journal.end_step(id, AGENTS[agent], answered(), NOW).await.map(drop), expected)
        }
        Op::Retry(job, agent) => {
            let Some(id) = id(job) else { return };
            let expected = model.step(job, agent, &[StepState::Running], StepState::Pending);
            (journal.retry_step(id, AGENTS[agent], Setback::default(), NOW).await.map(drop), expected)
        }
        Op::Decide(job, key) => {
            let Some(id) = id(job) else { return };
            let name = format!("d{number}");
            let expected = model.decide(job, key, &name);
            let decision = decision(&name, Action::BlockPr);
            (journal.decide(id, Some(key.to_string()), decision).await.map(drop), expected)
        }
        Op::Finish(job) => {
            let Some(id) = id(job) else { return };
            let expected = model.change(job, |held| {
                let ok = held.state == JobState::Running;
                held.state = if ok { JobState::Succeeded } else { held.state };
                ok.then_some(()).ok_or(())
            });
            (journal.finish(id, JobState::Succeeded, Report::default(), NOW).await, expected)
        }
        Op::Accept { .. } | Op::Crash => unreachable!("handled above"),
    };
    assert_eq!(real.map_err(|_| ()), expected);
}

async fn agree(journal: &Journal, model: &Model) {
    for (id, held) in &model.jobs {
        let job = journal.job(*id).await.unwrap();
        let steps = [0, 1].map(|step: usize| (job.steps[step].state, job.steps[step].attempts));
        let found = Held { state: job.state, steps, decision: job.decision.map(|decision| decision.id) };
        assert_eq!(&found, held);
        kinds(journal, *id).await;
    }
}

#[tokio::test]
async fn a_job_whose_end_is_cut_off_three_times_is_set_aside_in_the_model_too() {
    let accept = [0, 1, 2].map(|key| Op::Accept { key, body: 0 });
    let run_once = [Op::Begin(2), Op::Succeed(2, 1), Op::Succeed(2, 0)];
    run([&accept[..], &run_once, &[Op::Crash, Op::Crash, Op::Crash]].concat()).await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_history_leaves_what_the_model_says(history in ops()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run(history));
    }
}
