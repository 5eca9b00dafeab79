use super::*;

fn ask() -> Ask {
    let turns = vec![Turn::new(Role::System, "be brief"), Turn::new(Role::User, "hi")];
    Ask { turns, ..Ask::default() }
}

fn sent(ask: &Ask) -> Value {
    serde_json::from_slice(&WIRE.request("command-a-03-2025", ask, Mode::Whole).body).unwrap()
}

#[test]
fn a_plain_question_sends_nothing_that_was_not_asked_for() {
    let messages = json!([{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}]);
    assert_eq!(sent(&ask()), json!({"model": "command-a-03-2025", "messages": messages, "stream": false}));
    assert_eq!(WIRE.request("m", &ask(), Mode::Stream).path, "/v2/chat");
    let (name, value) = WIRE.authorization(&SecretString::from("canary")).unwrap();
    assert_eq!(
        (name, value.as_bytes(), value.is_sensitive()),
        (AUTHORIZATION, b"Bearer canary".as_slice(), true)
    );
}

#[test]
fn wishes_are_sent_as_this_wire_has_them() {
    let schema = json!({"type": "object"});
    let wishes = Ask {
        temperature: Some(1.7),
        top_p: Some(0.9),
        max_tokens: Some(64),
        stop: vec!["END".to_owned()],
        seed: Some(7),
        format: Format::Schema {
            name: "a".to_owned(),
            schema: schema.as_object().cloned().unwrap(),
            strict: true,
        },
        ..ask()
    };
    let sent = sent(&wishes);
    assert_eq!(
        (&sent["temperature"], &sent["p"], &sent["max_tokens"]),
        (&json!(1.0), &json!(0.9), &json!(64))
    );
    assert_eq!((&sent["stop_sequences"], &sent["seed"]), (&json!(["END"]), &json!(7)));
    assert_eq!(sent["response_format"], json!({"type": "json_object", "json_schema": schema}));
}

#[test]
fn the_tool_that_must_be_called_is_offered_alone() {
    let tool =
        |name: &str| Tool { name: name.to_owned(), description: None, parameters: serde_json::Map::new() };
    let with = |tool_choice| sent(&Ask { tools: vec![tool("now"), tool("then")], tool_choice, ..ask() });
    let names = |sent: &Value| -> Vec<String> {
        sent["tools"]
            .as_array()
            .unwrap()
            .iter()
            .map(|tool| tool["function"]["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let free = with(Some(ToolChoice::Auto));
    assert_eq!((names(&free), free.get("tool_choice")), (vec!["now".to_owned(), "then".to_owned()], None));
    assert_eq!(with(Some(ToolChoice::None))["tool_choice"], "NONE");
    assert_eq!(with(Some(ToolChoice::Required))["tool_choice"], "REQUIRED");
    let named = with(Some(ToolChoice::Named("then".to_owned())));
    assert_eq!((names(&named), &named["tool_choice"]), (vec!["then".to_owned()], &json!("REQUIRED")));
}

#[test]
fn text_beside_calls_is_their_plan() {
    let call = ToolCall { id: "c1".to_owned(), name: "now".to_owned(), arguments: "{}".to_owned() };
    let asked = Turn { calls: vec![call], ..Turn::new(Role::Assistant, "I will look.") };
    let result = Turn { call_id: Some("c1".to_owned()), ..Turn::new(Role::Tool, "noon") };
    let sent = sent(&Ask { turns: vec![asked, result], ..ask() });
    let expected = json!([
        {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "now", "arguments": "{}"}}],
         "tool_plan": "I will look."},
        {"role": "tool", "tool_call_id": "c1", "content": "noon"},
    ]);
    assert_eq!(sent["messages"], expected);
}
