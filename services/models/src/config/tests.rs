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
    assert!(base_url("not a url").contains("must look like https://"));
    assert!(base_url("ftp://x").contains("must begin with https://"));
    assert!(base_url("https://x/v1?a=b").contains("must not hold a query"));
    let with_password = base_url("https://me:secret@x/v1");
    assert!(with_password.contains("must not hold a user name") && !with_password.contains("secret"));
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
