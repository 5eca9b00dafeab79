//! The whole service: over real gRPC, through the server stack, to a provider on loopback.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bsm_proto::models::v1;
use bsm_proto::models::v1::model_service_client::ModelServiceClient;
use bsm_runtime::call::Call;
use bsm_runtime::call::account::Sees;
use bsm_runtime::folder::Folder;
use bsm_runtime::server::{Listeners, serve};
use bsm_runtime::settings::Settings;
use bsm_runtime::status;
use tokio::net::TcpListener;
use tonic::Code;
use tonic::transport::Channel;
use tracing_subscriber::fmt::MakeWriter;

mod bad_providers;
mod bad_requests;
mod translation;

use super::*;
use crate::testing::{Script, Scripted, Then, deltas, process, settings};

/// A served gateway; it ends with the test's runtime.
async fn served(settings: Settings) -> ModelServiceClient<Channel> {
    let dir = tempfile::tempdir().unwrap();
    let client = served_in(dir.path(), settings).await.0;
    tokio::spawn(async move {
        let _held = dir;
        std::future::pending::<()>().await;
    });
    client
}

/// The same with its state in a folder, and its process.
async fn served_in(dir: &Path, settings: Settings) -> (ModelServiceClient<Channel>, Process) {
    let process = process(Settings { data_dir: dir.to_owned(), ..settings });
    let api = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let ops = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = api.local_addr().unwrap();
    serve(&process, Listeners { api, ops }, open(&process).await.unwrap());
    let client = ModelServiceClient::connect(format!("http://{address}")).await.unwrap();
    (client, process)
}

fn prompt(content: impl Into<String>) -> Option<v1::Prompt> {
    let message = v1::Message { role: "user".to_owned(), content: content.into(), ..Default::default() };
    Some(v1::Prompt { messages: vec![message], ..Default::default() })
}

#[tokio::test]
async fn the_service_answers_over_grpc() {
    let provider = Scripted::start([Script::says("Hello!")]).await;
    let mut client = served(settings(&provider.url, &["sk-one"])).await;
    let answer = client.complete(v1::CompleteRequest { prompt: prompt("hi") }).await.unwrap().into_inner();
    assert_eq!(answer.output, "Hello!");
    let models = client.list_models(v1::ListModelsRequest::default()).await.unwrap().into_inner().models;
    assert!(models.iter().any(|model| model.id == "openai/gpt-4o"));
}

#[tokio::test]
async fn a_client_who_leaves_ends_the_call_at_the_provider() {
    let provider = Scripted::start([Script::Hang]).await;
    let mut client = served(settings(&provider.url, &["sk-one"])).await;
    tokio::select! {
        _ = client.complete(v1::CompleteRequest { prompt: prompt("hi") }) => panic!("it hangs"),
        () = provider.asked() => {}
    }
    assert_eq!(provider.left().await, 1);
}

#[tokio::test]
async fn a_client_who_leaves_amid_a_stream_ends_the_call_at_the_provider() {
    let provider = Scripted::start([Script::Stream(deltas(&["a"]), Then::Hang)]).await;
    let mut client = served(settings(&provider.url, &["sk-one"])).await;
    let stream = client
        .stream_complete(v1::StreamCompleteRequest { prompt: prompt("hi"), ..Default::default() })
        .await;
    let mut stream = stream.unwrap().into_inner();
    assert_eq!(stream.message().await.unwrap().unwrap().delta, "a");
    drop(stream);
    assert_eq!(provider.left().await, 1);
}

#[tokio::test]
async fn a_message_beyond_the_limit_is_refused_and_nothing_breaks() {
    let provider = Scripted::start([Script::says("ok")]).await;
    let mut client = served(settings(&provider.url, &["sk-one"])).await;
    let request = v1::CompleteRequest { prompt: prompt("x".repeat(MESSAGE_LIMIT + 1)) };
    let status = client.complete(request).await.unwrap_err();
    assert!(matches!(status.code(), Code::OutOfRange | Code::ResourceExhausted), "{status:?}");
    assert!(client.complete(v1::CompleteRequest { prompt: prompt("hi") }).await.is_ok());
}

#[tokio::test]
async fn a_refusal_keeps_its_reason_on_the_way() {
    let mut client = served(settings("http://127.0.0.1:1/v1", &[])).await;
    let request = v1::Prompt { model: Some("openai".to_owned()), ..prompt("hi").unwrap() };
    let status = client.complete(v1::CompleteRequest { prompt: Some(request) }).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(status::reason(&status).as_deref(), Some("MISSING_API_KEY"));
}

