use std::collections::{HashMap, HashSet};

use bsm_runtime::diagnostic::{Findings, Strictness};

use super::*;
use crate::failure::Kind;

mod chains;
mod names;

const WAIT: Duration = Duration::from_secs(12);

/// Providers as a test wants them; those that are not named have a key and nothing to do.
#[derive(Debug, Default)]
struct Seen {
    standing: HashMap<&'static str, Standing>,
    open: HashSet<&'static str>,
    load: HashMap<&'static str, f64>,
}

impl Sight for Seen {
    fn standing(&self, provider: &str) -> Result<(), Standing> {
        self.standing.get(provider).map_or(Ok(()), |standing| Err(standing.clone()))
    }

    fn open_for(&self, provider: &str, model: &str) -> Option<Duration> {
        self.open.contains(format!("{provider}/{model}").as_str()).then_some(WAIT)
    }

    fn load(&self, provider: &str, _: &str) -> f64 {
        self.load.get(provider).copied().unwrap_or(1.0)
    }

    fn roll(&self) -> f64 {
        0.5
    }
}

/// All that a route knows.
#[derive(Debug)]
struct World {
    catalog: Catalog,
    policy: Policy,
    seen: Seen,
}

impl World {
    fn new() -> World {
        let policy = Policy {
            safe_mode: false,
            offline: OfflineUse::WithoutKey,
            default_model: AUTO.to_owned(),
            fallbacks: true,
        };
        World { catalog: Catalog::built_in(), policy, seen: Seen::default() }
    }

    fn with_file(text: &str) -> World {
        let findings = Findings::new("models.yaml", text, Strictness::Strict);
        World { catalog: Catalog::read(findings).unwrap().0, ..World::new() }
    }

    /// Only these have a key.
    fn keys_of(mut self, with_key: &[&str]) -> World {
        for provider in ["openai", "anthropic", "google", "perplexity", "azure", "groq", "mistral", "cohere"]
        {
            if !with_key.contains(&provider) {
                self.seen.standing.insert(provider, no_key());
            }
        }
        self
    }

    fn land(&self) -> Landscape<'_> {
        Landscape { catalog: &self.catalog, policy: &self.policy, sight: &self.seen }
    }

    fn ask(&self, question: Question<'_>) -> Vec<Candidate> {
        candidates(&question, &self.land()).unwrap()
    }

    /// Whom a task of this complexity goes to, as `provider/model`, the passed over left out.
    fn asked(&self, task: &str, complexity: Complexity) -> Vec<String> {
        names(&self.ask(question(task, complexity)))
    }

    fn refusal(&self, model: &str) -> Error {
        let question = Question { model: Some(model), ..question("chat_response", Complexity::Medium) };
        candidates(&question, &self.land()).and_then(|candidates| check(&candidates)).unwrap_err()
    }
}

fn no_key() -> Standing {
    Standing::Barred(Bar::MissingKey { variable: "THE_KEY".into() })
}

fn question(task: &str, complexity: Complexity) -> Question<'_> {
    let tokens = Tokens { input: 1000, cached: 0, output: 1000 };
    Question { model: None, task, complexity, search: false, tokens }
}

fn medium() -> Question<'static> {
    question("chat_response", Complexity::Medium)
}

/// Those that may be asked, in order.
fn names(candidates: &[Candidate]) -> Vec<String> {
    let may = candidates.iter().filter(|candidate| candidate.may_be_asked());
    may.map(|candidate| format!("{}/{}", candidate.provider, candidate.model)).collect()
}

#[test]
fn with_a_key_auto_asks_the_provider_and_ends_there() {
    assert_eq!(World::new().keys_of(&["openai"]).asked("x", Complexity::Low), ["openai/gpt-4o"]);
}

#[test]
fn without_a_key_auto_is_the_built_in_reviewer() {
    let world = World::new().keys_of(&[]);
    for task in ["code_review", "legal_research", "anything"] {
        assert_eq!(world.asked(task, Complexity::Critical), ["offline/offline"]);
    }
}

#[test]
fn offline_always_is_the_end_of_the_route_and_never_is_no_end() {
    let mut world = World::new().keys_of(&["openai"]);
    world.policy.offline = OfflineUse::Always;
    assert_eq!(world.asked("x", Complexity::Low), ["openai/gpt-4o", "offline/offline"]);
    let mut nobody = World::new().keys_of(&[]);
    nobody.policy.offline = OfflineUse::Never;
    assert_eq!(nobody.asked("x", Complexity::Low), [""; 0]);
    let missing = Error::MissingKey { provider: "openai".into(), variable: "THE_KEY".into() };
    assert_eq!(nobody.refusal(AUTO), missing);
}

