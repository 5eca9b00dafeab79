//! Tools, and which of them must be called.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::ask::{self, ToolChoice};
use crate::face::read::{Object, WordOrObject, Wrong};

#[derive(Deserialize)]
pub(super) struct Tool {
    function: Option<Object<Function>>,
}

#[derive(Deserialize)]
struct Function {
    #[serde(default)]
    name: String,
    description: Option<String>,
    parameters: Option<Map<String, Value>>,
}

/// A word, or the tool that must be called.
pub(super) type Choice = WordOrObject<Chosen>;

#[derive(Deserialize)]
pub(super) struct Chosen {
    function: Object<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

pub(super) fn tools(wrong: &mut Wrong, tools: Vec<Object<Tool>>) -> Vec<ask::Tool> {
    let functions = tools.into_iter().enumerate().filter_map(|(at, tool)| Some((at, tool.0.function?)));
    let functions = functions.map(|(at, Object(Function { name, description, parameters }))| {
        if name.is_empty() {
            wrong.refuse(format!("tools[{at}].function.name"), "must not be empty");
        }
        let parameters = parameters.unwrap_or_default();
        if let Err(problem) = ask::schema_of_arguments(&parameters) {
            wrong.refuse(format!("tools[{at}].function.parameters"), problem);
        }
        ask::Tool { name, description, parameters }
    });
    functions.collect()
}

pub(super) fn choice(wrong: &mut Wrong, choice: Choice, tools: &[ask::Tool]) -> Option<ToolChoice> {
    match choice {
        Choice::Word(word) => match word.as_str() {
            "auto" => Some(ToolChoice::Auto),
            "none" => Some(ToolChoice::None),
            "required" => Some(ToolChoice::Required),
            _ => {
                wrong.refuse("tool_choice", "must be auto, none, required or a tool");
                None
            }
        },
        Choice::Object(Chosen { function: Object(Named { name }) }) => {
            if tools.iter().all(|tool| tool.name != name) {
                wrong.refuse("tool_choice.function.name", "must be the name of one of the tools");
            }
            Some(ToolChoice::Named(name))
        }
    }
}
