use super::*;

fn sent(ask: &Ask, mode: Mode) -> Value {
    serde_json::from_slice(&WIRE.request("claude-sonnet-4-5", ask, mode).body).unwrap()
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

#[test]
fn a_plain_question_has_the_systems_words_apart_and_a_limit() {
    let request = WIRE.request("claude-sonnet-4-5", &ask(), Mode::Whole);
    assert_eq!(request.path, "/v1/messages");
    assert_eq!(request.headers["anthropic-version"], "2023-06-01");
    let expected = json!({"model": "claude-sonnet-4-5", "max_tokens": 8192, "system": "be brief",
                          "messages": [{"role": "user", "content": [text("hi")]}]});
    assert_eq!(sent(&ask(), Mode::Whole), expected);
    assert_eq!(sent(&ask(), Mode::Stream)["stream"], true);
    let newer = Dialect { api_version: Some("2030-01-01".into()), ..Dialect::default() };
    assert_eq!(Anthropic::new(&newer).headers(Mode::Whole)["anthropic-version"], "2030-01-01");
}

#[test]
fn the_key_stands_in_a_header_of_its_own_that_debug_output_hides() {
    let (name, value) = WIRE.authorization(&SecretString::from("sk-ant-canary")).unwrap();
    assert_eq!((name.as_str(), value.as_bytes()), ("x-api-key", b"sk-ant-canary".as_slice()));
    assert!(!format!("{value:?}").contains("canary"));
}

#[test]
fn wishes_are_sent_as_this_wire_has_them_and_others_are_left_out() {
    let wishes = Ask {
        temperature: Some(1.7),
        top_p: Some(0.9),
        max_tokens: Some(64),
        stop: vec!["END".to_owned()],
        seed: Some(7),
        ..ask()
    };
    let sent = sent(&wishes, Mode::Whole);
    assert_eq!(
        (&sent["temperature"], &sent["top_p"], &sent["max_tokens"]),
        (&json!(1.0), &json!(0.9), &json!(64))
    );
    assert_eq!((&sent["stop_sequences"], sent.get("seed")), (&json!(["END"]), None));
}

fn weather() -> Tool {
    let parameters = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    let description = Some("Weather of a city".to_owned());
    Tool { name: "get_weather".to_owned(), description, parameters: parameters.as_object().cloned().unwrap() }
}

#[test]
fn tools_have_an_input_schema_and_the_choice_carries_the_wish_for_one_at_a_time() {
    let with = |choice, parallel| {
        let ask = Ask { tools: vec![weather()], tool_choice: choice, parallel_tool_calls: parallel, ..ask() };
        sent(&ask, Mode::Whole)
    };
    let tool = json!({"name": "get_weather", "description": "Weather of a city", "input_schema": weather().parameters});
    assert_eq!(with(None, None)["tools"], json!([tool]));
    assert_eq!(with(None, Some(true)).get("tool_choice"), None);
    let cases = [
        (None, Some(false), json!({"type": "auto", "disable_parallel_tool_use": true})),
        (Some(ToolChoice::Auto), None, json!({"type": "auto"})),
        (Some(ToolChoice::None), Some(false), json!({"type": "none"})),
        (Some(ToolChoice::Required), Some(false), json!({"type": "any", "disable_parallel_tool_use": true})),
        (
            Some(ToolChoice::Named("get_weather".to_owned())),
            None,
            json!({"type": "tool", "name": "get_weather"}),
        ),
    ];
    for (choice, parallel, expected) in cases {
        assert_eq!(with(choice, parallel)["tool_choice"], expected);
    }
}

#[test]
fn the_results_of_calls_made_together_stand_together_before_what_the_user_says() {
    let call = |id: &str, arguments: &str| ToolCall {
        id: id.to_owned(),
        name: "get_weather".to_owned(),
        arguments: arguments.to_owned(),
    };
    let mut asked = Turn::new(Role::Assistant, " \n");
    asked.calls = vec![call("toolu_1", r#"{"city": "Haifa"}"#), call("call id~", "")];
    let result =
        |id: &str, content: &str| Turn { call_id: Some(id.to_owned()), ..Turn::new(Role::Tool, content) };
    let turns = vec![
        Turn::new(Role::User, "weather?"),
        asked,
        result("toolu_1", "31 °C"),
        result("call id~", ""),
        Turn::new(Role::System, "in metres"),
        Turn::new(Role::User, "and the wind?"),
    ];
    let sent = sent(&Ask { turns, ..ask() }, Mode::Whole);
    let other = sent["messages"][1]["content"][1]["id"].as_str().unwrap().to_owned();
    assert!(
        other.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        "an id that is refused here is mapped: {other}"
    );
    let expected = json!([
        {"role": "user", "content": [text("weather?")]},
        {"role": "assistant", "content": [
            {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Haifa"}},
            {"type": "tool_use", "id": other, "name": "get_weather", "input": {}}]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": "31 °C"},
            {"type": "tool_result", "tool_use_id": other, "content": ""},
            text("and the wind?")]},
    ]);
    assert_eq!((&sent["messages"], &sent["system"]), (&expected, &json!("in metres")));
}

#[test]
fn a_strict_schema_is_held_to_and_any_other_shape_is_asked_for_in_words() {
    let schema = json!({"type": "object", "additionalProperties": false});
    let format = |strict| Format::Schema {
        name: "answer".to_owned(),
        schema: schema.as_object().cloned().unwrap(),
        strict,
    };
    let strict = sent(&Ask { format: format(true), ..ask() }, Mode::Whole);
    assert_eq!(strict["output_config"], json!({"format": {"type": "json_schema", "schema": schema}}));
    assert_eq!(strict["system"], "be brief");
    let loose = sent(&Ask { format: format(false), ..ask() }, Mode::Whole);
    let system = loose["system"].as_str().unwrap();
    assert!(system.starts_with("be brief\n\n") && system.ends_with(&schema.to_string()), "{system}");
    assert_eq!(loose.get("output_config"), None);
    let json = sent(&Ask { format: Format::Json, ..ask() }, Mode::Whole);
    assert!(json["system"].as_str().unwrap().contains("JSON"));
}
