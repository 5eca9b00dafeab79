//! Each field of a question in OpenAI's or Anthropic's form, and what becomes of it at a provider of another form.
//!
//! The same rows stand in `docs/translation.md`; the test fails when they do not.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::face::{Asked, Face};
use crate::wire::{self, Dialect, Mode};

const DOCUMENT: &str = include_str!("../../../../docs/translation.md");

/// What becomes of a field.
#[derive(Clone, Copy, Debug)]
enum Becomes {
    /// It stands there in the request.
    At(&'static str),
    /// It is left out, and named in `x-bsm-dropped`.
    Dropped,
    /// The provider is passed over.
    PassedOver,
}

use Becomes::{At, Dropped, PassedOver};

/// The fields, and what becomes of each at every wire of a table.
type Row = (&'static str, Value, [Becomes; 3]);

fn openai() -> Vec<Row> {
    let tool = json!({"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}});
    let schema = json!({"type": "json_schema", "json_schema": {"name": "s", "strict": true,
        "schema": {"type": "object", "additionalProperties": false}}});
    let image = json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x/y.png"}}]}]);
    let system = json!([{"role": "system", "content": "s"}, {"role": "user", "content": "hi"}]);
    let named = json!({"type": "function", "function": {"name": "look"}});
    vec![
        (
            "messages: system",
            json!({"messages": system}),
            [At("/system"), At("/systemInstruction"), At("/messages/0")],
        ),
        ("messages: images, sound, files", json!({"messages": image}), [PassedOver; 3]),
        (
            "temperature",
            json!({"temperature": 0.5}),
            [At("/temperature"), At("/generationConfig/temperature"), At("/temperature")],
        ),
        ("top_p", json!({"top_p": 0.5}), [At("/top_p"), At("/generationConfig/topP"), At("/p")]),
        (
            "max_tokens, max_completion_tokens",
            json!({"max_completion_tokens": 5}),
            [At("/max_tokens"), At("/generationConfig/maxOutputTokens"), At("/max_tokens")],
        ),
        (
            "stop",
            json!({"stop": ["x"]}),
            [At("/stop_sequences"), At("/generationConfig/stopSequences"), At("/stop_sequences")],
        ),
        ("seed", json!({"seed": 7}), [Dropped, At("/generationConfig/seed"), At("/seed")]),
        (
            "tools",
            json!({"tools": [tool]}),
            [At("/tools/0/input_schema"), At("/tools/0/functionDeclarations"), At("/tools/0/function")],
        ),
        (
            "tool_choice: required",
            json!({"tools": [tool], "tool_choice": "required"}),
            [At("/tool_choice"), At("/toolConfig"), At("/tool_choice")],
        ),
        (
            "tool_choice: a function",
            json!({"tools": [tool], "tool_choice": named}),
            [At("/tool_choice/name"), At("/toolConfig"), At("/tool_choice")],
        ),
        (
            "parallel_tool_calls: false",
            json!({"tools": [tool], "parallel_tool_calls": false}),
            [At("/tool_choice/disable_parallel_tool_use"), Dropped, Dropped],
        ),
        (
            "response_format: json_object",
            json!({"response_format": {"type": "json_object"}}),
            [At("/system"), At("/generationConfig/responseMimeType"), At("/response_format/type")],
        ),
        (
            "response_format: json_schema",
            json!({"response_format": schema}),
            [At("/output_config/format"), At("/generationConfig/responseJsonSchema"), At("/response_format")],
        ),
        ("n, beyond 1", json!({"n": 2}), [PassedOver; 3]),
        ("logprobs: true", json!({"logprobs": true}), [PassedOver; 3]),
        ("audio", json!({"audio": {}}), [PassedOver; 3]),
        ("functions", json!({"functions": []}), [PassedOver; 3]),
        ("any other, such as logit_bias", json!({"logit_bias": {"1": 2}}), [Dropped; 3]),
    ]
}

fn anthropic() -> Vec<Row> {
    let tool = json!({"name": "look", "input_schema": {"type": "object"}});
    let image = json!([{"role": "user", "content": [
        {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}}]}]);
    vec![
        ("system", json!({"system": "s"}), [At("/messages/0"), At("/systemInstruction"), At("/messages/0")]),
        ("messages: images, documents", json!({"messages": image}), [PassedOver; 3]),
        (
            "max_tokens",
            json!({}),
            [At("/max_completion_tokens"), At("/generationConfig/maxOutputTokens"), At("/max_tokens")],
        ),
        (
            "temperature",
            json!({"temperature": 0.5}),
            [At("/temperature"), At("/generationConfig/temperature"), At("/temperature")],
        ),
        ("top_p", json!({"top_p": 0.5}), [At("/top_p"), At("/generationConfig/topP"), At("/p")]),
        (
            "stop_sequences",
            json!({"stop_sequences": ["x"]}),
            [At("/stop"), At("/generationConfig/stopSequences"), At("/stop_sequences")],
        ),
        (
            "tools",
            json!({"tools": [tool]}),
            [At("/tools/0/function"), At("/tools/0/functionDeclarations"), At("/tools/0/function")],
        ),
        (
            "tool_choice",
            json!({"tools": [tool], "tool_choice": {"type": "any"}}),
            [At("/tool_choice"), At("/toolConfig"), At("/tool_choice")],
        ),
        (
            "tool_choice.disable_parallel_tool_use",
            json!({"tools": [tool], "tool_choice": {"type": "auto", "disable_parallel_tool_use": true}}),
            [At("/parallel_tool_calls"), Dropped, Dropped],
        ),
        ("container", json!({"container": "c"}), [PassedOver; 3]),
        ("mcp_servers", json!({"mcp_servers": [{}]}), [PassedOver; 3]),
        ("any other, such as top_k", json!({"top_k": 4}), [Dropped; 3]),
    ]
}

/// What is wrong with what becomes of a field.
fn problem(face: Face, (field, more, becomes): &Row, wires: [&str; 3]) -> Vec<String> {
    let mut body = json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]});
    if matches!(face, Face::OpenAiChat) {
        body.as_object_mut().unwrap().remove("max_tokens");
    }
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let Asked::Words(question) = face.read(body.to_string().into(), &[]).unwrap() else { panic!("words") };
    let told = wires.into_iter().zip(becomes).filter_map(|(name, becomes)| {
        let wire = wire::named(name, &Dialect { api_version: None, citations: true }).unwrap();
        let request = wire.request("m", &question.ask, Mode::Whole).body;
        let request: Value = serde_json::from_slice(&request).unwrap();
        let (passes, dropped) = (question.document.translatable().is_ok(), question.dropped(wire.lacks()));
        let met = match becomes {
            At(place) => passes && dropped.is_empty() && request.pointer(place).is_some(),
            Dropped => passes && dropped.len() == 1,
            PassedOver => !passes,
        };
        (!met).then(|| format!("{face:?} {field} at {name}: {becomes:?}, but {passes} {dropped:?} {request}"))
    });
    told.collect()
}

