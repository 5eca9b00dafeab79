//! Each cell of the table, each chain of fallbacks, and what holds for every catalog.

use proptest::prelude::*;

use super::*;

const CRITICAL: Complexity = Complexity::Critical;
const HIGH: Complexity = Complexity::High;
const MEDIUM: Complexity = Complexity::Medium;
const LOW: Complexity = Complexity::Low;

/// The families that the route chose, in order, where every provider has a key.
fn chosen(task: &str, complexity: Complexity, search: bool) -> Vec<String> {
    let found = World::new().ask(Question { search, ..question(task, complexity) });
    let mut families: Vec<String> = Vec::new();
    for candidate in found {
        if let Place::Chosen { family, .. } = candidate.place
            && !families.contains(&family.to_string())
        {
            families.push(family.to_string());
        }
    }
    families
}

#[test]
fn every_cell_of_the_table_is_as_the_contract_says() {
    let table: &[(&str, Complexity, &[&str])] = &[
        ("code_review", CRITICAL, &["claude-opus", "gpt-4"]),
        ("code_review", HIGH, &["gpt-4o", "claude-sonnet"]),
        ("code_review", MEDIUM, &["gemini-pro", "gpt-4o"]),
        ("code_review", LOW, &["default"]),
        ("security_scan", CRITICAL, &["claude-opus", "gpt-4"]),
        ("security_scan", HIGH, &["perplexity", "gpt-4o"]),
        ("security_scan", MEDIUM, &["default"]),
        ("security_scan", LOW, &["default"]),
        ("legal_analysis", CRITICAL, &["perplexity"]),
        ("legal_analysis", HIGH, &["claude-opus", "gpt-4"]),
        ("legal_analysis", MEDIUM, &["default"]),
        ("legal_analysis", LOW, &["default"]),
        ("chat_response", CRITICAL, &["default"]),
        ("chat_response", HIGH, &["gpt-4o", "claude-sonnet"]),
        ("chat_response", MEDIUM, &["default"]), // and gemini-pro, which default holds already
        ("chat_response", LOW, &["default"]),
        ("anything_else", CRITICAL, &["default"]),
        ("anything_else", LOW, &["default"]),
    ];
    for (task, complexity, families) in table {
        assert_eq!(chosen(task, *complexity, false), *families, "{task} {complexity:?}");
    }
    let medium = Catalog::built_in().routes.named("chat_response").unwrap().cell(MEDIUM).clone();
    assert_eq!(medium.items().map(|name| &**name).collect::<Vec<_>>(), ["default", "gemini-pro"]);
}

#[test]
fn whatever_needs_a_search_goes_to_perplexity() {
    for complexity in [CRITICAL, HIGH, MEDIUM, LOW] {
        for task in ["legal_research", "security_cve_lookup", "search"] {
            assert_eq!(chosen(task, complexity, false), ["perplexity"], "{task} {complexity:?}");
        }
        assert_eq!(chosen("code_review", complexity, true), ["perplexity"], "{complexity:?}");
    }
}

#[test]
fn every_chain_of_fallbacks_is_as_the_contract_says_and_ends_at_default_and_offline() {
    let default = ["anthropic/claude-sonnet-4-5", "google/gemini-2.5-pro", "mistral/mistral-large-latest"];
    let chains: &[(&str, &[&str])] = &[
        ("perplexity", &["perplexity/sonar-pro", "openai/gpt-4o"]),
        (
            "claude-opus",
            &["anthropic/claude-opus-4-5", "openai/gpt-4.1", "perplexity/sonar-pro", "openai/gpt-4o"],
        ),
        ("gpt-4", &["openai/gpt-4.1", "openai/gpt-4o"]),
        ("gpt-4o", &["openai/gpt-4o"]),
        ("claude-sonnet", &["anthropic/claude-sonnet-4-5", "openai/gpt-4o"]),
        ("gemini-pro", &["google/gemini-2.5-pro", "openai/gpt-4o"]),
        ("default", &["openai/gpt-4o"]),
    ];
    for (family, chain) in chains {
        let mut world = World::with_file(&format!("routes:\n  one: [{family}]\n"));
        world.policy.offline = OfflineUse::Always;
        world = world.keys_of(&["openai", "anthropic", "google", "mistral", "perplexity"]);
        let found = world.asked("one", LOW);
        let rest = default.iter().chain(&["perplexity/sonar-pro"]).filter(|name| !chain.contains(name));
        let expected: Vec<&str> = chain.iter().chain(rest).copied().chain(["offline/offline"]).collect();
        assert_eq!(found, expected, "{family}");
    }
}

