//! API keys at the gateway: what they open, and for how long.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use tokio::time::Instant;

use super::{
    fake::{KEY_ID, KEY_SECRET},
    *,
};

fn key() -> String {
    format!("bsm_{KEY_ID}_{KEY_SECRET}")
}

/// Away from this machine's open door: another host name than one of loopback.
fn asks(path: &str, headers: &[(&str, &str)]) -> Request {
    let mut request = request("GET", path, headers, Body::empty());
    request.headers_mut().insert("host", "mesh.example".parse().unwrap());
    request
}

#[tokio::test]
async fn a_key_opens_what_its_scopes_say_and_nothing_else() {
    let rig = Rig::start(&[("admin_token", "a-token-of-sixteen")]).await;
    let (key, bearer) = (key(), format!("Bearer {}", key()));
    for headers in [&[("authorization", bearer.as_str())][..], &[("x-api-key", key.as_str())]] {
        assert_eq!(rig.json(asks("/api/knowledge", headers)).await.0, 200);
    }
    let run = |headers: &[(&str, &str)]| {
        let headers = [&[("content-type", "application/json")], headers].concat();
        let mut run = request("POST", "/api/agents/run", &headers, r#"{"agentId":"echo","input":"hi"}"#);
        run.headers_mut().insert("host", "mesh.example".parse().unwrap());
        run
    };
    let (status, refused) = rig.json(run(&[("x-api-key", key.as_str())])).await;
    assert_eq!((status, &refused["code"]), (403, &"SCOPE_MISSING".into()), "it has read and admin");
    assert_eq!(refused["error"], "This key does not have the scope \"invoke\"; it has read, admin.");
    assert_eq!(rig.json(asks("/api/knowledge", &[])).await.0, 401);
    assert_eq!(rig.json(asks("/api/knowledge", &[("authorization", "Bearer sk-1")])).await.0, 401);
    assert_eq!(rig.json(asks(&format!("/api/knowledge?_key={key}"), &[])).await.0, 401, "not in the query");
    let made = request(
        "POST",
        "/api/admin/keys",
        &[("x-api-key", &key), ("content-type", "application/json")],
        "{}",
    );
    let (status, made) = rig.json(made).await;
    assert_eq!((status, &made["key"]["createdBy"]), (201, &KEY_ID.into()), "the audit names the key");
}

#[tokio::test]
async fn unknown_wrong_and_malformed_keys_get_the_same_answer_even_at_home() {
    let rig = Rig::start(&[]).await;
    let unknown = format!("bsm_zzzzzzzzzzzz_{KEY_SECRET}");
    let wrong = format!("bsm_{KEY_ID}_4567");
    let mut answers = Vec::new();
    for key in [unknown.as_str(), &wrong, "bsm_", "bsm_x_y"] {
        let headers = [("x-api-key", key), ("x-correlation-id", "c-1")];
        let refused = read(rig.send(request("GET", "/api/knowledge", &headers, Body::empty())).await).await;
        answers.push((refused.status, refused.header("www-authenticate").to_owned(), refused.json()));
    }
    let (status, challenge, body) = &answers[0];
    assert_eq!((*status, body["error"].as_str()), (401, Some("Unauthorized")));
    assert_eq!(*challenge, "Bearer realm=\"bsm\", Basic realm=\"bsm\", charset=\"UTF-8\"");
    assert_eq!(body["message"], "The API key is not valid: it is unknown, wrong, expired or revoked.");
    assert!(body["hint"].as_str().unwrap().contains("`bsm keys create NAME --scope read,invoke`"), "{body}");
    assert!(answers.iter().all(|answer| answer == &answers[0]), "{answers:?}");
    let at_home = |key: &str| request("GET", "/api/knowledge", &[("x-api-key", key)], Body::empty());
    assert_eq!(rig.json(at_home("sk-anything")).await.0, 200, "no key of ours: as if there were none");
    assert_eq!(rig.json(get("/api/knowledge")).await.0, 200, "the first run needs none");
    assert_eq!(rig.json(request("GET", "/api/health", &[("x-api-key", "bsm_")], Body::empty())).await.0, 200);
}

#[tokio::test]
async fn who_is_not_let_in_under_v1_is_told_why_and_what_to_do_in_the_words_of_the_api() {
    let rig = Rig::start(&[]).await;
    for (path, key, sentence) in [
        (
            "/v1/chat/completions",
            "bsm_x_y",
            "The API key is not valid: it is unknown, wrong, expired or revoked. Send",
        ),
        (
            "/v1/messages",
            "bsm_x_y",
            "The API key is not valid: it is unknown, wrong, expired or revoked. Send",
        ),
        (
            "/v1/messages",
            "sk-ant-x",
            "The key that was sent is none of this gateway's, which begin with bsm_.",
        ),
        ("/v1/chat/completions", "", "This needs an API key or the operator's token."),
    ] {
        let headers = [("content-type", "application/json"), ("x-api-key", key)];
        let with = if key.is_empty() { &headers[..1] } else { &headers };
        let mut asked = request("POST", path, with, r#"{"model":"auto","messages":[]}"#);
        asked.headers_mut().insert("host", "mesh.example".parse().unwrap());
        let (status, told) = rig.json(asked).await;
        let message = told["error"]["message"].as_str().unwrap();
        assert!(
            message.starts_with(sentence) && message.contains("`bsm keys create"),
            "{path} {key}: {message}"
        );
        assert_eq!((status, &told["error"]["type"]), (401, &"authentication_error".into()));
    }
}

#[tokio::test]
async fn the_caller_is_who_the_gateway_says_and_never_who_a_client_does() {
    let rig = Rig::start(&[("admin_token", "a-token-of-sixteen")]).await;
    for (headers, caller) in [
        (&[("x-bsm-caller", "vip")][..], "anonymous"),
        (&[("x-bsm-caller", "vip"), ("x-admin-token", "a-token-of-sixteen")], "admin"),
    ] {
        let headers = [&[("content-type", "application/json")], headers].concat();
        let run = request("POST", "/api/agents/run", &headers, r#"{"agentId":"whoami","input":"hi"}"#);
        let (_, answer) = rig.json(run).await;
        assert_eq!(answer["result"]["output"], caller, "{answer}");
    }
}

#[tokio::test]
async fn a_revoked_key_opens_nothing_a_second_later_and_a_busy_one_is_asked_about_rarely() {
    let rig = Rig::start(&[("rate_limit.max", "0")]).await;
    let key = key();
    for _ in 0..50 {
        assert_eq!(rig.json(asks("/api/knowledge", &[("x-api-key", &key)])).await.0, 200);
    }
    assert!(rig.fake.checked.load(Relaxed) < 50);
    rig.fake.revoked.store(true, Relaxed);
    let revoked = Instant::now();
    loop {
        let began = revoked.elapsed();
        let status = rig.json(asks("/api/knowledge", &[("x-api-key", &key)])).await.0;
        if status == 401 {
            break;
        }
        assert!(began < Duration::from_secs(1), "it still opens after {began:?}");
    }
}

#[tokio::test]
async fn when_nobody_can_say_what_a_key_may_do_it_opens_nothing() {
    let rig = Rig::start(&[]).await;
    rig.fake.leave();
    let answer = read(rig.send(asks("/api/models", &[("x-api-key", &key())])).await).await;
    assert_eq!(answer.status, 503, "{}", answer.body);
}

#[tokio::test]
async fn the_apis_of_others_take_keys_as_their_clients_show_them() {
    let rig = Rig::start(&[]).await;
    let chat = |headers: &[(&str, &str)]| {
        let headers = [&[("content-type", "application/json")], headers].concat();
        request("POST", "/v1/chat/completions", &headers, r#"{"model":"auto","messages":[]}"#)
    };
    let bearer = |token: &str| format!("Bearer {token}");
    let (lacking, wrong) = (bearer(&key()), bearer("bsm_x_y"));
    assert_eq!(rig.send(chat(&[("authorization", &wrong)])).await.status().as_u16(), 401, "even at home");
    assert_eq!(rig.send(chat(&[("x-api-key", "bsm_x_y")])).await.status().as_u16(), 401);
    assert_eq!(
        rig.send(chat(&[("authorization", &lacking)])).await.status().as_u16(),
        403,
        "it may not invoke"
    );
    let other = rig.send(chat(&[("authorization", "Bearer sk-anything")])).await.status().as_u16();
    assert!(![401, 403].contains(&other), "a token of somebody else's is as none: {other}");
    let mut away = chat(&[("authorization", "Bearer sk-anything")]);
    away.headers_mut().insert("host", "mesh.example".parse().unwrap());
    assert_eq!(rig.send(away).await.status().as_u16(), 401);
}
