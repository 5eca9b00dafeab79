//! The functions that a model may call.

use std::collections::HashSet;

use bsm_proto::models::v1;
use bsm_runtime::json;
use serde_json::{Map, Value};

use super::parse::Checker;

/// Tools of a question at most.
pub const MAX_TOOLS: usize = 128;
/// Characters of a tool's name at most.
const MAX_NAME: usize = 64;
/// What a choice means when it names no tool.
const CHOICES: [(&str, ToolChoice); 3] =
    [("auto", ToolChoice::Auto), ("none", ToolChoice::None), ("required", ToolChoice::Required)];

/// A function that the model may call.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    /// A word of letters, digits, `_` and `-`.
    pub name: String,
    /// What it does, for the model.
    pub description: Option<String>,
    /// The JSON schema of its arguments, of type object; empty if it takes none.
    pub parameters: Map<String, Value>,
}

/// Which tools the model must call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolChoice {
    /// The model decides.
    Auto,
    /// None.
    None,
    /// At least one.
    Required,
    /// This one.
    Named(String),
}

// === impl Tool ===

impl Tool {
    /// The schema of its arguments as every wire takes it: one that takes none says so.
    #[must_use]
    pub fn schema(&self) -> Map<String, Value> {
        if !self.parameters.is_empty() {
            return self.parameters.clone();
        }
        let none = [("type", Value::from("object")), ("properties", Value::Object(Map::new()))];
        none.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }
}

// === impl Checker ===

impl Checker {
    pub(super) fn tools(&mut self, tools: Vec<v1::Tool>) -> Vec<Tool> {
        if tools.len() > MAX_TOOLS {
            self.refuse("tools", format!("must be at most {MAX_TOOLS}, not {}", tools.len()));
            return Vec::new();
        }
        let mut names = HashSet::new();
        tools
            .into_iter()
            .enumerate()
            .map(|(at, tool)| {
                let field = format!("tools[{at}]");
                let tool = self.tool(&field, tool);
                if !names.insert(tool.name.clone()) {
                    self.refuse(&format!("{field}.name"), "must be another than that of an earlier tool");
                }
                tool
            })
            .collect()
    }

    fn tool(&mut self, field: &str, tool: v1::Tool) -> Tool {
        let v1::Tool { name, description, parameters } = tool;
        if !is_name(&name) || CHOICES.iter().any(|(word, _)| *word == name) {
            let problem = "must be 1 to 64 characters of a-z, A-Z, 0-9, '_' and '-', and none of auto, none and required";
            self.refuse(&format!("{field}.name"), problem);
        }
        let parameters = parameters.as_ref().map(json::from_struct).unwrap_or_default();
        if let Err(problem) = schema_of_arguments(&parameters) {
            self.refuse(&format!("{field}.parameters"), problem);
        }
        Tool { name, description: description.filter(|text| !text.is_empty()), parameters }
    }

    pub(super) fn tool_choice(&mut self, choice: Option<String>, tools: &[Tool]) -> Option<ToolChoice> {
        let choice = choice?;
        let word = CHOICES.iter().find(|(word, _)| *word == choice).map(|(_, choice)| choice.clone());
        match word {
            Some(ToolChoice::Required) if tools.is_empty() => {
                self.refuse("tool_choice", "must not be required where there are no tools");
            }
            Some(_) => {}
            None if tools.iter().any(|tool| tool.name == choice) => {}
            None => {
                self.refuse("tool_choice", "must be auto, none, required or the name of one of the tools")
            }
        }
        Some(word.unwrap_or(ToolChoice::Named(choice)))
    }
}

/// Whether every wire takes this as the name of a tool or schema.
pub(super) fn is_name(name: &str) -> bool {
    let is_word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    (1..=MAX_NAME).contains(&name.len()) && is_word
}

/// Arguments are an object, so a schema of anything else is none; the rest is for the provider to judge.
pub(crate) fn schema_of_arguments(schema: &Map<String, Value>) -> Result<(), &'static str> {
    if schema.is_empty() {
        return Ok(());
    }
    if schema.get("type").and_then(Value::as_str) != Some("object") {
        return Err("must be a JSON schema of type object");
    }
    let is_schema = |value: &Value| value.is_object() || value.is_boolean();
    match schema.get("properties") {
        None => {}
        Some(Value::Object(properties)) if properties.values().all(is_schema) => {}
        Some(_) => return Err("must hold under properties an object of JSON schemas"),
    }
    match schema.get("required") {
        None => Ok(()),
        Some(Value::Array(names)) if names.iter().all(Value::is_string) => Ok(()),
        Some(_) => Err("must hold under required a list of names"),
    }
}
