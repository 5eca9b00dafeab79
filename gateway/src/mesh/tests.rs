//! What facts amount to, as tables.

use bsm_proto::ops::v1::{Breaker, ServiceState};
use bsm_runtime::{role::Role, settings::Profile};
use tonic::{Status, metadata::MetadataMap};

use super::{checks::*, client, error::Error};

fn state(role: Role, state: &str) -> (Role, ServiceState) {
    (role, ServiceState { role: role.name().to_owned(), state: state.to_owned(), message: String::new() })
}

fn well() -> Facts {
    Facts {
        services: [Role::Registry, Role::Knowledge, Role::Models].map(|role| state(role, "serving")).to_vec(),
        breakers: vec![breaker("CLOSED")],
        degraded: Vec::new(),
        agents: Ok(14),
        outside_providers: Some(1),
        writable: true,
        profile: Profile::Production,
        safe_mode: false,
        has_admin_token: true,
        warned: Vec::new(),
        webhook_problem: None,
    }
}

fn breaker(state: &str) -> Breaker {
    Breaker { name: "openai".to_owned(), state: state.to_owned(), ..Breaker::default() }
}

#[test]
fn the_worst_check_decides() {
    type Change = fn(&mut Facts);
    let cases: [(&str, Change); 14] = [
        ("healthy", |_| {}),
        ("degraded", |facts| facts.services.push(state(Role::Memory, "unreachable"))),
        ("unhealthy", |facts| facts.services.push(state(Role::Orchestrator, "not_serving"))),
        ("degraded", |facts| facts.breakers.push(breaker("OPEN"))),
        ("degraded", |facts| facts.breakers.push(breaker("HALF_OPEN"))),
        ("degraded", |facts| facts.degraded.push(("registry".to_owned(), "The agents are old.".to_owned()))),
        ("unhealthy", |facts| facts.agents = Err(Status::unavailable("x"))),
        ("unhealthy", |facts| facts.agents = Ok(0)),
        ("degraded", |facts| facts.writable = false),
        ("degraded", |facts| facts.webhook_problem = Some("no secret".to_owned())),
        ("degraded", |facts| facts.warned.push("the token is short".to_owned())),
        ("degraded", |facts| facts.outside_providers = Some(0)),
        ("healthy", |facts| facts.outside_providers = None),
        ("healthy", |facts| {
            (facts.profile, facts.has_admin_token, facts.outside_providers) =
                (Profile::Development, false, Some(0));
        }),
    ];
    for (at, (overall, change)) in cases.into_iter().enumerate() {
        let mut facts = well();
        change(&mut facts);
        assert_eq!(judge(facts).0, overall, "case {at}");
    }
}

#[test]
fn warnings_say_what_is_not_configured() {
    let facts = Facts { webhook_problem: Some("no secret".to_owned()), has_admin_token: false, ..well() };
    let environment = judge(facts).1.environment.unwrap();
    assert_eq!(environment.status, "warn");
    assert_eq!(environment.warnings.len(), 2);
    assert_eq!(environment.warnings[0], "Every delivery of GitHub is refused: no secret.");
}

#[test]
fn a_registry_that_cannot_be_asked_has_no_count_and_shows_no_address() {
    let facts = Facts { agents: Err(Status::unavailable("connect to 10.0.0.7 failed")), ..well() };
    let registry = judge(facts).1.agent_registry.unwrap();
    assert_eq!((registry.status.as_str(), registry.count), ("fail", None));
    assert!(!registry.message.contains("10.0.0.7"), "{}", registry.message);
}

#[test]
fn the_client_is_told_what_the_gateway_saw() {
    let mut metadata = MetadataMap::new();
    metadata.insert("x-bsm-client-ip", "127.0.0.1".parse().unwrap());
    metadata.insert("x-bsm-client-mobile", "true".parse().unwrap());
    let seen = client(&metadata, true);
    assert_eq!((seen.ip.as_str(), seen.is_mobile, seen.restrictions.len()), ("127.0.0.1", true, 3));
    assert_eq!(client(&MetadataMap::new(), false), bsm_proto::ops::v1::Client::default());
}

#[test]
fn what_a_role_does_worse_than_it_should_stands_beside_its_name() {
    let degraded = vec![("registry".to_owned(), "The agents are old.".to_owned())];
    let services = judge(Facts { degraded, ..well() }).1.services.unwrap();
    assert_eq!(
        (services.status.as_str(), services.services[0].message.as_str()),
        ("warn", "The agents are old.")
    );
    assert_eq!(services.message, "Every service serves. registry: The agents are old.");
    assert_eq!(services.services[1].message, "");
}

#[test]
fn a_name_that_nobody_has_is_told_back_short_and_without_control_characters() {
    for named in [Error::UnknownBreaker, Error::UnknownCache] {
        let told = named(format!("\u{1b}{}", "x".repeat(100_000))).to_string();
        assert!(told.len() < 200 && told.contains("\\u{1b}xxx"), "{told}");
    }
}
