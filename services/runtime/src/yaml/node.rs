//! A YAML document as a tree that knows where everything was written.

use std::fmt;

use crate::diagnostic::At;

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where the value begins; for an alias, where its anchor's value does.
    pub at: At,
    /// What it is.
    pub value: Value,
    /// The line of the file that holds the first line of a `|` block.
    pub(super) block: Option<u32>,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number of 64 bits.
    Int(i64),
    /// Any other number; may be infinite or not a number.
    Float(f64),
    /// Anything else, and everything quoted.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map in the order of the file; no key is twice in it.
    Map(Vec<(Key, Node)>),
}

/// The name of a field and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Where it begins.
    pub at: At,
    /// As written, without quotes.
    pub text: String,
}

// === impl Node ===

impl Node {
    /// The line of the file that holds line `line` (from 1) of this text, if it was written as a `|` block.
    pub fn line_of_block(&self, line: u32) -> Option<u32> {
        self.block.map(|first| first.saturating_add(line.saturating_sub(1)))
    }

    /// The value of a field, if this is a map that has it.
    pub fn get(&self, name: &str) -> Option<&Node> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|(key, _)| key.text == name).map(|(_, node)| node),
            _ => None,
        }
    }

    /// The same as JSON, fields in the order of the file; numbers that JSON does not know become null.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Int(value) => (*value).into(),
            Value::Float(value) => (*value).into(),
            Value::Text(text) => text.as_str().into(),
            Value::List(items) => items.iter().map(Node::to_json).collect(),
            Value::Map(entries) => {
                let fields = entries.iter().map(|(key, node)| (key.text.clone(), node.to_json()));
                serde_json::Value::Object(fields.collect())
            }
        }
    }
}

/// How a message names the value: `"huge"`, `the number 3`, `a list`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("nothing"),
            Value::Bool(value) => write!(f, "the boolean {value}"),
            Value::Int(value) => write!(f, "the number {value}"),
            Value::Float(value) => write!(f, "the number {value}"),
            Value::Text(text) => f.write_str(&quoted(text)),
            Value::List(_) => f.write_str("a list"),
            Value::Map(_) => f.write_str("a map"),
        }
    }
}

/// Text in quotes, escaped and cut to what fits in a message.
pub(super) fn quoted(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        None => format!("{text:?}"),
        Some((cut, _)) => format!("{:?}…", &text[..cut]),
    }
}
