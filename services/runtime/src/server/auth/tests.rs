use secrecy::SecretString;

use super::*;

fn rules(token: Option<&str>, profile: Profile) -> Rules {
    let token = token.map(|token| AdminToken::new(&SecretString::from(token)));
    Rules { token, profile, takes_forwarded: true }
}

fn ip(text: &str) -> Option<IpAddr> {
    Some(text.parse().unwrap())
}

#[test]
fn an_admin_rpc_needs_the_token_when_there_is_one() {
    let rules = rules(Some("right"), Profile::Development);
    for shown in [None, Some("wrong"), Some("righ"), Some("right "), Some("")] {
        let verdict = rules.admit(Scope::Admin, shown.map(str::as_bytes), ip("127.0.0.1"));
        assert_eq!(verdict, Err(Denied::Token), "{shown:?}, although on this machine");
    }
    let caller = rules.admit(Scope::Admin, Some(b"right"), ip("10.0.0.7")).unwrap().unwrap();
    assert_eq!((caller.actor.as_str(), caller.address.as_str()), ("admin", "10.0.0.7"));
}

#[test]
fn without_a_token_only_this_machine_and_only_in_development() {
    for (profile, peer, admitted) in [
        (Profile::Development, ip("127.0.0.1"), true),
        (Profile::Development, ip("::1"), true),
        (Profile::Development, ip("::ffff:127.0.0.1"), true),
        (Profile::Development, ip("10.0.0.7"), false),
        (Profile::Development, None, false),
        (Profile::Staging, ip("127.0.0.1"), false),
        (Profile::Production, ip("127.0.0.1"), false),
    ] {
        let verdict = rules(None, profile).admit(Scope::Admin, Some(b"any"), peer);
        assert_eq!(verdict.is_ok(), admitted, "{profile:?} {peer:?}");
    }
}

#[test]
fn scopes_below_admin_pass_and_an_undeclared_one_never_does() {
    let rules = rules(Some("right"), Profile::Production);
    for scope in [Scope::Open, Scope::Read, Scope::Invoke, Scope::Internal] {
        assert_eq!(rules.admit(scope, None, None), Ok(None));
    }
    let proved = rules.admit(Scope::Invoke, Some(b"right"), ip("10.0.0.7")).unwrap().unwrap();
    assert_eq!(proved.actor, "admin", "who shows the token is known by it, needed or not");
    assert_eq!(rules.admit(Scope::Invoke, Some(b"wrong"), None), Ok(None));
    assert_eq!(rules.admit(Scope::Publish, None, None), Err(Denied::Token));
    assert_eq!(rules.admit(Scope::Unspecified, Some(b"right"), None), Err(Denied::Undeclared));
}

#[test]
fn an_api_key_opens_no_change_on_a_grpc_port_where_nobody_can_confirm_it() {
    let key = format!("bsm_0123456789ab_{}", "0".repeat(64));
    let shown = [
        ("authorization", format!("Bearer {key}")),
        ("authorization", "Bearer right".to_owned()),
        ("x-api-key", key.clone()),
        (admin_token::HEADER, key),
    ];
    for (name, value) in shown {
        let request = Request::post("/bsm.ops.v1.OpsService/SetFlag").header(name, &value);
        let request = request.extension(Peer("127.0.0.1:9".parse().unwrap())).body(()).unwrap();
        for takes_forwarded in [true, false] {
            let rules = Rules { takes_forwarded, ..rules(Some("right"), Profile::Development) };
            for scope in [Scope::Publish, Scope::Admin] {
                assert_eq!(rules.judge(&request, Some(scope)), Err(Denied::Token), "{name}: {value}");
            }
            assert_eq!(rules.judge(&request, Some(Scope::Unspecified)), Err(Denied::Undeclared));
        }
    }
}

#[test]
fn only_who_is_admitted_can_say_for_whom_it_asks_and_never_to_the_gateway() {
    let request = |token: &str| {
        let request = Request::post("/bsm.ops.v1.OpsService/SetFlag").header(admin_token::HEADER, token);
        let request = request.header("x-bsm-actor", "admin").header("x-bsm-client-ip", "203.0.113.9");
        request.extension(Peer("10.0.0.2:9".parse().unwrap())).body(()).unwrap()
    };
    let mut rules = rules(Some("right"), Profile::Production);
    assert_eq!(rules.judge(&request("wrong"), Some(Scope::Admin)), Err(Denied::Token));
    let caller = rules.judge(&request("right"), Some(Scope::Admin)).unwrap().unwrap();
    assert_eq!((caller.address.as_str(), caller.via.as_deref()), ("203.0.113.9", Some("10.0.0.2")));
    rules.takes_forwarded = false;
    let caller = rules.judge(&request("right"), Some(Scope::Admin)).unwrap().unwrap();
    assert_eq!((caller.address.as_str(), caller.via), ("10.0.0.2", None));
}

#[test]
fn at_the_door_importance_is_judged_and_behind_it_believed() {
    let headers = |pairs: &[(&'static str, &'static str)]| -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    };
    let critical = headers(&[("x-bsm-priority", "critical")]);
    let proved = headers(&[("x-bsm-priority", "critical"), ("x-admin-token", "right")]);
    let wrong = headers(&[("x-bsm-priority", "critical"), ("x-admin-token", "wrong")]);
    let batch = headers(&[("x-bsm-priority", "batch")]);
    let behind = rules(Some("right"), Profile::Production);
    let door = Rules { takes_forwarded: false, ..behind.clone() };
    for (headers, at_the_door, behind_it) in [
        (&critical, Priority::Normal, Priority::Critical),
        (&wrong, Priority::Normal, Priority::Critical),
        (&proved, Priority::Critical, Priority::Critical),
        (&batch, Priority::Batch, Priority::Batch),
        (&HeaderMap::new(), Priority::Normal, Priority::Normal),
    ] {
        let shown = headers.get(admin_token::HEADER).map(|value| value.as_bytes());
        let importance = |rules: &Rules| {
            let caller = rules.admit(Scope::Invoke, shown, None).unwrap();
            rules.importance(headers, Some(Scope::Invoke), caller.as_ref())
        };
        assert_eq!(importance(&door), at_the_door, "{headers:?}");
        assert_eq!(importance(&behind), behind_it, "{headers:?}");
    }
    let operator = Caller { actor: "admin".into(), address: "x".into(), via: None };
    let operates = |scope| door.importance(&HeaderMap::new(), Some(scope), Some(&operator));
    assert_eq!((operates(Scope::Admin), operates(Scope::Invoke)), (Priority::Critical, Priority::Normal));
}
