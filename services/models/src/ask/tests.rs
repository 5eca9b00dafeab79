use bsm_proto::models::v1;
use serde_json::json;

use super::*;

fn message(role: &str, content: &str) -> v1::Message {
    v1::Message { role: role.to_owned(), content: content.to_owned(), ..Default::default() }
}

fn prompt() -> v1::Prompt {
    v1::Prompt { messages: vec![message("user", "hello")], ..Default::default() }
}

fn fields(prompt: v1::Prompt) -> Vec<String> {
    Ask::parse(prompt).unwrap_err().into_iter().map(|violation| violation.field).collect()
}

#[test]
fn what_is_left_out_gets_the_documented_default() {
    let ask = Ask::parse(prompt()).unwrap();
    assert_eq!(ask.model, None);
    assert_eq!(ask.hints, Hints { task: "chat_response".to_owned(), complexity: Complexity::Medium });
    assert_eq!(ask.language, Language::English);
    assert_eq!((ask.temperature, ask.max_tokens, ask.idempotency_key), (None, None, None));
    assert_eq!(ask.turns, [Turn::new(Role::User, "hello")]);
}

#[test]
fn a_conversation_has_one_to_256_messages() {
    assert_eq!(fields(v1::Prompt { messages: vec![], ..prompt() }), ["prompt.messages"]);
    let full = vec![message("user", "x"); MAX_MESSAGES];
    assert!(Ask::parse(v1::Prompt { messages: full.clone(), ..prompt() }).is_ok());
    let over = [full, vec![message("user", "x")]].concat();
    assert_eq!(fields(v1::Prompt { messages: over, ..prompt() }), ["prompt.messages"]);
}

#[test]
fn every_mistake_is_named_at_once_with_its_field() {
    let bad = v1::Prompt {
        model: Some("a\nb".to_owned()),
        messages: vec![message("user", "x"), message("robot", "")],
        task: Some("no spaces".to_owned()),
        complexity: Some("extreme".to_owned()),
        temperature: Some(2.1),
        top_p: Some(-0.5),
        stop: vec![" ".to_owned()],
        tool_choice: Some("nothing".to_owned()),
        max_tokens: Some(0),
        idempotency_key: Some("a b".to_owned()),
        language: Some("fr".to_owned()),
        ..Default::default()
    };
    let expected = [
        "prompt.model",
        "prompt.messages[1].role",
        "prompt.messages[1].content",
        "prompt.task",
        "prompt.complexity",
        "prompt.temperature",
        "prompt.top_p",
        "prompt.max_tokens",
        "prompt.stop[0]",
        "prompt.tool_choice",
        "prompt.idempotency_key",
        "prompt.language",
    ];
    assert_eq!(fields(bad), expected);
}

#[test]
fn a_temperature_is_a_number_from_0_to_2() {
    for good in [0.0, 1.3, 2.0] {
        assert!(Ask::parse(v1::Prompt { temperature: Some(good), ..prompt() }).is_ok(), "{good}");
    }
    for bad in [-0.1, 2.01, f64::NAN, f64::INFINITY] {
        assert_eq!(
            fields(v1::Prompt { temperature: Some(bad), ..prompt() }),
            ["prompt.temperature"],
            "{bad}"
        );
    }
}

