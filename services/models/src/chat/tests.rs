use super::*;

fn said(message: &str) -> Said {
    Said { message: message.to_owned(), ..Said::default() }
}

fn with_history(roles: &[&str]) -> Said {
    let turn = |(at, role): (usize, &&str)| ((*role).to_owned(), format!("turn {at}"));
    Said { history: roles.iter().enumerate().map(turn).collect(), ..said("now") }
}

#[test]
fn without_a_language_the_rules_are_in_arabic() {
    let ask = said("مرحبا").into_ask(4000).unwrap();
    assert_eq!(ask.language, Language::Arabic);
    assert_eq!(ask.turns[0], Turn::new(Role::System, SYSTEM_AR));
    assert_eq!(ask.turns[1], Turn::new(Role::User, "مرحبا"));
}

#[test]
fn an_unknown_language_is_refused_with_its_reason() {
    let refused = Said { language: Some("fr".to_owned()), ..said("hi") }.into_ask(4000).unwrap_err();
    assert_eq!((refused.reason(), refused.field().as_str()), ("INVALID_LANGUAGE", "language"));
    assert_eq!(refused.problem(), r#"must be ar or en, not "fr""#);
}

#[test]
fn the_limit_counts_characters_and_not_bytes() {
    let limit = 10;
    assert!(said(&"ع".repeat(limit)).into_ask(limit).is_ok(), "20 bytes, 10 characters");
    let refused = said(&"ع".repeat(limit + 1)).into_ask(limit).unwrap_err();
    assert_eq!(refused, Refused::TooLong { length: 11, limit: 10 });
    assert_eq!((refused.reason(), refused.field().as_str()), ("INPUT_TOO_LONG", "message"));
}

#[test]
fn a_message_of_nothing_is_refused() {
    for message in ["", "  \n\t"] {
        assert_eq!(said(message).into_ask(4000).unwrap_err().reason(), "INVALID_INPUT");
    }
}

#[test]
fn only_user_and_assistant_may_stand_in_the_history() {
    for role in ["system", "tool", ""] {
        let refused = with_history(&["user", role]).into_ask(4000).unwrap_err();
        assert_eq!((refused.reason(), refused.field().as_str()), ("INVALID_HISTORY", "history[1].role"));
    }
}

#[test]
fn the_last_20_turns_count() {
    let ask = with_history(&["user"; 25]).into_ask(4000).unwrap();
    assert_eq!(ask.turns.len(), 1 + HISTORY + 1);
    assert_eq!(ask.turns[1].content, "turn 5");
    assert_eq!(ask.turns[20].content, "turn 24");
    assert_eq!(ask.turns[21].content, "now");
}
