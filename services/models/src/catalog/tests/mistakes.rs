use super::*;

/// What is wrong with a file, each as `line:column field: message / fix`.
fn mistakes(text: &str) -> Vec<String> {
    let findings = Findings::new("models.yaml", text, Strictness::Strict);
    let Unusable(found) = Catalog::read(findings).expect_err("it is wrong");
    let shown = |d: Diagnostic| format!("{}:{} {}: {} / {}", d.line, d.column, d.field, d.message, d.fix);
    found.into_iter().map(shown).collect()
}

#[test]
fn every_mistake_is_found_at_once_with_its_place_and_what_would_be_right() {
    let found = mistakes(
        "providers:
  openai: { wier: openai, timeouts: { whole: 0 } }
  vllm: { wire: opnai, base_url: https://x }
models:
  gpt-4o: { context: 1 }
  nobody/x: { price: { input: 1 } }
families:
  mine: { models: [opnai/gpt-4o], fallbacks: [gpt4] }
routes:
  chat_response: { high: [gpt-4oo] }
  summary: { critical: [default] }
",
    );
    let expected = [
        "2:13 providers.openai.wier: there is no field \"wier\" here / did you mean `wire`?",
        "2:46 providers.openai.timeouts.whole: the number 0 stands where a number from 0.01 to 600 is needed",
        "3:17 providers.vllm.wire: \"opnai\" is not an allowed value / did you mean openai?",
        "5:3 models.gpt-4o: \"gpt-4o\" does not say whose model it is / write provider/model",
        "6:3 models.nobody/x: there is no provider \"nobody\" / known are openai, anthropic",
        "6:22 models.nobody/x.price.output: this field is missing",
        "8:3 families.mine.models: there is no provider \"opnai\" / did you mean openai?",
        "8:3 families.mine.fallbacks: there is no family \"gpt4\" / did you mean gpt-4?",
        "10:3 routes.chat_response: there is no family \"gpt-4oo\" / did you mean gpt-4o?",
        "11:12 routes.summary.high: this field is missing",
        "11:12 routes.summary.medium: this field is missing",
        "11:12 routes.summary.low: this field is missing",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}\nis not\n{expected}");
    }
}

#[test]
fn two_budgets_of_the_same_are_told_with_both_places() {
    let found = mistakes("budgets:\n  - key 5 usd/day\n  - key a 5 usd/day\n  - key 6 usd/day\n");
    let expected = "4:5 budgets[2]: key 6 usd/day is of the same as key 5 usd/day, at line 2, column 5: subject, unit \
                    and window / keep one of the two";
    assert_eq!(found, [expected]);
}

#[test]
fn each_mistake_is_told_in_a_sentence() {
    let provider = |fields: &str| format!("providers:\n  mine: {{ {fields} }}\n");
    let whole = "wire: openai, base_url: 'https://x', model: m, keys: [K]";
    let cases: &[(String, &str)] = &[
        ("routes: 7\n".into(), "the number 7 stands where a map is needed"),
        ("- a\n".into(), "a list stands where a map is needed"),
        ("providers:\n  auto: {}\n".into(), "this word means something else in requests"),
        ("providers:\n  Über: {}\n".into(), "a provider's name is 1 to 32 of a-z, 0-9 and '-'"),
        (provider("wire: openai, model: m, keys: [K]"), "nobody says where it is"),
        (
            provider("wire: openai, base_url: 'https://x', keys: [K]"),
            "nobody says which model it is asked for",
        ),
        (
            provider("wire: openai, base_url: 'https://x', model: m"),
            "no variable is named that holds its key",
        ),
        (
            provider("wire: openai, base_url: 'ftp://x', model: m, local: true"),
            "the address begins with something else than https:// or http://",
        ),
        (provider(&whole.replace("[K]", "[K, K]")), "a variable is named twice"),
        (provider(&whole.replace("[K]", "[sk-secret]")), "this is not the name of an environment variable"),
        (provider(&whole.replace("[K]", "[BSM_KEY]")), "BSM_KEY would be a setting of bsm itself"),
        (provider(&format!("{whole}, limits: {{ in_flight: 0 }}")), "the number 0 stands where"),
        (
            provider(&format!("{whole}, limits: {{ rate: {{ per_minute: 2, burst: 3 }} }}")),
            "3 calls at once are more",
        ),
        (
            provider(&format!("{whole}, family_limits: {{ gpt-4o-2024-08-06: {{}} }}")),
            "is not the name of a model family",
        ),
        (
            "models:\n  openai/x: { price: { input: 1, output: 1, as_of: 2026-02-30 } }\n".into(),
            "is not a day",
        ),
        ("families:\n  x/y: { models: [openai] }\n".into(), "cannot be the name of a family"),
        (
            "families:\n  x: { models: [] }\n".into(),
            "nobody is named here / write [one, another], or with weights",
        ),
        ("families:\n  x: { models: {} }\n".into(), "nobody is named here"),
        ("families:\n  x: { models: 3 }\n".into(), "the number 3 stands where a list or a map of weights"),
        (
            "families:\n  x: { models: [openai], weights: [] }\n".into(),
            "weights do not stand in a field of their own / write each weight beside its name: `models: { one: 3",
        ),
        ("families:\n  x: { models: { openai: 0, google: 0 } }\n".into(), "all weights are 0"),
        (
            "families:\n  x: { models: { openai: 3 }, strategy: cheapest }\n".into(),
            "weights count for nothing with `strategy: cheapest` / write `strategy: weighted`",
        ),
        ("routes:\n  code-review: [default]\n".into(), "no request can name this task / write a word of"),
        ("families:\n  x: { models: [openai, openai] }\n".into(), "\"openai\" is given twice"),
        ("families:\n  x: { models: [openai/] }\n".into(), "\"openai/\" is not a name"),
        (
            "families:\n  x: { models: [openai], strategy: fastest }\n".into(),
            "\"fastest\" is not an allowed value",
        ),
        ("families:\n  x: { models: { openai: -1 } }\n".into(), "the number -1 stands where"),
    ];
    for (text, expected) in cases {
        let found = mistakes(text);
        assert!(found.iter().any(|found| found.contains(expected)), "{text}: {found:#?}");
        assert!(!found.concat().contains("sk-secret"), "what may be a key is not repeated: {found:#?}");
    }
}

