//! No secret leaves the process but to whom it is for, whatever the providers do and however much is logged.

use std::{fs, path::Path, time::Duration};

use bsm_runtime::role::Role;
use bsm_testkit::{Asked, Provider, Reply, reply::Garble};
use bsm_tests::{Collector, Node, Rest, node::command, rest::send};
use reqwest::Method;
use serde_json::json;

/// What must be seen nowhere. Each secret has it in the middle, so that one that is cut is found as well.
const CANARY: &str = "canary";

const OPENAI: &str = "sk-canary-openai-key";
const ANTHROPIC: &str = "sk-ant-canary-key";
const GOOGLE: &str = "AIza-canary-key";
const COHERE: &str = "co-canary-key";
const TOKEN: &str = "the-canary-admin-token";

/// One fault a model: each has a breaker of its own.
const FAULTS: [&str; 13] = [
    "hangs",
    "silent",
    "resets",
    "closes",
    "html",
    "cut",
    "empty",
    "endless",
    "overloaded",
    "quotes",
    "garbles",
    "redirects",
    "gone",
];

/// The model that is asked for: in the document, or in Gemini's paths.
fn model(asked: &Asked) -> &str {
    let of_path = || asked.path.rsplit_once("models/")?.1.split(':').next();
    asked.body["model"].as_str().or_else(of_path).unwrap_or_default()
}

fn play(asked: &Asked) -> Reply {
    let says = || Reply::Says("one two three".to_owned());
    let quotes =
        json!({"error": {"message": format!("no such key: {OPENAI}"), "type": "error", "code": null}});
    match model(asked) {
        "hangs" => Reply::Hangs,
        "silent" => says().hang_after(0),
        "resets" => Reply::Resets,
        "closes" => says().every(Duration::from_millis(50)).close_after(1),
        "html" => Reply::html(),
        "cut" => says().cut(40).end_after(1),
        "empty" => Reply::Raw("application/json", String::new()),
        "endless" => Reply::Endless(10_000_000_000),
        "overloaded" => Reply::Fails(529),
        "quotes" => Reply::Raw("application/json", quotes.to_string()),
        "garbles" => says().garble(1, Garble::Error),
        "redirects" => Reply::Fails(307).header("location", "/v1/elsewhere/chat/completions"),
        "gone" => Reply::Fails(404),
        "refuses" => Reply::Fails(401),
        _ => says(),
    }
}

/// `bsm up` with a canary in every secret, logging all there is.
fn up(data: &Path, provider: &Provider, collector: &Collector) -> (Node, Vec<(&'static str, String)>) {
    let alerts = format!("{}/hook-canary/chat/completions", provider.origin());
    let env = vec![
        ("BSM_LOG", "trace".to_owned()),
        ("BSM_DATA_DIR", data.display().to_string()),
        ("BSM_OPENAI_BASE_URL", provider.base_url()),
        ("BSM_ANTHROPIC_BASE_URL", provider.origin()),
        ("BSM_GOOGLE_BASE_URL", provider.origin()),
        ("BSM_COHERE_BASE_URL", provider.origin()),
        ("BSM_MODEL_TIMEOUT_SECONDS", "1".to_owned()),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.clone()),
        ("OPENAI_API_KEY", OPENAI.to_owned()),
        ("ANTHROPIC_KEY", ANTHROPIC.to_owned()),
        ("GOOGLE_AI_KEY", GOOGLE.to_owned()),
        ("COHERE_API_KEY", COHERE.to_owned()),
        ("ADMIN_TOKEN", TOKEN.to_owned()),
        ("GITHUB_WEBHOOK_SECRET", "the-canary-of-deliveries".to_owned()),
        ("GITHUB_TOKEN", "ghp_canary".to_owned()),
        ("BSM_GITHUB_URL", provider.origin()),
        ("BSM_ALERT_WEBHOOK_URL", alerts),
    ];
    let ports: Vec<String> = Role::ALL.iter().map(|role| format!("{role}.port=0")).collect();
    let args: Vec<&str> = ["up"].into_iter().chain(ports.iter().flat_map(|port| ["--set", port])).collect();
    let given: Vec<(&str, &str)> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
    (Node::start(&args, &given), env)
}