/// A question of this caller.
fn asked_by(caller: &str) -> tonic::Request<v1::CompleteRequest> {
    Call::background("a-test").with_caller(caller).request(v1::CompleteRequest { prompt: prompt("hi") })
}

fn with_budgets(settings: Settings, budgets: &[&str]) -> Settings {
    let mut settings = settings;
    settings.models.budgets = budgets.iter().map(|line| (*line).to_owned()).collect();
    settings
}

#[tokio::test]
async fn a_limit_of_ten_lets_exactly_ten_of_a_hundred_calls_through() {
    let provider = Scripted::start([Script::says("Hello!")]).await;
    let settings = with_budgets(settings(&provider.url, &["sk-one"]), &["key 10 requests/day"]);
    let client = served(settings).await;
    let calls = (0..100).map(|_| {
        let mut client = client.clone();
        async move { client.complete(asked_by("k1")).await }
    });
    let ended = futures_util::future::join_all(calls).await;
    let (answered, refused): (Vec<_>, Vec<_>) = ended.into_iter().partition(Result::is_ok);
    assert_eq!((answered.len(), refused.len(), provider.seen().len()), (10, 90, 10));
    for refused in refused.into_iter().map(Result::unwrap_err) {
        assert_eq!(refused.code(), Code::ResourceExhausted);
        assert_eq!(status::reason(&refused).as_deref(), Some("BUDGET_EXHAUSTED"));
        let facts = status::metadata(&refused);
        assert_eq!((facts["budget"].as_str(), facts["left"].as_str()), ("key k1 10 requests/day", "0"));
        assert!(status::retry_after(&refused).is_some_and(|wait| wait.as_secs() < 86_400));
    }
    assert!(client.clone().complete(asked_by("k2")).await.is_ok(), "another caller has a budget of its own");
}

#[tokio::test]
async fn usage_is_listed_and_budgets_of_the_day_are_used_up_even_over_a_restart() {
    let provider = Scripted::start([Script::says("Hello!")]).await;
    let settings = || with_budgets(settings(&provider.url, &["sk-one"]), &["key 2 requests/day"]);
    let dir = tempfile::tempdir().unwrap();
    let (mut client, process) = served_in(dir.path(), settings()).await;
    assert!(client.complete(asked_by("k1")).await.is_ok());
    let usage = client.list_usage(v1::ListUsageRequest::default()).await.unwrap().into_inner();
    let line = &usage.lines[0];
    assert_eq!(
        (line.key.as_deref(), line.agent.as_deref(), line.job.as_deref()),
        (Some("k1"), Some(""), None)
    );
    assert_eq!((line.model.as_deref(), line.requests), (Some("gpt-4o-2024-08-06"), 1.0));
    assert_eq!((line.input_tokens, line.output_tokens, line.estimated), (3.0, 2.0, 0.0));
    assert_eq!(line.cost_usd, (3.0 * 2.5 + 2.0 * 10.0) / 1e6);
    let budgets = client.list_budgets(v1::ListBudgetsRequest {}).await.unwrap().into_inner().budgets;
    assert_eq!((budgets[0].name.as_str(), budgets[0].used, budgets[0].left), ("k1", 1.0, 1.0));
    drop(client);
    process.drain.finish().await.unwrap();
    while Folder::open(&dir.path().join("models")).is_err() {
        tokio::task::yield_now().await; // the last connection lets go of the service
    }

    let (mut client, _) = served_in(dir.path(), settings()).await;
    assert!(client.complete(asked_by("k1")).await.is_ok());
    let refused = client.complete(asked_by("k1")).await.unwrap_err();
    assert_eq!(status::metadata(&refused)["budget"], "key k1 2 requests/day");
    let total = client.list_usage(v1::ListUsageRequest::default()).await.unwrap().into_inner().total.unwrap();
    assert_eq!((total.requests, total.day, total.key), (2.0, None, None));
}

