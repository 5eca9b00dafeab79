//! The fields of a map: those that must be there, those that may, and those nobody knows.

use super::{
    closest::closest,
    node::{Key, Node, Value, quoted},
    path::Path,
    reader::Read,
};
use crate::diagnostic::{At, Findings};

/// Reads a map field by field, reporting instead of stopping. Call [`Fields::finish`] last.
#[derive(Debug)]
pub struct Fields<'a> {
    entries: &'a [(Key, Node)],
    at: At,
    path: &'a Path<'a>,
    findings: &'a mut Findings,
    known: Vec<&'a str>,
}

// === impl Fields ===

impl<'a> Fields<'a> {
    /// The fields of `node`; none after reporting that it is no map.
    pub fn of(node: &'a Node, path: &'a Path<'a>, findings: &'a mut Findings) -> Option<Self> {
        let Value::Map(entries) = &node.value else {
            let message = format!("{} stands where a map is needed", node.value);
            findings.error(node.at, path, message, "write its fields as `name: value`");
            return None;
        };
        Some(Self { entries, at: node.at, path, findings, known: Vec::new() })
    }

    /// The value of a field that must be there; none after reporting that it is missing or wrong.
    pub fn required<R: Read>(&mut self, name: &'a str, reader: R) -> Option<R::Out> {
        match self.node(name) {
            Some(node) => reader.read(node, &self.path.field(name), self.findings),
            None => {
                let fix = format!("add `{name}`: {}", reader.wanted());
                self.findings.error(self.at, self.path.field(name), "this field is missing", fix);
                None
            }
        }
    }

    /// The value of a field that may be missing or null; none also after reporting that it is wrong.
    pub fn optional<R: Read>(&mut self, name: &'a str, reader: R) -> Option<R::Out> {
        let node = self.node(name).filter(|node| node.value != Value::Null)?;
        reader.read(node, &self.path.field(name), self.findings)
    }

    /// The raw value of a field, which makes the field a known one.
    pub fn node(&mut self, name: &'a str) -> Option<&'a Node> {
        if !self.known.contains(&name) {
            self.known.push(name);
        }
        self.entries.iter().find(|(key, _)| key.text == name).map(|(_, node)| node)
    }

    /// Where the value of a field begins; the place of the map if it has no such field.
    pub fn at(&self, name: &str) -> At {
        let entry = self.entries.iter().find(|(key, _)| key.text == name);
        entry.map_or(self.at, |(_, node)| node.at)
    }

    /// Reports something wrong with a field, at its value.
    pub fn error(&mut self, name: &str, message: impl Into<String>, fix: impl Into<String>) {
        self.findings.error(self.at(name), self.path.field(name), message, fix);
    }

    /// Reports something odd about a field, at its value.
    pub fn warning(&mut self, name: &str, message: impl Into<String>, fix: impl Into<String>) {
        self.findings.warning(self.at(name), self.path.field(name), message, fix);
    }

    /// Reports the fields that nobody asked for: errors when strict, else warnings.
    pub fn finish(self) {
        for (key, _) in self.entries {
            if self.known.contains(&key.text.as_str()) {
                continue;
            }
            let fix = match closest(&key.text, self.known.iter().copied()) {
                Some(name) if self.entries.iter().any(|(other, _)| other.text == name) => {
                    format!("did you mean `{name}`? It is there already")
                }
                Some(name) => format!("did you mean `{name}`?"),
                None => format!("remove it; known are {}", self.known.join(", ")),
            };
            let message = format!("there is no field {} here", quoted(&key.text));
            self.findings.unexpected(key.at, self.path.field(&key.text), message, fix);
        }
    }
}
