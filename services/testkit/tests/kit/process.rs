//! The same as processes, changed and asked over their second port.

use std::process::Stdio;

use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::client::client;

/// A running `bsm-testkit`. Dropping it ends it.
struct Process {
    _child: Child,
    listening: String,
    control: String,
}

impl Process {
    async fn start(args: &[&str]) -> Process {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bsm-testkit"));
        let mut child = command.args(args).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line: Value = serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
        let url = |key: &str| format!("http://{}", line[key].as_str().unwrap());
        Process { _child: child, listening: url("listening"), control: url("control") }
    }

    async fn control(&self, method: Method, path: &str, body: impl ToString) -> Response {
        let request = client().request(method, format!("{}{path}", self.control)).body(body.to_string());
        request.send().await.unwrap()
    }

    async fn shows(&self, path: &str) -> Value {
        self.control(Method::GET, path, "").await.json().await.unwrap()
    }

    async fn ask(&self) -> Response {
        let body = json!({"model": "m", "messages": []});
        client().post(format!("{}/v1/chat/completions", self.listening)).json(&body).send().await.unwrap()
    }
}

#[tokio::test]
async fn a_provider_behaves_as_its_options_say_and_then_as_it_is_told() {
    let provider = Process::start(&[
        "provider",
        "--says",
        "hello",
        "--fail",
        "429",
        "--retry-after",
        "soon",
        "--nth",
        "2",
    ])
    .await;
    let answer: Value = provider.ask().await.json().await.unwrap();
    assert_eq!(answer["choices"][0]["message"]["content"], "hello");
    let second = provider.ask().await;
    assert_eq!((second.status().as_u16(), &second.headers()["retry-after"]), (429, &"soon".parse().unwrap()));
    let told = provider.control(Method::PUT, "/behaviour", json!({"says": "bye", "key": "k"})).await;
    assert_eq!(told.status(), 400, "an option that does not exist");
    let told = provider
        .control(Method::PUT, "/behaviour", json!({"says": "bye", "latency": "1ms..2ms", "keys": ["k"]}))
        .await;
    assert_eq!(told.json::<Value>().await.unwrap()["latency"], "1ms..2ms");
    assert_eq!(provider.ask().await.status(), 401);
    let calls = provider.shows("/calls").await;
    assert_eq!((calls.as_array().unwrap().len(), &calls[0]["end"]), (3, &json!("answered")));
    assert_eq!(provider.shows("/tally").await["arrived"], 3);
}

#[tokio::test]
async fn a_provider_changes_what_is_named_proves_its_fault_and_goes_back_to_how_it_began() {
    let provider = Process::start(&["provider", "--says", "hello"]).await;
    let fired = async || {
        let told = provider.control(Method::GET, "/fired", "").await;
        (told.status().as_u16(), told.text().await.unwrap())
    };
    assert_eq!(fired().await, (409, "no fault is in force\n".to_owned()));
    let told = provider.control(Method::PATCH, "/behaviour", json!({"fail": 529})).await;
    assert_eq!(told.json::<Value>().await.unwrap()["says"], "hello");
    assert_eq!(fired().await, (409, "no call has met the fault\n".to_owned()));
    assert_eq!(provider.ask().await.status().as_u16(), 529);
    assert_eq!(fired().await, (200, "1 call has met the fault\n".to_owned()));
    let told = provider.control(Method::PATCH, "/behaviour", json!({"fails": 1})).await;
    assert_eq!(told.status(), 400);
    let told = told.text().await.unwrap();
    assert!(
        told.contains("unknown field `fails`") && !told.contains("column"),
        "no place in no text: {told}"
    );
    let both = json!({"fail": null, "hang-after": null, "latency": "1ms/2ms", "keys": ["k"]});
    let told = provider.control(Method::PATCH, "/behaviour", both).await.json::<Value>().await.unwrap();
    assert_eq!((&told["fail"], &told["keys"], &told["says"]), (&Value::Null, &json!(["k"]), &json!("hello")));
    provider.control(Method::DELETE, "/behaviour", "").await;
    let answer: Value = provider.ask().await.json().await.unwrap();
    assert_eq!(answer["choices"][0]["message"]["content"], "hello");
}

#[tokio::test]
async fn whoever_is_lost_on_the_control_port_is_told_what_there_is() {
    let proxy = Process::start(&["proxy", "--to", "127.0.0.1:1"]).await;
    let told = proxy.control(Method::GET, "/", "").await;
    assert_eq!(told.status(), 200);
    assert!(told.text().await.unwrap().contains("DELETE /fault"));
    let told = proxy.control(Method::GET, "/faults", "").await;
    assert_eq!(told.status(), 404);
    assert!(told.text().await.unwrap().contains("There is no /faults here.\n\nFaults, with commas"));
}

