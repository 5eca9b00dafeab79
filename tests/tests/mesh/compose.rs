//! The compose file against the roles and ports that the binary knows.

use bsm_runtime::{role::Role, settings::table::SETTINGS};
use serde_json::Value;

fn compose() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docker-compose.yml");
    let text = std::fs::read_to_string(path).unwrap();
    serde_saphyr::from_str(&text).unwrap()
}

fn list(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(|item| item.as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_role_has_one_container_that_serves_it() {
    let compose = compose();
    let services = compose["services"].as_object().unwrap();
    assert_eq!(services.len(), Role::ALL.len());
    for role in Role::ALL {
        assert_eq!(list(&services[role.name()]["command"]), ["serve", role.name()]);
    }
}

#[test]
fn health_checks_ask_the_port_that_the_role_answers_on() {
    let compose = compose();
    for role in Role::ALL {
        let service = &compose["services"][role.name()];
        let url = format!("http://127.0.0.1:{}/healthz", Role::ops_port(role.default_port()));
        assert_eq!(list(&service["healthcheck"]["test"]), ["CMD", "/bsm", "healthcheck", &url]);
    }
}

#[test]
fn each_container_finds_the_others_and_only_by_settings_that_exist() {
    let compose = compose();
    for role in Role::ALL {
        let environment = compose["services"][role.name()]["environment"].as_object().unwrap();
        for other in Role::ALL {
            let name = format!("BSM_{}_URL", other.name().to_uppercase());
            assert_eq!(environment[&name], format!("http://{other}:{}", other.default_port()));
        }
        for name in environment.keys() {
            let known = SETTINGS.iter().any(|setting| setting.env.contains(&name.as_str()));
            assert!(known, "{role}: {name} is not read by anything");
        }
    }
}

#[test]
fn a_container_starts_when_those_it_calls_are_healthy() {
    let compose = compose();
    let needs = |role: Role| compose["services"][role.name()]["depends_on"].clone();
    for other in [Role::Registry, Role::Knowledge, Role::Memory, Role::Models] {
        assert_eq!(needs(Role::Orchestrator)[other.name()]["condition"], "service_healthy");
    }
    assert_eq!(needs(Role::Gateway)["orchestrator"]["condition"], "service_healthy");
}

#[test]
fn containers_are_locked_down_and_share_one_volume_for_state() {
    let compose = compose();
    let volumes: Vec<_> = compose["volumes"].as_object().unwrap().keys().collect();
    assert_eq!(volumes, ["bsm-data"]);
    for role in Role::ALL {
        let service = &compose["services"][role.name()];
        assert_eq!(service["read_only"], true);
        assert_eq!(service["user"], "65532:65532");
        assert_eq!(list(&service["cap_drop"]), ["ALL"]);
        assert_eq!(list(&service["volumes"]), ["bsm-data:/data"]);
        let published = list(&service["ports"]);
        match role {
            Role::Gateway => assert_eq!(published, ["127.0.0.1:${PORT:-8080}:8080"]),
            _ => assert!(published.is_empty(), "{role} is not for the outside"),
        }
    }
}

/// Compose v1.29 takes the format without `version`, but none of these newer words.
#[test]
fn nothing_is_used_that_compose_1_29_does_not_know() {
    let compose = compose();
    let top: Vec<_> = compose.as_object().unwrap().keys().filter(|key| !key.starts_with("x-")).collect();
    assert_eq!(top, ["services", "volumes"]);
    for (name, service) in compose["services"].as_object().unwrap() {
        for newer in ["develop", "attach", "annotations", "post_start", "pre_stop", "provider"] {
            assert!(service.get(newer).is_none(), "{name}.{newer}");
        }
        assert!(service["healthcheck"].get("start_interval").is_none());
    }
}
