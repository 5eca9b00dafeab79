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
            "the address must begin with https://",
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
        ("families:\n  x: { models: [] }\n".into(), "a list stands where"),
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

#[test]
fn the_error_as_a_whole_lists_them_with_the_file() {
    let findings = Findings::new("models.yaml", "routes: 7\nmodles: 1\n", Strictness::Strict);
    let text = Catalog::read(findings).unwrap_err().to_string();
    assert!(text.starts_with("the models file is not usable:\nmodels.yaml:1:9: error: routes:"), "{text}");
    assert!(text.contains("models.yaml:2:1: error: modles:"), "{text}");
}
