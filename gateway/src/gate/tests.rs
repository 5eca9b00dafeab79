//! The gate's decisions, as tables.

use std::net::IpAddr;

use http::{HeaderValue, Method};
use secrecy::SecretString;

use super::*;
use crate::routes::{Found, Table, Want};

const TOKEN: &str = "a-token-of-sixteen";

fn gate() -> Gate {
    Gate {
        lan_only: false,
        mobile_mode: false,
        open_on_loopback: true,
        token: Some(AdminToken::new(&SecretString::from(TOKEN))),
        origins: cors::Policy::Only(["https://app.example.com".to_owned()].into()),
    }
}

fn client(ip: &str) -> Client {
    Client { ip: Some(ip.parse::<IpAddr>().unwrap()), mobile: false }
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| ((*name).parse().unwrap(), HeaderValue::from_str(value).unwrap()))
        .collect()
}

fn admit(gate: &Gate, method: &str, path: &str, ip: &str, with: &[(&'static str, &str)]) -> Result<(), u16> {
    let table = Table::read(bsm_proto::DESCRIPTORS).unwrap();
    let Found::Route(found) = table.find(&method.parse().unwrap(), path, Want::Whole) else {
        panic!("{path}")
    };
    let uri = path.parse().unwrap();
    let asker = gate.admit(found.route, &client(ip), &headers(with), &uri);
    asker.map(drop).map_err(|fault| fault.status.as_u16())
}

#[test]
fn in_development_read_and_invoke_are_open_to_this_machine_alone() {
    let gate = gate();
    for (ip, with, allowed) in [
        ("127.0.0.1", &[("host", "localhost:8080")][..], true),
        ("::1", &[("host", "[::1]:8080")], true),
        ("127.0.0.1", &[("host", "localhost:8080"), ("origin", "http://localhost:5173")], true),
        ("127.0.0.1", &[("host", "localhost:8080"), ("origin", "https://app.example.com")], true),
        ("127.0.0.1", &[("host", "localhost:8080"), ("origin", "https://evil.example")], false),
        ("127.0.0.1", &[("host", "localhost:8080"), ("origin", "null")], false),
        ("127.0.0.1", &[("host", "rebound.evil.example")], false),
        ("192.168.1.4", &[("host", "192.168.1.2:8080")], false),
        ("192.168.1.4", &[("x-admin-token", TOKEN)], true),
    ] {
        let answer = if allowed { Ok(()) } else { Err(401) };
        assert_eq!(admit(&gate, "POST", "/api/agents/run", ip, with), answer, "{ip} {with:?}");
        assert_eq!(admit(&gate, "GET", "/api/knowledge", ip, with), answer, "{ip} {with:?}");
    }
    assert_eq!(admit(&gate, "GET", "/api/agents", "203.0.113.9", &[]), Ok(()), "open routes are open");
}

#[test]
fn elsewhere_they_need_the_token_in_a_header_or_as_a_password() {
    let gate = Gate { open_on_loopback: false, ..gate() };
    let basic =
        |pair: &str| format!("Basic {}", base64::Engine::encode(&base64::prelude::BASE64_STANDARD, pair));
    let right = basic(&format!("admin:{TOKEN}"));
    for (with, allowed) in [
        (&[][..], false),
        (&[("x-admin-token", TOKEN)], true),
        (&[("x-admin-token", "a-token-of-sixteem")], false),
        (&[("x-admin-token", "")], false),
        (&[("authorization", right.as_str())], true),
        (&[("authorization", basic("admin:wrong").as_str())], false),
        (&[("authorization", basic("no colon").as_str())], false),
        (&[("authorization", "Basic %%%")], false),
        (&[("authorization", "Bearer x")], false),
    ] {
        let answer = if allowed { Ok(()) } else { Err(401) };
        assert_eq!(admit(&gate, "GET", "/api/knowledge", "127.0.0.1", with), answer, "{with:?}");
    }
    let without = Gate { token: None, ..gate };
    assert_eq!(admit(&without, "GET", "/api/knowledge", "127.0.0.1", &[("x-admin-token", "")]), Err(401));
}

#[test]
fn publishing_and_administration_always_need_the_token() {
    let (gate, here) = (gate(), client("127.0.0.1"));
    let uri = "/".parse().unwrap();
    for scope in [Scope::Publish, Scope::Admin] {
        assert!(gate.entitle(scope, &here, &HeaderMap::new(), &uri).is_err());
        let shown = headers(&[("x-admin-token", TOKEN)]);
        assert_eq!(gate.entitle(scope, &here, &shown, &uri), Ok(Asker::Operator));
    }
    for scope in [Scope::Internal, Scope::Unspecified] {
        let shown = headers(&[("x-admin-token", TOKEN), ("x-api-key", "bsm_x")]);
        assert!(gate.entitle(scope, &here, &shown, &uri).is_err());
    }
}

#[test]
fn mobile_mode_leaves_chat_and_reading_open() {
    let gate = Gate { mobile_mode: true, ..gate() };
    let host = [("host", "localhost")];
    assert_eq!(admit(&gate, "POST", "/api/agents/run", "127.0.0.1", &host), Err(403));
    assert_eq!(admit(&gate, "POST", "/api/agents/run/", "127.0.0.1", &host), Err(403));
    assert_eq!(admit(&gate, "POST", "/api/chat/direct", "127.0.0.1", &host), Ok(()));
    assert_eq!(admit(&gate, "GET", "/api/agents", "127.0.0.1", &host), Ok(()));
    assert!(mobile::is_restricted(&Method::PUT, "/api/admin/flags/{name}"));
    assert!(mobile::is_restricted(&Method::POST, "/api/agents/start/{agent_id}"));
    assert!(mobile::is_restricted(&Method::POST, "/api/agents/{agent_id}/stop"));
    assert!(!mobile::is_restricted(&Method::GET, "/api/admin/agents"));
    assert!(!mobile::is_restricted(&Method::POST, "/api/agents/runner"));
}

#[test]
fn lan_only_refuses_foreign_addresses_and_foreign_names() {
    let gate = Gate { lan_only: true, ..gate() };
    for (ip, with, reached) in [
        ("127.0.0.1", &[("host", "localhost:8080")][..], true),
        ("10.1.2.3", &[("host", "gateway:8080")], true),
        ("192.168.1.4", &[("host", "box.local")], true),
        ("fe80::1", &[("host", "[fe80::2]:8080")], true),
        ("fd00::1", &[], true),
        ("::ffff:10.0.0.1", &[], true),
        ("8.8.8.8", &[("host", "localhost")], false),
        ("::ffff:8.8.8.8", &[], false),
        ("172.32.0.1", &[], false),
        ("2001:db8::1", &[], false),
        ("10.1.2.3", &[("host", "rebound.evil.example")], false),
        ("10.1.2.3", &[("host", "8.8.8.8")], false),
        ("10.1.2.3", &[("host", "gateway"), ("origin", "https://evil.example")], false),
        ("10.1.2.3", &[("host", "gateway"), ("origin", "https://app.example.com")], true),
    ] {
        let answer = gate.reach(&client(ip), &headers(with), &"/".parse().unwrap());
        assert_eq!(answer.is_ok(), reached, "{ip} {with:?}");
    }
    let nowhere = Client { ip: None, mobile: false };
    assert!(gate.reach(&nowhere, &HeaderMap::new(), &"/".parse().unwrap()).is_err());
}

#[test]
fn a_refusal_says_what_to_do_and_tells_no_wrong_token_from_none() {
    let hint = |gate: &Gate, scope, ip, with: &[(&'static str, &str)]| {
        let headers = headers(with);
        let shown = Shown::of(gate.token.as_ref(), &headers);
        gate.hint(scope, &shown, &client(ip), &headers, &"/".parse().unwrap())
    };
    let (with, without) = (gate(), Gate { token: None, ..gate() });
    let (here, away) = ("127.0.0.1", "192.168.1.4");
    for scope in [Scope::Admin, Scope::Read] {
        let told = hint(&with, scope, away, &[("x-admin-token", "wrong")]);
        assert!(told.contains("x-admin-token"), "{told}");
        assert_eq!(told, hint(&with, scope, away, &[]));
        assert!(hint(&without, scope, away, &[]).contains("set ADMIN_TOKEN"));
    }
    let rebound = hint(&without, Scope::Invoke, here, &[("host", "x")]);
    assert!(
        rebound.starts_with("The Host header is the reason") && rebound.contains("ADMIN_TOKEN"),
        "{rebound}"
    );
    let foreign = [("host", "localhost"), ("origin", "https://evil.example")];
    assert!(hint(&with, Scope::Read, here, &foreign).starts_with("The Origin header is the reason"));
    assert_eq!(
        hint(&with, Scope::Admin, here, &[("host", "x")]),
        hint::TOKEN,
        "the Host would change nothing"
    );
}

#[test]
fn a_scheme_that_is_not_taken_and_a_wrong_password_are_refused_even_at_home() {
    let gate = gate();
    let home = |value: &str| {
        let with = [("host", "localhost"), ("authorization", value)];
        let (headers, uri) = (headers(&with), "/".parse().unwrap());
        let admitted = gate.entitle(Scope::Read, &client("127.0.0.1"), &headers, &uri);
        admitted.map_err(|fault| (fault.status.as_u16(), fault.in_full()))
    };
    for value in
        ["Digest username=x", "Token abc", "Bearer", "Basic", "garbage", "bsm_0123456789ab_00", "", "AWS4 x"]
    {
        let (status, told) = home(value).unwrap_err();
        assert_eq!(status, 401, "{value:?}");
        assert!(
            told.contains("they are Bearer and Basic") && told.contains("bsm keys create"),
            "{value:?}: {told}"
        );
        assert!(
            value.is_empty() || !told.contains(value) || value.len() < 7,
            "{value:?} is not repeated: {told}"
        );
    }
    let (status, told) = home("Basic YWRtaW46d3Jvbmc=").unwrap_err();
    assert!(status == 401 && told.starts_with("The password of Basic authentication is not"), "{told}");
    assert_eq!(
        home("Bearer sk-anything"),
        Ok(Asker::Anybody),
        "clients of other APIs cannot but send something"
    );
    assert!(matches!(home(&format!("Bearer bsm_0123456789ab_{}", "0".repeat(64))), Ok(Asker::Key(_))));
    let open = gate.entitle(
        Scope::Open,
        &client("203.0.113.9"),
        &headers(&[("authorization", "Digest x")]),
        &"/".parse().unwrap(),
    );
    assert_eq!(open, Ok(Asker::Anybody), "what is open to all is open");
}

#[test]
fn a_key_beside_another_wrong_header_is_still_a_key_and_the_token_goes_before_all() {
    let text = format!("bsm_0123456789ab_{}", "0".repeat(64));
    let shown = |with: &[(&'static str, &str)]| Shown::of(gate().token.as_ref(), &headers(with));
    assert!(matches!(shown(&[("authorization", "Digest x"), ("x-api-key", &text)]), Shown::Key(_)));
    assert_eq!(shown(&[("authorization", "Digest x"), ("x-admin-token", TOKEN)]), Shown::Token);
    assert_eq!(shown(&[("x-api-key", "sk-ant-1")]), Shown::Foreign);
}