#[test]
fn the_problem_names_what_was_found_and_what_would_be_right() {
    let violations = Ask::parse(v1::Prompt { messages: vec![message("bot", "x")], ..prompt() }).unwrap_err();
    assert_eq!(violations[0].problem, r#"must be system, user, assistant or tool, not "bot""#);
}

#[test]
fn a_schema_keeps_its_shape() {
    let schema = json!({"type": "object", "required": ["score"], "maxItems": 3});
    let wire = bsm_runtime::json::to_struct(schema.clone());
    let ask = Ask::parse(v1::Prompt { response_schema: Some(wire), ..prompt() }).unwrap();
    let Format::Schema { name, schema: read, strict } = ask.format else { panic!("{:?}", ask.format) };
    assert_eq!((name.as_str(), serde_json::Value::Object(read), strict), ("answer", schema, false));
}

fn tool(name: &str, parameters: serde_json::Value) -> v1::Tool {
    let parameters = Some(bsm_runtime::json::to_struct(parameters));
    v1::Tool { name: name.to_owned(), description: None, parameters }
}

#[test]
fn a_tool_has_a_name_of_its_own_and_a_schema_of_an_object() {
    let object = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
    let good = vec![tool("get_weather", object.clone()), tool("now", json!({}))];
    let ask = Ask::parse(v1::Prompt { tools: good, ..prompt() }).unwrap();
    assert_eq!(serde_json::Value::Object(ask.tools[0].schema()), object);
    assert_eq!(serde_json::Value::Object(ask.tools[1].schema()), json!({"type": "object", "properties": {}}));
    let bad = [
        ("", json!({}), "name"),
        ("get weather", json!({}), "name"),
        ("auto", json!({}), "name"),
        ("t", json!({"type": "array"}), "parameters"),
        ("t", json!({"city": "string"}), "parameters"),
        ("t", json!({"type": "object", "properties": ["city"]}), "parameters"),
        ("t", json!({"type": "object", "properties": {"city": "string"}}), "parameters"),
        ("t", json!({"type": "object", "required": "city"}), "parameters"),
    ];
    for (name, schema, field) in bad {
        let found = fields(v1::Prompt { tools: vec![tool(name, schema.clone())], ..prompt() });
        assert_eq!(found, [format!("prompt.tools[0].{field}")], "{name} {schema}");
    }
    let twice = vec![tool("t", json!({})), tool("t", json!({}))];
    assert_eq!(fields(v1::Prompt { tools: twice, ..prompt() }), ["prompt.tools[1].name"]);
    let many = (0..=MAX_TOOLS).map(|at| tool(&format!("t{at}"), json!({}))).collect();
    assert_eq!(fields(v1::Prompt { tools: many, ..prompt() }), ["prompt.tools"]);
}

#[test]
fn a_choice_is_a_word_or_one_of_the_tools() {
    let chosen = |choice: &str| {
        let tools = vec![tool("now", json!({}))];
        let prompt = v1::Prompt { tools, tool_choice: Some(choice.to_owned()), ..prompt() };
        Ask::parse(prompt).map(|ask| ask.tool_choice.unwrap())
    };
    assert_eq!(chosen("auto"), Ok(ToolChoice::Auto));
    assert_eq!(chosen("none"), Ok(ToolChoice::None));
    assert_eq!(chosen("required"), Ok(ToolChoice::Required));
    assert_eq!(chosen("now"), Ok(ToolChoice::Named("now".to_owned())));
    assert_eq!(chosen("then").unwrap_err()[0].field, "prompt.tool_choice");
    let without = v1::Prompt { tool_choice: Some("required".to_owned()), ..prompt() };
    assert_eq!(fields(without), ["prompt.tool_choice"]);
}

fn called(id: &str, arguments: &str) -> v1::Message {
    let call = v1::ToolCall { id: id.to_owned(), name: "now".to_owned(), arguments: arguments.to_owned() };
    v1::Message { tool_calls: vec![call], ..message("assistant", "") }
}

fn returned(id: Option<&str>, content: &str) -> v1::Message {
    v1::Message { tool_call_id: id.map(str::to_owned), ..message("tool", content) }
}

#[test]
fn a_tools_turn_answers_a_call_of_an_earlier_turn() {
    let messages = vec![message("user", "when?"), called("c1", "{}"), returned(Some("c1"), "")];
    let turns = Ask::parse(v1::Prompt { messages, ..prompt() }).unwrap().turns;
    assert_eq!((turns[1].calls[0].id.as_str(), turns[2].call_id.as_deref()), ("c1", Some("c1")));
    let cases = [
        (vec![returned(Some("c1"), "x"), called("c1", "{}")], "prompt.messages[0].tool_call_id"),
        (vec![called("c1", "{}"), returned(None, "x")], "prompt.messages[1].tool_call_id"),
        (vec![called("c1", "{}"), returned(Some("c2"), "x")], "prompt.messages[1].tool_call_id"),
        (vec![called("", "{}")], "prompt.messages[0].tool_calls[0].id"),
        (vec![called("c1", "[]")], "prompt.messages[0].tool_calls[0].arguments"),
        (vec![called("c1", "{")], "prompt.messages[0].tool_calls[0].arguments"),
        (
            vec![v1::Message { role: "user".to_owned(), ..called("c1", "{}") }],
            "prompt.messages[0].tool_calls",
        ),
        (
            vec![v1::Message { role: "user".to_owned(), ..returned(Some("c1"), "x") }],
            "prompt.messages[0].tool_call_id",
        ),
    ];
    for (messages, field) in cases {
        assert_eq!(fields(v1::Prompt { messages: messages.clone(), ..prompt() }), [field], "{messages:?}");
    }
}

#[test]
fn a_format_is_text_json_or_a_schema_and_said_once() {
    let schema = || Some(bsm_runtime::json::to_struct(json!({"type": "object"})));
    let format =
        |kind: &str, schema| v1::ResponseFormat { r#type: kind.to_owned(), schema, ..Default::default() };
    let read = |format| {
        let prompt = v1::Prompt { response_format: Some(format), ..prompt() };
        Ask::parse(prompt).map(|ask| ask.format).map_err(|found| found[0].field.clone())
    };
    assert_eq!(read(format("text", None)), Ok(Format::Text));
    assert_eq!(read(format("json", None)), Ok(Format::Json));
    let named =
        v1::ResponseFormat { name: Some("n".to_owned()), strict: Some(true), ..format("schema", schema()) };
    assert!(matches!(read(named), Ok(Format::Schema { name, strict: true, .. }) if name == "n"));
    assert_eq!(read(format("schema", None)), Err("prompt.response_format.schema".to_owned()));
    assert_eq!(read(format("json", schema())), Err("prompt.response_format.schema".to_owned()));
    assert_eq!(read(format("xml", None)), Err("prompt.response_format.type".to_owned()));
    let spaced = v1::ResponseFormat { name: Some("a b".to_owned()), ..format("schema", schema()) };
    assert_eq!(read(spaced), Err("prompt.response_format.name".to_owned()));
    let twice =
        v1::Prompt { response_format: Some(format("text", None)), response_schema: schema(), ..prompt() };
    assert_eq!(fields(twice), ["prompt.response_schema"]);
}

#[test]
fn the_words_of_a_search_are_checked() {
    let search = v1::Search {
        mode: Some("academic".to_owned()),
        domains: vec!["example.org".to_owned(), "-spam.test".to_owned()],
        recency: Some("week".to_owned()),
        context_size: Some("high".to_owned()),
    };
    let read = Ask::parse(v1::Prompt { search: Some(search.clone()), ..prompt() }).unwrap().search.unwrap();
    assert_eq!(
        (read.mode, read.recency, read.context),
        (Some(SearchMode::Academic), Some(Recency::Week), Some(ContextSize::High))
    );
    let bad = v1::Search {
        mode: Some("dark".to_owned()),
        domains: vec!["two words".to_owned()],
        recency: Some("decade".to_owned()),
        context_size: Some("all".to_owned()),
    };
    let expected =
        ["domains[0]", "mode", "recency", "context_size"].map(|field| format!("prompt.search.{field}"));
    assert_eq!(fields(v1::Prompt { search: Some(bad), ..prompt() }), expected);
}

#[test]
fn texts_to_embed_are_some_and_none_is_empty() {
    let read = |inputs: Vec<&str>, dimensions| {
        let inputs = inputs.into_iter().map(str::to_owned).collect();
        EmbedAsk::parse(v1::EmbedRequest { model: None, inputs, dimensions })
            .map_err(|found| found.into_iter().map(|violation| violation.field).collect::<Vec<_>>())
    };
    assert_eq!(read(vec!["a", "b"], Some(8)).unwrap().inputs, ["a", "b"]);
    assert_eq!(read(vec![], None).unwrap_err(), ["inputs"]);
    assert_eq!(read(vec!["a"; MAX_INPUTS + 1], None).unwrap_err(), ["inputs"]);
    assert_eq!(read(vec!["a", ""], Some(0)).unwrap_err(), ["inputs[1]", "dimensions"]);
}