#[test]
fn safe_mode_leaves_only_the_built_in_reviewer() {
    let mut safe = World::new().keys_of(&["openai"]);
    safe.policy.safe_mode = true;
    assert_eq!(safe.asked("code_review", Complexity::High), ["offline/offline"]);
    assert_eq!(safe.refusal("openai"), Error::SafeMode { provider: "openai".into() });
    safe.policy.offline = OfflineUse::Never;
    assert_eq!(safe.refusal(AUTO), Error::SafeMode { provider: "openai".into() });
}

#[test]
fn what_rests_is_passed_over_with_its_reason_and_may_still_be_asked() {
    let tired = Standing::Resting(Resting::Keys { why: Kind::Throttled, retry_in: WAIT });
    let mut keys_rest = World::new().keys_of(&["openai"]);
    keys_rest.seen.standing.insert("openai", tired);
    let mut open = World::new().keys_of(&["openai"]);
    open.seen.open.insert("openai/gpt-4o");
    let cases = [
        (open, "its circuit is open, next probe in 12 s"),
        (keys_rest, "all its keys rest (UPSTREAM_THROTTLED), the first for 12 s"),
    ];
    for (world, reason) in cases {
        let found = world.ask(question("x", Complexity::Low));
        assert_eq!((found[0].eligible(), found[0].may_be_asked()), (false, true));
        assert_eq!(found[0].reason(), reason);
        assert_eq!(check(&found), Ok(()));
    }
}

#[test]
fn everybody_is_told_why_he_is_where_he_is_or_is_passed_over() {
    let mut world = World::new().keys_of(&["openai", "perplexity"]);
    let unset = Bar::Unset { what: "address", variable: "AZURE_OPENAI_ENDPOINT".into() };
    world.seen.standing.insert("azure", Standing::Barred(unset));
    let told: Vec<String> = world
        .ask(question("code_review", Complexity::Critical))
        .iter()
        .map(|candidate| format!("{}/{} {}", candidate.provider, candidate.model, candidate.reason()))
        .collect();
    let expected = [
        "anthropic/claude-opus-4-5 it has no key; set THE_KEY",
        "openai/gpt-4.1 gpt-4 is the route's choice, by priority",
        "perplexity/sonar-pro perplexity is a fallback of claude-opus",
        "openai/gpt-4o gpt-4o is a fallback of gpt-4",
        "anthropic/claude-sonnet-4-5 it has no key; set THE_KEY",
        "google/gemini-2.5-pro it has no key; set THE_KEY",
        "azure/ it has no address; set AZURE_OPENAI_ENDPOINT",
        "mistral/mistral-large-latest it has no key; set THE_KEY",
        "groq/llama-3.3-70b-versatile it has no key; set THE_KEY",
        "cohere/command-a-03-2025 it has no key; set THE_KEY",
        "offline/offline a provider's key is configured",
    ];
    assert_eq!(told, expected);
}

#[test]
fn with_fallbacks_switched_off_only_the_first_that_can_be_asked_is() {
    let mut world = World::new().keys_of(&["openai", "perplexity"]);
    world.policy.fallbacks = false;
    assert_eq!(world.asked("code_review", Complexity::Critical), ["openai/gpt-4.1"]);
    world.seen.open.insert("openai/gpt-4.1");
    let found = world.ask(question("code_review", Complexity::Critical));
    assert_eq!(names(&found), ["perplexity/sonar-pro"], "who rests is no choice while another can be asked");
    assert_eq!(check(&found), Ok(()));
    world.policy.offline = OfflineUse::Always;
    assert_eq!(World { seen: Seen::default(), ..world }.asked("x", Complexity::Low), ["openai/gpt-4o"]);
}

#[test]
fn a_prompt_that_is_far_too_long_for_a_model_passes_it_over_while_another_holds_it() {
    let world = World::new().keys_of(&["openai", "google"]);
    let long = Tokens { input: 600_000, cached: 0, output: 1000 };
    let found = world.ask(Question { tokens: long, ..question("code_review", Complexity::High) });
    assert_eq!(found[0].reason(), "it holds 128000 tokens, and the prompt has about 600000");
    assert_eq!(names(&found), ["google/gemini-2.5-pro"]);
    let alone = World::new().keys_of(&["openai"]);
    let found = alone.ask(Question { tokens: long, ..question("x", Complexity::Low) });
    assert_eq!(names(&found), ["openai/gpt-4o"], "the provider says so better than a guess");
}