#[tokio::test]
async fn a_key_that_is_no_admin_sees_its_own_usage_and_budget_alone() {
    let provider = Scripted::start([Script::says("Hello!")]).await;
    let settings =
        with_budgets(settings(&provider.url, &["sk-one"]), &["key 9 requests/day", "job 9 requests/day"]);
    let mut client = served(settings).await;
    for caller in ["k1", "k2", "k2"] {
        client.complete(asked_by(caller)).await.unwrap();
    }
    let by_key = |key: Option<&str>| v1::ListUsageRequest {
        by: vec!["key".to_owned()],
        key: key.map(str::to_owned),
        ..Default::default()
    };
    for (sees, asked, lines) in [
        (Sees::Own, None, &[("k1", 1.0)][..]),
        (Sees::Own, Some("k1"), &[("k1", 1.0)]),
        (Sees::All, None, &[("k2", 2.0), ("k1", 1.0)]),
        (Sees::All, Some("k2"), &[("k2", 2.0)]),
    ] {
        let call = Call::background("a-test").with_caller("k1").seeing(sees);
        let listed = client.list_usage(call.request(by_key(asked))).await.unwrap().into_inner();
        let told = listed.lines.iter().map(|line| (line.key.as_deref().unwrap(), line.requests));
        assert_eq!(told.collect::<Vec<_>>(), lines, "{sees:?} {asked:?}");
        assert_eq!(listed.total.unwrap().requests, lines.iter().map(|(_, requests)| requests).sum::<f64>());
    }
    let own = Call::background("a-test").with_caller("k1").seeing(Sees::Own);
    let refused = client.list_usage(own.request(by_key(Some("k2")))).await.unwrap_err();
    assert_eq!(
        (refused.code(), status::reason(&refused).as_deref()),
        (Code::PermissionDenied, Some("SCOPE_MISSING"))
    );
    let budgets =
        client.list_budgets(own.request(v1::ListBudgetsRequest {})).await.unwrap().into_inner().budgets;
    assert_eq!(budgets.iter().map(|budget| budget.name.as_str()).collect::<Vec<_>>(), ["k1"]);
}

#[tokio::test]
async fn the_log_says_which_budget_of_the_models_file_does_not_count() {
    let (log, _guards) = logged();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("models.yaml");
    std::fs::write(&file, "budgets: [key 60 requests/minute]\n").unwrap();
    let mut settings = with_budgets(settings("http://127.0.0.1:1/v1", &[]), &["key 6 requests/minute"]);
    settings.models.file = Some(file);
    fleet::effective(&settings.models).unwrap();
    let told = "the budget \"key 60 requests/minute\" of the models file does not count: models.budgets (BSM_BUDGETS)";
    assert!(log.text().contains(told), "{}", log.text());
}

#[tokio::test]
async fn a_budget_that_is_none_keeps_the_gateway_from_opening() {
    let dir = tempfile::tempdir().unwrap();
    let settings = with_budgets(settings("http://127.0.0.1:1/v1", &[]), &["key ten requests/day"]);
    let process = process(Settings { data_dir: dir.path().to_owned(), ..settings });
    let refused = open(&process).await.err().unwrap().to_string();
    assert!(
        refused.contains("models.budgets") && refused.contains("\"key 10 requests/minute\""),
        "{refused}"
    );
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Log;

    fn make_writer(&'a self) -> Log {
        self.clone()
    }
}

#[tokio::test]
async fn no_key_is_ever_logged_whatever_the_level() {
    let (log, _guards) = logged();
    let scripts =
        [Script::fails(401, ""), Script::fails(500, ""), Script::says("ok"), Script::streams(&["ok"])];
    let provider = Scripted::start(scripts).await;
    let mut client = served(settings(&provider.url, &["sk-canary-one", "sk-canary-two"])).await;
    for _ in 0..3 {
        let _ = client.complete(v1::CompleteRequest { prompt: prompt("hi") }).await;
    }
    let one = "sk-canary-one";
    let two = "sk-canary-two"; // its first call fails with 500 and is made again
    assert_eq!(provider.keys(), [one, two, two, two, two]);
    let log = log.text();
    assert!(log.contains("attempt failed") && log.contains("TRACE"), "the log is on");
    assert!(!log.contains("canary"), "{log}");
}

/// Keeps what this thread logs at any level, for as long as the guards live.
fn logged() -> (Log, (tracing::Dispatch, tracing::subscriber::DefaultGuard)) {
    let log = Log::default();
    // Alone, this subscriber would not be asked about events that a test on another thread meets first.
    let second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new());
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    (log, (second, guard))
}
