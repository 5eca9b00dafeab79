//! A client whose connection breaks amid a model's answer, over HTTP at the gateway's door: it comes back with the last
//! event it saw, and has the whole answer, once.

use std::time::Duration;

use bsm_runtime::role::Role;
use bsm_testkit::{Provider, Reply};
use bsm_tests::{Node, Rest, rest::send};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

const SAID: &str = "one two three four five six seven eight nine ten eleven twelve";

/// An event as far as it matters here.
struct Event {
    id: String,
    data: Value,
}

/// Reads events until there are so many, then lets the connection go.
async fn events(request: RequestBuilder, most: usize) -> Vec<Event> {
    let mut response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let (mut text, mut events) = (String::new(), Vec::new());
    while events.len() < most {
        let Some(bytes) = response.chunk().await.unwrap() else { break };
        text.push_str(std::str::from_utf8(&bytes).unwrap());
        while let Some((event, rest)) =
            text.split_once("\n\n").map(|(event, rest)| (event.to_owned(), rest.to_owned()))
        {
            text = rest;
            if events.len() < most {
                events.push(read(&event));
            }
        }
    }
    events
}

fn read(event: &str) -> Event {
    let line = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim();
    Event { id: line("id:").to_owned(), data: serde_json::from_str(line("data:")).unwrap_or_default() }
}

/// What an event says, in any of the forms.
fn text(event: &Event) -> &str {
    let places = ["/choices/0/delta/content", "/delta/text", "/delta"];
    places.iter().find_map(|place| event.data.pointer(place)?.as_str()).unwrap_or_default()
}

fn up(data: &std::path::Path, provider: &Provider) -> (Node, Rest) {
    let (folder, url) = (data.display().to_string(), provider.base_url());
    let env =
        [("OPENAI_API_KEY", "sk-test"), ("BSM_OPENAI_BASE_URL", url.as_str()), ("BSM_DATA_DIR", &folder)];
    let ports: Vec<String> = Role::ALL.iter().map(|role| format!("{role}.port=0")).collect();
    let args: Vec<&str> = ["up"].into_iter().chain(ports.iter().flat_map(|port| ["--set", port])).collect();
    let node = Node::start(&args, &env);
    let serving = Role::ALL.map(|_| node.serving());
    let (_, api, _) = serving.iter().find(|(role, ..)| *role == Role::Gateway).unwrap();
    let rest = Rest::new(&format!("http://{api}"));
    (node, rest)
}

#[tokio::test]
async fn a_stream_that_breaks_off_goes_on_behind_the_last_event_and_says_everything_once() {
    let provider =
        Provider::start(|_| Reply::Says(SAID.to_owned()).every(Duration::from_millis(20))).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let (_node, rest) = up(data.path(), &provider);
    let said = json!([{"role": "user", "content": "count"}]);
    let asked = [
        ("/v1/chat/completions", json!({"model": "openai", "stream": true, "messages": said})),
        ("/v1/messages", json!({"model": "openai", "stream": true, "max_tokens": 99, "messages": said})),
        ("/api/models/stream", json!({"prompt": {"model": "openai", "messages": said}})),
    ];
    for (path, body) in asked {
        let before = provider.asked().len();
        let request = |last: Option<&str>| {
            let request = rest.request(Method::POST, path).json(&body).header("accept", "text/event-stream");
            let request =
                request.header("idempotency-key", path.replace('/', "-")).header("x-bsm-resume-grace", "30");
            match last {
                Some(id) => request.header("last-event-id", id),
                None => request,
            }
        };
        let mut seen = events(request(None), 3).await;
        for most in [1, 4, usize::MAX] {
            let last = seen.last().unwrap().id.clone();
            assert!(!last.is_empty(), "{path}: every event has an id");
            seen.extend(events(request(Some(&last)), most).await);
        }
        let whole: String = seen.iter().map(text).collect();
        assert_eq!(whole, SAID, "{path}");
        let mut ids: Vec<&str> = seen.iter().map(|event| event.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), seen.len(), "{path}: no event twice");
        assert_eq!(provider.asked().len() - before, 1, "{path}: the model is asked once");

        let run = seen[0].id.split_once('.').unwrap().0;
        let beyond = send(request(Some(&format!("{run}.9999")))).await;
        assert_eq!(beyond.code, 400, "{path}: {}", beyond.text);
        assert!(beyond.text.contains("no event with this id yet"), "{path}: {}", beyond.text);
        let unknown = send(request(Some("17"))).await;
        assert_eq!(unknown.code, 409, "{path}: {}", unknown.text);
    }
}