/// All that a folder holds, names included.
fn folder(at: &Path) -> String {
    let entries = fs::read_dir(at).unwrap().map(Result::unwrap);
    let told = |entry: fs::DirEntry| {
        let held = match entry.file_type().unwrap().is_dir() {
            true => folder(&entry.path()),
            false => String::from_utf8_lossy(&fs::read(entry.path()).unwrap()).into_owned(),
        };
        format!("{} {held}\n", entry.path().display())
    };
    entries.map(told).collect()
}

fn holds_none(what: &str, text: &str) {
    if let Some(at) = text.find(CANARY) {
        let around = &text.as_bytes()[at.saturating_sub(400)..(at + 100).min(text.len())];
        panic!("{what} shows a secret: …{}…", String::from_utf8_lossy(around));
    }
}

#[tokio::test]
async fn no_secret_is_in_any_log_trace_metric_answer_or_file() {
    let provider = Provider::start(play).await.unwrap();
    let (collector, data) = (Collector::start().await, tempfile::tempdir().unwrap());
    let (mut node, env) = up(data.path(), &provider, &collector);
    let serving = Role::ALL.map(|_| node.serving());
    let (_, api, _) = serving.iter().find(|(role, ..)| *role == Role::Gateway).unwrap();
    let rest = Rest::new(&format!("http://{api}"));
    let mut seen = Vec::new();

    let models = FAULTS.iter().map(|fault| format!("openai/{fault}"));
    let providers = ["openai", "anthropic", "google", "cohere"];
    let of_each = ["fine", "html", "overloaded", "silent", "refuses"]; // a key that is refused is asked for nothing more
    let others = of_each.iter().flat_map(|model| providers.map(|provider| format!("{provider}/{model}")));
    let named = models.chain(others);
    for model in named {
        let body = json!({"prompt": {"model": model, "messages": [{"role": "user", "content": "hi"}]}});
        for path in ["/api/models/complete", "/api/models/stream"] {
            let answer = rest.post(path, body.clone()).await;
            assert_ne!(answer.code, 500, "{model}: {}", answer.text);
            seen.push((format!("{path} of {model}"), format!("{:?} {}", answer.headers, answer.text)));
        }
    }
    let chat = rest.post("/api/chat/direct", json!({"message": "hello"})).await;
    seen.push(("chat".to_owned(), chat.text));
    let keys: Vec<_> = provider.asked().into_iter().filter_map(|asked| asked.key).collect();
    let flew = |key: &&str| keys.iter().any(|used| used == key);
    assert!([OPENAI, ANTHROPIC, GOOGLE, COHERE].iter().all(flew), "the canaries flew");
    provider.until(|calls| calls.iter().any(|call| call.asked.path.contains("hook-canary"))).await;

    for path in [
        "/api/models",
        "/api/models/providers",
        "/api/models/route",
        "/api/models/usage",
        "/api/chat/key-status",
        "/api/health/detailed",
        "/api/health/circuit-breakers",
        "/api/metrics",
        "/api/admin/flags",
        "/metrics",
        "/openapi.json",
    ] {
        let answer = send(rest.request(Method::GET, path).header("x-admin-token", TOKEN)).await;
        seen.push((path.to_owned(), format!("{:?} {}", answer.headers, answer.text)));
    }
    for (role, _, ops) in &serving {
        seen.push((
            format!("metrics of {role}"),
            Rest::new(&format!("http://{ops}")).get("/metrics").await.text,
        ));
    }
    let shown =
        command().arg("config").envs(env.iter().map(|(name, value)| (*name, value))).output().unwrap();
    seen.push(("bsm config".to_owned(), String::from_utf8_lossy(&shown.stdout).into_owned()));
    assert!(node.terminate().0.success());

    let log = node.log();
    for word in ["\"TRACE\"", "attempt failed"] {
        assert!(log.contains(word), "{word} is not in the log");
    }
    let traces = collector.text();
    assert!(traces.contains("ModelService"), "the traces came: {} bytes", traces.len());
    seen.extend([("log".to_owned(), log), ("traces".to_owned(), traces)]);
    seen.push(("state".to_owned(), folder(data.path())));
    for (what, text) in &seen {
        assert!(!text.is_empty(), "{what} is empty");
        holds_none(what, text);
    }
}
