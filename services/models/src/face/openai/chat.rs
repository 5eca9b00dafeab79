//! A question for a chat completion.

use bsm_proto::models::v1;
use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::tools;
use crate::answer::ToolCall;
use crate::ask::{Ask, Format, Role, Turn};
use crate::error::Error;
use crate::face::read::{self, Object, TextOrList, Wrong};
use crate::face::{Document, Face, Question};
use crate::wire::Mode;

/// The fields that have a meaning beyond the API's own providers; all others are theirs to know.
#[derive(Deserialize)]
struct Body {
    model: Option<String>,
    #[serde(default)]
    messages: Vec<Object<Message>>,
    stream: Option<bool>,
    stream_options: Option<Object<StreamOptions>>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    max_tokens: Option<i64>,
    max_completion_tokens: Option<i64>,
    stop: Option<TextOrList<String>>,
    seed: Option<i64>,
    tools: Option<Vec<Object<tools::Tool>>>,
    tool_choice: Option<tools::Choice>,
    parallel_tool_calls: Option<bool>,
    response_format: Option<Object<ResponseFormat>>,
    // What only providers of this API can do.
    n: Option<i64>,
    logprobs: Option<bool>,
    audio: Option<IgnoredAny>,
    functions: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

#[derive(Deserialize)]
struct Message {
    role: String,
    content: Option<TextOrList<Object<Part>>>,
    tool_calls: Option<Vec<Object<Call>>>,
    tool_call_id: Option<String>,
}

#[derive(Deserialize)]
struct Part {
    r#type: String,
    text: Option<String>,
    refusal: Option<String>,
}

#[derive(Deserialize)]
struct Call {
    #[serde(default)]
    id: String,
    function: Object<Function>,
}

#[derive(Deserialize)]
struct Function {
    #[serde(default)]
    name: String,
    #[serde(default)]
    arguments: String,
}

#[derive(Deserialize)]
struct ResponseFormat {
    r#type: String,
    json_schema: Option<Object<JsonSchema>>,
}

#[derive(Deserialize)]
struct JsonSchema {
    name: Option<String>,
    schema: Option<Map<String, Value>>,
    strict: Option<bool>,
}

/// What has been found on the way from a body to an ask.
#[derive(Default)]
struct Findings {
    wrong: Wrong,
    beyond: Option<String>,
}

/// Reads a question.
pub(in crate::face) fn chat(bytes: Bytes, headers: &[v1::RelayHeader]) -> Result<Question, Error> {
    let body: Body = read::document(&bytes)?;
    let mode = if body.stream == Some(true) { Mode::Stream } else { Mode::Whole };
    let mut document = Document::new(Face::OpenAiChat, bytes, headers);
    document.tells_usage =
        body.stream_options.as_ref().and_then(|options| options.0.include_usage) == Some(true);
    document.choices = body.n.and_then(|n| u64::try_from(n).ok()).unwrap_or(1).max(1); // others are the provider's to refuse
    let mut findings = Findings { beyond: body.beyond(), ..Findings::default() };
    let ask = findings.ask(body, headers);
    document.beyond = findings.beyond;
    findings.wrong.finish(Question { ask, mode, document })
}

// === impl Body ===

impl Body {
    fn beyond(&self) -> Option<String> {
        let beyond = [
            (self.n.is_some_and(|n| n != 1), "several choices (n)"),
            (self.logprobs == Some(true), "probabilities (logprobs)"),
            (self.audio.is_some(), "sound (audio)"),
            (self.functions.is_some(), "functions; it knows tools"),
        ];
        beyond.into_iter().find(|(is, _)| *is).map(|(_, what)| what.to_owned())
    }
}

// === impl Findings ===

impl Findings {
    fn ask(&mut self, body: Body, headers: &[v1::RelayHeader]) -> Ask {
        if body.messages.is_empty() {
            self.wrong.refuse("messages", "must hold at least one message");
        }
        let max_tokens = self.wrong.count("max_tokens", body.max_tokens);
        let max_completion_tokens = self.wrong.count("max_completion_tokens", body.max_completion_tokens);
        let tools = tools::tools(&mut self.wrong, body.tools.unwrap_or_default());
        let key = headers.iter().find(|header| header.name == "idempotency-key");
        Ask {
            model: self.wrong.model(body.model),
            turns: body.messages.into_iter().enumerate().filter_map(|(at, m)| self.turn(at, m.0)).collect(),
            temperature: self.wrong.within("temperature", 2.0, body.temperature),
            top_p: self.wrong.within("top_p", 1.0, body.top_p),
            max_tokens: max_completion_tokens.or(max_tokens),
            stop: body.stop.map(TextOrList::into_texts).unwrap_or_default(),
            seed: body.seed,
            tool_choice: body.tool_choice.and_then(|choice| tools::choice(&mut self.wrong, choice, &tools)),
            tools,
            parallel_tool_calls: body.parallel_tool_calls,
            format: self.format(body.response_format),
            idempotency_key: key.map(|header| header.value.clone()),
            ..Ask::default()
        }
    }

    fn turn(&mut self, at: usize, message: Message) -> Option<Turn> {
        let Some(role) = role(&message.role) else {
            let known = "must be system, developer, user, assistant or tool";
            self.wrong.refuse(format!("messages[{at}].role"), known);
            return None;
        };
        let content = self.content(at, message.content);
        let calls =
            message.tool_calls.unwrap_or_default().into_iter().map(|call| call.0.into_call()).collect();
        Some(Turn { role, content, calls, call_id: message.tool_call_id })
    }

    /// The text of a message; parts that are none go to providers of this API alone.
    fn content(&mut self, at: usize, content: Option<TextOrList<Object<Part>>>) -> String {
        let parts = match content {
            None => return String::new(),
            Some(TextOrList::Text(text)) => return text,
            Some(TextOrList::List(parts)) => parts,
        };
        let mut whole = String::new();
        for (nth, Object(part)) in parts.into_iter().enumerate() {
            match part.text.or(part.refusal) {
                Some(text) => whole.push_str(&text),
                None => {
                    let kind: String = part.r#type.chars().take(40).collect();
                    self.beyond.get_or_insert(format!(
                        "anything but text: messages[{at}].content[{nth}] is {kind:?}"
                    ));
                }
            }
        }
        whole
    }

    fn format(&mut self, format: Option<Object<ResponseFormat>>) -> Format {
        let Some(Object(ResponseFormat { r#type, json_schema })) = format else { return Format::Text };
        match (r#type.as_str(), json_schema.map(|schema| schema.0)) {
            ("text", _) => Format::Text,
            ("json_object", _) => Format::Json,
            ("json_schema", Some(JsonSchema { name: Some(name), schema, strict })) => {
                Format::Schema { name, schema: schema.unwrap_or_default(), strict: strict == Some(true) }
            }
            ("json_schema", _) => {
                self.wrong.refuse("response_format.json_schema", "must hold a name and a schema");
                Format::Text
            }
            _ => {
                self.wrong.refuse("response_format.type", "must be text, json_object or json_schema");
                Format::Text
            }
        }
    }
}

fn role(name: &str) -> Option<Role> {
    match name {
        "system" | "developer" => Some(Role::System),
        "user" => Some(Role::User),
        "assistant" => Some(Role::Assistant),
        "tool" | "function" => Some(Role::Tool),
        _ => None,
    }
}

// === impl Call ===

impl Call {
    fn into_call(self) -> ToolCall {
        let Object(Function { name, arguments }) = self.function;
        ToolCall { id: self.id, name, arguments }
    }
}
