use super::*;

const WAIT: Duration = Duration::from_secs(12);

fn remote() -> Remote {
    let model = "gpt-4o".to_owned();
    let embeddings = Some("text-embedding-3-small".to_owned());
    let (provider, key_variable) = ("openai".into(), "OPENAI_API_KEY".into());
    Remote { provider, model, embeddings, key_variable, key: Ok(()) }
}

fn land(offline: OfflineUse, remote: Remote) -> Landscape {
    Landscape { safe_mode: false, offline, default_model: AUTO.to_owned(), remotes: vec![remote] }
}

/// The eligible providers, in order.
fn eligible(land: &Landscape) -> Vec<Arc<str>> {
    let candidates = candidates(None, land).unwrap();
    candidates.into_iter().filter(Candidate::eligible).map(|candidate| candidate.provider).collect()
}

fn without_key() -> Remote {
    Remote { key: Err(NoKey::Missing), ..remote() }
}

fn refusal(model: &str, land: &Landscape) -> Error {
    candidates(Some(model), land).and_then(|candidates| check(&candidates)).unwrap_err()
}

#[test]
fn with_a_key_auto_asks_the_provider_and_ends_there() {
    assert_eq!(eligible(&land(OfflineUse::WithoutKey, remote())), ["openai".into()]);
}

#[test]
fn without_a_key_auto_is_the_built_in_reviewer() {
    assert_eq!(eligible(&land(OfflineUse::WithoutKey, without_key())), ["offline".into()]);
}

#[test]
fn offline_always_is_the_end_of_the_route_and_never_is_no_end() {
    assert_eq!(eligible(&land(OfflineUse::Always, remote())), ["openai".into(), "offline".into()]);
    assert_eq!(eligible(&land(OfflineUse::Never, without_key())), []);
    let missing = Error::MissingKey { provider: "openai".into(), variable: "OPENAI_API_KEY".into() };
    assert_eq!(refusal(AUTO, &land(OfflineUse::Never, without_key())), missing);
}

#[test]
fn safe_mode_leaves_only_the_built_in_reviewer() {
    let safe = Landscape { safe_mode: true, ..land(OfflineUse::WithoutKey, remote()) };
    assert_eq!(eligible(&safe), ["offline".into()]);
    assert_eq!(refusal("openai", &safe), Error::SafeMode { provider: "openai".into() });
    let nobody = Landscape { offline: OfflineUse::Never, ..safe };
    assert_eq!(refusal(AUTO, &nobody), Error::SafeMode { provider: "openai".into() });
}

#[test]
fn what_rests_is_passed_over_with_its_reason_and_may_still_be_asked() {
    let tired = NoKey::Resting { why: Kind::Throttled, retry_in: WAIT };
    let tired = Remote { key: Err(tired), ..remote() };
    let cases = [
        (remote(), Some(WAIT), "its circuit is open, next probe in 12 s"),
        (tired, Some(WAIT), "all its keys rest (UPSTREAM_THROTTLED), the first for 12 s"),
    ];
    for (remote, open_for, reason) in cases {
        let candidates = candidates(None, &land(OfflineUse::WithoutKey, remote)).unwrap();
        let candidates: Vec<_> = candidates.into_iter().map(|c| c.unless_open(open_for)).collect();
        assert_eq!((candidates[0].eligible(), candidates[0].may_be_asked()), (false, true));
        assert_eq!(candidates[0].standing.to_string(), reason);
        assert_eq!(check(&candidates), Ok(()));
    }
}

#[test]
fn a_name_chooses_the_provider_and_the_model() {
    let land = land(OfflineUse::WithoutKey, remote());
    let cases = [
        ("openai", ("openai", "gpt-4o")),
        ("openai/gpt-4.1-mini", ("openai", "gpt-4.1-mini")),
        ("openai/org/model", ("openai", "org/model")),
        ("gpt-4o", ("openai", "gpt-4o")), // the configured model may be named alone
        ("offline", ("offline", "offline")),
    ];
    for (name, expected) in cases {
        let found = candidates(Some(name), &land).unwrap();
        assert_eq!(
            (found.len(), &*found[0].provider, found[0].model.as_str()),
            (1, expected.0, expected.1),
            "{name}"
        );
    }
}

#[test]
fn the_built_in_reviewer_answers_to_its_name_whatever_the_settings() {
    let found = candidates(Some(OFFLINE), &land(OfflineUse::Never, remote())).unwrap();
    assert!(found[0].eligible());
}

#[test]
fn a_provider_that_is_named_without_a_key_is_refused_with_the_variable_to_set() {
    let sentence = refusal("openai/gpt-4o", &land(OfflineUse::Always, without_key())).to_string();
    assert_eq!(sentence, "no key for openai is configured; set OPENAI_API_KEY");
}

#[test]
fn an_unknown_name_is_refused_with_the_known_ones() {
    let land = land(OfflineUse::WithoutKey, remote());
    for name in ["gpt-9", "openai/", "/gpt-4o", "AUTO", "claude/opus", ""] {
        assert!(matches!(refusal(name, &land), Error::UnknownModel { .. }), "{name:?}");
    }
    let sentence = refusal("gpt-9", &land).to_string();
    assert_eq!(sentence, r#"there is no model "gpt-9"; ask for auto, offline, openai or openai/<model>"#);
}

#[test]
fn a_question_without_a_model_means_the_default_of_the_settings() {
    let land = Landscape { default_model: "openai/o3".to_owned(), ..land(OfflineUse::Always, remote()) };
    assert_eq!(candidates(None, &land).unwrap()[0].model, "o3");
}

#[test]
fn vectors_are_made_by_a_model_for_them_and_never_by_the_default_for_answers() {
    let land = Landscape { default_model: "openai/gpt-4o".to_owned(), ..land(OfflineUse::Always, remote()) };
    for name in [None, Some("auto"), Some("openai")] {
        let found = embedders(name, &land).unwrap();
        let may: Vec<&str> =
            found.iter().filter(|c| c.may_be_asked()).map(|candidate| candidate.model.as_str()).collect();
        assert_eq!(may, ["text-embedding-3-small"], "{name:?}");
    }
    assert_eq!(embedders(Some("openai/other"), &land).unwrap()[0].model, "other");
}

#[test]
fn whoever_makes_no_vectors_is_refused_by_name() {
    let both = Landscape {
        remotes: vec![remote(), Remote { provider: "mute".into(), embeddings: None, ..remote() }],
        ..land(OfflineUse::Always, remote())
    };
    for name in ["offline", "mute", "mute/large"] {
        let refused = embedders(Some(name), &both).unwrap_err();
        assert_eq!(refused, Error::NoEmbeddings { name: name.to_owned() });
    }
    assert!(matches!(embedders(Some("nobody"), &both), Err(Error::UnknownModel { .. })));
    let none = land(OfflineUse::Always, Remote { embeddings: None, ..remote() });
    assert!(matches!(embedders(None, &none), Err(Error::NoEmbeddings { .. })));
}
