use super::*;

fn chunk(choices: Value, usage: Value) -> String {
    let chunk = json!({"id": "chatcmpl-123", "object": "chat.completion.chunk", "created": 1694268190,
                       "model": "gpt-4o-mini", "system_fingerprint": "fp_44709d6fcb", "choices": choices, "usage": usage});
    format!("data: {chunk}\n\n")
}

fn delta(delta: Value) -> String {
    chunk(json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": null}]), Value::Null)
}

fn call(mut call: Value) -> String {
    call["index"] = 0.into();
    delta(json!({"tool_calls": [call]}))
}

fn last(reason: &str) -> String {
    chunk(json!([{"index": 0, "delta": {}, "logprobs": null, "finish_reason": reason}]), Value::Null)
}

fn usage() -> String {
    chunk(json!([]), json!({"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}))
}

const END: &str = "data: [DONE]\n\n";

/// A stream with text, a call in pieces, and its usage at the end.
pub(in crate::wire) fn recorded() -> String {
    let role = delta(json!({"role": "assistant", "content": "", "refusal": null}));
    [
        role,
        delta(json!({"content": "Hello"})),
        delta(json!({"content": " سلام 👋"})),
        call(json!({"id": "c1", "type": "function", "function": {"name": "now", "arguments": ""}})),
        call(json!({"function": {"arguments": "{\"zone\": \"حي"}})),
        call(json!({"function": {"arguments": "فا\"}"}})),
        ": keep-alive\n\n".to_owned(),
        last("tool_calls"),
        usage(),
        END.to_owned(),
    ]
    .concat()
}

pub(in crate::wire) fn pieces() -> Vec<Piece> {
    let usage = Usage { input_tokens: 9, output_tokens: 2, ..Usage::default() };
    let finish = Finish { model: "gpt-4o-mini".to_owned(), reason: "tool_calls".to_owned(), usage };
    let (id, name) = (Some("c1".to_owned()), Some("now".to_owned()));
    let more =
        |arguments: &str| Piece::Call(CallDelta { arguments: arguments.to_owned(), ..CallDelta::default() });
    vec![
        Piece::Delta("Hello".to_owned()),
        Piece::Delta(" سلام 👋".to_owned()),
        Piece::Call(CallDelta { id, name, ..CallDelta::default() }),
        more("{\"zone\": \"حي"),
        more("فا\"}"),
        Piece::Done(finish),
    ]
}

fn read(text: &str) -> Result<Vec<Piece>, Failure> {
    WIRE.pieces().push(text.as_bytes())
}

#[test]
fn chunks_become_pieces_and_nothing_follows_the_end() {
    assert_eq!(read(&recorded()).unwrap(), pieces());
    let text = [recorded(), delta(json!({"content": "more"}))].concat();
    assert_eq!(read(&text).unwrap(), pieces());
}

#[test]
fn an_error_in_the_stream_ends_it_with_its_kind() {
    let error =
        json!({"error": {"message": "The server had an error", "type": "server_error", "code": null}});
    let text = format!("{}data: {error}\n\n", delta(json!({"content": "Hel"})));
    assert_eq!(read(&text).unwrap_err().kind, Kind::Transient);
}

#[test]
fn a_stream_that_closes_after_its_reason_to_finish_is_whole() {
    let mut reader = WIRE.pieces();
    reader.push([delta(json!({"content": "a"})), last("length")].concat().as_bytes()).unwrap();
    assert!(matches!(reader.end(), Ok(Piece::Done(finish)) if finish.reason == "length"));
}

#[test]
fn a_stream_that_closes_before_is_cut_short() {
    let mut reader = WIRE.pieces();
    reader.push(delta(json!({"content": "a"})).as_bytes()).unwrap();
    assert_eq!(reader.end().unwrap_err().kind, Kind::Transient);
}

#[test]
fn a_stream_without_an_answer_or_without_json_is_malformed() {
    for text in [END, "data: <html>\n\n", "data: {\"choices\": [\n\n"] {
        assert_eq!(read(text).unwrap_err().kind, Kind::Malformed, "{text}");
    }
}
