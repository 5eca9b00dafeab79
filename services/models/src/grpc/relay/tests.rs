use bsm_runtime::settings::{OfflineUse, Settings};
use bsm_runtime::status;
use futures_util::TryStreamExt;
use serde_json::{Value, json};
use tonic::Code;

use super::*;
use crate::testing::{Script, Scripted, Then, caller, deltas, process, settings};

/// What came back.
#[derive(Debug)]
struct Told {
    head: v1::RelayHead,
    body: String,
}

fn gateway(settings: Settings) -> Gateway {
    Gateway::of(&process(settings)).unwrap()
}

async fn messages(gateway: &Gateway, face: v1::Face, body: &str) -> Result<Messages, Status> {
    let request = v1::RelayRequest { face: face.into(), body: body.to_owned().into(), headers: Vec::new() };
    relay(gateway, caller(), request).await.map(Response::into_inner)
}

async fn ask(gateway: &Gateway, face: v1::Face, body: &Value) -> Result<Told, Status> {
    let messages: Vec<_> = messages(gateway, face, &body.to_string()).await?.try_collect().await?;
    let body = messages.iter().flat_map(|message| message.body.to_vec()).collect();
    assert!(messages[1..].iter().all(|message| message.head.is_none()));
    Ok(Told { head: messages[0].head.clone().unwrap(), body: String::from_utf8(body).unwrap() })
}

fn chat(more: Value) -> Value {
    let mut chat = json!({"messages": [{"role": "user", "content": "hi"}]});
    chat.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    chat
}

#[tokio::test]
async fn a_provider_of_the_same_form_gets_the_callers_bytes_and_its_own_go_back() {
    let answer = "{ \"choices\": [{\"message\": {\"x\": 1}}, {\"message\": 2}],\n \"new\": [1.50], \"model\": \"gpt\" }";
    let provider = Scripted::start([Script::raw(200, "application/json", answer)]).await;
    let gateway = gateway(settings(&provider.url, &["sk-one"]));
    let asked =
        chat(json!({"model": "openai/gpt-9", "n": 2, "future_field": {"deep": [1, null]}, "user": "u"}));
    let told = ask(&gateway, v1::Face::OpenaiChat, &asked).await.unwrap();
    assert_eq!(told.body, answer, "byte by byte");
    assert_eq!(
        (told.head.provider.as_str(), told.head.model.as_str(), told.head.stream),
        ("openai", "gpt-9", false)
    );
    let mut expected = asked;
    expected["model"] = "gpt-9".into();
    assert_eq!(provider.seen()[0].body, expected);
    assert_eq!(provider.keys(), ["sk-one"]);
}

#[tokio::test]
async fn a_stream_passes_as_it_comes_without_the_usage_that_nobody_asked_for() {
    let provider = Scripted::start([Script::streams(&["Hel", "lo"])]).await;
    let gateway = gateway(settings(&provider.url, &["sk-one"]));
    let told = ask(&gateway, v1::Face::OpenaiChat, &chat(json!({"stream": true}))).await.unwrap();
    assert!(told.head.stream);
    assert!(
        told.body.starts_with(&deltas(&["Hel", "lo"]).concat()) && told.body.ends_with("data: [DONE]\n\n")
    );
    assert!(!told.body.contains("usage"), "{}", told.body);
    assert_eq!(provider.seen()[0].body["stream_options"], json!({"include_usage": true}));
    let wanted = chat(json!({"stream": true, "stream_options": {"include_usage": true}}));
    let told = ask(&gateway, v1::Face::OpenaiChat, &wanted).await.unwrap();
    assert!(told.body.contains("prompt_tokens"), "{}", told.body);
}

#[tokio::test]
async fn until_the_first_piece_another_key_or_candidate_takes_over() {
    let failures = [Script::fails(401, ""), Script::Stream(deltas(&[]), Then::Reset), Script::says("whole")];
    let provider = Scripted::start([failures[0].clone(), Script::streams(&["ok"])]).await;
    let gateway = gateway(settings(&provider.url, &["sk-one", "sk-two"]));
    let told = ask(&gateway, v1::Face::OpenaiChat, &chat(json!({"stream": true}))).await.unwrap();
    assert!(told.body.contains("\"ok\""));
    assert_eq!(provider.keys(), ["sk-one", "sk-two"]);
    for script in failures {
        let provider = Scripted::start([script]).await;
        let mut settings = settings(&provider.url, &["sk-one"]);
        settings.models.offline = OfflineUse::Always;
        let gateway = super::Gateway::of(&process(settings)).unwrap();
        let question = chat(json!({"stream": true, "model": "auto"}));
        let told = ask(&gateway, v1::Face::OpenaiChat, &question).await.unwrap();
        assert_eq!(told.head.provider, "offline");
    }
}

