use bsm_runtime::settings::Settings;

use super::*;
use crate::gateway::Gateway;
use crate::testing::{process, settings};

fn refusal(change: impl FnOnce(&mut Settings)) -> String {
    let mut settings = settings("http://127.0.0.1:1/v1", &["sk-canary"]);
    change(&mut settings);
    Gateway::of(&process(settings)).unwrap_err().to_string()
}

#[test]
fn an_address_that_is_none_is_refused_with_what_would_be_right() {
    let base_url = |url: &str| {
        let url = url.to_owned();
        refusal(|settings| settings.models.openai_base_url = Some(url))
    };
    for (url, told) in [
        (
            "not a url",
            "the base URL of openai does not begin with https:// or http://; put https:// before it",
        ),
        ("ftp://x", "the base URL of openai begins with something else"),
        ("https://x/v1?a=b", "the base URL of openai holds a query or fragment; end it before"),
        ("https://x/v1/chat/completions", "appended by itself; write https://x/v1"),
    ] {
        assert!(base_url(url).contains(told), "{url}: {}", base_url(url));
    }
    let with_password = base_url("https://me:secret@x/v1");
    assert!(with_password.contains("holds a user name") && !with_password.contains("secret"));
}

#[test]
fn an_address_that_is_never_asked_is_refused_at_the_start() {
    for (url, told) in [
        (
            "http://169.254.169.254/v1",
            "names the address of a cloud's metadata service, which is never asked",
        ),
        ("http://metadata.google.internal/v1", "names the address of a cloud's metadata service"),
        (
            "http://169.254.7.7/v1",
            "openai is not asked: its host leads to a link-local address; if that is meant",
        ),
    ] {
        let sentence = refusal(|settings| settings.models.openai_base_url = Some(url.to_owned()));
        assert!(sentence.contains(told), "{url}: {sentence}");
    }
}

#[test]
fn a_provider_whose_host_is_not_listed_is_told_so_and_is_never_ready() {
    let mut settings = settings("https://llm.example.com/v1", &["sk-canary"]);
    settings.egress.allowed = vec!["api.anthropic.com".parse().unwrap()];
    let gateway = Gateway::of(&process(settings)).unwrap();
    let lines = gateway.providers();
    let openai = lines.iter().find(|line| &*line.name == "openai").unwrap();
    assert_eq!(openai.obstacle.as_deref(), Some("its host is not in EGRESS_ALLOWED_HOSTS"));
}

#[test]
fn a_default_model_that_nobody_knows_is_refused_at_the_start() {
    let sentence = refusal(|settings| settings.models.default_model = "gpt-9".to_owned());
    assert!(
        sentence.starts_with(r#"the default model is not usable: there is no model "gpt-9""#),
        "{sentence}"
    );
}

#[test]
fn the_guards_of_every_provider_are_listed_with_those_of_the_process() {
    let process = process(settings("http://127.0.0.1:1/v1", &["sk-canary"]));
    Gateway::of(&process).unwrap();
    let breakers: Vec<_> = process.guards.breakers().into_iter().map(|b| b.name.to_string()).collect();
    let bulkheads = process.guards.bulkheads();
    assert_eq!(breakers, ["openai/gpt-4o"]);
    let openai = bulkheads.iter().find(|b| &*b.name == "openai").unwrap();
    assert_eq!((openai.max_in_flight, openai.max_queue), (10, 10));
}

#[test]
fn a_probe_may_take_longer_than_the_longest_attempt() {
    let lease = breaker_for(Duration::from_secs(600)).probe_lease;
    assert!(lease > Duration::from_secs(600));
    assert!(breaker_for(Duration::from_secs(30)).probe_lease >= Duration::from_secs(60));
}
