//! From the wire's prompt to an [`Ask`]: every mistake is found at once and named with its field.

use std::str::FromStr;

use bsm_proto::models::v1;
use bsm_runtime::json;
use serde_json::{Map, Value};

use super::tool::is_name;
use super::{Ask, Complexity, Format, Language, Role, Turn, UnknownWord};
use crate::answer::ToolCall;

/// Turns of a conversation at most.
pub const MAX_MESSAGES: usize = 256;
/// Characters of a model's name at most.
const MAX_MODEL: usize = 128;
/// Characters of a task's name at most.
const MAX_TASK: usize = 64;
/// Bytes of an idempotency key at most.
const MAX_KEY: usize = 255;
/// Texts that end an answer at most, and characters of each.
const MAX_STOPS: (usize, usize) = (4, 256);
/// What a schema describes when nothing is said.
const SCHEMA_NAME: &str = "answer";
/// Whether a request may name this task.
pub(crate) fn is_task(name: &str) -> bool {
    let is_word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_word && (1..=MAX_TASK).contains(&name.len())
}

/// The task when none is named.
const DEFAULT_TASK: &str = "chat_response";

/// A field of a request that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The field's path, e.g. `prompt.messages[2].role`.
    pub field: String,
    /// What it must be, as the rest of a sentence that begins with the field.
    pub problem: String,
}

/// What a request is for, as far as the route cares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hints {
    /// The kind of work: a word of letters, digits and `_`. Default `chat_response`.
    pub task: String,
    /// How hard it is. Default medium.
    pub complexity: Complexity,
}

/// Collects violations under a common prefix of field names.
pub(super) struct Checker {
    prefix: &'static str,
    found: Vec<Violation>,
}

/// Whether a text may stand where a model is named: names become labels of metrics and lines of the usage.
///
/// # Errors
/// What it must be, as the rest of a sentence that begins with the field.
pub(crate) fn model_name(name: &str) -> Result<(), String> {
    let is_short = name.chars().take(MAX_MODEL + 1).count() <= MAX_MODEL;
    if is_short && name.chars().all(is_printable) {
        return Ok(());
    }
    Err(format!("must be at most {MAX_MODEL} printable characters"))
}

/// Neither a control character nor one that a terminal or page would obey without showing it.
fn is_printable(c: char) -> bool {
    let is_unseen = matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    !c.is_control() && !is_unseen
}

// === impl Ask ===

impl Ask {
    /// Checks a prompt whose fields are shown to the caller under `prompt.`.
    ///
    /// # Errors
    /// Every field that is not as the contract wants it.
    pub fn parse(prompt: v1::Prompt) -> Result<Self, Vec<Violation>> {
        let mut check = Checker::new("prompt.");
        let tools = check.tools(prompt.tools);
        let ask = Self {
            model: check.model(prompt.model),
            turns: check.turns(prompt.messages),
            hints: check.hints(prompt.task, prompt.complexity.as_deref()),
            temperature: check.within("temperature", 2.0, prompt.temperature),
            top_p: check.within("top_p", 1.0, prompt.top_p),
            max_tokens: check.max_tokens(prompt.max_tokens),
            stop: check.stop(prompt.stop),
            seed: prompt.seed,
            tool_choice: check.tool_choice(prompt.tool_choice, &tools),
            tools,
            parallel_tool_calls: prompt.parallel_tool_calls,
            format: check
                .format(prompt.response_format, prompt.response_schema.as_ref().map(json::from_struct)),
            search: prompt.search.map(|search| check.search(search)),
            idempotency_key: check.idempotency_key(prompt.idempotency_key),
            language: check.word("language", prompt.language.as_deref()).unwrap_or(Language::English),
        };
        check.finish(ask)
    }
}

// === impl Hints ===

impl Hints {
    /// Checks what a route is to be explained for.
    ///
    /// # Errors
    /// Every field that is not as the contract wants it.
    pub fn parse(request: v1::ExplainRouteRequest) -> Result<(Option<String>, Self), Vec<Violation>> {
        let mut check = Checker::new("");
        let model = check.model(request.model);
        let hints = check.hints(request.task, request.complexity.as_deref());
        check.finish((model, hints))
    }
}

