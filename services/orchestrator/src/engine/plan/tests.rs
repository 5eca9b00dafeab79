//! The plan over every combination of three steps, and the cases that people ask about by name.

use super::*;
use crate::strategy::StepRules;

const EARLY: Duration = Duration::from_millis(999);
const LATE: Duration = Duration::from_secs(1);

fn strategy(execution: Execution, on_failure: OnFailure) -> Strategy {
    let agents: Vec<_> = ["a", "b", "c"].map(String::from).into();
    Strategy {
        event: "default".into(),
        description: String::new(),
        context: "api".into(),
        execution,
        required: agents.clone(),
        agents,
        deadline_seconds: 1,
        step: StepRules { timeout_seconds: 1, max_attempts: 2, on_failure },
    }
}

fn step(position: usize, state: StepState, attempts: u32) -> Step {
    Step { state, attempts, ..Step::pending(["a", "b", "c"][position]) }
}

/// The standings of a step that can be: pending untouched, pending after a cut-off, waiting for another attempt,
/// running, and each end.
const STANDINGS: [(StepState, u32, bool); 8] = [
    (StepState::Pending, 0, false),
    (StepState::Pending, 1, false),
    (StepState::Pending, 1, true),
    (StepState::Running, 1, true),
    (StepState::Succeeded, 1, false),
    (StepState::Failed, 2, false),
    (StepState::Skipped, 0, false),
    (StepState::Pending, 5, false),
];

