//! What a plain scalar means: the YAML 1.2 core schema.

use super::node::Value;

/// Resolves a scalar that is neither quoted nor a block.
pub(super) fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => number(text).unwrap_or_else(|| Value::Text(text.to_owned())),
    }
}

fn number(text: &str) -> Option<Value> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if let Some(octal) = text.strip_prefix("0o") {
        return i64::from_str_radix(digits(octal, 8)?, 8).ok().map(Value::Int);
    }
    if let Some(hex) = text.strip_prefix("0x") {
        return i64::from_str_radix(digits(hex, 16)?, 16).ok().map(Value::Int);
    }
    if digits(unsigned, 10).is_some() {
        // Beyond 64 bits it is still a number, only a rounded one.
        return text.parse().map(Value::Int).or_else(|_| text.parse().map(Value::Float)).ok();
    }
    match unsigned {
        ".inf" | ".Inf" | ".INF" if text.starts_with('-') => return Some(Value::Float(f64::NEG_INFINITY)),
        ".inf" | ".Inf" | ".INF" => return Some(Value::Float(f64::INFINITY)),
        ".nan" | ".NaN" | ".NAN" if unsigned == text => return Some(Value::Float(f64::NAN)),
        _ => {}
    }
    // Rust reads all floats of the schema, and also "inf" and "nan", which begin with a letter.
    let looks_like_one = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    looks_like_one.then(|| text.parse().ok().map(Value::Float)).flatten()
}

fn digits(text: &str, radix: u32) -> Option<&str> {
    (!text.is_empty() && text.chars().all(|c| c.is_digit(radix))).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_core_schema_is_resolved() {
        let text = |text: &str| Value::Text(text.to_owned());
        for (written, meant) in [
            ("", Value::Null),
            ("~", Value::Null),
            ("True", Value::Bool(true)),
            ("yes", text("yes")),
            ("on", text("on")),
            ("1", Value::Int(1)),
            ("-12", Value::Int(-12)),
            ("0o17", Value::Int(15)),
            ("0x1F", Value::Int(31)),
            ("017", Value::Int(17)),
            ("0x-1", text("0x-1")),
            ("1.5", Value::Float(1.5)),
            ("1.", Value::Float(1.0)),
            ("-.5e3", Value::Float(-500.0)),
            ("-.inf", Value::Float(f64::NEG_INFINITY)),
            ("inf", text("inf")),
            ("nan", text("nan")),
            (".", text(".")),
            ("1_000", text("1_000")),
            ("2.0.0", text("2.0.0")),
            ("2026-01-31", text("2026-01-31")),
            ("99999999999999999999", Value::Float(1e20)),
        ] {
            assert_eq!(resolve(written), meant, "{written:?}");
        }
    }
}
