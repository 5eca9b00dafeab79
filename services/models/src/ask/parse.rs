//! From the wire's prompt to an [`Ask`]: every mistake is found at once and named with its field.

use std::str::FromStr;

use bsm_proto::models::v1;
use bsm_runtime::json;

use super::{Ask, Complexity, Language, Turn, UnknownWord};

/// Turns of a conversation at most.
pub const MAX_MESSAGES: usize = 256;
/// Characters of a model's name at most.
const MAX_MODEL: usize = 128;
/// Characters of a task's name at most.
const MAX_TASK: usize = 64;
/// Bytes of an idempotency key at most.
const MAX_KEY: usize = 255;
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
struct Checker {
    prefix: &'static str,
    found: Vec<Violation>,
}

// === impl Ask ===

impl Ask {
    /// Checks a prompt whose fields are shown to the caller under `prompt.`.
    ///
    /// # Errors
    /// Every field that is not as the contract wants it.
    pub fn parse(prompt: v1::Prompt) -> Result<Self, Vec<Violation>> {
        let mut check = Checker { prefix: "prompt.", found: Vec::new() };
        let ask = Self {
            model: check.model(prompt.model),
            turns: check.turns(prompt.messages),
            hints: check.hints(prompt.task, prompt.complexity.as_deref()),
            temperature: check.temperature(prompt.temperature),
            max_tokens: check.max_tokens(prompt.max_tokens),
            response_schema: prompt.response_schema.as_ref().map(json::from_struct),
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
        let mut check = Checker { prefix: "", found: Vec::new() };
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
    fn finish<T>(self, value: T) -> Result<T, Vec<Violation>> {
        if self.found.is_empty() { Ok(value) } else { Err(self.found) }
    }

    fn refuse(&mut self, field: &str, problem: impl Into<String>) {
        self.found.push(Violation::new(format!("{}{field}", self.prefix), problem));
    }

    fn model(&mut self, model: Option<String>) -> Option<String> {
        let model = model.filter(|name| !name.is_empty())?;
        if model.chars().count() > MAX_MODEL || model.chars().any(char::is_control) {
            self.refuse(
                "model",
                format!("must be at most {MAX_MODEL} characters, none of them control characters"),
            );
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
        messages.into_iter().enumerate().filter_map(|(at, message)| self.turn(at, message)).collect()
    }

    fn turn(&mut self, at: usize, message: v1::Message) -> Option<Turn> {
        if message.content.is_empty() {
            self.refuse(&format!("messages[{at}].content"), "must not be empty");
        }
        let role = self.word(&format!("messages[{at}].role"), Some(&message.role))?;
        Some(Turn { role, content: message.content })
    }

    fn hints(&mut self, task: Option<String>, complexity: Option<&str>) -> Hints {
        let task = task.filter(|task| !task.is_empty()).unwrap_or_else(|| DEFAULT_TASK.to_owned());
        let is_word = task.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if task.len() > MAX_TASK || !is_word {
            self.refuse("task", format!("must be at most {MAX_TASK} characters of a-z, A-Z, 0-9 and '_'"));
        }
        Hints { task, complexity: self.word("complexity", complexity).unwrap_or_default() }
    }

    fn temperature(&mut self, temperature: Option<f64>) -> Option<f64> {
        temperature.inspect(|value| {
            if !(0.0..=2.0).contains(value) {
                self.refuse("temperature", format!("must be from 0 to 2, not {value}"));
            }
        })
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
    fn word<T: FromStr<Err = UnknownWord>>(&mut self, field: &str, word: Option<&str>) -> Option<T> {
        match word?.parse() {
            Ok(value) => Some(value),
            Err(problem) => {
                self.refuse(field, problem.to_string());
                None
            }
        }
    }
}