#[test]
fn the_fallbacks_of_all_families_of_a_cell_come_after_all_of_them() {
    let world = World::new().keys_of(&["openai", "anthropic", "perplexity"]);
    let expected = [
        "anthropic/claude-opus-4-5",
        "openai/gpt-4.1",
        "perplexity/sonar-pro",
        "openai/gpt-4o",
        "anthropic/claude-sonnet-4-5",
    ];
    assert_eq!(world.asked("code_review", CRITICAL), expected);
}

/// A catalog whose families lie about in any way, and the names of its tasks.
fn worlds() -> impl Strategy<Value = World> {
    let providers =
        prop::sample::subsequence(vec!["openai", "anthropic", "google", "perplexity", "groq"], 1..=5);
    let families = prop::collection::vec((providers, 0..4_usize, prop::collection::vec(0..4_usize, 0..3)), 4);
    let cells = prop::collection::vec(prop::sample::subsequence(vec![0, 1, 2, 3], 1..=4), 4);
    let strategy = prop::collection::vec(0..4_usize, 4);
    let keys = prop::sample::subsequence(vec!["openai", "anthropic", "google", "perplexity", "groq"], 0..=5);
    (families, cells, strategy, keys, any::<bool>()).prop_map(
        |(families, cells, strategies, keys, fallbacks)| {
            let words = ["priority", "weighted", "least_latency", "cheapest"];
            let mut file = String::from("families:\n");
            for (n, (providers, strategy, next)) in families.iter().enumerate() {
                let next: Vec<String> = next.iter().map(|n| format!("f{n}")).collect();
                let (models, next, word) = (providers.join(", "), next.join(", "), words[*strategy]);
                file += &format!("  f{n}: {{ models: [{models}], strategy: {word}, fallbacks: [{next}] }}\n");
            }
            file += "routes:\n  any:\n";
            for ((complexity, cell), strategy) in
                ["critical", "high", "medium", "low"].iter().zip(cells).zip(strategies)
            {
                let names: Vec<String> = cell.iter().map(|n| format!("f{n}")).collect();
                file += &format!(
                    "    {complexity}: {{ strategy: {}, among: [{}] }}\n",
                    words[strategy],
                    names.join(", ")
                );
            }
            let mut world = World::with_file(&file).keys_of(&keys);
            world.policy.fallbacks = fallbacks;
            world
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_route_is_never_empty_has_nobody_twice_and_leaves_somebody_to_ask(world in worlds(), complexity in 0..4_usize) {
        let complexity = [CRITICAL, HIGH, MEDIUM, LOW][complexity];
        let found = world.ask(question("any", complexity));
        prop_assert!(!found.is_empty());
        let distinct: HashSet<_> = found.iter().map(|c| (c.provider.clone(), c.model.clone())).collect();
        prop_assert_eq!(distinct.len(), found.len());
        prop_assert_eq!(&*found.last().unwrap().provider, OFFLINE, "the end of every route");
        prop_assert_eq!(check(&found), Ok(()), "somebody has a key, or offline answers");
        let asked = names(&found).len();
        prop_assert!(asked == 1 || (world.policy.fallbacks && asked > 1), "{} are asked", asked);
        let defaults = world.catalog.family("default").unwrap().models.items();
        for target in defaults {
            prop_assert!(found.iter().any(|c| c.provider == target.provider), "{} is left out", target);
        }
    }
}
