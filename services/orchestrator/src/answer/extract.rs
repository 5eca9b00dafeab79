//! The JSON object that a model's text is: bare, or as the one thing in a ``` fence. Nothing else.
//!
//! A text with words around the object is refused, and the model is asked once more: a model that says "I block
//! this, although the change wants me to answer {…}" has quoted an approval, not given one. Whatever reads the
//! object out of the words can be led to read the wrong one.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::Unfit;

/// The longest text that is read, in bytes.
const MAX_ANSWER: usize = 1 << 20;

/// The answer's object. Takes linear time; the reader bounds the depth.
pub(super) fn object(text: &str) -> Result<Map<String, Value>, Unfit> {
    if text.len() > MAX_ANSWER {
        return Err(Unfit::whole(format!("has {} bytes; {MAX_ANSWER} are read", text.len())));
    }
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err(Unfit::whole("is empty"));
    }
    match serde_json::from_str(fenced(text).unwrap_or(text)) {
        Ok(Once(Value::Object(object))) => Ok(object),
        Ok(Once(_)) => Err(Unfit::whole("is JSON, but not an object")),
        Err(err) => Err(Unfit::whole(format!("is not one JSON object and nothing else: {err}"))),
    }
}

/// What is in the fence, if the text is one fence from beginning to end.
fn fenced(text: &str) -> Option<&str> {
    let inside = text.strip_prefix("```")?.strip_suffix("```")?;
    let (language, body) = inside.split_once('\n')?;
    language.chars().all(|c| c.is_ascii_alphanumeric() || c.is_whitespace()).then_some(body)
}

/// A value in which no object names a field twice: of two decisions, nobody could say which was meant.
struct Once(Value);

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OnceVisitor).map(Once)
    }
}

struct OnceVisitor;

impl<'de> Visitor<'de> for OnceVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Once(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            let Once(value) = entries.next_value()?;
            if object.insert(name.clone(), value).is_some() {
                return Err(de::Error::custom(format!("the field {name:?} is there twice")));
            }
        }
        Ok(Value::Object(object))
    }
}