/// The warnings about a file that can be used, each as `line:column field: message / fix`.
fn warnings(text: &str) -> Vec<String> {
    let findings = Findings::new("models.yaml", text, Strictness::Strict);
    let (_, found) = Catalog::read(findings).unwrap_or_else(|unusable| panic!("{unusable}"));
    found
        .into_iter()
        .map(|d| format!("{}:{} {}: {} / {}", d.line, d.column, d.field, d.message, d.fix))
        .collect()
}

#[test]
fn a_task_that_looks_like_a_known_one_is_warned_of_and_one_of_the_callers_own_is_not() {
    for (task, near) in [
        ("code_reviw", Some("code_review")),
        ("Code_Review", Some("code_review")),
        ("governance_reviews", Some("governance_review")),
        ("serach", Some("search")),
        ("othr", Some("other")),
        ("code_review", None),
        ("merge_review", None),
        ("translate_to_french", None),
    ] {
        let found = warnings(&format!("routes:\n  {task}: [default]\n"));
        let expected = near.map(|near| {
            format!(
                "2:3 routes.{task}: no agent and no built-in route has the task {task:?} / did you mean {near}? If \
                 requests name it as it is here, this is fine"
            )
        });
        assert_eq!(found, Vec::from_iter(expected), "{task}");
    }
}

#[test]
fn the_tasks_that_are_known_are_those_of_the_built_in_routes_and_of_the_agents_that_come_along() {
    for route in &Catalog::built_in().routes.0 {
        assert!(route::is_known(&route.task), "{}", route.task);
    }
    let agents = concat!(env!("CARGO_MANIFEST_DIR"), "/../../agents/definitions");
    for file in std::fs::read_dir(agents).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let task = text.lines().find_map(|line| line.strip_prefix("task: "));
        assert!(task.is_none_or(|task| route::is_known(task.trim())), "{task:?}");
    }
}

#[test]
fn an_address_is_told_where_it_stands_with_what_would_be_right() {
    let found = mistakes(
        "providers:
  mine:
    wire: openai
    model: m
    keys: [K]
    base_url: https://llm.example.com/v1/chat/completions
  anthropic: { base_url: 'https://proxy.example.com/v1' }
  cloud: { wire: openai, model: m, local: true, base_url: 'http://169.254.169.254/v1' }
",
    );
    assert_eq!(
        found,
        [
            "6:15 providers.mine.base_url: the address ends in /chat/completions, which is appended by itself / write \
             https://llm.example.com/v1",
            "7:26 providers.anthropic.base_url: the address ends in /v1, which is appended by itself / write \
             https://proxy.example.com",
            "8:59 providers.cloud.base_url: the address names the address of a cloud's metadata service, which is never \
             asked / name the provider's own address; no setting opens this one",
        ]
    );
    let found = warnings("providers:\n  openai: { base_url: 'http://127.0.0.1:8000' }\n");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("usually under /v1 / write http://127.0.0.1:8000/v1 if"), "{found:?}");
}

#[test]
fn a_line_that_may_hold_a_secret_is_not_shown() {
    for fields in [
        "wire: openai, model: m, keys: [K], base_url: 'https://me:canary@x/v1'",
        "wire: opnai, model: m, keys: [sk-canary], base_url: 'https://x/v1'",
        "wire: openai, model: m, keys: sk-canary, base_url: 'https://x/v1'",
    ] {
        let text = format!("providers:\n  mine: {{ {fields} }}\n");
        let told =
            Catalog::read(Findings::new("models.yaml", text, Strictness::Strict)).unwrap_err().to_string();
        assert!(told.contains("models.yaml:2:") && !told.contains("canary"), "{told}");
    }
}

#[test]
fn the_error_as_a_whole_lists_them_with_the_file() {
    let findings = Findings::new("models.yaml", "routes: 7\nmodles: 1\n", Strictness::Strict);
    let text = Catalog::read(findings).unwrap_err().to_string();
    assert!(text.starts_with("the models file is not usable:\nmodels.yaml:1:9: error: routes:"), "{text}");
    assert!(text.contains("models.yaml:2:1: error: modles:"), "{text}");
}
