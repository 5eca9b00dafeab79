use super::*;

fn sent_to(model: &str, ask: &Ask) -> Value {
    serde_json::from_slice(&WIRE.request(model, ask, Mode::Whole).body).unwrap()
}

fn sent(ask: &Ask) -> Value {
    sent_to("gemini-2.5-pro", ask)
}

#[test]
fn the_model_and_the_method_stand_in_the_path() {
    let path = |model, mode| WIRE.request(model, &ask(), mode).path;
    assert_eq!(path("gemini-2.5-pro", Mode::Whole), "/v1beta/models/gemini-2.5-pro:generateContent");
    let stream = "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse";
    assert_eq!(path("models/gemini-2.5-pro", Mode::Stream), stream);
    assert_eq!(path("tunedModels/x", Mode::Whole), "/v1beta/tunedModels/x:generateContent");
    assert_eq!(path("../files?a=", Mode::Whole), "/v1beta/models/..%2Ffiles%3Fa%3D:generateContent");
    let (name, value) = WIRE.authorization(&SecretString::from("canary")).unwrap();
    assert_eq!((name.as_str(), value.is_sensitive()), ("x-goog-api-key", true));
}

#[test]
fn a_plain_question_has_the_systems_words_apart_and_nothing_that_was_not_asked_for() {
    let expected = json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}],
                          "systemInstruction": {"parts": [{"text": "be brief"}]}});
    assert_eq!(sent(&ask()), expected);
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
            strict: false,
        },
        ..ask()
    };
    let expected = json!({"temperature": 1.7, "topP": 0.9, "maxOutputTokens": 64, "stopSequences": ["END"], "seed": 7,
                          "responseMimeType": "application/json", "responseJsonSchema": schema});
    assert_eq!(sent(&wishes)["generationConfig"], expected);
    let beyond = sent(&Ask { seed: Some(i64::MIN), format: Format::Json, ..ask() });
    let config = &beyond["generationConfig"];
    assert!(config["seed"].as_i64().is_some_and(|seed| (0..i64::from(i32::MAX)).contains(&seed)), "{config}");
    assert_eq!(config["responseMimeType"], "application/json");
}

#[test]
fn tools_are_functions_with_the_choice_in_a_configuration() {
    let parameters = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    let weather = Tool {
        name: "get_weather".to_owned(),
        description: Some("Weather".to_owned()),
        parameters: parameters.as_object().cloned().unwrap(),
    };
    let now = Tool { name: "now".to_owned(), description: None, parameters: serde_json::Map::new() };
    let with = |tool_choice| sent(&Ask { tools: vec![weather.clone(), now.clone()], tool_choice, ..ask() });
    let functions = json!([{"name": "get_weather", "description": "Weather", "parametersJsonSchema": parameters}, {"name": "now"}]);
    assert_eq!(with(None)["tools"], json!([{"functionDeclarations": functions}]));
    assert_eq!(with(None).get("toolConfig"), None);
    let cases = [
        (ToolChoice::Auto, json!({"mode": "AUTO"})),
        (ToolChoice::None, json!({"mode": "NONE"})),
        (ToolChoice::Required, json!({"mode": "ANY"})),
        (ToolChoice::Named("now".to_owned()), json!({"mode": "ANY", "allowedFunctionNames": ["now"]})),
    ];
    for (choice, config) in cases {
        assert_eq!(with(Some(choice))["toolConfig"], json!({"functionCallingConfig": config}));
    }
}

fn conversation() -> Ask {
    let call = |id: &str, name: &str| ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        arguments: r#"{"a": 1}"#.to_owned(),
    };
    let asked = Turn {
        calls: vec![call("c1--sig--a-b_c", "get_weather"), call("c2", "now")],
        ..Turn::new(Role::Assistant, "")
    };
    let result =
        |id: &str, content: &str| Turn { call_id: Some(id.to_owned()), ..Turn::new(Role::Tool, content) };
    let turns = vec![
        Turn::new(Role::User, "weather?"),
        asked,
        result("c1--sig--a-b_c", r#"{"celsius": 31}"#),
        result("c2", "noon"),
        Turn { calls: vec![call("c3", "now")], ..Turn::new(Role::Assistant, "again") },
        result("c3", ""),
    ];
    Ask { turns, ..Ask::default() }
}

#[test]
fn calls_go_back_with_their_signature_and_results_with_the_name_of_their_function() {
    let args = json!({"a": 1});
    let expected = json!([
        {"role": "user", "parts": [{"text": "weather?"}]},
        {"role": "model", "parts": [
            {"functionCall": {"id": "c1", "name": "get_weather", "args": args}, "thoughtSignature": "a-b_c"},
            {"functionCall": {"id": "c2", "name": "now", "args": args}}]},
        {"role": "user", "parts": [
            {"functionResponse": {"id": "c1", "name": "get_weather", "response": {"celsius": 31}}},
            {"functionResponse": {"id": "c2", "name": "now", "response": {"result": "noon"}}}]},
        {"role": "model", "parts": [{"text": "again"}, {"functionCall": {"id": "c3", "name": "now", "args": args}}]},
        {"role": "user", "parts": [{"functionResponse": {"id": "c3", "name": "now", "response": {"result": ""}}}]},
    ]);
    assert_eq!(sent(&conversation())["contents"], expected);
}

#[test]
fn a_model_that_wants_a_signature_is_told_where_another_models_call_has_none() {
    let contents = sent_to("gemini-3-pro-preview", &conversation())["contents"].clone();
    let signature =
        |content: usize, part: usize| contents[content]["parts"][part].get("thoughtSignature").cloned();
    assert_eq!(signature(1, 0), Some(json!("a-b_c")));
    assert_eq!(signature(1, 1), None);
    assert_eq!(signature(3, 1), Some(json!("skip_thought_signature_validator")));
}
