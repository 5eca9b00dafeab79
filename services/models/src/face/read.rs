//! From bytes to a document's fields, with every refusal naming its place.

use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::ask::{self, Violation};
use crate::error::Error;

mod form;
mod misfit;
#[cfg(test)]
mod tests;

pub(super) use form::{Object, TextOrList, WordOrObject};

/// Collects what is wrong.
#[derive(Debug, Default)]
pub(super) struct Wrong(Vec<Violation>);

/// Reads a document, which is an object. A field of the wrong form is the caller's mistake like any other, and told with
/// its path.
pub(super) fn document<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    let read: Result<Object<T>, _> = serde_json::from_slice(bytes);
    read.map(|Object(document)| document).map_err(|problem| match problem.classify() {
        Category::Data => Error::Invalid(vec![misfit::misfit::<T>(bytes)]),
        Category::Syntax | Category::Eof | Category::Io => {
            Error::Json { problem: clause(&problem), line: problem.line(), column: problem.column() }
        }
    })
}

/// What serde_json says, without the place, which is told apart.
fn clause(problem: &serde_json::Error) -> String {
    let said = problem.to_string();
    said.rsplit_once(" at line ").map_or(said.clone(), |(what, _)| what.to_owned())
}

// === impl Wrong ===

impl Wrong {
    pub(super) fn refuse(&mut self, field: impl Into<String>, problem: impl Into<String>) {
        self.0.push(Violation::new(field, problem));
    }

    pub(super) fn within(&mut self, field: &str, most: f64, number: Option<f64>) -> Option<f64> {
        number.inspect(|value| {
            if !(0.0..=most).contains(value) {
                self.refuse(field, format!("must be from 0 to {most}, not {value}"));
            }
        })
    }

    /// The model's name; none where it is empty.
    pub(super) fn model(&mut self, name: Option<String>) -> Option<String> {
        let name = name.filter(|name| !name.is_empty())?;
        if let Err(problem) = ask::model_name(&name) {
            self.refuse("model", problem);
        }
        Some(name)
    }

    /// A count that is at least 1.
    pub(super) fn count(&mut self, field: &str, number: Option<i64>) -> Option<u32> {
        let number = number?;
        let count = u32::try_from(number).ok().filter(|count| *count > 0);
        if count.is_none() {
            self.refuse(field, format!("must be from 1 to {}, not {number}", u32::MAX));
        }
        count
    }

    pub(super) fn finish<T>(self, value: T) -> Result<T, Error> {
        if self.0.is_empty() { Ok(value) } else { Err(Error::Invalid(self.0)) }
    }
}