fn table(form: &str, rows: &[Row], columns: [&str; 3]) -> String {
    let mut table = format!("| {form} | {} |\n|---|---|---|---|\n", columns.join(" | "));
    for (field, _, becomes) in rows {
        let cells = becomes.map(|becomes| match becomes {
            At(place) => {
                format!("`{}`", place.trim_start_matches('/').replace("/0", "[0]").replace('/', "."))
            }
            Dropped => "left out, and told".to_owned(),
            PassedOver => "passed over".to_owned(),
        });
        writeln!(table, "| {field} | {} |", cells.join(" | ")).unwrap();
    }
    table
}

const FROM_OPENAI: [&str; 3] = ["anthropic", "gemini", "cohere"];
const FROM_ANTHROPIC: [&str; 3] = ["openai", "gemini", "cohere"];

#[test]
fn each_field_is_asked_for_or_told_as_left_out_or_its_provider_is_passed_over() {
    let of_openai = openai().into_iter().flat_map(|row| problem(Face::OpenAiChat, &row, FROM_OPENAI));
    let of_anthropic =
        anthropic().into_iter().flat_map(|row| problem(Face::AnthropicMessages, &row, FROM_ANTHROPIC));
    let problems: Vec<String> = of_openai.chain(of_anthropic).collect();
    assert!(problems.is_empty(), "{} differ:\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn the_document_has_the_rows_of_the_test() {
    for table in [
        table("in OpenAI's form", &openai(), ["Anthropic", "Gemini", "Cohere"]),
        table("in Anthropic's form", &anthropic(), ["OpenAI", "Gemini", "Cohere"]),
    ] {
        assert!(DOCUMENT.contains(&table), "docs/translation.md should hold:\n\n{table}");
    }
}
