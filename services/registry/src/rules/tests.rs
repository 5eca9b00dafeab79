//! Every combination of agent and use, held against the rules as the design words them.

use super::*;
use crate::{
    definition::Definition,
    governance::{Approval, Expose, Governance, Healthcheck, Risk, Safety},
    vocabulary::{AnswerKind, ApprovalType, Category, Level},
};

const PROFILES: [Profile; 3] = [Profile::Development, Profile::Staging, Profile::Production];

pub(crate) fn agent(governance: Option<Governance>) -> Agent {
    let definition = Definition {
        id: "a".to_owned(),
        name: "A".to_owned(),
        role: "R".to_owned(),
        description: String::new(),
        task: String::new(),
        complexity: Level::Medium,
        model_provider: None,
        model_name: None,
        instructions: String::new(),
        system_prompt: String::new(),
        user_prompt: String::new(),
        actions: Vec::new(),
        answer: AnswerKind::Review,
        conditions: serde_json::Map::new(),
        written: serde_json::Map::new(),
    };
    Agent { definition, governance }
}

/// An agent that everything allows: chat, development, safe, low, no approval.
pub(crate) fn harmless() -> Governance {
    Governance {
        name: "A".to_owned(),
        category: Category::System,
        role: None,
        runtime: None,
        safety: None,
        contexts: vec![Context::Chat],
        expose: Expose { selectable: true, internal_only: false },
        risk: Risk { level: Level::Low, rationale: "It only writes text.".to_owned() },
        approval: Approval { required: false, kind: ApprovalType::None, approvers: Vec::new() },
        profiles: vec![Profile::Development],
        healthcheck: Healthcheck { endpoint: "/api/agents/a/health".to_owned(), interval_seconds: 60.0 },
        outbound: Vec::new(),
        protected: false,
    }
}

fn chat() -> Use {
    Use {
        profile: Profile::Development,
        context: Context::Chat,
        safe_mode: false,
        mobile: Mobile::Off,
        asker: Asker::Outside,
        approved: Approved::No,
    }
}

fn decide(change: impl FnOnce(&mut Governance), wanted: Use) -> Result<(), Forbidden> {
    let mut governance = harmless();
    change(&mut governance);
    may_use(&agent(Some(governance)), &wanted)
}

#[test]
fn an_agent_without_an_entry_is_never_used() {
    assert_eq!(may_use(&agent(None), &chat()), Err(Forbidden::Ungoverned));
}

#[test]
fn an_internal_agent_is_used_by_the_mesh_alone() {
    let internal = |g: &mut Governance| g.expose = Expose { selectable: false, internal_only: true };
    assert_eq!(decide(internal, chat()), Err(Forbidden::Internal));
    assert_eq!(decide(internal, Use { asker: Asker::Inside, ..chat() }), Ok(()));
}

#[test]
fn only_the_profiles_and_contexts_that_are_allowed_are() {
    for allowed in PROFILES {
        for profile in PROFILES {
            let expected = if profile == allowed { Ok(()) } else { Err(Forbidden::Profile(profile)) };
            assert_eq!(decide(|g| g.profiles = vec![allowed], Use { profile, ..chat() }), expected);
        }
    }
    for (_, allowed) in Context::WORDS {
        for (_, context) in Context::WORDS {
            let expected = if context == allowed { Ok(()) } else { Err(Forbidden::Context(*context)) };
            let wanted = Use { context: *context, ..chat() };
            assert_eq!(decide(|g| g.contexts = vec![*allowed], wanted), expected);
        }
    }
}

#[test]
fn safe_mode_forbids_what_reaches_outside_by_any_of_its_contexts_or_hosts() {
    let safe = Use { safe_mode: true, ..chat() };
    for (word, context) in Context::WORDS {
        let reaches = ["github", "ci", "system", "security"].contains(word);
        let expected = if reaches { Err(Forbidden::SafeMode) } else { Ok(()) };
        // The context asked for is chat; the other one is enough.
        assert_eq!(decide(|g| g.contexts = vec![Context::Chat, *context], safe), expected, "{word}");
        assert_eq!(decide(|g| g.contexts = vec![Context::Chat, *context], chat()), Ok(()), "{word}");
    }
    let outbound = |g: &mut Governance| g.outbound = vec!["example.com".to_owned()];
    assert_eq!(decide(outbound, safe), Err(Forbidden::SafeMode));
    assert_eq!(decide(outbound, chat()), Ok(()));
}

#[test]
fn mobile_mode_approval_and_risk_in_every_combination() {
    let modes = [None, Some(SafetyMode::Safe), Some(SafetyMode::Restricted), Some(SafetyMode::Destructive)];
    let mut cases = 0;
    for mode in modes {
        for requires_approval in [false, true] {
            for required in [false, true] {
                for (_, level) in Level::WORDS {
                    let mobiles = [Mobile::Off, Mobile::Admin, Mobile::Client];
                    let approvals = [Approved::Yes, Approved::No];
                    let both =
                        mobiles.into_iter().flat_map(|mobile| approvals.map(|approved| (mobile, approved)));
                    for (mobile, approved) in both {
                        let change = |g: &mut Governance| {
                            g.safety = mode.map(|mode| Safety { mode: Some(mode), requires_approval });
                            g.approval.required = required;
                            g.risk.level = *level;
                        };
                        let destructive = mode == Some(SafetyMode::Destructive);
                        let grave = *level == Level::High || *level == Level::Critical;
                        let too_risky = (mobile != Mobile::Off && destructive)
                            || (mobile == Mobile::Client && (required || grave));
                        let needs_approval =
                            (required || (mode.is_some() && requires_approval)) && approved == Approved::No;
                        let expected = match (too_risky, needs_approval) {
                            (true, _) => Err(Forbidden::MobileMode),
                            (false, true) => Err(Forbidden::Approval),
                            (false, false) => Ok(()),
                        };
                        let given = (mode, requires_approval, required, level, mobile, approved);
                        assert_eq!(decide(change, Use { mobile, approved, ..chat() }), expected, "{given:?}");
                        cases += 1;
                    }
                }
            }
        }
    }
    assert_eq!(cases, 4 * 2 * 2 * 4 * 3 * 2);
}

#[test]
fn the_weightiest_rule_is_named_first() {
    let all = |g: &mut Governance| {
        g.contexts = vec![Context::Ci];
        g.safety = Some(Safety { mode: Some(SafetyMode::Destructive), requires_approval: true });
    };
    let mut wanted = Use { profile: Profile::Production, safe_mode: true, mobile: Mobile::Client, ..chat() };
    assert_eq!(decide(all, wanted), Err(Forbidden::Profile(Profile::Production)));
    wanted.profile = Profile::Development;
    assert_eq!(decide(all, wanted), Err(Forbidden::Context(Context::Chat)));
    wanted.context = Context::Ci;
    assert_eq!(decide(all, wanted), Err(Forbidden::SafeMode));
    wanted.safe_mode = false;
    assert_eq!(decide(all, wanted), Err(Forbidden::MobileMode));
    wanted.mobile = Mobile::Off;
    assert_eq!(decide(all, wanted), Err(Forbidden::Approval));
}
