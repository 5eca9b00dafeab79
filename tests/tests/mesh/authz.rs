//! The whole table of `bsm authz`, asked of a running mesh with every key there is.

use std::time::Duration;

use bsm_runtime::role::Role;
use bsm_tests::{Node, Rest, node::command, rest::send};
use reqwest::Method;
use serde_json::{Value, json};

const TOKEN: &str = "a-token-of-sixteen";

/// Rights that a key may have.
const SCOPES: [&str; 4] = ["read", "invoke", "publish", "admin"];

/// A head that does not come is that of a stream which was let in and waits.
const PATIENCE: Duration = Duration::from_secs(2);

fn table() -> Vec<Value> {
    let printed = command().args(["authz", "--json"]).output().unwrap();
    let table: Value = serde_json::from_slice(&printed.stdout).unwrap();
    table["rpcs"].as_array().unwrap().clone()
}

/// A mesh to which nobody is at home, and where each role listens.
fn up(data: &str) -> (Node, Vec<(Role, String)>) {
    let env =
        [("ADMIN_TOKEN", TOKEN), ("BSM_PROFILE", "staging"), ("RATE_LIMIT_MAX", "0"), ("BSM_DATA_DIR", data)];
    let ports: Vec<String> = Role::ALL.iter().map(|role| format!("{role}.port=0")).collect();
    let args: Vec<&str> = ["up"].into_iter().chain(ports.iter().flat_map(|port| ["--set", port])).collect();
    let node = Node::start(&args, &env);
    let serving = Role::ALL.map(|_| node.serving()).map(|(role, api, _)| (role, api));
    (node, serving.to_vec())
}

async fn key(rest: &Rest, scope: &str) -> String {
    let wanted = json!({"name": scope, "scopes": [scope]});
    let request = rest.request(Method::POST, "/api/admin/keys").header("x-admin-token", TOKEN).json(&wanted);
    send(request).await.json["text"].as_str().unwrap().to_owned()
}

/// The code and the reason of a call with this key, which is not read beyond its head where it is let in.
async fn outcome(rest: &Rest, route: &str, key: Option<&str>) -> Option<(u16, String)> {
    let (method, path) = route.split_once(' ').unwrap();
    let mut filled = String::new();
    for part in path.split_inclusive('/') {
        filled += if part.starts_with('{') { if part.ends_with('/') { "x/" } else { "x" } } else { part };
    }
    let mut request = rest.request(method.parse().unwrap(), &filled);
    if method != "GET" {
        request = request.json(&json!({}));
    }
    if let Some(key) = key {
        request = request.bearer_auth(key);
    }
    let answer = tokio::time::timeout(PATIENCE, request.send()).await.ok()?.unwrap();
    let code = answer.status().as_u16();
    if code != 401 && code != 403 {
        return Some((code, String::new()));
    }
    let told: Value = answer.json().await.unwrap();
    let reason = told["code"].as_str().or(told["error"]["code"].as_str()).or(told["error"]["type"].as_str());
    Some((code, reason.unwrap_or_default().to_uppercase()))
}

/// What is wrong with how a route treats this key: none, or one with one scope.
async fn problem(rest: &Rest, route: &str, right: &str, held: Option<(&str, &str)>) -> Option<String> {
    let found = outcome(rest, route, held.map(|(_, key)| key)).await;
    let met = match (&found, right, held) {
        (Some((401, _)), right, None) => right != "open",
        (Some((403, reason)), right, Some((scope, _))) if !matches!(right, "open") && right != scope => {
            ["SCOPE_MISSING", "PERMISSION_ERROR"].contains(&reason.as_str())
        }
        (Some((401 | 403, _)), ..) => false,
        (_, right, held) => right == "open" || held.is_some_and(|(scope, _)| scope == right),
    };
    (!met).then(|| format!("{route} needs {right}; with {:?}: {found:?}", held.map(|(scope, _)| scope)))
}

#[tokio::test]
async fn every_route_lets_in_who_has_its_right_and_nobody_else() {
    let data = tempfile::tempdir().unwrap();
    let (node, serving) = up(&data.path().display().to_string());
    let (_, api) = serving.iter().find(|(role, _)| *role == Role::Gateway).unwrap();
    let rest = Rest::new(&format!("http://{api}"));
    let mut keys = Vec::new();
    for scope in SCOPES {
        keys.push((scope, key(&rest, scope).await));
    }
    let (mut asked, mut problems) = (0, Vec::new());
    for row in table() {
        let right = row["right"].as_str().unwrap().to_owned();
        for route in row["routes"].as_array().unwrap().iter().filter_map(Value::as_str) {
            let held = keys.iter().map(|(scope, key)| Some((*scope, key.as_str())));
            for held in [None].into_iter().chain(held) {
                problems.extend(problem(&rest, route, &right, held).await);
                asked += 1;
            }
        }
    }
    assert!(asked > 300, "{asked} calls");
    assert!(problems.is_empty(), "{} of {asked} differ:\n{}", problems.len(), problems.join("\n"));
    assert!(!node.log().contains("panicked"));
}

/// The status and the sentence of an empty message sent without any right; `None` where it waits for what happens.
async fn grpc_status(rest: &Rest, rpc: &str) -> Option<(u32, String)> {
    let request = rest.request(Method::POST, rpc).header("content-type", "application/grpc");
    let request = request.header("te", "trailers").body(vec![0; 5]);
    let answer = tokio::time::timeout(PATIENCE, request.send()).await.ok()?.unwrap();
    let told = |name| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    Some((told("grpc-status")?.parse().unwrap(), told("grpc-message").unwrap_or_default()))
}

#[tokio::test]
async fn every_rpc_that_changes_the_mesh_is_refused_at_its_own_port_without_the_operators_token() {
    let data = tempfile::tempdir().unwrap();
    let (_node, serving) = up(&data.path().display().to_string());
    let mut problems = Vec::new();
    for row in table() {
        let (rpc, right) = (row["rpc"].as_str().unwrap(), row["right"].as_str().unwrap());
        for (role, api) in &serving {
            let status = grpc_status(&Rest::http2(&format!("http://{api}")), rpc).await;
            let refused = matches!(&status, Some((16, said)) if said.contains("x-admin-token"));
            if refused != matches!(right, "publish" | "admin") {
                problems.push(format!("{rpc} needs {right}; at {role}: {status:?}"));
            }
        }
    }
    let unknown = Rest::http2(&format!("http://{}", serving[0].1));
    let nothing = grpc_status(&unknown, "/bsm.registry.v1.RegistryService/Nothing").await;
    assert_eq!(nothing.map(|(status, _)| status), Some(12));
    assert!(problems.is_empty(), "{} differ:\n{}", problems.len(), problems.join("\n"));
}
