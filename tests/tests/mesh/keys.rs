//! API keys, budgets and usage as an operator and a client meet them: each service a process of its own.

use std::{process::Output, time::Duration};

use bsm_runtime::role::Role;
use bsm_testkit::{Provider, Reply};
use bsm_tests::{Mesh, node, rest};
use reqwest::Method;
use serde_json::{Value, json};

const TOKEN: &str = "a-token-of-sixteen";

/// `bsm` with these words, toward one service of the mesh.
fn bsm(mesh: &Mesh, role: Role, words: &[&str]) -> Output {
    let mut command = node::command();
    command.args(words).args(["--url", &mesh.url(role)]).env("ADMIN_TOKEN", TOKEN).output().unwrap()
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

async fn chat(mesh: &Mesh, key: &str) -> rest::Answer {
    let question = json!({"message": "hello", "language": "en"});
    rest::send(mesh.rest().request(Method::POST, "/api/chat/direct").bearer_auth(key).json(&question)).await
}

#[tokio::test]
async fn a_key_sees_its_own_usage_and_one_that_administers_everybodys() {
    let provider = Provider::start(|_| Reply::Says("Fine.".to_owned())).await.unwrap();
    let url = provider.base_url();
    let mesh = Mesh::start(&[
        ("BSM_PROFILE", "staging"),
        ("ADMIN_TOKEN", TOKEN),
        ("OPENAI_API_KEY", "sk-test"),
        ("BSM_OPENAI_BASE_URL", &url),
    ]);
    let made = |scopes: &str| text(&bsm(&mesh, Role::Registry, &["keys", "create", "k", "--scope", scopes]));
    let (one, other, admin) = (made("invoke,read"), made("invoke,read"), made("read,admin"));
    let id = |key: &str| key.split('_').nth(1).unwrap().to_owned();
    for key in [&one, &other, &other] {
        assert_eq!(chat(&mesh, key).await.code, 200);
    }
    let usage = async |key: &str, query: &str| {
        let path = format!("/api/models/usage?by=key{query}");
        rest::send(mesh.rest().request(Method::GET, &path).bearer_auth(key)).await
    };
    let own = usage(&one, "").await;
    assert_eq!(own.json["lines"].as_array().unwrap().len(), 1, "{}", own.text);
    assert_eq!((&own.json["lines"][0]["key"], &own.json["total"]["requests"]), (&json!(id(&one)), &json!(1)));
    let others = usage(&one, &format!("&key={}", id(&other))).await;
    assert_eq!((others.code, &others.json["code"]), (403, &json!("SCOPE_MISSING")), "{}", others.text);
    for key in [admin.as_str(), TOKEN] {
        assert_eq!(usage(key, "").await.json["total"]["requests"], 3);
    }
}

#[tokio::test]
async fn a_key_opens_the_mesh_is_charged_for_what_it_asks_and_opens_nothing_once_revoked() {
    let provider = Provider::start(|_| Reply::Says("Fine.".to_owned())).await.unwrap();
    let url = provider.base_url();
    let mesh = Mesh::start(&[
        ("BSM_PROFILE", "staging"), // read and invoke need a key here
        ("ADMIN_TOKEN", TOKEN),
        ("OPENAI_API_KEY", "sk-test"),
        ("BSM_OPENAI_BASE_URL", &url),
        ("BSM_OFFLINE", "never"),
        ("BSM_BUDGETS", "key 2 requests/day"),
        ("RATE_LIMIT_MAX", "0"),
    ]);
    let made = bsm(&mesh, Role::Registry, &["keys", "create", "ci", "--scope", "invoke"]);
    let key = text(&made);
    let id = key.split('_').nth(1).unwrap().to_owned();

    assert_eq!(chat(&mesh, "sk-anything").await.code, 401);
    for _ in 0..2 {
        assert_eq!(chat(&mesh, &key).await.code, 200);
    }
    let refused = chat(&mesh, &key).await;
    assert_eq!((refused.code, &refused.json["code"]), (429, &json!("BUDGET_EXHAUSTED")), "{}", refused.text);
    assert_eq!(refused.json["budget"], format!("key {id} 2 requests/day"));
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(provider.asked().len(), 2);

    let usage = text(&bsm(&mesh, Role::Models, &["usage", "--by", "key", "--json"]));
    let usage: Value = serde_json::from_str(&usage).unwrap();
    assert_eq!(
        (&usage["lines"][0]["key"], &usage["lines"][0]["requests"]),
        (&json!(id), &json!(2)),
        "{usage}"
    );
    let budgets = text(&bsm(&mesh, Role::Models, &["usage", "--budgets"]));
    assert!(budgets.contains(&id) && budgets.contains("requests/day"), "{budgets}");

    text(&bsm(&mesh, Role::Registry, &["keys", "revoke", &id]));
    tokio::time::timeout(Duration::from_secs(30), async { while chat(&mesh, &key).await.code != 401 {} })
        .await
        .expect("a revoked key is refused before long");
    assert!(text(&bsm(&mesh, Role::Registry, &["keys", "list"])).contains("revoked"));
}
