//! The policy as delivered, over everything that can become of its agents.

use std::path::Path;

use super::*;
use crate::strategy::{KnownAgents, Strategies, Strategy};

const AGENTS: [&str; 4] =
    ["governance-review-agent", "code-review-agent", "security-agent", "integrity-agent"];

fn delivered() -> Policy {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../agents");
    let agents =
        KnownAgents::read(&mut Findings::of_file(&folder.join("registry.yaml"), Strictness::Strict)).unwrap();
    let mut findings = Findings::of_file(&folder.join("policy.yaml"), Strictness::Strict);
    let policy = Policy::read(&mut findings, Some(&agents));
    policy.unwrap_or_else(|| panic!("{:#?}", findings.into_vec()))
}

/// Everything that can become of an agent; `None` is an agent whose step is not there at all.
fn fates() -> [Option<Outcome>; 8] {
    [
        None,
        Some(Outcome::Failed("the provider is down".into())),
        Some(Outcome::Late("120 s were not enough".into())),
        Some(Outcome::Unparseable("score is missing".into())),
        Some(Outcome::Reviewed(review(Opinion::Approve, 6.9))),
        Some(Outcome::Reviewed(review(Opinion::Block, 1.0))),
        Some(Outcome::Reviewed(review(Opinion::RequestChanges, 5.0))),
        Some(Outcome::Reviewed(review(Opinion::Approve, 9.0))),
    ]
}

fn facts(fates: &[Option<Outcome>]) -> Facts {
    // An agent without a step is still required, so what is missing stays visible as a step that failed.
    let outcome = |fate: &Option<Outcome>| fate.clone().unwrap_or(Outcome::Failed("it has not ended".into()));
    let steps = AGENTS.iter().zip(fates).map(|(agent, fate)| step(agent, outcome(fate))).collect();
    Facts { steps, ..good() }
}

#[test]
fn only_four_good_approvals_of_4096_outcomes_approve() {
    let policy = delivered();
    let fates = fates();
    let mut approved = 0;
    for code in 0..8_usize.pow(4) {
        let chosen: Vec<_> = (0..4).map(|digit| fates[code / 8_usize.pow(digit) % 8].clone()).collect();
        let verdict = policy.decide(&facts(&chosen));
        let opinions: Vec<_> = chosen
            .iter()
            .map(|fate| match fate {
                Some(Outcome::Reviewed(review)) => Some((review.decision, review.score >= 7.0)),
                _ => None,
            })
            .collect();
        let says = |opinion| opinions.iter().flatten().any(|(said, _)| *said == opinion);
        let blocked = [0, 2].iter().any(|agent| matches!(opinions[*agent], Some((Opinion::Block, _))));
        let expected = if blocked {
            Action::BlockPr
        } else if says(Opinion::Block) || says(Opinion::RequestChanges) {
            Action::RequestChanges
        } else if opinions.iter().all(|opinion| *opinion == Some((Opinion::Approve, true))) {
            Action::ApproveAndMerge
        } else {
            Action::ManualReview
        };
        assert_eq!(verdict.action, expected, "{chosen:?}");
        approved += u32::from(verdict.action == Action::ApproveAndMerge);
    }
    assert_eq!(approved, 1);
}

/// Every agent of a strategy gives the best answer there is, on a change that was seen as a whole.
fn at_best(strategy: &Strategy) -> Facts {
    let best = |agent: &String| StepFact {
        agent: agent.clone(),
        required: strategy.requires(agent),
        outcome: fates()[7].clone().unwrap(),
    };
    Facts { steps: strategy.agents.iter().map(best).collect(), ..good() }
}

#[test]
fn only_strategies_that_ask_governance_security_and_review_can_approve() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../agents");
    let mut findings = Findings::of_file(&folder.join("events.yaml"), Strictness::Strict);
    let strategies = Strategies::read(&mut findings, None).unwrap();
    let policy = delivered();
    let mut approving = Vec::new();
    for strategy in strategies.iter() {
        let verdict = policy.decide(&at_best(strategy));
        match verdict.action {
            Action::ApproveAndMerge => approving.push(strategy.event.as_str()),
            other => {
                assert_eq!(
                    (other, verdict.rule.as_str()),
                    (Action::ManualReview, OTHERWISE),
                    "{}",
                    strategy.event
                );
                assert!(verdict.reason.contains("no agent of the panel"), "{}", verdict.reason);
            }
        }
    }
    let expected = ["pull_request.opened", "pull_request.synchronize", "pull_request.ready_for_review"];
    assert_eq!(approving, expected);
}

#[test]
fn an_approval_rests_on_everybody_and_names_nobody() {
    let verdict = delivered().decide(&facts(&vec![fates()[7].clone(); 4]));
    assert!(verdict.reason.ends_with("nothing stands in the way."), "{}", verdict.reason);
    assert_eq!(verdict.evidence.iter().filter(|fact| fact.kind == "step").count(), 4);
}

#[test]
fn a_leaked_key_blocks_and_is_named_even_when_its_finder_approves() {
    let mut all = facts(&[fates()[7].clone(), fates()[7].clone(), fates()[7].clone(), fates()[7].clone()]);
    if let Outcome::Reviewed(review) = &mut all.steps[2].outcome {
        review.findings.push(finding(Severity::Critical, "config/prod.env", 3, "AWS access key"));
    }
    let verdict = delivered().decide(&all);
    assert_eq!((verdict.action, verdict.rule.as_str()), (Action::BlockPr, "critical-finding"));
    assert!(
        verdict.reason.contains("security-agent: AWS access key in config/prod.env line 3"),
        "{}",
        verdict.reason
    );
}

#[test]
fn a_provider_that_is_down_leaves_it_to_a_person_and_says_so() {
    let verdict = delivered().decide(&facts(&vec![fates()[1].clone(); 4]));
    assert_eq!((verdict.action, verdict.rule.as_str()), (Action::ManualReview, OTHERWISE));
    assert!(
        verdict.reason.contains("governance-review-agent failed: the provider is down"),
        "{}",
        verdict.reason
    );
    assert!(verdict.reason.contains("and 1 more"), "{}", verdict.reason);
}

#[test]
fn what_else_stands_in_the_way_is_named() {
    let policy = delivered();
    let all = || facts(&vec![fates()[7].clone(); 4]);
    assert!(policy.decide(&all()).automated);

    let mut red = all();
    red.ci = Ci { state: CiState::Failure, detail: "build says failure".into() };
    let verdict = policy.decide(&red);
    assert_eq!(verdict.action, Action::ManualReview);
    assert!(verdict.reason.ends_with("CI is failure: build says failure."), "{}", verdict.reason);

    let mut unseen = all();
    unseen.change.extent = Extent::Missing("the event carries no diff".into());
    let verdict = policy.decide(&unseen);
    assert_eq!(verdict.action, Action::ManualReview);
    assert!(
        verdict.reason.ends_with("the change was not seen: the event carries no diff."),
        "{}",
        verdict.reason
    );

    let mut low = all();
    low.steps[3].outcome = fates()[4].clone().unwrap();
    let verdict = policy.decide(&low);
    assert!(verdict.reason.ends_with("integrity-agent gives 6.9/10, and 7 is needed."), "{}", verdict.reason);

    let mut gated = all();
    gated.pending_gates.push("release".into());
    assert!(policy.decide(&gated).reason.ends_with("gate release is pending."));
}
