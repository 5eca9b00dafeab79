use std::collections::HashMap;

use secrecy::ExposeSecret;

use super::*;

fn layers(env: &[(&str, &str)], flags: &[(&str, &str)]) -> Layers {
    let env: HashMap<_, _> = env.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    let flags: Vec<_> = flags.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    Layers::read(None, |name| env.get(name).cloned(), &flags)
}

fn settings(env: &[(&str, &str)]) -> Result<Settings, Invalid> {
    Settings::from_layers(&layers(env, &[]))
}

#[test]
fn the_defaults_are_usable_as_they_are() {
    let settings = settings(&[]).unwrap();
    assert_eq!(settings.port(Role::Orchestrator), 50055);
    assert_eq!(settings.url(Role::Registry), "http://127.0.0.1:50051");
    assert!(settings.reflection && settings.models.openai_keys.is_empty());
}

#[test]
fn a_flag_beats_the_environment_beats_the_file_beats_the_default() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("bsm.yaml");
    std::fs::write(&file, "gateway:\n  port: 1\nmemory:\n  port: 2\nregistry: {port: 3}\n").unwrap();
    let env = |name: &str| match name {
        "PORT" => Some("4".to_owned()),
        "BSM_MEMORY_PORT" => Some("5".to_owned()),
        _ => None,
    };
    let layers = Layers::read(Some(&file), env, &[("gateway.port".to_owned(), "6".to_owned())]);
    let settings = Settings::from_layers(&layers).unwrap();
    let found = [Role::Gateway, Role::Memory, Role::Registry, Role::Models].map(|r| settings.port(r));
    assert_eq!(found, [6, 5, 3, 50054]);
    assert_eq!(layers.get("registry.port").unwrap().source, Source::File(file.display().to_string(), 5));
}

#[test]
fn every_mistake_is_told_at_once_with_its_source() {
    let wrong = layers(
        &[("PORT", "70000"), ("LAN_ONLY", "maybe"), ("BSM_MODELS_URL", "nowhere")],
        &[("gateway.portt", "1")],
    );
    let Invalid(problems) = Settings::from_layers(&wrong).unwrap_err();
    assert_eq!(
        problems,
        [
            "--set gateway.portt=1: \"gateway.portt\" is not a setting; did you mean gateway.port?; `bsm config` lists them all",
            "gateway.port is \"70000\" (from PORT); it must be a whole number from 0 to 64535: metrics are served 1000 above it",
            "models.url (from BSM_MODELS_URL): \"nowhere\" is not an address that can be called; use a URL such as http://127.0.0.1:50051",
            "lan_only is \"maybe\" (from LAN_ONLY); it must be true or false",
        ]
    );
}

#[test]
fn unknown_keys_of_the_file_are_named_with_their_place() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("bsm.yaml");
    std::fs::write(&file, "gateway:\n  prot: 1\n").unwrap();
    let layers = Layers::read(Some(&file), |_| None, &[]);
    assert!(layers.problems[0].contains("bsm.yaml:2:") && layers.problems[0].contains("gateway.prot"));
}

#[test]
fn all_keys_of_a_provider_are_kept_in_order_and_never_shown() {
    let layers = layers(&[("OPENAI_API_KEY", "sk-last"), ("OPENAI_BSM_KEY", "sk-first")], &[]);
    let settings = Settings::from_layers(&layers).unwrap();
    let keys: Vec<_> = settings.models.openai_keys.iter().map(ExposeSecret::expose_secret).collect();
    assert_eq!(keys, ["sk-first", "sk-last"]);
    assert!(layers.shown().all(|(_, text, _)| !text.contains("sk-")));
    assert!(!format!("{settings:?}").contains("sk-first"));
}

