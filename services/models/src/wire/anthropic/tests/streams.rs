use super::*;

fn event(data: &Value) -> String {
    format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap())
}

fn start() -> String {
    event(&json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant",
        "model": "claude-sonnet-4-5", "content": [], "stop_reason": null, "stop_sequence": null,
        "usage": {"input_tokens": 25, "cache_read_input_tokens": 5, "output_tokens": 1}}}))
}

fn begins(index: u32, block: Value) -> String {
    event(&json!({"type": "content_block_start", "index": index, "content_block": block}))
}

fn delta(index: u32, delta: Value) -> String {
    event(&json!({"type": "content_block_delta", "index": index, "delta": delta}))
}

fn ends(index: u32) -> String {
    event(&json!({"type": "content_block_stop", "index": index}))
}

fn last(reason: &str) -> String {
    event(
        &json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null}, "usage": {"output_tokens": 89}}),
    )
}

fn stop() -> String {
    event(&json!({"type": "message_stop"}))
}

/// A stream with everything in it: pings, thoughts, text, sources, calls with input and without, events of tomorrow.
pub(in crate::wire) fn recorded() -> String {
    let text = |text: &str| delta(1, json!({"type": "text_delta", "text": text}));
    let input = |index, json: &str| delta(index, json!({"type": "input_json_delta", "partial_json": json}));
    let page = json!({"type": "web_search_result_location", "url": "https://a.test/", "title": "A"});
    [
        start(),
        begins(0, json!({"type": "thinking", "thinking": "", "signature": ""})),
        event(&json!({"type": "ping"})),
        delta(0, json!({"type": "thinking_delta", "thinking": "hm"})),
        delta(0, json!({"type": "signature_delta", "signature": "Eq"})),
        ends(0),
        begins(1, json!({"type": "text", "text": ""})),
        text("Let me "),
        text("look 👋"),
        delta(1, json!({"type": "citations_delta", "citation": page})),
        ends(1),
        begins(2, json!({"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {}})),
        input(2, ""),
        input(2, "{\"city\": \"حي"),
        input(2, "فا\"}"),
        ends(2),
        begins(3, json!({"type": "tool_use", "id": "toolu_2", "name": "now", "input": {}})),
        input(3, ""),
        ends(3),
        event(&json!({"type": "of_tomorrow", "index": {"x": 1}})),
        last("tool_use"),
        stop(),
    ]
    .concat()
}

pub(in crate::wire) fn pieces() -> Vec<Piece> {
    let text = |text: &str| Piece::Delta(text.to_owned());
    let head = |index, id: &str, name: &str| {
        let (id, name) = (Some(id.to_owned()), Some(name.to_owned()));
        Piece::Call(CallDelta { index, id, name, arguments: String::new() })
    };
    let more = |index, arguments: &str| {
        Piece::Call(CallDelta { index, id: None, name: None, arguments: arguments.to_owned() })
    };
    let usage = Usage { input_tokens: 30, output_tokens: 89, cached_tokens: 5, reasoning_tokens: 0 };
    let page = Citation { url: "https://a.test/".to_owned(), title: Some("A".to_owned()) };
    vec![
        text("Let me "),
        text("look 👋"),
        head(0, "toolu_1", "get_weather"),
        more(0, "{\"city\": \"حي"),
        more(0, "فا\"}"),
        head(1, "toolu_2", "now"),
        more(1, "{}"),
        Piece::Citations(vec![page]),
        Piece::Done(Finish { model: "claude-sonnet-4-5".to_owned(), reason: "tool_calls".to_owned(), usage }),
    ]
}

fn read(text: &str) -> Result<Vec<Piece>, Failure> {
    WIRE.pieces().push(text.as_bytes())
}

#[test]
fn events_become_pieces_and_nothing_follows_the_end() {
    assert_eq!(read(&recorded()).unwrap(), pieces());
    let more = delta(1, json!({"type": "text_delta", "text": "more"}));
    assert_eq!(read(&[recorded(), more].concat()).unwrap(), pieces());
}

#[test]
fn an_error_in_the_stream_ends_it_with_its_kind() {
    for (kind, expected) in [("overloaded_error", Kind::Transient), ("rate_limit_error", Kind::Throttled)] {
        let error = event(&json!({"type": "error", "error": {"type": kind, "message": "Overloaded"}}));
        let text = delta(0, json!({"type": "text_delta", "text": "Hel"}));
        assert_eq!(read(&[start(), text, error].concat()).unwrap_err().kind, expected);
    }
}

#[test]
fn a_stream_that_closes_after_its_reason_is_whole_and_before_it_is_cut_short() {
    let mut whole = WIRE.pieces();
    whole.push([start(), last("max_tokens")].concat().as_bytes()).unwrap();
    assert!(matches!(whole.end(), Ok(Piece::Done(finish)) if finish.reason == "length"));
    let mut cut = WIRE.pieces();
    cut.push([start(), begins(0, json!({"type": "text", "text": "a"}))].concat().as_bytes()).unwrap();
    assert_eq!(cut.end().unwrap_err().kind, Kind::Transient);
}

#[test]
fn a_stream_without_an_answer_or_of_another_shape_is_malformed() {
    let odd = r#"data: {"type": "content_block_delta", "index": "zero"}"#;
    for text in [
        stop(),
        "data: <html>\n\n".to_owned(),
        "data: {\"type\": \n\n".to_owned(),
        format!("{odd}\n\n"),
        "data: {}\n\n".to_owned(),
    ] {
        assert_eq!(read(&text).unwrap_err().kind, Kind::Malformed, "{text}");
    }
}

#[test]
fn an_input_that_comes_whole_with_its_block_is_read_once() {
    let block = json!({"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}});
    let pieces = read(&[start(), begins(0, block), ends(0)].concat()).unwrap();
    let call = CallDelta {
        index: 0,
        id: Some("t".to_owned()),
        name: Some("f".to_owned()),
        arguments: "{\"a\":1}".to_owned(),
    };
    assert_eq!(pieces, [Piece::Call(call)]);
}
