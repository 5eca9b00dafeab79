//! Providers are asked over TLS: whom to believe is the operator's to say, and what is wrong is said.

use std::{path::Path, time::Duration};

use bsm_runtime::role::Role;
use bsm_testkit::{Provider, Reply};
use bsm_tests::{
    Node, Rest,
    rest::Answer,
    tls::{Authority, Terminator},
};
use futures_util::future::join_all;
use serde_json::json;

/// More than one connection over HTTP/2 is asked to bear, twice.
const CALLS: usize = 250;

/// A gateway to models which asks a provider at `url` and believes the authority in `trusted`.
fn gateway(data: &Path, url: &str, trusted: Option<&Path>) -> (Node, Rest) {
    let models = data.join("models.yaml");
    let limits = format!("providers:\n  openai:\n    limits: {{ in_flight: {CALLS}, queue: {CALLS} }}\n");
    std::fs::write(&models, limits).unwrap();
    let (data, models) = (data.display().to_string(), models.display().to_string());
    let trusted = trusted.map(|file| file.display().to_string());
    let mut env = vec![
        ("OPENAI_API_KEY", "sk-test"),
        ("BSM_OPENAI_BASE_URL", url),
        ("BSM_DATA_DIR", &data),
        ("BSM_MODELS_FILE", &models),
        ("RATE_LIMIT_MAX", "0"),
        ("FALLBACK_ENABLED", "false"),
    ];
    env.extend(trusted.as_deref().map(|file| ("SSL_CERT_FILE", file)));
    let ports = ["registry", "models", "gateway"].map(|role| format!("{role}.port=0"));
    let args = ["serve", "registry,models,gateway"].into_iter();
    let args: Vec<_> = args.chain(ports.iter().flat_map(|port| ["--set", port])).collect();
    let node = Node::start(&args, &env);
    let serving = [(); 3].map(|()| node.serving());
    let (_, api, _) = serving.iter().find(|(role, ..)| *role == Role::Gateway).unwrap();
    let rest = Rest::new(&format!("http://{api}"));
    (node, rest)
}

async fn ask(rest: &Rest) -> Answer {
    let asked = json!({"model": "openai", "messages": [{"role": "user", "content": "hi"}]});
    rest.post("/v1/chat/completions", asked).await
}

async fn provider(says: Reply) -> Provider {
    Provider::start(move |_| says.clone()).await.unwrap()
}

#[tokio::test]
async fn a_provider_behind_tls_is_asked_over_whichever_version_of_http_it_speaks() {
    let provider = provider(Reply::Says("over TLS".to_owned())).await;
    let (authority, dir) = (Authority::new(), tempfile::tempdir().unwrap());
    let trusted = dir.path().join("authority.pem");
    authority.write(&trusted);
    for protocols in [&["h2", "http/1.1"][..], &["http/1.1"], &["h2"], &[]] {
        let tls = Terminator::start(&authority, protocols, provider.address().port()).await;
        let data = tempfile::tempdir().unwrap();
        let url = format!("https://localhost:{}/v1", tls.port());
        let (_node, rest) = gateway(data.path(), &url, Some(&trusted));
        let answer = ask(&rest).await;
        assert_eq!(answer.code, 200, "{protocols:?}: {}", answer.text);
        assert_eq!(answer.json["choices"][0]["message"]["content"], "over TLS");
        assert_eq!(tls.connections(), 1);
    }
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_gets_no_request_and_the_caller_a_sentence() {
    let provider = provider(Reply::Says("never".to_owned())).await;
    let (authority, dir) = (Authority::new(), tempfile::tempdir().unwrap());
    let (trusted, other) = (dir.path().join("authority.pem"), dir.path().join("other.pem"));
    authority.write(&trusted);
    Authority::new().write(&other);
    let tls = Terminator::start(&authority, &["h2", "http/1.1"], provider.address().port()).await;
    for (host, trusted) in [("localhost", &other), ("127.0.0.1", &trusted)] {
        let data = tempfile::tempdir().unwrap();
        let url = format!("https://{host}:{}/v1", tls.port());
        let (node, rest) = gateway(data.path(), &url, Some(trusted));
        let answer = ask(&rest).await;
        assert_eq!(answer.code, 502, "{host}: {}", answer.text);
        let message = answer.json["error"]["message"].as_str().unwrap();
        assert!(message.contains("certificate"), "{message}");
        assert!(!node.log().contains("sk-test"), "{}", node.log());
    }
    assert!(provider.asked().is_empty());
}

#[tokio::test]
async fn more_calls_than_a_connection_bears_streams_go_over_more_connections() {
    let slow = Reply::Says("at the same time".to_owned()).after(Duration::from_secs(3));
    let provider = provider(slow).await;
    let (authority, dir) = (Authority::new(), tempfile::tempdir().unwrap());
    let trusted = dir.path().join("authority.pem");
    authority.write(&trusted);
    let tls = Terminator::start(&authority, &["h2"], provider.address().port()).await;
    let url = format!("https://localhost:{}/v1", tls.port());
    let (_node, rest) = gateway(dir.path(), &url, Some(&trusted));
    assert_eq!(ask(&rest).await.code, 200, "now it is known which version is spoken");
    let answers = join_all((0..CALLS).map(|_| ask(&rest))).await;
    for answer in &answers {
        assert_eq!(answer.code, 200, "{}", answer.text);
    }
    assert_eq!(tls.connections(), 3);
}
