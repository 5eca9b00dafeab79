use super::*;

fn event(parts: Value, finish: Option<&str>, tokens: u32) -> String {
    let mut candidate = json!({"content": {"parts": parts, "role": "model"}, "index": 0});
    if let Some(finish) = finish {
        candidate["finishReason"] = finish.into();
    }
    let chunk = json!({"candidates": [candidate], "modelVersion": "gemini-2.5-pro", "responseId": "r1",
        "usageMetadata": {"promptTokenCount": 8, "candidatesTokenCount": tokens, "totalTokenCount": 8 + tokens}});
    format!("data: {chunk}\r\n\r\n")
}

/// A stream with everything in it: thoughts, text, calls with and without a signature, sources, usage after the reason.
pub(in crate::wire) fn recorded() -> String {
    let page = json!({"candidates": [{"index": 0, "groundingMetadata": {"groundingChunks": [{"web": {"uri": "https://a.test/", "title": "A"}}]}}]});
    let late = json!({"usageMetadata": {"promptTokenCount": 8, "candidatesTokenCount": 9, "thoughtsTokenCount": 3}, "modelVersion": "gemini-2.5-pro"});
    [
        event(json!([{"text": "hm", "thought": true}]), None, 1),
        event(json!([{"text": "Hel"}]), None, 2),
        event(json!([{"text": "lo سلام 👋"}]), None, 3),
        format!("data: {page}\r\n\r\n"),
        event(json!([{"functionCall": {"name": "now", "args": {"zone": "حيفا"}}, "thoughtSignature": "Eq"}, {"functionCall": {"name": "now"}}]), None, 4),
        event(json!([{"text": ""}]), Some("STOP"), 5),
        format!("data: {late}\r\n\r\n"),
    ]
    .concat()
}

pub(in crate::wire) fn pieces() -> Vec<Piece> {
    let call = |index, id: &str, arguments: &str| {
        let (id, name) = (Some(id.to_owned()), Some("now".to_owned()));
        Piece::Call(CallDelta { index, id, name, arguments: arguments.to_owned() })
    };
    let usage = Usage { input_tokens: 8, output_tokens: 12, cached_tokens: 0, reasoning_tokens: 3 };
    vec![
        Piece::Delta("Hel".to_owned()),
        Piece::Delta("lo سلام 👋".to_owned()),
        call(0, "call_r1_0--sig--Eq", r#"{"zone":"حيفا"}"#),
        call(1, "call_r1_1", "{}"),
        Piece::Citations(vec![Citation { url: "https://a.test/".to_owned(), title: Some("A".to_owned()) }]),
        Piece::Done(Finish { model: "gemini-2.5-pro".to_owned(), reason: "tool_calls".to_owned(), usage }),
    ]
}

#[test]
fn events_become_pieces_and_the_end_of_the_bytes_ends_them() {
    let mut reader = WIRE.pieces();
    let mut read = reader.push(recorded().as_bytes()).unwrap();
    read.push(reader.end().unwrap());
    assert_eq!(read, pieces());
}

#[test]
fn a_stream_that_ends_without_a_reason_is_cut_short_and_one_without_events_is_malformed() {
    let mut cut = WIRE.pieces();
    cut.push(event(json!([{"text": "a"}]), None, 1).as_bytes()).unwrap();
    assert_eq!(cut.end().unwrap_err().kind, Kind::Transient);
    assert_eq!(WIRE.pieces().end().unwrap_err().kind, Kind::Malformed);
}

#[test]
fn a_stream_that_is_stopped_for_safety_says_so() {
    let mut reader = WIRE.pieces();
    let stopped = json!({"candidates": [{"finishReason": "SAFETY", "index": 0}]});
    let stream = [event(json!([{"text": "a"}]), None, 1), format!("data: {stopped}\n\n")].concat();
    assert_eq!(reader.push(stream.as_bytes()).unwrap(), [Piece::Delta("a".to_owned())]);
    assert!(matches!(reader.end(), Ok(Piece::Done(finish)) if finish.reason == "content_filter"));
}

#[test]
fn events_of_another_shape_and_ends_that_leave_no_answer_are_malformed() {
    let broken = event(json!([]), Some("MALFORMED_FUNCTION_CALL"), 1);
    for text in ["data: <html>\n\n", "data: {\"candidates\": 7}\n\n", "data: {\"cand\n\n", &broken] {
        assert_eq!(WIRE.pieces().push(text.as_bytes()).unwrap_err().kind, Kind::Malformed, "{text}");
    }
}
