use super::*;
use crate::answer::ToolCall;
use crate::ask::{Tool, ToolChoice};

fn weather() -> Tool {
    let parameters =
        json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
    Tool {
        name: "get_weather".to_owned(),
        description: Some("Weather of a city".to_owned()),
        parameters: parameters.as_object().cloned().unwrap(),
    }
}

fn call(arguments: &str) -> ToolCall {
    ToolCall { id: "call_abc".to_owned(), name: "get_weather".to_owned(), arguments: arguments.to_owned() }
}

#[test]
fn tools_are_sent_as_functions_with_the_choice_among_them() {
    let with = |tool_choice| Ask { tools: vec![weather()], tool_choice, ..ask() };
    let sent = body(&Ask { parallel_tool_calls: Some(false), ..with(None) }, Mode::Whole);
    let function = json!({"name": "get_weather", "description": "Weather of a city", "parameters": weather().parameters});
    assert_eq!(sent["tools"], json!([{"type": "function", "function": function}]));
    assert_eq!((&sent["parallel_tool_calls"], sent.get("tool_choice")), (&json!(false), None));
    let choices = [
        (ToolChoice::Auto, json!("auto")),
        (ToolChoice::None, json!("none")),
        (ToolChoice::Required, json!("required")),
        (
            ToolChoice::Named("get_weather".to_owned()),
            json!({"type": "function", "function": {"name": "get_weather"}}),
        ),
    ];
    for (choice, expected) in choices {
        assert_eq!(body(&with(Some(choice)), Mode::Whole)["tool_choice"], expected);
    }
}

#[test]
fn calls_and_their_results_go_up_as_the_wire_has_them() {
    let mut asked = Turn::new(Role::Assistant, "");
    asked.calls = vec![call(r#"{"city": "Haifa"}"#)];
    let mut result = Turn::new(Role::Tool, "31 °C");
    result.call_id = Some("call_abc".to_owned());
    let sent = body(&Ask { turns: vec![asked, result], ..ask() }, Mode::Whole);
    let function = json!({"name": "get_weather", "arguments": r#"{"city": "Haifa"}"#});
    let expected = json!([
        {"role": "assistant", "content": null,
         "tool_calls": [{"id": "call_abc", "type": "function", "function": function}]},
        {"role": "tool", "content": "31 °C", "tool_call_id": "call_abc"},
    ]);
    assert_eq!(sent["messages"], expected);
}

#[test]
fn stop_texts_seed_top_p_and_json_are_sent_where_asked_for() {
    let wishes =
        Ask { top_p: Some(0.9), stop: vec!["END".to_owned()], seed: Some(-7), format: Format::Json, ..ask() };
    let sent = body(&wishes, Mode::Whole);
    assert_eq!((&sent["top_p"], &sent["stop"], &sent["seed"]), (&json!(0.9), &json!(["END"]), &json!(-7)));
    assert_eq!(sent["response_format"], json!({"type": "json_object"}));
}

#[test]
fn the_calls_of_a_whole_answer_are_read_with_their_arguments_as_written() {
    let function = json!({"name": "get_weather", "arguments": "{ \"city\": \"Haifa\" "});
    let calls = json!([{"id": "call_abc", "type": "function", "function": function}]);
    let message = json!({"role": "assistant", "content": null, "tool_calls": calls});
    let document = json!({"model": "m", "choices": [{"message": message, "finish_reason": "tool_calls"}],
        "usage": {"prompt_tokens": 82, "completion_tokens": 17, "prompt_tokens_details": {"cached_tokens": 64},
                  "completion_tokens_details": {"reasoning_tokens": 5}}});
    let answer = WIRE.answer(document.to_string().as_bytes()).unwrap();
    assert_eq!(answer.calls, [call(r#"{ "city": "Haifa" "#)]);
    assert_eq!((answer.output.as_str(), answer.finish.reason.as_str()), ("", "tool_calls"));
    let usage = Usage { input_tokens: 82, output_tokens: 17, cached_tokens: 64, reasoning_tokens: 5 };
    assert_eq!(answer.finish.usage, usage);
}

fn deltas(calls: &[Value]) -> Vec<CallDelta> {
    let chunk = |call: &Value| {
        let chunk =
            json!({"choices": [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": null}]});
        format!("data: {chunk}\n\n")
    };
    let stream: String = calls.iter().map(chunk).collect();
    let pieces = WIRE.pieces().push(stream.as_bytes()).unwrap();
    let delta = |piece| match piece {
        Piece::Call(delta) => delta,
        other => panic!("{other:?}"),
    };
    pieces.into_iter().map(delta).collect()
}

fn first(index: usize, id: &str, name: &str) -> CallDelta {
    CallDelta { index, id: Some(id.to_owned()), name: Some(name.to_owned()), arguments: String::new() }
}

fn more(index: usize, arguments: &str) -> CallDelta {
    CallDelta { index, arguments: arguments.to_owned(), ..CallDelta::default() }
}

#[test]
fn calls_of_a_stream_come_in_pieces_that_may_alternate() {
    let head = |index, id, name| json!({"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": ""}});
    let rest = |index, text| json!({"index": index, "function": {"arguments": text}});
    let calls = [head(0, "a", "f"), rest(0, "{\"x"), head(1, "b", "g"), rest(0, "\":1}"), rest(1, "{}")];
    let expected = [first(0, "a", "f"), more(0, "{\"x"), first(1, "b", "g"), more(0, "\":1}"), more(1, "{}")];
    assert_eq!(deltas(&calls), expected);
}

#[test]
fn calls_are_told_apart_on_servers_that_number_them_otherwise_or_not_at_all() {
    let whole = |id: &str, arguments| json!({"id": id, "function": {"name": "f", "arguments": arguments}});
    let unnumbered = [whole("a", "{}"), json!({"function": {"arguments": " "}}), whole("b", "")];
    assert_eq!(deltas(&unnumbered)[1..], [more(0, " "), first(1, "b", "f")]);
    let alike = [("a", 0), ("b", 0)]
        .map(|(id, index)| json!({"index": index, "id": id, "function": {"name": "f", "arguments": ""}}));
    assert_eq!(deltas(&alike), [first(0, "a", "f"), first(1, "b", "f")]);
    let from_one = [1, 2].map(|n| json!({"index": n, "id": n.to_string(), "function": {"name": "f"}}));
    assert_eq!(deltas(&from_one), [first(0, "1", "f"), first(1, "2", "f")]);
    let nameless = [json!({"index": 0, "id": "", "function": {"name": "f"}})];
    assert_eq!(deltas(&nameless), [first(0, "call_0", "f")]);
}