impl Default for Hints {
    fn default() -> Self {
        Self { task: DEFAULT_TASK.to_owned(), complexity: Complexity::default() }
    }
}

// === impl Violation ===

impl Violation {
    /// A violation of one field.
    pub fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { field: field.into(), problem: problem.into() }
    }
}

// === impl Checker ===

impl Checker {
    /// Finds nothing yet; fields are shown under `prefix`.
    pub(super) fn new(prefix: &'static str) -> Self {
        Self { prefix, found: Vec::new() }
    }

    pub(super) fn finish<T>(self, value: T) -> Result<T, Vec<Violation>> {
        if self.found.is_empty() { Ok(value) } else { Err(self.found) }
    }

    pub(super) fn refuse(&mut self, field: &str, problem: impl Into<String>) {
        self.found.push(Violation::new(format!("{}{field}", self.prefix), problem));
    }

    pub(super) fn model(&mut self, model: Option<String>) -> Option<String> {
        let model = model.filter(|name| !name.is_empty())?;
        if let Err(problem) = model_name(&model) {
            self.refuse("model", problem);
        }
        Some(model)
    }

    fn turns(&mut self, messages: Vec<v1::Message>) -> Vec<Turn> {
        if messages.is_empty() || messages.len() > MAX_MESSAGES {
            self.refuse(
                "messages",
                format!("must hold 1 to {MAX_MESSAGES} messages, not {}", messages.len()),
            );
            return Vec::new(); // thousands of violations help nobody
        }
        let mut turns: Vec<Turn> = Vec::with_capacity(messages.len());
        for (at, message) in messages.into_iter().enumerate() {
            let turn = self.turn(&format!("messages[{at}]"), message, &turns);
            turns.extend(turn);
        }
        turns
    }

    fn turn(&mut self, field: &str, message: v1::Message, before: &[Turn]) -> Option<Turn> {
        let v1::Message { role, content, tool_calls, tool_call_id } = message;
        let role = self.word(&format!("{field}.role"), Some(&role));
        if content.is_empty() && tool_calls.is_empty() && role != Some(Role::Tool) {
            self.refuse(&format!("{field}.content"), "must not be empty");
        }
        let role = role?;
        if !tool_calls.is_empty() && role != Role::Assistant {
            self.refuse(&format!("{field}.tool_calls"), "must stand in an assistant's message only");
        }
        let calls = tool_calls.into_iter().enumerate();
        let calls = calls.map(|(at, call)| self.call(&format!("{field}.tool_calls[{at}]"), call)).collect();
        self.call_id(&format!("{field}.tool_call_id"), role, tool_call_id.as_deref(), before);
        Some(Turn { role, content, calls, call_id: tool_call_id })
    }

    fn call(&mut self, field: &str, call: v1::ToolCall) -> ToolCall {
        let v1::ToolCall { id, name, arguments } = call;
        if id.is_empty() {
            self.refuse(&format!("{field}.id"), "must not be empty");
        }
        if !is_name(&name) {
            self.refuse(&format!("{field}.name"), "must be the name of a tool");
        }
        // Some wires carry the arguments as an object, so other text would not get through.
        if !serde_json::from_str::<Value>(&arguments).is_ok_and(|value| value.is_object()) {
            self.refuse(&format!("{field}.arguments"), "must be the JSON text of an object");
        }
        ToolCall { id, name, arguments }
    }

    fn call_id(&mut self, field: &str, role: Role, id: Option<&str>, before: &[Turn]) {
        match (role, id) {
            (Role::Tool, Some(id)) => {
                let asked_for = before.iter().flat_map(|turn| &turn.calls).any(|call| call.id == id);
                if !asked_for {
                    self.refuse(field, "must be the id of a tool call in an earlier message");
                }
            }
            (Role::Tool, None) => self.refuse(field, "must be set in a tool's message"),
            (_, Some(_)) => self.refuse(field, "must be set in a tool's message only"),
            (_, None) => {}
        }
    }

