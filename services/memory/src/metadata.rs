//! What a record says about itself beside its text, and the filter on it.

use std::sync::Arc;

use bsm_runtime::json;
use prost::{DecodeError, Message as _};
use prost_types::{Struct, Value as Proto, value::Kind};
use serde_json::{Map, Value};

/// The largest metadata and the largest filter, in bytes on the wire.
pub const MOST_BYTES: usize = 64 * 1024;

/// A JSON object. Clones share it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metadata(Arc<Map<String, Value>>);

/// Admits records whose metadata has each of these fields with exactly this value; an empty one admits all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter(Metadata);

// === impl Metadata ===

impl Metadata {
    /// Reads what a client gave.
    ///
    /// # Errors
    /// What it must be, when it is larger than [`MOST_BYTES`] or holds a number that JSON cannot say.
    pub fn read(given: &Struct) -> Result<Metadata, String> {
        if given.encoded_len() > MOST_BYTES {
            return Err(format!("must be at most {} KiB", MOST_BYTES / 1024));
        }
        if !given.fields.values().all(is_json) {
            return Err("must hold finite numbers only".to_owned());
        }
        Ok(Metadata(Arc::new(json::from_struct(given))))
    }

    /// In protobuf's form.
    pub fn to_struct(&self) -> Struct {
        json::to_struct(Value::Object((*self.0).clone()))
    }

    /// As bytes that [`Metadata::decode`] reads. Not as JSON text, because reading that may move the last digit of
    /// a number, and filters compare exactly.
    pub fn encode(&self) -> Vec<u8> {
        self.to_struct().encode_to_vec()
    }

    /// Reads what [`Metadata::encode`] wrote.
    ///
    /// # Errors
    /// When the bytes are damaged.
    pub fn decode(bytes: &[u8]) -> Result<Metadata, DecodeError> {
        Ok(Metadata(Arc::new(json::from_struct(&Struct::decode(bytes)?))))
    }
}

fn is_json(value: &Proto) -> bool {
    match &value.kind {
        Some(Kind::NumberValue(n)) => n.is_finite(),
        Some(Kind::ListValue(list)) => list.values.iter().all(is_json),
        Some(Kind::StructValue(inner)) => inner.fields.values().all(is_json),
        None | Some(Kind::NullValue(_) | Kind::BoolValue(_) | Kind::StringValue(_)) => true,
    }
}

// === impl Filter ===

impl Filter {
    /// The filter with the fields of `wanted`.
    pub fn new(wanted: Metadata) -> Filter {
        Filter(wanted)
    }

    /// Whether a record with this metadata is looked for. A field that is null is not the same as no field.
    pub fn admits(&self, metadata: &Metadata) -> bool {
        self.0.0.iter().all(|(name, value)| metadata.0.get(name) == Some(value))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn metadata(value: Value) -> Metadata {
        Metadata::read(&json::to_struct(value)).unwrap()
    }

    #[test]
    fn a_filter_admits_what_has_each_field_with_exactly_that_value() {
        let record = metadata(json!({"repo": "bsm", "pr": 7, "tags": ["a", {"b": 0.1}], "gone": null}));
        for (filter, admitted) in [
            (json!({}), true),
            (json!({"repo": "bsm", "pr": 7.0}), true),
            (json!({"tags": ["a", {"b": 0.1}]}), true),
            (json!({"gone": null}), true),
            (json!({"repo": "bsm", "pr": 8}), false),
            (json!({"repo": "BSM"}), false),
            (json!({"pr": "7"}), false),
            (json!({"tags": ["a"]}), false),
            (json!({"absent": null}), false),
        ] {
            assert_eq!(Filter::new(metadata(filter.clone())).admits(&record), admitted, "{filter}");
        }
    }

    #[test]
    fn numbers_keep_every_digit_on_the_way_to_the_disk_and_back() {
        let record = metadata(json!({"n": [0.1 + 0.2, 1e-320, -0.0, 1e308, 9_007_199_254_740_993_i64]}));
        assert_eq!(Metadata::decode(&record.encode()).unwrap(), record);
        assert!(Metadata::decode(b"\xff").is_err());
    }

    #[test]
    fn what_json_cannot_say_and_what_is_too_large_is_refused() {
        let list = |n| json::to_proto(json!([{ "n": 0 }, n]));
        let mut given = Struct { fields: [("a".to_owned(), list(json!(1)))].into() };
        assert!(Metadata::read(&given).is_ok());
        let nan = Proto { kind: Some(Kind::NumberValue(f64::NAN)) };
        given.fields.insert("b".to_owned(), nan);
        assert_eq!(Metadata::read(&given).unwrap_err(), "must hold finite numbers only");
        let large = json::to_struct(json!({"a": "x".repeat(MOST_BYTES)}));
        assert_eq!(Metadata::read(&large).unwrap_err(), "must be at most 64 KiB");
    }
}