fn each_combination(mut check: impl FnMut(View<'_>, Next)) {
    for execution in [Execution::Parallel, Execution::Sequential] {
        for on_failure in [OnFailure::Stop, OnFailure::Continue] {
            let strategy = strategy(execution, on_failure);
            for index in 0..STANDINGS.len().pow(3) {
                let chosen = [index / 64, index / 8 % 8, index % 8].map(|standing| STANDINGS[standing]);
                let steps = [0, 1, 2].map(|position| step(position, chosen[position].0, chosen[position].1));
                let busy = (0..3).filter(|position| chosen[*position].2).collect();
                for (elapsed, decided) in [(EARLY, false), (EARLY, true), (LATE, false), (LATE, true)] {
                    let view = View { strategy: &strategy, steps: &steps, busy: &busy, decided, elapsed };
                    check(view, next(view));
                }
            }
        }
    }
}

#[test]
fn a_step_that_ended_or_is_busy_is_never_begun() {
    each_combination(|view, next| {
        let Next::Start(start) = next else { return };
        for position in start {
            assert_eq!(view.steps[position].state, StepState::Pending);
            assert!(!view.busy.contains(&position), "{view:?}");
        }
    });
}

#[test]
fn a_decision_comes_only_after_every_step_and_is_made_once() {
    each_combination(|view, next| {
        let all_ended = view.steps.iter().all(|step| step.state.is_final());
        assert_eq!(next == Next::Decide, all_ended && !view.decided, "{view:?}");
        assert_eq!(next == Next::Finish, view.decided, "{view:?}");
    });
}

#[test]
fn a_job_never_waits_for_nothing() {
    each_combination(|view, next| {
        if next == Next::Wait {
            assert!(!view.busy.is_empty(), "{view:?}");
        }
        if let Next::Start(steps) = &next {
            assert!(!steps.is_empty());
        }
    });
}

#[test]
fn at_the_deadline_all_open_steps_fail_and_nothing_begins() {
    each_combination(|view, next| {
        if view.elapsed < LATE || view.decided {
            return;
        }
        let open = view.steps.iter().filter(|step| !step.state.is_final()).count();
        match next {
            Next::GiveUp(steps) => {
                assert_eq!(steps.len(), open);
                let late = |ending: &Ending| matches!(ending, Ending::Failed(setback) if setback.code == "DEADLINE_EXCEEDED");
                assert!(steps.iter().all(|(_, ending)| late(ending)));
            }
            other => assert_eq!((other, open), (Next::Decide, 0)),
        }
    });
}

#[test]
fn one_after_another_means_that_all_earlier_steps_ended() {
    each_combination(|view, next| {
        if let (Execution::Sequential, Next::Start(start)) = (view.strategy.execution, next) {
            assert_eq!(start.len(), 1);
            assert!(view.steps[..start[0]].iter().all(|step| step.state.is_final()), "{view:?}");
        }
    });
}

#[test]
fn after_a_failure_a_stopping_strategy_begins_no_untouched_step() {
    each_combination(|view, next| {
        let failed = view.steps.iter().any(|step| step.state == StepState::Failed);
        if let (true, OnFailure::Stop, Next::Start(start)) = (failed, view.strategy.step.on_failure, &next) {
            assert!(start.iter().all(|position| view.steps[*position].attempts > 0), "{view:?}");
        }
        if let (OnFailure::Continue, Next::GiveUp(steps)) = (view.strategy.step.on_failure, &next) {
            assert!(!steps.iter().any(|(_, ending)| matches!(ending, Ending::Skipped(_))), "{view:?}");
        }
    });
}

#[test]
fn following_the_plan_always_ends_in_a_decision() {
    for execution in [Execution::Parallel, Execution::Sequential] {
        for on_failure in [OnFailure::Stop, OnFailure::Continue] {
            for outcomes in 0..8 {
                let strategy = strategy(execution, on_failure);
                let steps = follow(&strategy, |position| outcomes >> position & 1 == 1);
                assert!(steps.iter().all(|step| step.state.is_final()));
            }
        }
    }
}

#[test]
fn a_stopping_sequence_skips_what_follows_a_failure_and_names_it() {
    let strategy = strategy(Execution::Sequential, OnFailure::Stop);
    let steps = follow(&strategy, |position| position != 1);
    let states = [0, 1, 2].map(|position: usize| steps[position].state);
    assert_eq!(states, [StepState::Succeeded, StepState::Failed, StepState::Skipped]);
    assert_eq!(steps[2].error, "b failed, and the strategy stops then");
}

#[test]
fn a_step_that_takes_the_process_down_each_time_is_given_up() {
    let strategy = strategy(Execution::Parallel, OnFailure::Continue);
    let steps = [step(0, StepState::Pending, 5)];
    let busy = BTreeSet::new();
    let view = View { strategy: &strategy, steps: &steps, busy: &busy, decided: false, elapsed: EARLY };
    assert!(matches!(
        next(view),
        Next::GiveUp(steps) if matches!(&steps[0].1, Ending::Failed(why) if why.code == "TOO_MANY_ATTEMPTS")
    ));
    let steps = [step(0, StepState::Pending, 4)];
    assert_eq!(next(View { steps: &steps, ..view }), Next::Start(vec![0]));
}

/// Does what the plan says until it decides, with each step succeeding or not.
fn follow(strategy: &Strategy, succeeds: impl Fn(usize) -> bool) -> [Step; 3] {
    let mut steps = [0, 1, 2].map(|position| step(position, StepState::Pending, 0));
    let busy = BTreeSet::new();
    for _ in 0..10 {
        let view = View { strategy, steps: &steps, busy: &busy, decided: false, elapsed: EARLY };
        match next(view) {
            Next::Start(start) => {
                for position in start {
                    let state = if succeeds(position) { StepState::Succeeded } else { StepState::Failed };
                    steps[position] = step(position, state, 1);
                }
            }
            Next::GiveUp(ended) => {
                for (position, ending) in ended {
                    let Ending::Skipped(error) = ending else { panic!("nothing is late here") };
                    steps[position] = Step { error, ..step(position, StepState::Skipped, 0) };
                }
            }
            Next::Decide => return steps,
            other => panic!("{other:?} with nothing running"),
        }
    }
    panic!("the plan does not end: {steps:?}");
}
