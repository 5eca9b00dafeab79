//! The compose file against the roles and ports that the binary knows.

use bsm_runtime::{
    role::Role,
    settings::table::{Kind, SETTINGS},
};
use serde_json::Value;

/// The built-in models file, which names variables of its own.
const PROVIDERS: &str = include_str!("../../../services/models/src/catalog/models.yaml");

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
            let setting = SETTINGS.iter().any(|setting| setting.env.contains(&name.as_str()));
            let known = setting || role == Role::Models && PROVIDERS.contains(name.as_str());
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

#[test]
fn every_secret_is_given_only_to_the_services_that_use_it() {
    let compose = compose();
    let has = |role: Role, name: &str| !compose["services"][role.name()]["environment"][name].is_null();
    for setting in SETTINGS.iter().filter(|setting| setting.kind == Kind::Secrets) {
        let users: &[Role] = match setting.key {
            "admin_token" | "alerts.url" => &Role::ALL,
            "webhook_secret" => &[Role::Gateway],
            "github.token" => &[Role::Orchestrator],
            "models.openai.keys" => &[Role::Models],
            _ => &[], // not in the compose file
        };
        for name in setting.env {
            let given: Vec<_> = Role::ALL.into_iter().filter(|role| has(*role, name)).collect();
            assert_eq!(given, users, "{name}");
        }
    }
}

#[test]
fn restrictions_that_the_operator_sets_reach_the_services_that_obey_them() {
    let compose = compose();
    for (name, obeyed_by) in [
        ("SAFE_MODE", &Role::ALL[..]),
        ("CIRCUIT_BREAKER_ENABLED", &Role::ALL),
        ("CACHE_STAMPEDE_PROTECTION", &Role::ALL),
        ("MOBILE_MODE", &[Role::Registry, Role::Gateway]),
        ("LAN_ONLY", &[Role::Gateway]),
        ("CORS_ORIGINS", &[Role::Gateway]),
    ] {
        for role in obeyed_by {
            let value = compose["services"][role.name()]["environment"][name].as_str().unwrap_or_default();
            assert!(value.starts_with(&format!("${{{name}:-")), "{role}: {name} is {value:?}");
        }
    }
}

/// A container listens on every address, so an image that is run as it is must not be an open development mesh.
#[test]
fn the_image_by_itself_is_not_in_the_development_profile() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../Dockerfile");
    let text = std::fs::read_to_string(path).unwrap();
    let last = text.rsplit("\nFROM ").next().unwrap();
    assert!(last.contains("BSM_HOST=0.0.0.0") && last.contains("ENV BSM_PROFILE=staging"), "{last}");
}

/// The words for a service that this file may use: all of them are among those that Compose v1.29 takes.
const SERVICE_KEYS: [&str; 15] = [
    "build",
    "cap_drop",
    "command",
    "depends_on",
    "environment",
    "healthcheck",
    "image",
    "ports",
    "read_only",
    "restart",
    "security_opt",
    "stop_grace_period",
    "tmpfs",
    "user",
    "volumes",
];
const HEALTHCHECK_KEYS: [&str; 5] = ["interval", "retries", "start_period", "test", "timeout"];

#[test]
fn nothing_is_used_that_compose_1_29_does_not_know() {
    let compose = compose();
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let top: Vec<_> = keys(&compose).into_iter().filter(|key| !key.starts_with("x-")).collect();
    assert_eq!(top, ["services", "volumes"]);
    for (name, service) in compose["services"].as_object().unwrap() {
        for key in keys(service) {
            assert!(SERVICE_KEYS.contains(&key.as_str()), "{name}.{key}");
        }
        for key in keys(&service["healthcheck"]) {
            assert!(HEALTHCHECK_KEYS.contains(&key.as_str()), "{name}.healthcheck.{key}");
        }
        for (other, how) in service.get("depends_on").and_then(Value::as_object).into_iter().flatten() {
            assert_eq!(keys(how), ["condition"], "{name}.depends_on.{other}");
        }
    }
}
