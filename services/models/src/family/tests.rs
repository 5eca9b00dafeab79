use proptest::prelude::*;

use super::*;

#[test]
fn a_family_is_the_name_without_date_version_and_size() {
    let rows = [
        ("gpt-4o", "gpt-4o"),
        ("gpt-4o-2024-08-06", "gpt-4o"),
        ("gpt-4o-mini", "gpt-4o-mini"),
        ("gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
        ("gpt-4-0613", "gpt-4"),
        ("gpt-4.1-nano", "gpt-4.1-nano"),
        ("o3", "o3"),
        ("ft:gpt-4o-2024-08-06:some-org::abc", "gpt-4o"),
        ("claude-3-5-sonnet-20241022", "claude-3-5-sonnet"),
        ("claude-3-5-sonnet-latest", "claude-3-5-sonnet"),
        ("claude-sonnet-4-5@20250929", "claude-sonnet-4-5"),
        ("gemini-1.5-pro-002", "gemini-1.5-pro"),
        ("qwen2.5-coder:7b", "qwen2.5-coder"),
        ("llama3-70b", "llama3"),
        ("mistral-7b-instruct-v0.2", "mistral-7b-instruct"),
        ("Org/Model", "org-model"),
    ];
    for (model, expected) in rows {
        assert_eq!(family(model), expected, "{model}");
    }
}

#[test]
fn a_name_of_nothing_but_numbers_or_none_at_all_has_a_family_too() {
    for (model, expected) in
        [("2024-08-06", "2024-08-06"), ("70b", "70b"), (":7b", "unnamed"), ("", "unnamed")]
    {
        assert_eq!(family(model), expected, "{model:?}");
    }
}

proptest! {
    #[test]
    fn whatever_a_caller_calls_a_model_its_family_is_short_plain_and_its_own_family(model in "\\PC*") {
        let found = family(&model);
        prop_assert!((1..=LONGEST).contains(&found.len()), "{found}");
        prop_assert!(found.chars().all(|c| is_plain(c) || c == '-'), "{found}");
        prop_assert_eq!(family(&found), found);
    }
}
