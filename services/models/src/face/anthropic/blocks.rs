//! The content of a message: a text, or blocks of several kinds. One message may hold what other wires have as several
//! turns: the results of tools stand in the user's message.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::answer::ToolCall;
use crate::ask::{Role, Turn};
use crate::face::read::{Object, TextOrList};

/// A text or blocks.
pub(super) type Content = TextOrList<Object<Block>>;

#[derive(Deserialize)]
pub(super) struct Block {
    r#type: String,
    text: Option<String>,
    // Of a call.
    id: Option<String>,
    name: Option<String>,
    input: Option<Map<String, Value>>,
    // Of a tool's result.
    tool_use_id: Option<String>,
    content: Option<Box<Content>>,
}

/// The turns that a message stands for. What no other wire can carry is noted as `beyond`.
pub(super) fn turns(field: &str, role: Role, content: Content, beyond: &mut Option<String>) -> Vec<Turn> {
    let blocks = match content {
        TextOrList::Text(text) => return vec![Turn::new(role, text)],
        TextOrList::List(blocks) => blocks,
    };
    let mut results = Vec::new();
    let mut turn = Turn::new(role, "");
    let is_empty = blocks.is_empty();
    for (at, Object(block)) in blocks.into_iter().enumerate() {
        let Block { r#type: kind, text, id, name, input, tool_use_id, content } = block;
        match kind.as_str() {
            "text" => turn.content.push_str(&text.unwrap_or_default()),
            "tool_use" => turn.calls.push(ToolCall {
                id: id.unwrap_or_default(),
                name: name.unwrap_or_default(),
                arguments: Value::Object(input.unwrap_or_default()).to_string(),
            }),
            "tool_result" => {
                let content = content.map(|content| text_of(*content, beyond)).unwrap_or_default();
                results.push(Turn { role: Role::Tool, content, calls: Vec::new(), call_id: tool_use_id });
            }
            "thinking" | "redacted_thinking" => {} // the model's own, of no use to another
            _ => {
                let kind: String = kind.chars().take(40).collect();
                beyond.get_or_insert(format!("anything but text: {field}.content[{at}] is {kind:?}"));
            }
        }
    }
    let says_more = is_empty || !turn.content.is_empty() || !turn.calls.is_empty();
    results.extend(says_more.then_some(turn));
    results
}

fn text_of(content: Content, beyond: &mut Option<String>) -> String {
    match content {
        TextOrList::Text(text) => text,
        TextOrList::List(blocks) => blocks
            .into_iter()
            .map(|Object(block)| {
                if block.text.is_none() {
                    beyond.get_or_insert("anything but text in a tool's result".to_owned());
                }
                block.text.unwrap_or_default()
            })
            .collect(),
    }
}
