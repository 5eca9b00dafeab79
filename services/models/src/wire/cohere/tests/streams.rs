use super::*;

fn step(data: &Value) -> String {
    format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap())
}

fn message(kind: &str, index: u32, message: Value) -> String {
    step(&json!({"type": kind, "index": index, "delta": {"message": message}}))
}

fn start() -> String {
    step(
        &json!({"type": "message-start", "id": "x", "delta": {"message": {"role": "assistant", "content": [],
        "tool_plan": "", "tool_calls": [], "citations": []}}}),
    )
}

fn end(reason: &str) -> String {
    let tokens = json!({"input_tokens": 13, "output_tokens": 6});
    step(
        &json!({"type": "message-end", "id": "x", "delta": {"finish_reason": reason, "usage": {"billed_units": tokens, "tokens": tokens}}}),
    )
}

fn text(text: &str) -> String {
    message("content-delta", 0, json!({"content": {"text": text}}))
}

/// A stream with everything in it: a plan, thoughts, text, two calls, sources, steps of tomorrow.
pub(in crate::wire) fn recorded() -> String {
    let begins = |index, id: &str| {
        let function = json!({"name": "now", "arguments": ""});
        message(
            "tool-call-start",
            index,
            json!({"tool_calls": {"id": id, "type": "function", "function": function}}),
        )
    };
    let more = |index, arguments: &str| {
        message("tool-call-delta", index, json!({"tool_calls": {"function": {"arguments": arguments}}}))
    };
    let source = json!({"type": "document", "id": "d", "document": {"url": "https://a.test/", "title": "A"}});
    [
        start(),
        message("tool-plan-delta", 0, json!({"tool_plan": "I will "})),
        message("tool-plan-delta", 0, json!({"tool_plan": "look 👋"})),
        begins(0, "now_1"),
        more(0, "{\"zone\": \"حي"),
        more(0, "فا\"}"),
        step(&json!({"type": "tool-call-end", "index": 0})),
        begins(1, "now_2"),
        more(1, "{}"),
        step(&json!({"type": "tool-call-end", "index": 1})),
        message("content-start", 0, json!({"content": {"type": "thinking", "thinking": ""}})),
        message("content-delta", 0, json!({"content": {"thinking": "hm"}})),
        message("content-start", 1, json!({"content": {"type": "text", "text": ""}})),
        text("so"),
        message(
            "citation-start",
            0,
            json!({"citations": {"start": 0, "end": 2, "text": "so", "sources": [source]}}),
        ),
        step(&json!({"type": "citation-end", "index": 0})),
        step(&json!({"type": "of-tomorrow", "delta": 7})),
        end("TOOL_CALL"),
    ]
    .concat()
}

pub(in crate::wire) fn pieces() -> Vec<Piece> {
    let text = |text: &str| Piece::Delta(text.to_owned());
    let head = |index, id: &str| {
        let (id, name) = (Some(id.to_owned()), Some("now".to_owned()));
        Piece::Call(CallDelta { index, id, name, arguments: String::new() })
    };
    let more = |index, arguments: &str| {
        Piece::Call(CallDelta { index, id: None, name: None, arguments: arguments.to_owned() })
    };
    let usage = Usage { input_tokens: 13, output_tokens: 6, ..Usage::default() };
    vec![
        text("I will "),
        text("look 👋"),
        head(0, "now_1"),
        more(0, "{\"zone\": \"حي"),
        more(0, "فا\"}"),
        head(1, "now_2"),
        more(1, "{}"),
        text("so"),
        Piece::Citations(vec![Citation { url: "https://a.test/".to_owned(), title: Some("A".to_owned()) }]),
        Piece::Done(Finish { model: String::new(), reason: "tool_calls".to_owned(), usage }),
    ]
}

fn read(text: &str) -> Result<Vec<Piece>, Failure> {
    WIRE.pieces().push(text.as_bytes())
}

#[test]
fn steps_become_pieces_and_nothing_follows_the_end() {
    assert_eq!(read(&recorded()).unwrap(), pieces());
    assert_eq!(read(&[recorded(), text("more")].concat()).unwrap(), pieces());
}

#[test]
fn a_stream_that_closes_before_its_end_is_cut_short() {
    let mut reader = WIRE.pieces();
    reader.push([start(), text("a")].concat().as_bytes()).unwrap();
    assert_eq!(reader.end().unwrap_err().kind, Kind::Transient);
}

#[test]
fn a_stream_that_ends_with_an_error_has_failed() {
    assert_eq!(read(&[start(), text("a"), end("ERROR")].concat()).unwrap_err().kind, Kind::Transient);
    let told = step(
        &json!({"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "too many tokens"}}),
    );
    assert_eq!(read(&[start(), told].concat()).unwrap_err().kind, Kind::Transient);
}

#[test]
fn a_stream_without_an_answer_or_of_another_shape_is_malformed() {
    let odd = "data: {\"type\": \"content-delta\", \"delta\": 7}\n\n";
    for text in [end("COMPLETE").as_str(), "data: <html>\n\n", odd, "data: {}\n\n", "data: {\"type\n\n"] {
        assert_eq!(read(text).unwrap_err().kind, Kind::Malformed, "{text}");
    }
}