#[test]
fn a_variable_that_only_looks_like_a_setting_is_told() {
    let mut layers = layers(&[], &[]);
    layers.check_names(
        ["BSM_GATWAY_PORT", "BSM_CONFIG", "BSM_DATA_DIR", "PATH"].map(str::to_owned).into_iter(),
    );
    assert_eq!(
        layers.problems,
        ["BSM_GATWAY_PORT is not a variable that is read here; did you mean BSM_GATEWAY_PORT?"]
    );
}

#[test]
fn a_log_filter_that_does_not_parse_is_a_mistake_like_others() {
    let Invalid(problems) = settings(&[("LOG_LEVEL", "a=b=c"), ("PORT", "x")]).unwrap_err();
    assert_eq!(problems.len(), 2, "{problems:?}");
}

#[test]
fn a_trusted_proxy_is_an_address_or_a_network() {
    let trusted =
        |text| settings(&[("BSM_TRUSTED_PROXIES", text)]).map(|settings| settings.trusted_proxies.len());
    assert_eq!(trusted("10.0.0.0/8, ::1,").unwrap(), 2);
    let Invalid(problems) = trusted("10.0.0.0/8,*").unwrap_err();
    assert!(
        problems[0].starts_with("trusted_proxies is \"10.0.0.0/8,*\" (from BSM_TRUSTED_PROXIES)"),
        "{problems:?}"
    );
    for everybody in ["0.0.0.0/0", "10.0.0.0/8,::/0"] {
        let Invalid(problems) = trusted(everybody).unwrap_err();
        assert!(problems[0].contains("would let every client choose its address"), "{problems:?}");
    }
}

#[test]
fn whom_requests_may_leave_for_is_read_and_every_entry_that_is_none_is_told() {
    use crate::outside::egress::Policy;
    let hosts = "api.openai.com, *.azure.com, 10.0.0.0/8";
    let egress = settings(&[("EGRESS_ALLOWED_HOSTS", hosts), ("EGRESS_POLICY", "allow_all")]).unwrap().egress;
    assert_eq!((egress.policy, egress.allowed.len()), (Policy::AllowAll, 3));
    assert_eq!(settings(&[]).unwrap().egress.policy, Policy::DenyByDefault);
    let wrong = [("EGRESS_ALLOWED_HOSTS", "https://a.example,b.example,*"), ("EGRESS_POLICY", "open")];
    let Invalid(problems) = settings(&wrong).unwrap_err();
    assert_eq!(problems.len(), 3, "{problems:?}");
    assert!(problems[0].starts_with("egress.policy is \"open\" (from EGRESS_POLICY)"), "{problems:?}");
    assert!(
        problems[1].starts_with("egress.allowed_hosts: \"https://a.example\" is none of"),
        "{problems:?}"
    );
}

#[test]
fn every_url_of_a_role_is_checked_and_told_by_its_place() {
    let urls = "http://a:1,http://b:99999,https://c:1";
    let Invalid(problems) = settings(&[("BSM_REGISTRY_URL", urls)]).unwrap_err();
    assert_eq!(
        problems,
        [
            "registry.url (from BSM_REGISTRY_URL), entry 2: \"http://b:99999\" has a port that is not a number from 1 to 65535; use a URL such as http://127.0.0.1:50051",
            "registry.url (from BSM_REGISTRY_URL), entry 3: \"https://c:1\" asks for TLS, which is not spoken between services yet; use a URL such as http://127.0.0.1:50051",
        ]
    );
    for fine in ["https://bsm.example", "http://[::1]", "http://me:secret@bsm.example", "http://a:8080"] {
        assert!(settings(&[("BSM_GATEWAY_URL", fine)]).is_ok(), "clients may come another way: {fine}");
    }
    assert!(settings(&[("BSM_GATEWAY_URL", "http://a:99999")]).is_err());
}

