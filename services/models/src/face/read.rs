//! From bytes to a document's fields, with every refusal naming its place.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, SeqAccess, Visitor, value::SeqAccessDeserializer};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;

use crate::ask::Violation;
use crate::error::Error;

/// Collects what is wrong.
#[derive(Debug, Default)]
pub(super) struct Wrong(Vec<Violation>);

/// A text, or a list of parts. Read without being put aside first, as serde's own choice between forms would: prompts
/// are long.
#[derive(Debug)]
pub(super) enum TextOr<T> {
    Text(String),
    Parts(Vec<T>),
}

/// Reads a document whose fields may have the wrong form, but not make it another document than JSON.
pub(super) fn document<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|problem| match problem.classify() {
        Category::Data => Error::Invalid(vec![misfit::<T>(bytes)]),
        Category::Syntax | Category::Eof | Category::Io => {
            Error::Json { problem: clause(&problem), line: problem.line(), column: problem.column() }
        }
    })
}

/// Reads once more, to learn where it goes wrong: worth it only for what is refused anyway.
fn misfit<T: DeserializeOwned>(bytes: &[u8]) -> Violation {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    match serde_path_to_error::deserialize::<_, T>(&mut reader) {
        Ok(_) => Violation::new("body", "has the wrong form"), // it was refused before, so this is not reached
        Err(problem) => {
            let path = problem.path().to_string();
            let path = if path == "." { "body".to_owned() } else { path };
            Violation::new(path, format!("has the wrong form: {}", clause(problem.inner())))
        }
    }
}

/// What serde_json says, without the place, which is told apart.
fn clause(problem: &serde_json::Error) -> String {
    let said = problem.to_string();
    said.rsplit_once(" at line ").map_or(said.clone(), |(what, _)| what.to_owned())
}

// === impl TextOr ===

impl<'de, T: Deserialize<'de>> Deserialize<'de> for TextOr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = TextOr<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of parts")
            }

            fn visit_str<E>(self, text: &str) -> Result<TextOr<T>, E> {
                Ok(TextOr::Text(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<TextOr<T>, E> {
                Ok(TextOr::Text(text))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, parts: A) -> Result<TextOr<T>, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(parts)).map(TextOr::Parts)
            }
        }

        deserializer.deserialize_any(Either(PhantomData))
    }
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
