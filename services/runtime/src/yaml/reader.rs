//! What a value must be, and what is said when it is not.

use std::{fmt::Display, ops::RangeInclusive};

use super::{
    closest::closest,
    node::{Node, Value, quoted},
    path::Path,
};
use crate::diagnostic::Findings;

/// Reads a value of one kind. Closures `|node, path, findings| Option<T>` are readers too, of maps with
/// [`Fields`](super::Fields).
pub trait Read {
    /// What comes out.
    type Out;

    /// The value, or none after reporting why not.
    fn read(&self, node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<Self::Out>;

    /// What is wanted, as it reads after "write" or "needs": `a text`, `one of low, high`.
    fn wanted(&self) -> String;
}

/// A text, empty or not.
#[derive(Debug, Clone, Copy)]
pub struct Text;

/// A text that is not blank.
#[derive(Debug, Clone, Copy)]
pub struct Filled;

/// `true` or `false`.
#[derive(Debug, Clone, Copy)]
pub struct Bool;

/// A number in a range; see [`number`].
#[derive(Debug, Clone)]
pub struct Number(RangeInclusive<f64>);

/// A whole number in a range; see [`whole`].
#[derive(Debug, Clone)]
pub struct Whole(RangeInclusive<i64>);

/// One of some words; see [`one_of`].
#[derive(Debug, Clone, Copy)]
pub struct OneOf<'a, T>(&'a [(&'a str, T)]);

/// A list; see [`list_of`].
#[derive(Debug, Clone, Copy)]
pub struct ListOf<R>(R);

/// A list that is not empty and holds nothing twice; see [`set_of`].
#[derive(Debug, Clone, Copy)]
pub struct SetOf<R>(R);

/// A number from … to …, whole or not.
pub fn number(range: RangeInclusive<f64>) -> Number {
    Number(range)
}

/// A whole number from … to ….
pub fn whole(range: RangeInclusive<i64>) -> Whole {
    Whole(range)
}

/// One of these words; what comes out is what stands beside it.
pub fn one_of<'a, T: Clone>(words: &'a [(&'a str, T)]) -> OneOf<'a, T> {
    OneOf(words)
}

/// A list, possibly empty. Items that `item` refuses are reported and left out.
pub fn list_of<R: Read>(item: R) -> ListOf<R> {
    ListOf(item)
}

/// A list of at least one item and none twice, for short lists. Items that `item` refuses are reported and left out.
pub fn set_of<R: Read<Out: PartialEq>>(item: R) -> SetOf<R> {
    SetOf(item)
}

impl Read for Text {
    type Out = String;

    fn read(&self, node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<String> {
        match &node.value {
            Value::Text(text) => Some(text.clone()),
            // What was meant as text and reads as something else, e.g. `name: 7` or `answer: true`.
            other @ (Value::Bool(_) | Value::Int(_) | Value::Float(_)) => {
                let message = format!("{other} stands where a text is needed");
                findings.error(node.at, path, message, "put it in quotes");
                None
            }
            other => refuse(node, path, findings, other, self),
        }
    }

    fn wanted(&self) -> String {
        "a text".to_owned()
    }
}

impl Read for Filled {
    type Out = String;

    fn read(&self, node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<String> {
        let text = Text.read(node, path, findings)?;
        if text.trim().is_empty() {
            findings.error(node.at, path, "the text is empty", "write at least one character");
            return None;
        }
        Some(text)
    }

    fn wanted(&self) -> String {
        "a text".to_owned()
    }
}

impl Read for Bool {
    type Out = bool;

    fn read(&self, node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<bool> {
        match &node.value {
            Value::Bool(value) => Some(*value),
            other => refuse(node, path, findings, other, self),
        }
    }

    fn wanted(&self) -> String {
        "true or false".to_owned()
    }
}

impl Read for Number {
    type Out = f64;

    fn read(&self, node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<f64> {
        let value = match &node.value {
            // Exact up to 2^53; beyond that no range here reaches.
            Value::Int(value) => Some(*value as f64),
            Value::Float(value) => Some(*value),
            _ => None,
        };
        let inside = value.filter(|value| self.0.contains(value));
        inside.or_else(|| refuse(node, path, findings, &node.value, self))
    }

    fn wanted(&self) -> String {
        format!("a number from {} to {}", self.0.start(), self.0.end())
    }
}

impl Read for Whole {
    type Out = i64;

    fn read(&self, node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<i64> {
        match &node.value {
            Value::Int(value) if self.0.contains(value) => Some(*value),
            other => refuse(node, path, findings, other, self),
        }
    }

    fn wanted(&self) -> String {
        format!("a whole number from {} to {}", self.0.start(), self.0.end())
    }
}

impl<T: Clone> Read for OneOf<'_, T> {
    type Out = T;

    fn read(&self, node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<T> {
        let Value::Text(text) = &node.value else {
            return refuse(node, path, findings, &node.value, self);
        };
        if let Some((_, value)) = self.0.iter().find(|(word, _)| word == text) {
            return Some(value.clone());
        }
        let fix = match closest(text, self.0.iter().map(|(word, _)| *word)) {
            Some(word) => format!("did you mean {word}? Use {}", self.wanted()),
            None => format!("use {}", self.wanted()),
        };
        findings.error(node.at, path, format!("{} is not an allowed value", quoted(text)), fix);
        None
    }

    fn wanted(&self) -> String {
        let words: Vec<&str> = self.0.iter().map(|(word, _)| *word).collect();
        format!("one of {}", words.join(", "))
    }
}

impl<R: Read> Read for ListOf<R> {
    type Out = Vec<R::Out>;

    fn read(&self, node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<Vec<R::Out>> {
        let Value::List(items) = &node.value else {
            return refuse(node, path, findings, &node.value, self);
        };
        let each = items.iter().enumerate();
        Some(each.filter_map(|(index, item)| self.0.read(item, &path.index(index), findings)).collect())
    }

    fn wanted(&self) -> String {
        format!("a list, each item {}", self.0.wanted())
    }
}

impl<R: Read<Out: PartialEq>> Read for SetOf<R> {
    type Out = Vec<R::Out>;

    fn read(&self, node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<Vec<R::Out>> {
        let items = match &node.value {
            Value::List(items) if !items.is_empty() => items,
            Value::List(_) => return refuse(node, path, findings, &"an empty list", self),
            other => return refuse(node, path, findings, other, self),
        };
        let mut set: Vec<R::Out> = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let path = path.index(index);
            match self.0.read(item, &path, findings) {
                Some(value) if set.contains(&value) => {
                    findings.error(
                        item.at,
                        path,
                        format!("{} is given twice", item.value),
                        "keep one of the two",
                    );
                }
                Some(value) => set.push(value),
                None => {}
            }
        }
        Some(set)
    }

    fn wanted(&self) -> String {
        format!("a list that is not empty, each item {}", self.0.wanted())
    }
}

impl<T, F: Fn(&Node, &Path<'_>, &mut Findings) -> Option<T>> Read for F {
    type Out = T;

    fn read(&self, node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<T> {
        self(node, path, findings)
    }

    fn wanted(&self) -> String {
        "a map of its fields".to_owned()
    }
}

/// Reports that `given` is not what `reader` wants.
fn refuse<T>(
    node: &Node,
    path: &Path<'_>,
    findings: &mut Findings,
    given: &dyn Display,
    reader: &impl Read,
) -> Option<T> {
    let wanted = reader.wanted();
    findings.error(
        node.at,
        path,
        format!("{given} stands where {wanted} is needed"),
        format!("write {wanted}"),
    );
    None
}
