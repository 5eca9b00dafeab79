//! A question for a message.

use bsm_proto::models::v1;
use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::blocks::{self, Content};
use crate::ask::{self, Ask, Role, ToolChoice, Turn};
use crate::error::Error;
use crate::face::read::{self, Object, Wrong};
use crate::face::{Document, Face, Question};
use crate::wire::Mode;

/// The fields that have a meaning beyond the API's own provider; all others are its to know.
#[derive(Deserialize)]
struct Body {
    model: Option<String>,
    #[serde(default)]
    messages: Vec<Object<Message>>,
    system: Option<Content>,
    max_tokens: Option<i64>,
    stream: Option<bool>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    stop_sequences: Option<Vec<String>>,
    tools: Option<Vec<Object<Tool>>>,
    tool_choice: Option<Object<Choice>>,
    // What only this API's provider can do.
    container: Option<IgnoredAny>,
    mcp_servers: Option<Vec<IgnoredAny>>,
}

#[derive(Deserialize)]
struct Message {
    role: String,
    content: Content,
}

#[derive(Deserialize)]
struct Tool {
    /// Set, and not `custom`, for tools that run at the provider.
    r#type: Option<String>,
    #[serde(default)]
    name: String,
    description: Option<String>,
    input_schema: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
struct Choice {
    r#type: String,
    name: Option<String>,
    disable_parallel_tool_use: Option<bool>,
}

/// What has been found on the way from a body to an ask.
#[derive(Default)]
struct Findings {
    wrong: Wrong,
    beyond: Option<String>,
}

/// Reads a question.
pub(in crate::face) fn messages(bytes: Bytes, headers: &[v1::RelayHeader]) -> Result<Question, Error> {
    let body: Body = read::document(&bytes)?;
    let mode = if body.stream == Some(true) { Mode::Stream } else { Mode::Whole };
    let mut document = Document::new(Face::AnthropicMessages, bytes, headers);
    let mut findings = Findings { beyond: body.beyond(), ..Findings::default() };
    let ask = findings.ask(body, headers);
    document.beyond = findings.beyond;
    findings.wrong.finish(Question { ask, mode, document })
}

// === impl Body ===

impl Body {
    fn beyond(&self) -> Option<String> {
        let beyond = [
            (self.container.is_some(), "containers (container)"),
            (self.mcp_servers.as_ref().is_some_and(|servers| !servers.is_empty()), "mcp_servers"),
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
        if body.max_tokens.is_none() {
            self.wrong.refuse("max_tokens", "must be set");
        }
        let tools = self.tools(body.tools.unwrap_or_default());
        let parallel = body.tool_choice.as_ref().and_then(|choice| choice.0.disable_parallel_tool_use);
        let key = headers.iter().find(|header| header.name == "idempotency-key");
        Ask {
            model: self.wrong.model(body.model),
            turns: self.turns(body.system, body.messages),
            temperature: self.wrong.within("temperature", 1.0, body.temperature),
            top_p: self.wrong.within("top_p", 1.0, body.top_p),
            max_tokens: self.wrong.count("max_tokens", body.max_tokens),
            stop: body.stop_sequences.unwrap_or_default(),
            tool_choice: body.tool_choice.and_then(|choice| self.choice(choice.0, &tools)),
            tools,
            parallel_tool_calls: parallel.map(|disabled| !disabled),
            idempotency_key: key.map(|header| header.value.clone()),
            ..Ask::default()
        }
    }

    fn turns(&mut self, system: Option<Content>, messages: Vec<Object<Message>>) -> Vec<Turn> {
        let mut turns = Vec::with_capacity(messages.len() + 1);
        if let Some(system) = system {
            turns.extend(blocks::turns("system", Role::System, system, &mut self.beyond));
        }
        for (at, Object(Message { role, content })) in messages.into_iter().enumerate() {
            let role = match role.as_str() {
                "user" => Role::User,
                "assistant" => Role::Assistant,
                "system" => Role::System,
                _ => {
                    self.wrong.refuse(format!("messages[{at}].role"), "must be user or assistant");
                    continue;
                }
            };
            turns.extend(blocks::turns(&format!("messages[{at}]"), role, content, &mut self.beyond));
        }
        turns
    }

    fn tools(&mut self, tools: Vec<Object<Tool>>) -> Vec<ask::Tool> {
        let mut known = Vec::with_capacity(tools.len());
        for (at, Object(tool)) in tools.into_iter().enumerate() {
            let Tool { r#type, name, description, input_schema } = tool;
            if let Some(kind) = r#type.filter(|kind| kind != "custom") {
                let kind: String = kind.chars().take(40).collect();
                self.beyond.get_or_insert(format!("tools of its own: tools[{at}] is {kind:?}"));
                continue;
            }
            if name.is_empty() {
                self.wrong.refuse(format!("tools[{at}].name"), "must not be empty");
            }
            let parameters = input_schema.unwrap_or_default();
            if let Err(problem) = ask::schema_of_arguments(&parameters) {
                self.wrong.refuse(format!("tools[{at}].input_schema"), problem);
            }
            known.push(ask::Tool { name, description, parameters });
        }
        known
    }

    fn choice(&mut self, choice: Choice, tools: &[ask::Tool]) -> Option<ToolChoice> {
        match (choice.r#type.as_str(), choice.name) {
            ("auto", _) => Some(ToolChoice::Auto),
            ("none", _) => Some(ToolChoice::None),
            ("any", _) => Some(ToolChoice::Required),
            ("tool", Some(name)) if tools.iter().any(|tool| tool.name == name) || self.beyond.is_some() => {
                Some(ToolChoice::Named(name))
            }
            ("tool", _) => {
                self.wrong.refuse("tool_choice.name", "must be the name of one of the tools");
                None
            }
            _ => {
                self.wrong.refuse("tool_choice.type", "must be auto, any, tool or none");
                None
            }
        }
    }
}