#[tokio::test]
async fn a_github_begins_with_what_it_is_given_and_is_told_more() {
    let diff = std::env::temp_dir().join(format!("kit-{}.diff", std::process::id()));
    std::fs::write(&diff, "diff --git a/a b/a\n@@ -0,0 +1 @@\n+a\n").unwrap();
    let pull = format!("octo/shop#7={}", diff.display());
    let github = Process::start(&["github", "--token", "t=bot", "--pull", &pull]).await;
    std::fs::remove_file(diff).unwrap();
    let merge = async || {
        let url = format!("{}/repos/octo/shop/pulls/7/merge", github.listening);
        client().put(url).bearer_auth("t").json(&json!({})).send().await.unwrap().status().as_u16()
    };
    let trouble = json!({"on": {"method": "PUT", "path": "/merge"}, "times": 1, "trouble": {"status": 502}});
    assert_eq!(github.control(Method::POST, "/troubles", trouble).await.status(), 204);
    let push = json!({"repo": "octo/shop", "number": 7, "sha": "beef"});
    assert_eq!(github.control(Method::POST, "/push", push).await.status(), 204);
    assert_eq!((merge().await, merge().await), (502, 200));
    assert_eq!(github.shows("/troubles").await["met"], 1);
    assert_eq!(github.shows("/merges").await[0]["head"], "beef");
    assert_eq!(github.shows("/calls").await[1]["status"], 200);
    assert_eq!(github.shows("/pulls/octo/shop/7").await["open"], false);
    assert_eq!(
        github.control(Method::POST, "/troubles", json!({"times": 1, "trouble": "fire"})).await.status(),
        400
    );
}

#[tokio::test]
async fn a_proxy_takes_faults_and_proves_them() {
    let provider = Process::start(&["provider", "--says", "hello"]).await;
    let to = provider.listening.strip_prefix("http://").unwrap();
    let proxy = Process::start(&["proxy", "--to", to, "--fault", "down.latency=1ms"]).await;
    assert_eq!(proxy.control(Method::GET, "/fired", "").await.status(), 409);
    assert_eq!(proxy.ask().await.status(), 200);
    let fired = proxy.control(Method::GET, "/fired", "").await;
    assert_eq!(
        (fired.status().as_u16(), fired.text().await.unwrap().as_str()),
        (200, "down.latency=1ms has fired\n")
    );
    let set = proxy.control(Method::PUT, "/fault", "down.reset-after=10").await;
    assert_eq!(set.text().await.unwrap(), "down.reset-after=10\n");
    let url = format!("{}/v1/chat/completions", proxy.listening);
    assert!(client().post(url).send().await.is_err());
    assert_eq!(proxy.shows("/counts").await["down"]["resets"], 1);
    let wrong = proxy.control(Method::PUT, "/fault", "fire").await;
    assert_eq!(wrong.status(), 400);
    assert!(wrong.text().await.unwrap().contains("`fire` is no fault; there are latency"));
    proxy.control(Method::DELETE, "/fault", "").await;
    assert_eq!(proxy.ask().await.status(), 200);
}

#[tokio::test]
async fn wrong_options_are_refused_before_anything_is_served() {
    let cases = [
        (&["proxy", "--to", "x:1", "--fault", "latency=5"][..], "such as 200ms"),
        (&["provider", "--cut", "0"], "cut must be at least 1 byte"),
        (&["github", "--pull", "octo/shop"], "octo/shop#12=change.diff"),
        (&["provider", "--latency", "50ms..1ms"], "must rise"),
        (&["proxy", "--to", "nonsense"], "such as 127.0.0.1:50051"),
    ];
    for (args, expected) in cases {
        let output = Command::new(env!("CARGO_BIN_EXE_bsm-testkit")).args(args).output().await.unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && output.stdout.is_empty());
        assert!(told.contains(expected), "{args:?}: {told}");
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_told_in_a_sentence_alone() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for args in [
        &["provider", "--port", &port][..],
        &["github", "--port", &port],
        &["proxy", "--to", "x:1", "--port", &port],
        &["provider", "--control-port", &port],
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bsm-testkit"));
        let output = command.args(args).env("RUST_BACKTRACE", "1").output().await.unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), told.lines().count()), (Some(1), 1), "{args:?}: {told}");
        assert!(told.contains(&format!("cannot listen on 127.0.0.1:{port}")), "{told}");
    }
}
