//! JSON, within bounds. A field that is given twice is a mistake, as it is in YAML.

use std::{collections::HashSet, fmt};

use bsm_runtime::{
    diagnostic::{At, Findings},
    yaml::MOST_DEPTH,
};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::data::{self, Datum};
use crate::outline::{Outline, TooLong};

/// None after adding what is wrong.
pub(crate) fn read(findings: &mut Findings, body: &str) -> Option<Result<Outline, TooLong>> {
    let mut reader = serde_json::Deserializer::from_str(body);
    let data = Level(0).deserialize(&mut reader).and_then(|data| reader.end().map(|()| data));
    match data {
        Ok(data) => Some(data::outline(&data)),
        Err(error) => {
            let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            let at = At { line: small(error.line()), column: small(error.column()) };
            let said = error.to_string();
            let what = said.rsplit_once(" at line ").map_or(said.as_str(), |(what, _)| what);
            findings.error(
                at,
                "",
                format!("this is not usable JSON: {what}"),
                "mend it, and check it with a tool",
            );
            None
        }
    }
}

/// Reads a value that stands so many levels down.
#[derive(Clone, Copy)]
struct Level(usize);

impl<'de> DeserializeSeed<'de> for Level {
    type Value = Datum;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Datum, D::Error> {
        reader.deserialize_any(self)
    }
}

// === impl Level ===

impl Level {
    fn below<E: Error>(self) -> Result<Level, E> {
        if self.0 == MOST_DEPTH {
            return Err(E::custom(format_args!("objects and lists are nested more than {MOST_DEPTH} deep")));
        }
        Ok(Level(self.0 + 1))
    }
}

impl<'de> Visitor<'de> for Level {
    type Value = Datum;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Datum, E> {
        Ok(Datum::Leaf(String::new()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Datum, E> {
        Ok(Datum::Leaf(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Datum, E> {
        Ok(Datum::Leaf(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Datum, E> {
        Ok(Datum::Leaf(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Datum, E> {
        Ok(Datum::Leaf(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Datum, E> {
        Ok(Datum::Leaf(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Datum, A::Error> {
        let below = self.below()?;
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(below)? {
            items.push(item);
        }
        Ok(Datum::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Datum, A::Error> {
        let below = self.below()?;
        let (mut entries, mut seen) = (Vec::new(), HashSet::new());
        while let Some(key) = map.next_key::<String>()? {
            if !seen.insert(key.clone()) {
                return Err(A::Error::custom(format_args!("the field {key:.80?} is given twice")));
            }
            entries.push((key, map.next_value_seed(below)?));
        }
        Ok(Datum::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use bsm_runtime::diagnostic::Strictness;

    use super::*;

    fn parse(body: &str) -> Result<Outline, (u32, u32, String)> {
        let mut findings = Findings::new("a.json", body, Strictness::Strict);
        match read(&mut findings, body) {
            Some(outline) => Ok(outline.unwrap()),
            None => {
                let first = findings.into_vec().remove(0);
                Err((first.line, first.column, first.message))
            }
        }
    }

    #[test]
    fn values_are_read_as_they_are_written() {
        let outline = parse(r#"{"title": "T", "n": 1.5, "on": true, "none": null, "rules": {"a": [1, -2]}}"#);
        assert_eq!(
            outline.unwrap().text,
            "title: T\nn: 1.5\non: true\nnone:\n\n## rules\n\nrules.a: 1, -2\n"
        );
    }

    #[test]
    fn what_is_no_json_is_told_with_its_place() {
        assert_eq!(parse("{\n  \"a\": }").unwrap_err().0, 2);
        assert_eq!(parse("{} x").unwrap_err().2, "this is not usable JSON: trailing characters");
        let twice = parse("{\"a\": 1,\n \"a\": 2}").unwrap_err();
        assert_eq!(
            (twice.0, twice.2.as_str()),
            (2, "this is not usable JSON: the field \"a\" is given twice")
        );
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(&nested(MOST_DEPTH)).is_ok());
        let deep = parse(&nested(MOST_DEPTH + 1)).unwrap_err().2;
        assert!(deep.contains("nested more than 32 deep"), "{deep}");
        assert!(parse(&"[".repeat(500_000)).is_err());
    }
}
