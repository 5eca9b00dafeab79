//! What names stand for.

use super::*;

#[test]
fn a_name_chooses_whom_it_names_and_nobody_else() {
    let world = World::new();
    let cases = [
        ("openai", "openai/gpt-4o"),
        ("openai/gpt-4.1-mini", "openai/gpt-4.1-mini"),
        ("openai/org/model", "openai/org/model"),
        ("gpt-4o", "openai/gpt-4o"),
        ("claude-opus", "anthropic/claude-opus-4-5"),
        ("perplexity", "perplexity/sonar-pro"),
        ("perplexity/sonar", "perplexity/sonar"),
        ("claude-sonnet-4-5", "anthropic/claude-sonnet-4-5"), // the model of a provider may be named alone
        ("o3", "openai/o3"),                                  // and so may one that the catalog lists
        ("offline", "offline/offline"),
    ];
    for (name, expected) in cases {
        let found = world.ask(Question { model: Some(name), ..medium() });
        assert_eq!(names(&found), [expected], "{name}");
        assert_eq!(found.len(), 1);
    }
}

#[test]
fn a_question_without_a_model_means_the_default_of_the_settings() {
    let mut world = World::new();
    world.policy.default_model = "openai/o3".to_owned();
    assert_eq!(world.asked("chat_response", Complexity::Medium), ["openai/o3"]);
}

#[test]
fn the_default_of_the_settings_is_also_what_the_family_default_begins_with() {
    for (default, expected) in
        [("groq", "groq/llama-3.3-70b-versatile"), ("gemini-pro", "google/gemini-2.5-pro")]
    {
        let mut world = World::new();
        world.policy.default_model = default.to_owned();
        let auto = Question { model: Some(AUTO), ..question("anything", Complexity::Low) };
        let found = names(&world.ask(auto));
        assert_eq!((&*found[0], &*found[1]), (expected, "openai/gpt-4o"));
    }
}

#[test]
fn the_built_in_reviewer_answers_to_its_name_whatever_the_settings() {
    let mut world = World::new();
    world.policy.offline = OfflineUse::Never;
    let found = world.ask(Question { model: Some(OFFLINE), ..medium() });
    assert!(found[0].eligible());
    assert_eq!(found[0].reason(), "asked for by name");
}

#[test]
fn a_provider_that_is_named_and_cannot_be_asked_is_refused_with_the_variable_to_set() {
    let mut world = World::new().keys_of(&[]);
    let sentence = world.refusal("openai/gpt-4o").to_string();
    assert_eq!(sentence, "no key for openai is configured; set THE_KEY");
    let unset = Bar::Unset { what: "address", variable: "AZURE_OPENAI_ENDPOINT".into() };
    world.seen.standing.insert("azure", Standing::Barred(unset));
    assert_eq!(
        world.refusal("azure").to_string(),
        "azure has a key, but no address; set AZURE_OPENAI_ENDPOINT"
    );
}

#[test]
fn an_unknown_name_is_refused_with_the_known_ones() {
    let world = World::new();
    for name in ["gpt-9", "openai/", "/gpt-4o", "AUTO", "claude/opus", ""] {
        assert!(matches!(world.refusal(name), Error::UnknownModel { .. }), "{name:?}");
    }
    let sentence = world.refusal("gpt-9").to_string();
    assert!(
        sentence.starts_with(r#"there is no model "gpt-9"; ask for auto, offline, a family (default, "#),
        "{sentence}"
    );
    assert!(sentence.ends_with("cohere), alone or as <provider>/<model>"), "{sentence}");
    let policy = Policy { default_model: "gpt-9".to_owned(), ..world.policy };
    assert!(check_default(&policy, &world.catalog).is_err());
}