    fn hints(&mut self, task: Option<String>, complexity: Option<&str>) -> Hints {
        let task = task.filter(|task| !task.is_empty()).unwrap_or_else(|| DEFAULT_TASK.to_owned());
        if !is_task(&task) {
            self.refuse("task", format!("must be at most {MAX_TASK} characters of a-z, A-Z, 0-9 and '_'"));
        }
        Hints { task, complexity: self.word("complexity", complexity).unwrap_or_default() }
    }

    fn within(&mut self, field: &str, most: f64, number: Option<f64>) -> Option<f64> {
        number.inspect(|value| {
            if !(0.0..=most).contains(value) {
                self.refuse(field, format!("must be from 0 to {most}, not {value}"));
            }
        })
    }

    fn stop(&mut self, stop: Vec<String>) -> Vec<String> {
        let (texts, characters) = MAX_STOPS;
        if stop.len() > texts {
            self.refuse("stop", format!("must be at most {texts} texts, not {}", stop.len()));
        }
        for (at, text) in stop.iter().enumerate().take(texts) {
            if text.trim().is_empty() || text.chars().count() > characters {
                let problem = format!("must be 1 to {characters} characters, and not blank");
                self.refuse(&format!("stop[{at}]"), problem);
            }
        }
        stop
    }

    fn format(&mut self, format: Option<v1::ResponseFormat>, short: Option<Map<String, Value>>) -> Format {
        match (format, short) {
            (None, None) => Format::Text,
            (None, Some(schema)) => Format::Schema { name: SCHEMA_NAME.to_owned(), schema, strict: false },
            (Some(format), None) => self.response_format(format),
            (Some(format), Some(_)) => {
                self.refuse("response_schema", "must not be set beside response_format");
                self.response_format(format)
            }
        }
    }

    fn response_format(&mut self, format: v1::ResponseFormat) -> Format {
        let v1::ResponseFormat { r#type, name, schema, strict } = format;
        match (r#type.as_str(), schema) {
            ("text", None) => return Format::Text,
            ("json", None) => return Format::Json,
            ("schema", Some(schema)) => {
                let name = name.filter(|name| !name.is_empty()).unwrap_or_else(|| SCHEMA_NAME.to_owned());
                if !is_name(&name) {
                    let problem = "must be at most 64 characters of a-z, A-Z, 0-9, '_' and '-'";
                    self.refuse("response_format.name", problem);
                }
                let (schema, strict) = (json::from_struct(&schema), strict.unwrap_or(false));
                return Format::Schema { name, schema, strict };
            }
            ("schema", None) => self.refuse("response_format.schema", "must be set for the type schema"),
            ("text" | "json", Some(_)) => {
                self.refuse("response_format.schema", "must be set for the type schema only");
            }
            (other, _) => {
                let problem = UnknownWord::new("text, json or schema", other).to_string();
                self.refuse("response_format.type", problem);
            }
        }
        Format::Text
    }

    fn max_tokens(&mut self, max_tokens: Option<u32>) -> Option<u32> {
        if max_tokens == Some(0) {
            self.refuse("max_tokens", "must be at least 1");
        }
        max_tokens
    }

    fn idempotency_key(&mut self, key: Option<String>) -> Option<String> {
        let key = key?;
        if key.is_empty() || key.len() > MAX_KEY || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            self.refuse("idempotency_key", format!("must be 1 to {MAX_KEY} visible ASCII characters"));
        }
        Some(key)
    }

    /// A word that is absent is left to its default; one that is unknown, even empty, is refused.
    pub(super) fn word<T: FromStr<Err = UnknownWord>>(
        &mut self,
        field: &str,
        word: Option<&str>,
    ) -> Option<T> {
        match word?.parse() {
            Ok(value) => Some(value),
            Err(problem) => {
                self.refuse(field, problem.to_string());
                None
            }
        }
    }
}
