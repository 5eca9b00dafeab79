//! What is wrong with a field, in words of a caller's: serde speaks of sequences, maps and `i64`.

use serde::de::DeserializeOwned;

use super::form::Object;
use crate::ask::Violation;

/// What serde says that a field must be, and what a caller is told.
const EXPECTED: [(&str, &str); 11] = [
    ("a sequence", "a list"),
    ("a map", "an object"),
    ("a string", "a string"),
    ("a boolean", "true or false"),
    ("f64", "a number"),
    ("i64", "a whole number"),
    ("u64", "a whole number from 0"),
    ("an object", "an object"),
    ("a string or a list", "a string or a list"),
    ("a string or an object", "a string or an object"),
    ("a string, a token or a list of tokens", "a string, a token or a list of tokens"),
];

/// How serde calls what stands there, by its first words, and what a caller is told. What stands there is not repeated:
/// it may be long.
const FOUND: [(&str, &str); 7] = [
    ("null", "null"),
    ("map", "an object"),
    ("sequence", "a list"),
    ("string ", "a string"),
    ("boolean ", "true or false"),
    ("integer ", "a number"),
    ("floating point ", "a number with a fraction or an exponent"),
];

/// Reads once more a document that is refused, to learn where it goes wrong.
pub(super) fn misfit<T: DeserializeOwned>(bytes: &[u8]) -> Violation {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    match serde_path_to_error::deserialize::<_, Object<T>>(&mut reader) {
        Ok(_) => Violation::new("body", "has the wrong form"), // it was refused before, so this is not reached
        Err(problem) => {
            let path = problem.path().to_string();
            let path = if path == "." { String::new() } else { path };
            let said = problem.inner().to_string();
            violation(&path, said.rsplit_once(" at line ").map_or(&*said, |(what, _)| what))
        }
    }
}

fn violation(path: &str, said: &str) -> Violation {
    // Both are told of the object that the field is of.
    for (begin, problem) in
        [("missing field `", "must be set"), ("duplicate field `", "must be given once only")]
    {
        if let Some(name) = said.strip_prefix(begin).and_then(|rest| rest.strip_suffix('`')) {
            return Violation::new(
                if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") },
                problem,
            );
        }
    }
    let field = if path.is_empty() { "body" } else { path };
    Violation::new(field, clause(said).unwrap_or_else(|| "has the wrong form".to_owned()))
}

/// What must stand there, and what does.
fn clause(said: &str) -> Option<String> {
    let (kind, rest) = said.split_once(": ")?;
    let (found, expected) = rest.rsplit_once(", expected ")?;
    let (_, expected) = EXPECTED.iter().find(|(theirs, _)| *theirs == expected)?;
    if kind == "invalid value" {
        return Some(format!("must be {expected} of at most 64 bits"));
    }
    let (_, found) = FOUND.iter().find(|(begin, _)| found.starts_with(begin))?;
    Some(format!("must be {expected}, not {found}"))
}
