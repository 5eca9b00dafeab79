//! Everything that a caller can get wrong: a status that says so, with the field where there is one, and nobody asked.

use bsm_testkit::{Provider, Reply};
use tonic::Status;

use super::*;

struct Row {
    wrong: &'static str,
    request: v1::Prompt,
    code: Code,
    reason: &'static str,
    field: &'static str,
}

fn with(change: impl FnOnce(&mut v1::Prompt)) -> v1::Prompt {
    let mut asked = prompt("hi").unwrap();
    change(&mut asked);
    asked
}

fn row(
    wrong: &'static str,
    (code, reason): (Code, &'static str),
    field: &'static str,
    change: impl FnOnce(&mut v1::Prompt),
) -> Row {
    Row { wrong, request: with(change), code, reason, field }
}

fn rows() -> Vec<Row> {
    const INVALID: (Code, &str) = (Code::InvalidArgument, "INVALID_INPUT");
    let tool = |parameters: &str| {
        let parameters = Some(bsm_runtime::json::to_struct(serde_json::from_str(parameters).unwrap()));
        vec![v1::Tool { name: "look_up".to_owned(), description: None, parameters }]
    };
    vec![
        row("no messages", INVALID, "prompt.messages", |p| p.messages.clear()),
        row("too many messages", INVALID, "prompt.messages", |p| {
            p.messages = vec![p.messages[0].clone(); 257]
        }),
        row("an empty message", INVALID, "prompt.messages[0].content", |p| p.messages[0].content.clear()),
        row("an unknown role", INVALID, "prompt.messages[0].role", |p| {
            p.messages[0].role = "root".to_owned()
        }),
        row("too hot", INVALID, "prompt.temperature", |p| p.temperature = Some(2.5)),
        row("colder than cold", INVALID, "prompt.temperature", |p| p.temperature = Some(-0.1)),
        row("a temperature that is no number", INVALID, "prompt.temperature", |p| {
            p.temperature = Some(f64::NAN)
        }),
        row("an endless temperature", INVALID, "prompt.temperature", |p| p.temperature = Some(f64::INFINITY)),
        row("too high a top_p", INVALID, "prompt.top_p", |p| p.top_p = Some(1.1)),
        row("no tokens at all", INVALID, "prompt.max_tokens", |p| p.max_tokens = Some(0)),
        row("an idempotency key of two lines", INVALID, "prompt.idempotency_key", |p| {
            p.idempotency_key = Some("a\r\nauthorization: x".to_owned());
        }),
        row("a model's name of control characters", INVALID, "prompt.model", |p| {
            p.model = Some("a\nb".to_owned())
        }),
        row("an unknown complexity", INVALID, "prompt.complexity", |p| {
            p.complexity = Some("huge".to_owned())
        }),
        row("an unknown model", (Code::NotFound, "MODEL_NOT_FOUND"), "", |p| {
            p.model = Some("gpt-9000".to_owned())
        }),
        row("a tool whose schema is none", INVALID, "prompt.tools[0].parameters", |p| {
            p.tools = tool(r#"{"type": "string"}"#);
        }),
        row("a tool whose schema says nonsense", INVALID, "prompt.tools[0].parameters", |p| {
            p.tools = tool(r#"{"type": "object", "properties": ["a"]}"#);
        }),
        row("a tool without a name", INVALID, "prompt.tools[0].name", |p| {
            p.tools = vec![v1::Tool { name: String::new(), ..Default::default() }];
        }),
    ]
}

fn told(status: &Status) -> String {
    let fields = status::field_violations(status);
    format!("{:?} {:?} {fields:?}: {}", status.code(), status::reason(status), status.message())
}

#[tokio::test]
async fn every_bad_request_is_refused_with_its_field_and_nobody_is_asked() {
    let provider = Provider::start(|_| Reply::Says("ok".to_owned())).await.unwrap();
    let mut client = served(settings(&provider.base_url(), &["sk-one"])).await;
    let mut problems = Vec::new();
    for Row { wrong, request, code, reason, field } in rows() {
        let whole = client.complete(v1::CompleteRequest { prompt: Some(request.clone()) }).await.map(|_| ());
        let streamed = client
            .stream_complete(v1::StreamCompleteRequest { prompt: Some(request), ..Default::default() })
            .await
            .map(|_| ());
        for end in [whole, streamed] {
            let Err(status) = end else {
                problems.push(format!("{wrong}: it was answered"));
                continue;
            };
            let fields = status::field_violations(&status);
            let named = field.is_empty() || fields.iter().any(|(name, _)| name == field);
            if status.code() != code || status::reason(&status).as_deref() != Some(reason) || !named {
                problems.push(format!("{wrong}: {}", told(&status)));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(provider.asked().is_empty());
    assert!(
        client.complete(v1::CompleteRequest { prompt: prompt("hi") }).await.is_ok(),
        "the service is as before"
    );
}

#[tokio::test]
async fn a_prompt_of_a_megabyte_is_asked_like_any_other() {
    let provider = Provider::start(|_| Reply::Says("ok".to_owned())).await.unwrap();
    let mut client = served(settings(&provider.base_url(), &["sk-one"])).await;
    let long = "x".repeat(1_000_000);
    let answer = client.complete(v1::CompleteRequest { prompt: prompt(long.clone()) }).await.unwrap();
    assert_eq!(answer.into_inner().output, "ok");
    assert_eq!(provider.asked()[0].body["messages"][0]["content"], long.as_str());
}
