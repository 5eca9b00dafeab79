//! From a JSON object to a review, naming every field that does not fit.

use serde_json::{Map, Value};

use super::{
    Finding, MAX_FINDINGS, MAX_PATH, MAX_SCORE, MAX_TEXT, Opinion, Problem, Review, Severity, Unfit,
};

/// Reads a model's text.
///
/// The text must be the JSON object alone, bare or in a fence. Texts in it that are too long are cut.
///
/// # Errors
/// [`Unfit`] with everything that is wrong: words around the object, a required field that is missing, a field that
/// the schema does not have, a value of the wrong type or out of range.
pub fn read(text: &str) -> Result<Review, Unfit> {
    let object = super::extract::object(text)?;
    let mut reader = Reader::default();
    let review = reader.review(&object);
    match review {
        Some(review) if reader.problems.is_empty() => Ok(review),
        _ => Err(Unfit { problems: reader.problems }),
    }
}

#[derive(Default)]
struct Reader {
    problems: Vec<Problem>,
}

// === impl Reader ===

impl Reader {
    fn review(&mut self, object: &Map<String, Value>) -> Option<Review> {
        let decision =
            self.name(object, "", "decision", Opinion::lenient, &Opinion::ALL.map(Opinion::as_str));
        let score = self.score(object);
        let summary = self.text(object, "", "summary", MAX_TEXT);
        let findings = self.findings(object);
        self.only(object, "", &["decision", "score", "summary", "findings"]);
        Some(Review { decision: decision?, score: score?, summary: summary?, findings })
    }

    fn score(&mut self, object: &Map<String, Value>) -> Option<f64> {
        let value = self.required(object, "", "score")?;
        let score = value.as_f64().filter(|score| (0.0..=MAX_SCORE).contains(score));
        if score.is_none() {
            self.problem("score", format!("must be a number from 0 to 10, not {}", shown(value)));
        }
        score
    }

    fn findings(&mut self, object: &Map<String, Value>) -> Vec<Finding> {
        match self.required(object, "", "findings") {
            None => Vec::new(),
            Some(Value::Array(list)) if list.len() > MAX_FINDINGS => {
                self.problem(
                    "findings",
                    format!("has {} entries; at most {MAX_FINDINGS} are taken", list.len()),
                );
                Vec::new()
            }
            Some(Value::Array(list)) => {
                list.iter().enumerate().filter_map(|(index, value)| self.finding(index, value)).collect()
            }
            Some(other) => {
                self.problem("findings", format!("must be a list, not {}", shown(other)));
                Vec::new()
            }
        }
    }

    fn finding(&mut self, index: usize, value: &Value) -> Option<Finding> {
        let path = format!("findings[{index}]");
        let Some(object) = value.as_object() else {
            self.problem(&path, format!("must be an object, not {}", shown(value)));
            return None;
        };
        let path = format!("{path}.");
        let severity =
            self.name(object, &path, "severity", Severity::lenient, &Severity::ALL.map(Severity::as_str));
        let file = self.optional_text(object, &path, "file", MAX_PATH);
        let line = self.line(object, &path);
        let message = self.text(object, &path, "message", MAX_TEXT);
        let suggestion = self.optional_text(object, &path, "suggestion", MAX_TEXT);
        self.only(object, &path, &["severity", "file", "line", "message", "suggestion"]);
        Some(Finding { severity: severity?, file, line, message: message?, suggestion })
    }

    fn line(&mut self, object: &Map<String, Value>, path: &str) -> Option<u32> {
        let value = object.get("line").filter(|value| !value.is_null())?;
        let line =
            value.as_f64().filter(|line| line.fract() == 0.0 && (1.0..=f64::from(u32::MAX)).contains(line));
        if line.is_none() {
            let message = format!("must be a line number from 1, or null, not {}", shown(value));
            self.problem(&format!("{path}line"), message);
        }
        // A whole number within range, as was just checked.
        line.map(|line| line as u32)
    }

    /// A field that is one of some names.
    fn name<T>(
        &mut self,
        object: &Map<String, Value>,
        path: &str,
        field: &str,
        read: fn(&str) -> Option<T>,
        names: &[&str],
    ) -> Option<T> {
        let value = self.required(object, path, field)?;
        let name = value.as_str().and_then(read);
        if name.is_none() {
            let message = format!("must be one of {}, not {}", names.join(", "), shown(value));
            self.problem(&format!("{path}{field}"), message);
        }
        name
    }

    fn text(
        &mut self,
        object: &Map<String, Value>,
        path: &str,
        field: &str,
        longest: usize,
    ) -> Option<String> {
        let value = self.required(object, path, field)?;
        self.string(value, &format!("{path}{field}"), longest)
    }

    fn optional_text(
        &mut self,
        object: &Map<String, Value>,
        path: &str,
        field: &str,
        longest: usize,
    ) -> String {
        let value = object.get(field).filter(|value| !value.is_null());
        value.and_then(|value| self.string(value, &format!("{path}{field}"), longest)).unwrap_or_default()
    }

    fn string(&mut self, value: &Value, path: &str, longest: usize) -> Option<String> {
        let text = value.as_str().map(|text| cut(text.trim(), longest));
        if text.is_none() {
            self.problem(path, format!("must be a text, not {}", shown(value)));
        }
        text
    }

    fn required<'a>(&mut self, object: &'a Map<String, Value>, path: &str, field: &str) -> Option<&'a Value> {
        let value = object.get(field);
        if value.is_none() {
            self.problem(&format!("{path}{field}"), "is missing");
        }
        value
    }

    /// A field under another name would be lost: "issues" with a critical finding in it must not read as none.
    fn only(&mut self, object: &Map<String, Value>, path: &str, known: &[&str]) {
        for name in object.keys().filter(|name| !known.contains(&name.as_str())) {
            self.problem(&format!("{path}{}", cut(name, 60)), "is not a field of the answer");
        }
    }

    fn problem(&mut self, path: &str, message: impl Into<String>) {
        self.problems.push(Problem { path: path.to_owned(), message: message.into() });
    }
}

/// A value short enough for a sentence.
fn shown(value: &Value) -> String {
    cut(&value.to_string(), 60)
}

/// At most `longest` characters, the last of which tells that there was more.
fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        None => text.to_owned(),
        Some(_) => text.chars().take(longest - 1).chain(['…']).collect(),
    }
}
