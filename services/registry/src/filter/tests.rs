use super::*;
use crate::rules::tests::{agent, harmless};

fn asked(field: &str, word: &str) -> Asked {
    let mut asked = Asked::default();
    let given = Some(word.to_owned());
    match field {
        "mode" => asked.mode = given,
        "context" => asked.context = given,
        "category" => asked.category = given,
        "risk" => asked.risk = given,
        _ => asked.selectable = Some(word == "true"),
    }
    asked
}

#[test]
fn each_filter_lets_through_what_has_it_and_nothing_else() {
    let it = agent(Some(harmless())); // chat, system, low, selectable
    for (field, word, admits) in [
        ("mode", "chat", true),
        ("mode", "ci", false),
        ("context", "chat", true),
        ("context", "ci", false),
        ("category", "system", true),
        ("category", "audit", false),
        ("risk", "low", true),
        ("risk", "high", false),
        ("selectable", "true", true),
        ("selectable", "false", false),
    ] {
        let filter = Filter::read(&asked(field, word)).unwrap();
        assert_eq!(filter.admits(&it), admits, "{field}={word}");
        assert!(!filter.admits(&agent(None)), "what nothing governs passes no filter");
        assert!(!filter.is_none());
    }
    let none = Filter::read(&Asked::default()).unwrap();
    assert!(none.is_none() && none.admits(&it) && none.admits(&agent(None)));
}

#[test]
fn filters_add_up() {
    let both = |mode: &str, context: &str| {
        let asked = Asked { mode: Some(mode.to_owned()), ..asked("context", context) };
        Filter::read(&asked).unwrap().admits(&agent(Some(harmless())))
    };
    assert!(both("chat", "chat") && !both("chat", "ci") && !both("ci", "chat"));
}

#[test]
fn every_wrong_word_is_told_with_the_right_ones() {
    let asked =
        Asked { category: Some("sytem".to_owned()), risk: Some(String::new()), ..asked("mode", "tv") };
    let sentence = Filter::read(&asked).unwrap_err().to_string();
    assert_eq!(
        sentence,
        "\"tv\" is not a context; use one of chat, api, github, ci, system, security, mobile; \
         \"sytem\" is not a category; use one of conversational, infra, system, security, audit; \
         \"\" is not a risk level; use one of low, medium, high, critical"
    );
}
