//! The audit log outlives whoever writes it, and shows what is done to it.

use std::{path::Path, time::Duration};

use bsm_runtime::role::Role;
use bsm_tests::{Node, Rest, node::command, rest::send};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

const TOKEN: &str = "a-token-of-sixteen";

/// Kills, and writers at each.
const KILLS: u64 = 12;
const WRITERS: usize = 64;

fn start(data: &Path) -> (Node, Rest) {
    let data = data.display().to_string();
    let env = [("ADMIN_TOKEN", TOKEN), ("RATE_LIMIT_MAX", "0"), ("BSM_DATA_DIR", &data)];
    let ports = ["--set", "registry.port=0", "--set", "gateway.port=0"];
    let node = Node::start(&[&["serve", "registry,gateway"], &ports[..]].concat(), &env);
    let serving = [(); 2].map(|()| node.serving());
    let (_, api, _) = serving.iter().find(|(role, ..)| *role == Role::Gateway).unwrap();
    let rest = Rest::new(&format!("http://{api}"));
    (node, rest)
}

/// Makes keys until the process is gone; the ids of those that were acknowledged.
async fn make_keys(rest: &Rest) -> Vec<String> {
    let mut made = Vec::new();
    loop {
        let wanted = json!({"name": "k", "scopes": ["read"]});
        let request = rest.request(Method::POST, "/api/admin/keys").header("x-admin-token", TOKEN);
        let Ok(answer) = request.json(&wanted).send().await else { return made };
        let Ok(told) = answer.json::<Value>().await else { return made };
        made.extend(told["key"]["id"].as_str().map(str::to_owned));
    }
}

fn audit(data: &Path, args: &[&str]) -> (Option<i32>, String) {
    let data = data.display().to_string();
    let done = command().args(["audit", "--json", "--data-dir", &data]).args(args).output().unwrap();
    (done.status.code(), String::from_utf8(done.stdout).unwrap() + &String::from_utf8(done.stderr).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_in_the_log_and_its_chain_holds_however_often_the_writer_is_killed() {
    let data = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    for kill in 0..KILLS {
        let (mut node, rest) = start(data.path());
        let writers = join_all((0..WRITERS).map(|_| make_keys(&rest)));
        let killer = async {
            tokio::time::sleep(Duration::from_millis(150 + 37 * kill)).await; // the fault comes when it comes
            node.kill();
        };
        let (made, ()) = tokio::join!(writers, killer);
        acknowledged.extend(made.into_iter().flatten());
        let (code, told) = audit(data.path(), &["verify"]);
        assert_eq!(code, Some(0), "{told}");
    }
    let (_, lines) = audit(data.path(), &["list", "--action", "key.create", "--limit", "1000000"]);
    let missing: Vec<_> = acknowledged.iter().filter(|id| !lines.contains(*id)).collect();
    assert!(acknowledged.len() > 100, "{} keys", acknowledged.len());
    assert!(missing.is_empty(), "{} of {} are not there", missing.len(), acknowledged.len());
}

#[tokio::test]
async fn a_log_that_somebody_edited_is_told_at_start_and_by_the_command() {
    let data = tempfile::tempdir().unwrap();
    let (mut node, rest) = start(data.path());
    let wanted = json!({"name": "k", "scopes": ["read"]});
    let make = || rest.request(Method::POST, "/api/admin/keys").header("x-admin-token", TOKEN).json(&wanted);
    assert_eq!(send(make()).await.code, 201);
    assert!(node.terminate().0.success());
    let path = data.path().join("registry/audit.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("\"actor\":\"admin\"", "\"actor\":\"nobody\"")).unwrap();
    let (code, told) = audit(data.path(), &["verify"]);
    assert!(code == Some(1) && told.contains("line 1: its hash does not fit"), "{code:?} {told}");
    let (node, rest) = start(data.path());
    assert!(node.log().contains("the audit log is not as it was written"), "{}", node.log());
    let again = rest.request(Method::POST, "/api/admin/keys").header("x-admin-token", TOKEN).json(&wanted);
    assert_eq!(send(again).await.code, 201);
    let (code, told) = audit(data.path(), &["verify"]);
    assert_eq!(code, Some(0), "a new one began: {told}");
    assert!(audit(data.path(), &["list", "--action", "audit.broken"]).1.contains("audit.kept-1.jsonl"));
}
