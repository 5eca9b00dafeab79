//! Between serde_json and protobuf's `Struct`: the open-ended parts of the contract.
//!
//! A `Struct` holds every number as a double. The contract shows `version: 1` as `1`, so whole numbers within
//! the range in which doubles are exact come back as JSON integers.

use prost_types::{ListValue, Struct, Value as Proto, value::Kind};
use serde_json::{Map, Number, Value};

/// The largest whole number up to which every integer is exact in a double: 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// An object as a `Struct`. Anything but an object gives an empty one.
pub fn to_struct(value: Value) -> Struct {
    match value {
        Value::Object(fields) => {
            Struct { fields: fields.into_iter().map(|(k, v)| (k, to_proto(v))).collect() }
        }
        _ => Struct::default(),
    }
}

/// A `Struct` as an object, keys in alphabetical order.
pub fn from_struct(value: &Struct) -> Map<String, Value> {
    value.fields.iter().map(|(k, v)| (k.clone(), from_proto(v))).collect()
}

/// One value in protobuf's form. Integers beyond 2^53 lose precision, as protobuf's JSON mapping has it.
pub fn to_proto(value: Value) -> Proto {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(b) => Kind::BoolValue(b),
        Value::Number(n) => Kind::NumberValue(n.as_f64().unwrap_or(f64::NAN)),
        Value::String(s) => Kind::StringValue(s),
        Value::Array(items) => {
            Kind::ListValue(ListValue { values: items.into_iter().map(to_proto).collect() })
        }
        object @ Value::Object(_) => Kind::StructValue(to_struct(object)),
    };
    Proto { kind: Some(kind) }
}

/// One value in JSON's form. NaN and infinities, which JSON cannot say, become null.
pub fn from_proto(value: &Proto) -> Value {
    match &value.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(b)) => Value::Bool(*b),
        Some(Kind::NumberValue(n)) => number(*n),
        Some(Kind::StringValue(s)) => Value::String(s.clone()),
        Some(Kind::ListValue(list)) => list.values.iter().map(from_proto).collect(),
        Some(Kind::StructValue(inner)) => Value::Object(from_struct(inner)),
    }
}

/// A double as the shortest JSON number that means it.
pub fn number(n: f64) -> Value {
    if n.fract() == 0.0 && n.abs() <= EXACT {
        return Value::from(n as i64);
    }
    Number::from_f64(n).map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_object_survives_both_ways() {
        let object = json!({"a": 1, "b": [true, null, "x"], "c": {"d": 1.5, "e": -7}, "f": ""});
        assert_eq!(Value::Object(from_struct(&to_struct(object.clone()))), object);
    }

    #[test]
    fn whole_numbers_stay_whole_and_nan_is_null() {
        assert_eq!(number(1_700_000_000_000.0).to_string(), "1700000000000");
        assert_eq!(number(2.5).to_string(), "2.5");
        assert_eq!(number(f64::NAN), Value::Null);
    }
}