#[test]
fn a_bound_below_what_it_bounds_is_a_mistake_unless_it_is_none() {
    for (env, told) in [
        ([("BSM_CONCURRENCY_MIN", "9"), ("BSM_CONCURRENCY_MAX", "8")], Some("concurrency.max, which is 8")),
        ([("BSM_CONCURRENCY_MIN", "8"), ("BSM_CONCURRENCY_MAX", "8")], None),
        ([("BSM_CONCURRENCY_MIN", "9"), ("BSM_CONCURRENCY_MAX", "0")], None),
        ([("BSM_RATE_LIMIT_BURST", "9"), ("RATE_LIMIT_MAX", "8")], Some("rate_limit.max, which is 8")),
        ([("BSM_RATE_LIMIT_BURST", "8"), ("RATE_LIMIT_MAX", "8")], None),
        ([("BSM_RATE_LIMIT_BURST", "9"), ("RATE_LIMIT_MAX", "0")], None),
    ] {
        let problems = settings(&env).err().map(|Invalid(problems)| problems).unwrap_or_default();
        assert_eq!(problems.len(), usize::from(told.is_some()), "{env:?}: {problems:?}");
        assert!(told.is_none_or(|told| problems[0].ends_with(told)), "{problems:?}");
    }
}

#[test]
fn the_contracts_rate_limit_is_the_default_and_every_bound_of_a_limit_is_checked() {
    let limit = settings(&[]).unwrap().rate_limit;
    assert_eq!((limit.max, limit.window, limit.burst), (100, Duration::from_secs(900), 0));
    let wrong = [
        ("RATE_LIMIT_MAX", "-1"),
        ("RATE_LIMIT_WINDOW_MS", "999"),
        ("BSM_RATE_LIMIT_BURST", "1000001"),
        ("BSM_CONCURRENCY_MIN", "0"),
        ("BSM_CONCURRENCY_MAX", "1025"),
    ];
    assert_eq!(settings(&wrong).unwrap_err().0.len(), wrong.len());
}

#[test]
fn a_port_without_room_for_that_of_metrics_is_refused() {
    assert_eq!(settings(&[("PORT", "64535")]).unwrap().port(Role::Gateway), 64_535);
    let Invalid(problems) = settings(&[("PORT", "64536")]).unwrap_err();
    assert!(problems[0].ends_with("from 0 to 64535: metrics are served 1000 above it"), "{problems:?}");
}

#[test]
fn every_entry_that_is_no_origin_is_told_and_the_star_stands_alone() {
    let origins = |text| settings(&[("CORS_ORIGINS", text)]).map(|settings| settings.cors_origins);
    assert_eq!(origins("https://A.example, http://b:3000").unwrap(), ["https://a.example", "http://b:3000"]);
    assert_eq!(origins("*").unwrap(), ["*"]);
    let Invalid(problems) = origins("x,http://a b,*").unwrap_err();
    assert_eq!(problems.len(), 3, "{problems:?}");
    assert!(problems[0].starts_with("cors_origins (from CORS_ORIGINS): \"x\" is no origin"), "{problems:?}");
    assert!(
        problems[2].ends_with("\"*\" means every origin and stands alone, or not at all"),
        "{problems:?}"
    );
}

#[test]
fn a_token_that_no_header_can_hold_is_refused_and_a_weak_one_warned_of() {
    for unsendable in ["two\nlines-of-a-token", "tab\tin-a-token-of-16", "tökén-of-more-than-16"] {
        let Invalid(problems) = settings(&[("ADMIN_TOKEN", unsendable)]).unwrap_err();
        assert!(
            problems[0].starts_with("admin_token (from ADMIN_TOKEN) holds what cannot be sent"),
            "{problems:?}"
        );
        assert!(!problems[0].contains("token-of"), "{problems:?}");
    }
    let warnings =
        |token| settings(&[("BSM_PROFILE", "staging"), ("ADMIN_TOKEN", token)]).unwrap().warnings();
    assert!(warnings("x")[0].contains("shorter than 16 characters"));
    assert!(warnings("change-me-please-now")[0].contains("from an example"));
    assert!(
        warnings("0123456789abcdef\n").is_empty(),
        "the newline of the file that it came from is no part of it"
    );
}