#[test]
fn the_strategy_of_a_route_or_a_family_orders_who_is_asked() {
    let world = |strategy: &str| {
        let file = format!(
            "families:\n  mix: {{ models: [openai, anthropic, groq], strategy: {strategy} }}\n\
             routes:\n  mixed: {{ strategy: {strategy}, among: [gpt-4o, claude-sonnet, gemini-pro] }}\n"
        );
        let mut world = World::with_file(&file).keys_of(&["openai", "anthropic", "groq", "google"]);
        world.seen.load =
            HashMap::from([("openai", 3.0), ("anthropic", 0.2), ("groq", 0.1), ("google", 9.0)]);
        world
    };
    let by_family = |world: &World| names(&world.ask(Question { model: Some("mix"), ..medium() }));
    assert_eq!(by_family(&world("cheapest"))[0], "groq/llama-3.3-70b-versatile");
    assert_eq!(by_family(&world("cheapest"))[2], "anthropic/claude-sonnet-4-5");
    assert_eq!(by_family(&world("priority"))[0], "openai/gpt-4o");
    let fastest = world("least_latency").asked("mixed", Complexity::Low);
    assert_ne!(fastest[0], "google/gemini-2.5-pro", "the slowest of three is never first");
    assert_eq!(world("cheapest").asked("mixed", Complexity::Low)[0], "google/gemini-2.5-pro");
}

#[test]
fn a_choice_is_explained_by_the_strategy_that_made_it() {
    for (strategy, route, family) in [
        ("priority", "gpt-4o is the route's choice, by priority", "of the family mix, asked for by name"),
        (
            "weighted",
            "gpt-4o is the route's choice, by weight, 3 of 4",
            "of the family mix, asked for by name; of its models, by weight, 3 of 4",
        ),
        (
            "cheapest",
            "gpt-4o is the route's choice, by price",
            "of the family mix, asked for by name; of its models, by price",
        ),
        (
            "least_latency",
            "gpt-4o is the route's choice, by latency",
            "of the family mix, asked for by name; of its models, by latency",
        ),
    ] {
        let two = |one: &str, other: &str| match strategy {
            "weighted" => format!("{{ {one}: 3, {other}: 1 }}"),
            _ => format!("[{one}, {other}]"),
        };
        let file = format!(
            "families:\n  mix: {{ models: {}, strategy: {strategy} }}\n\
             routes:\n  mixed: {{ strategy: {strategy}, among: {} }}\n  alone: [mix]\n",
            two("openai", "anthropic"),
            two("gpt-4o", "claude-sonnet"),
        );
        let world = World::with_file(&file).keys_of(&["openai", "anthropic"]);
        let of_openai = |found: Vec<Candidate>| {
            found.into_iter().find(|candidate| &*candidate.provider == "openai").unwrap().reason()
        };
        assert_eq!(of_openai(world.ask(question("mixed", Complexity::Low))), route, "{strategy}");
        let named = Question { model: Some("mix"), ..question("x", Complexity::Low) };
        assert_eq!(of_openai(world.ask(named)), family, "{strategy}");
        let alone = of_openai(world.ask(question("alone", Complexity::Low)));
        assert!(alone.starts_with("mix is the route's choice") && !alone.contains("choice, by"), "{alone}");
    }
}

#[test]
fn vectors_are_made_by_a_model_for_them_and_never_by_the_default_for_answers() {
    let mut world = World::new().keys_of(&["openai"]);
    world.policy.default_model = "openai/gpt-4o".to_owned();
    for name in [None, Some("auto"), Some("openai"), Some("text-embedding-3-small")] {
        let found = embedders(name, &world.land()).unwrap();
        assert_eq!(names(&found), ["openai/text-embedding-3-small"], "{name:?}");
    }
    assert_eq!(embedders(Some("openai/other"), &world.land()).unwrap()[0].model, "other");
}

#[test]
fn whoever_makes_no_vectors_is_refused_by_name() {
    let world = World::new();
    for name in ["offline", "anthropic", "anthropic/large", "claude-opus"] {
        let refused = embedders(Some(name), &world.land()).unwrap_err();
        assert_eq!(refused, Error::NoEmbeddings { name: name.to_owned() });
    }
    assert!(matches!(embedders(Some("nobody"), &world.land()), Err(Error::UnknownModel { .. })));
}
