//! The template engine: minijinja, bounded, with everything from outside marked by default.
//!
//! The engine's notion of safe strings is used for where a text comes from: what the definition and this crate
//! supply is safe, everything else is untrusted and leaves the engine only between marks, or, when it is short, as
//! a JSON string. The filter `untrusted("label")` puts a label on the marks; nothing takes them off.

use std::sync::Arc;

use minijinja::{
    Environment, ErrorKind, Output, UndefinedBehavior,
    value::{Value, ValueKind},
};

use super::untrusted::Nonce;

/// The longest template, in bytes.
const MAX_TEMPLATE: usize = 64 * 1024;
/// Steps that a template may take.
const FUEL: u64 = 500_000;
/// Text without a label up to this many characters is written as a JSON string, so that it can stand in a sentence.
const QUOTED: usize = 2_000;

/// Templates of one agent over one nonce.
pub(super) struct Engine {
    environment: Environment<'static>,
}

/// What is wrong with a template.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Faulty {
    /// From 1, if known.
    pub(super) line: Option<usize>,
    pub(super) problem: String,
}

/// Texts that have a label wherever a template writes them.
pub(super) type Labels = Vec<(&'static str, String)>;

// === impl Engine ===

impl Engine {
    pub(super) fn new(nonce: &Nonce, labels: Labels) -> Self {
        let marks = Arc::new(Marks { nonce: nonce.clone(), labels });
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        environment.set_fuel(Some(FUEL));
        environment.set_recursion_limit(50);
        // Not HTML: this only has captured blocks keep that their parts were marked.
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::Custom("untrusted"));
        environment.remove_filter("safe");
        environment.add_filter("tojson", |value: Value| json(&value));
        let filter = Arc::clone(&marks);
        environment.add_filter("untrusted", move |value: Value, label: Option<String>| {
            filter.labelled(&value, label.as_deref().unwrap_or("data"))
        });
        environment.set_formatter(move |out, _, value| marks.write(out, value));
        Self { environment }
    }

    /// Renders `source`.
    pub(super) fn render(&self, source: &str, context: &Value) -> Result<String, Faulty> {
        if source.len() > MAX_TEMPLATE {
            let problem = format!("it has {} bytes and may have {MAX_TEMPLATE}", source.len());
            return Err(Faulty { line: None, problem });
        }
        self.environment.render_str(source, context).map_err(|err| Faulty::of(&err))
    }
}

struct Marks {
    nonce: Nonce,
    labels: Labels,
}

// === impl Marks ===

impl Marks {
    /// Writes a value of a template: as it is when it is safe or a number, else marked.
    fn write(&self, out: &mut Output<'_>, value: &Value) -> Result<(), minijinja::Error> {
        let written = match value.kind() {
            ValueKind::Undefined | ValueKind::None => Ok(()),
            ValueKind::Bool | ValueKind::Number => write!(out, "{value}"),
            _ if value.is_safe() => out.write_str(&value.to_string()),
            _ => out.write_str(&self.marked(&text(value)?)),
        };
        Ok(written?)
    }

    /// A value between marks with a label; nothing for nothing.
    fn labelled(&self, value: &Value, label: &str) -> Result<Value, minijinja::Error> {
        let text = if value.is_undefined() || value.is_none() { String::new() } else { text(value)? };
        Ok(Value::from_safe_string(self.nonce.wrap(label, &text)))
    }

    fn marked(&self, text: &str) -> String {
        if let Some((label, _)) = self.labels.iter().find(|(_, known)| known == text) {
            return self.nonce.wrap(label, text);
        }
        match text.chars().nth(QUOTED) {
            None => serde_json::Value::from(self.nonce.cleaned(text)).to_string(),
            Some(_) => self.nonce.wrap("data", text),
        }
    }
}

/// A value as text: lists and maps as JSON.
fn text(value: &Value) -> Result<String, minijinja::Error> {
    match (value.as_str(), value.kind()) {
        (Some(text), _) => Ok(text.to_owned()),
        (None, ValueKind::Seq | ValueKind::Map | ValueKind::Iterable) => json(value),
        (None, _) => Ok(value.to_string()),
    }
}

/// JSON that is not taken for safe, as that of the built-in filter is.
fn json(value: &Value) -> Result<String, minijinja::Error> {
    serde_json::to_string(value).map_err(|err| {
        minijinja::Error::new(ErrorKind::BadSerialization, "no JSON can be made of this").with_source(err)
    })
}

// === impl Faulty ===

impl Faulty {
    fn of(err: &minijinja::Error) -> Self {
        let problem = match err.detail() {
            Some(detail) => format!("{}: {detail}", err.kind()),
            None => err.kind().to_string(),
        };
        Self { line: err.line(), problem }
    }
}