#[tokio::test]
async fn another_wire_answers_in_the_form_of_the_question() {
    let gateway = gateway(settings("http://127.0.0.1:1/v1", &[]));
    let told = ask(&gateway, v1::Face::OpenaiChat, &chat(json!({"model": "offline"}))).await.unwrap();
    let document: Value = serde_json::from_str(&told.body).unwrap();
    assert_eq!((&document["object"], &document["model"]), (&json!("chat.completion"), &json!("offline")));
    assert!(document["choices"][0]["message"]["content"].is_string());
    let question = chat(json!({"model": "auto", "max_tokens": 9, "stream": true}));
    let told = ask(&gateway, v1::Face::AnthropicMessages, &question).await.unwrap();
    assert!(told.body.starts_with("event: message_start\n") && told.body.contains("event: message_stop\n"));
    let with_picture = json!([{"type": "image_url", "image_url": {"url": "data:,"}}]);
    let picture = json!({"model": "offline", "messages": [{"role": "user", "content": with_picture}]});
    let status = ask(&gateway, v1::Face::OpenaiChat, &picture).await.unwrap_err();
    assert_eq!(
        (status.code(), status::reason(&status).as_deref()),
        (Code::InvalidArgument, Some("NOT_SUPPORTED"))
    );
}

#[tokio::test]
async fn refusals_and_failures_are_statuses_with_their_reasons() {
    let provider = Scripted::start([Script::fails(400, "context_length_exceeded")]).await;
    let gateway = gateway(settings(&provider.url, &["sk-one"]));
    for (body, code, reason) in [
        ("{", Code::InvalidArgument, "INVALID_JSON"),
        ("{\"messages\": []}", Code::InvalidArgument, "INVALID_INPUT"),
        (
            "{\"model\": \"nobody/x\", \"messages\": [{\"role\": \"user\", \"content\": \"x\"}]}",
            Code::NotFound,
            "MODEL_NOT_FOUND",
        ),
        (
            "{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}]}",
            Code::InvalidArgument,
            "CONTEXT_TOO_LONG",
        ),
    ] {
        let status = messages(&gateway, v1::Face::OpenaiChat, body).await.err().unwrap();
        assert_eq!((status.code(), status::reason(&status).as_deref()), (code, Some(reason)), "{body}");
    }
}

#[tokio::test]
async fn a_stream_that_breaks_midway_ends_with_a_status_and_one_that_is_left_ends_upstream() {
    let provider = Scripted::start([
        Script::Stream(deltas(&["a"]), Then::Reset),
        Script::Stream(deltas(&["a"]), Then::Hang),
    ])
    .await;
    let gateway = gateway(settings(&provider.url, &["sk-one"]));
    let question = chat(json!({"stream": true})).to_string();
    let mut broken = messages(&gateway, v1::Face::OpenaiChat, &question).await.unwrap();
    assert!(broken.next().await.unwrap().is_ok());
    let status = broken.next().await.unwrap().unwrap_err();
    assert_eq!(
        (status.code(), status::reason(&status).as_deref()),
        (Code::Unavailable, Some("UPSTREAM_ERROR"))
    );
    assert!(broken.next().await.is_none());
    let mut hanging = messages(&gateway, v1::Face::OpenaiChat, &question).await.unwrap();
    assert!(hanging.next().await.unwrap().is_ok());
    drop(hanging);
    assert!(provider.left().await >= 1);
}

#[test]
fn a_long_document_goes_out_in_several_messages() {
    let body = Bytes::from(vec![b'x'; MOST * 2 + 1]);
    let messages: Vec<_> = futures_util::FutureExt::now_or_never(
        document(v1::RelayHead::default(), body).try_collect::<Vec<_>>(),
    )
    .unwrap()
    .unwrap();
    let lengths: Vec<_> = messages.iter().map(|message| message.body.len()).collect();
    assert_eq!(lengths, [MOST, MOST, 1]);
}