#[test]
fn a_settings_file_without_end_is_read_to_its_bound_alone() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("bsm.yaml");
    std::fs::write(&file, " ".repeat(1024 * 1024 + 1)).unwrap();
    let layers = Layers::read(Some(&file), |_| None, &[]);
    assert!(layers.problems[0].contains("larger than 1024 KiB"), "{:?}", layers.problems);
    #[cfg(target_os = "linux")]
    assert!(!Layers::read(Some("/dev/zero".as_ref()), |_| None, &[]).problems.is_empty());
}

#[test]
fn a_settings_file_is_names_with_values() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("bsm.yaml");
    for text in ["- a\n", "debug\n", "7\n"] {
        std::fs::write(&file, text).unwrap();
        let problems = Layers::read(Some(&file), |_| None, &[]).problems;
        assert!(problems[0].contains("bsm.yaml:1:1: a settings file is names with values"), "{problems:?}");
    }
}

#[test]
fn an_empty_variable_counts_as_unset() {
    assert_eq!(settings(&[("BSM_MODELS_URL", ""), ("PORT", "")]).unwrap().port(Role::Gateway), 8080);
}

#[test]
fn production_names_every_reason_not_to_start() {
    let serving = |env: &[_], roles: &[_]| Settings::for_serving(&layers(env, &[]), roles);
    let bad = [
        ("NODE_ENV", "production"),
        ("CORS_ORIGINS", "*"),
        ("BSM_HOST", "0.0.0.0"),
        ("GITHUB_WEBHOOK_SECRET", "short"),
    ];
    let Invalid(reasons) = serving(&bad, &Role::ALL).unwrap_err();
    assert_eq!(reasons.len(), 4, "{reasons:?}");
    let Invalid(of_registry) = serving(&bad, &[Role::Registry]).unwrap_err();
    assert_eq!(of_registry.len(), 2, "what concerns the gateway is not asked of others: {of_registry:?}");
    assert!(settings(&bad).is_ok(), "a review on the command line serves nobody");
    let good = [
        ("BSM_PROFILE", "production"),
        ("ADMIN_TOKEN", "0123456789abcdef"),
        ("GITHUB_WEBHOOK_SECRET", "0123456789abcdef"),
    ];
    assert!(!serving(&good, &Role::ALL).unwrap().reflection);
}

#[test]
fn flags_are_yes_no_or_a_share_and_the_old_variables_set_them() {
    let settings = settings(&[
        ("CIRCUIT_BREAKER_ENABLED", "false"),
        ("CACHE_STAMPEDE_PROTECTION", "1"),
        ("BSM_FLAG_RETRY", "25%"),
        ("BSM_FLAG_HEDGING", "30"),
    ]);
    assert_eq!(settings.unwrap().flags.map(|percent| percent.get()), [0, 100, 100, 25, 30]);
    for wrong in ["101", "-1", "half", "%"] {
        let Invalid(problems) = self::settings(&[("BSM_FLAG_RETRY", wrong)]).unwrap_err();
        assert!(problems[0].contains("true, false or a percentage"), "{problems:?}");
    }
}

#[test]
fn the_url_for_alerts_is_shown_nowhere() {
    let wrong = layers(&[("BSM_ALERT_WEBHOOK_URL", "hooks.example/T0KEN")], &[]);
    let Invalid(problems) = Settings::from_layers(&wrong).unwrap_err();
    assert_eq!(
        problems,
        ["alerts.url (from BSM_ALERT_WEBHOOK_URL) must be one URL such as https://host/path"]
    );
    let good = layers(&[("BSM_ALERT_WEBHOOK_URL", "https://hooks.example/T0KEN")], &[]);
    assert!(good.shown().all(|(_, text, _)| !text.contains("T0KEN")));
    assert!(!format!("{:?}", Settings::from_layers(&good).unwrap()).contains("T0KEN"));
}
