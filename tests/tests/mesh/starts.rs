//! How processes start, refuse to start, and end.

use std::{fs, net::TcpListener, time::Duration};

use bsm_runtime::role::Role;
use bsm_tests::{Mesh, Node, Rest, node::command};
use tempfile::tempdir;

/// `bsm up` with state in `dir`, on free ports.
fn up(dir: &std::path::Path, more: &[&str]) -> Node {
    let data = dir.display().to_string();
    let mut args = vec!["up", "--data-dir", &data];
    let ports: Vec<_> = Role::ALL.iter().map(|role| format!("{role}.port=0")).collect();
    for port in &ports {
        args.extend(["--set", port]);
    }
    args.extend(more);
    Node::start(&args, &[])
}

fn gateway(node: &Node) -> Rest {
    loop {
        if let (Role::Gateway, api, _) = node.serving() {
            return Rest::new(&format!("http://{api}"));
        }
    }
}

/// Runs a command that must fail at once; its exit code and what it said.
fn refused(args: &[&str], env: &[(&str, &str)]) -> (i32, String) {
    let output = command().args(args).envs(env.iter().copied()).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test]
async fn up_serves_the_whole_mesh_in_one_process_and_says_where() {
    let dir = tempdir().unwrap();
    let node = up(dir.path(), &[]);
    let rest = gateway(&node);
    let health = rest.get("/api/health/detailed").await;
    assert_eq!((health.code, &health.json["status"]), (200, &"healthy".into()), "{}", health.text);
    for role in Role::ALL {
        assert!(node.log().contains(role.name()));
    }
    assert!(node.log().contains("Ready in "), "{}", node.log());
}

#[tokio::test]
async fn sigterm_drains_within_ten_seconds_and_exits_zero() {
    let dir = tempdir().unwrap();
    let mut node = up(dir.path(), &[]);
    gateway(&node).get("/health").await;
    let (status, took) = node.terminate();
    assert!(status.success(), "{status}: {}", node.log());
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[tokio::test]
async fn every_role_drains_as_a_process_of_its_own() {
    let mut mesh = Mesh::start(&[]);
    mesh.rest().get("/api/agents").await; // so that connections are open
    for role in Role::ALL.into_iter().rev() {
        let (status, took) = mesh.node(role).terminate();
        assert!(status.success() && took < Duration::from_secs(10), "{role}: {status} after {took:?}");
    }
}

#[tokio::test]
async fn a_second_mesh_on_the_same_data_is_refused_with_a_sentence() {
    let dir = tempdir().unwrap();
    let first = up(dir.path(), &[]);
    gateway(&first);
    let mut second = up(dir.path(), &[]);
    assert_eq!(second.wait().code(), Some(70));
    assert!(second.log().contains("is in use by another bsm process"), "{}", second.log());
}

#[test]
fn a_port_in_use_is_named_with_the_role_and_the_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let dir = tempdir().unwrap();
    let port = format!("registry.port={}", taken.local_addr().unwrap().port());
    let mut node = up(dir.path(), &["--set", &port]);
    assert_eq!(node.wait().code(), Some(70));
    let log = node.log();
    assert!(log.contains("registry cannot listen on") && log.contains("the port is in use"), "{log}");
    assert!(log.contains("--set registry.port="), "{log}");
}

#[test]
fn an_unwritable_data_folder_is_named() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let below = file.join("data").display().to_string();
    let (code, said) = refused(&["serve", "memory", "--data-dir", &below, "--set", "memory.port=0"], &[]);
    assert_eq!(code, 70, "{said}");
    assert!(said.contains("file/data") && said.contains("--data-dir"), "{said}");
}

#[test]
fn wrong_settings_are_told_all_at_once() {
    let env = [("PORT", "eighty"), ("LAN_ONLY", "perhaps"), ("BSM_MODELS_URL", "models")];
    let (code, said) = refused(&["up"], &env);
    assert_eq!(code, 78, "{said}");
    for part in ["gateway.port", "PORT", "lan_only", "models.url"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn a_registry_with_mistakes_does_not_start() {
    let dir = tempdir().unwrap();
    let agents = dir.path().join("agents");
    fs::create_dir_all(agents.join("definitions")).unwrap();
    fs::write(agents.join("registry.yaml"), "agents:\n  - id: Bad_Id\n    name: x\n    name: y\n").unwrap();
    let agents = agents.display().to_string();
    let data = dir.path().join("data").display().to_string();
    let args =
        ["serve", "registry", "--agents-dir", &agents, "--data-dir", &data, "--set", "registry.port=0"];
    let (code, said) = refused(&args, &[]);
    assert_eq!(code, 70, "{said}");
    assert!(said.contains("registry.yaml:2:") && said.contains("Bad_Id"), "{said}");
    assert!(said.contains("registry.yaml:4:"), "the duplicate key too: {said}");
}
