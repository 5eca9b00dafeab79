//! Changes a JSON document in place: the model's name, that a stream tells its usage, and how long an answer may be. All
//! other bytes stay as the caller wrote them, fields that nobody here knows included.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;

const USAGE_OPTION: &str = r#"{"include_usage":true}"#;

/// A change: these bytes are replaced by those.
type Edit<'a> = (Range<usize>, Cow<'a, str>);

/// What is to be another.
#[derive(Clone, Copy, Debug)]
pub struct Changes<'a> {
    /// The model.
    pub model: &'a str,
    /// Whether a stream is to tell its usage.
    pub with_usage: bool,
    /// The field that bounds an answer, and its tokens; `None`: as the caller wrote it.
    pub max_tokens: Option<(&'static str, u32)>,
}

/// A document that has been read as JSON before, with these changes. The very same bytes where nothing has to change.
#[must_use]
pub fn splice(document: &Bytes, changes: Changes<'_>) -> Bytes {
    let Changes { model, with_usage, max_tokens } = changes;
    let fields: Vec<Field> = Fields::of(document).collect();
    let mut edits = Vec::new();
    edits.extend(name_model(document, &fields, model));
    if with_usage {
        edits.extend(ask_for_usage(document, &fields));
    }
    edits.extend(max_tokens.map(|(name, tokens)| set(document, &fields, name, tokens.to_string())));
    apply(document, edits)
}

fn name_model<'a>(document: &[u8], fields: &[Field], model: &str) -> Option<Edit<'a>> {
    let name = serde_json::Value::from(model).to_string();
    match find(document, fields, "model") {
        Some(at) if &document[at.clone()] == name.as_bytes() => None,
        Some(at) => Some((at, name.into())),
        None => Some(insert(document, fields, "model", &name)),
    }
}

fn ask_for_usage<'a>(document: &[u8], fields: &[Field]) -> Option<Edit<'a>> {
    let Some(options) = find(document, fields, "stream_options") else {
        return Some(insert(document, fields, "stream_options", USAGE_OPTION));
    };
    let inner = &document[options.clone()];
    if inner.first() != Some(&b'{') {
        return Some((options, USAGE_OPTION.into())); // null
    }
    let begin = options.start;
    let fields: Vec<Field> = Fields::of(inner).collect();
    let (at, text) = match find(inner, &fields, "include_usage") {
        Some(at) if &inner[at.clone()] == b"true" => return None,
        Some(at) => (at, "true".into()),
        None => insert(inner, &fields, "include_usage", "true"),
    };
    Some((begin + at.start..begin + at.end, text))
}

/// A field with another value, or a new one.
fn set<'a>(object: &[u8], fields: &[Field], name: &str, value: String) -> Edit<'a> {
    match find(object, fields, name) {
        Some(at) => (at, value.into()),
        None => insert(object, fields, name, &value),
    }
}

/// A new field, before all others.
fn insert<'a>(object: &[u8], fields: &[Field], name: &str, value: &str) -> Edit<'a> {
    let begin = object.iter().position(|byte| *byte == b'{').map_or(0, |at| at + 1);
    let comma = if fields.is_empty() { "" } else { "," };
    (begin..begin, format!("\"{name}\":{value}{comma}").into())
}

fn find(object: &[u8], fields: &[Field], name: &str) -> Option<Range<usize>> {
    fields.iter().find(|field| field.is(object, name)).map(|field| field.value.clone())
}

fn apply(document: &Bytes, mut edits: Vec<Edit<'_>>) -> Bytes {
    if edits.is_empty() {
        return document.clone();
    }
    edits.sort_by_key(|(at, _)| at.start);
    let longer: usize = edits.iter().map(|(_, text)| text.len()).sum();
    let mut spliced = Vec::with_capacity(document.len() + longer);
    let mut done = 0;
    for (at, text) in edits {
        spliced.extend_from_slice(&document[done..at.start]);
        spliced.extend_from_slice(text.as_bytes());
        done = at.end;
    }
    spliced.extend_from_slice(&document[done..]);
    spliced.into()
}

/// Where a field of an object stands.
struct Field {
    /// Its name, without the quotation marks.
    name: Range<usize>,
    value: Range<usize>,
}

/// The fields of an object, those of objects within it aside. The text must be JSON: it is walked, not checked.
struct Fields<'a> {
    text: &'a [u8],
    at: usize,
}

// === impl Field ===

impl Field {
    fn is(&self, object: &[u8], name: &str) -> bool {
        let written = &object[self.name.clone()];
        if !written.contains(&b'\\') {
            return written == name.as_bytes();
        }
        let quoted = &object[self.name.start - 1..=self.name.end];
        serde_json::from_slice::<String>(quoted).is_ok_and(|read| read == name)
    }
}

// === impl Fields ===

impl<'a> Fields<'a> {
    fn of(object: &'a [u8]) -> Self {
        let begin = object.iter().position(|byte| *byte == b'{').map_or(object.len(), |at| at + 1);
        Self { text: object, at: begin }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_any(&mut self, skipped: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&skipped) {
            self.at += 1;
        }
    }

    /// From a quotation mark to behind the one that closes it.
    fn skip_string(&mut self) {
        self.at += 1;
        // Prompts are long, so that this is where the time goes.
        while let Some(rest) = self.text.get(self.at..) {
            match rest.iter().position(|byte| matches!(byte, b'"' | b'\\')) {
                Some(mark) if rest[mark] == b'\\' => self.at += mark + 2,
                Some(end) => {
                    self.at += end + 1;
                    return;
                }
                None => break,
            }
        }
        self.at = self.text.len();
    }

    fn skip_value(&mut self) {
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => {
                    self.skip_string();
                    if depth == 0 {
                        return;
                    }
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth > 0 => {
                    depth -= 1;
                    if depth == 0 {
                        self.at += 1;
                        return;
                    }
                }
                b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t' if depth == 0 => return,
                _ => {}
            }
            self.at += 1;
        }
    }
}

impl Iterator for Fields<'_> {
    type Item = Field;

    fn next(&mut self) -> Option<Field> {
        self.skip_any(|byte| byte.is_ascii_whitespace() || byte == b',');
        if self.peek()? != b'"' {
            return None;
        }
        let begin = self.at;
        self.skip_string();
        let name = begin + 1..self.at.saturating_sub(1).max(begin + 1);
        self.skip_any(|byte| byte.is_ascii_whitespace() || byte == b':');
        let begin = self.at;
        self.skip_value();
        Some(Field { name, value: begin..self.at })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn spliced(document: &str, with_usage: bool) -> String {
        with(document, Changes { with_usage, ..AS_IT_IS })
    }

    const AS_IT_IS: Changes<'static> = Changes { model: "m-2", with_usage: false, max_tokens: None };

    fn with(document: &str, changes: Changes<'_>) -> String {
        String::from_utf8(splice(&Bytes::from(document.to_owned()), changes).to_vec()).unwrap()
    }

    #[test]
    fn a_bound_is_put_in_where_the_caller_has_none() {
        let bounded =
            |document| with(document, Changes { max_tokens: Some(("max_completion_tokens", 7)), ..AS_IT_IS });
        for (given, expected) in [
            (r#"{"model":"m-2"}"#, r#"{"max_completion_tokens":7,"model":"m-2"}"#),
            (
                r#"{"model":"m-2","max_completion_tokens": null}"#,
                r#"{"model":"m-2","max_completion_tokens": 7}"#,
            ),
            (r#"{"n":1}"#, r#"{"model":"m-2","max_completion_tokens":7,"n":1}"#),
        ] {
            let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
            assert_eq!(read(&bounded(given)), read(expected), "{given}");
        }
    }

    #[test]
    fn only_the_model_changes_and_all_else_stays_byte_by_byte() {
        let document = "{ \"x\" : [1, {\"model\":\"inner\"}],\n\t\"model\" : \"auto\" , \"y\":\"a \\\"model\\\" \\\\\" }";
        assert_eq!(spliced(document, false), document.replace("\"auto\"", "\"m-2\""));
    }

    #[test]
    fn a_model_that_is_not_there_is_added_and_one_written_with_escapes_is_found() {
        assert_eq!(spliced("{}", false), r#"{"model":"m-2"}"#);
        assert_eq!(spliced(r#" {"n":1}"#, false), r#" {"model":"m-2","n":1}"#);
        assert_eq!(spliced(r#"{"mod\u0065l":"auto"}"#, false), r#"{"mod\u0065l":"m-2"}"#);
    }

    #[test]
    fn a_stream_is_made_to_tell_its_usage_whatever_its_options_were() {
        let model = r#"{"model":"m-2""#;
        for (given, expected) in [
            (r#"{"model":"m-2"}"#, r#"{"stream_options":{"include_usage":true},"model":"m-2"}"#.to_owned()),
            (
                r#"{"model":"m-2","stream_options":null}"#,
                format!(r#"{model},"stream_options":{{"include_usage":true}}}}"#),
            ),
            (
                r#"{"model":"m-2","stream_options":{}}"#,
                format!(r#"{model},"stream_options":{{"include_usage":true}}}}"#),
            ),
            (
                r#"{"model":"m-2","stream_options":{"include_usage":false,"z":1}}"#,
                format!(r#"{model},"stream_options":{{"include_usage":true,"z":1}}}}"#),
            ),
            (
                r#"{"model":"m-2","stream_options":{"z":1}}"#,
                format!(r#"{model},"stream_options":{{"include_usage":true,"z":1}}}}"#),
            ),
        ] {
            assert_eq!(spliced(given, true), expected);
        }
    }

    #[test]
    fn a_document_that_needs_no_change_is_not_copied() {
        let document = Bytes::from_static(br#"{"model":"m-2","stream_options":{"include_usage":true}}"#);
        let changes = Changes { with_usage: true, ..AS_IT_IS };
        assert_eq!(splice(&document, changes).as_ptr(), document.as_ptr());
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            let fields = prop::collection::hash_map("(model|stream_options|.{0,5})", inner.clone(), 0..4);
            prop_oneof![
                prop::collection::vec(inner, 0..4).prop_map(Value::from),
                fields.prop_map(|fields| fields.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_the_document_holds_only_the_model_is_another(
            fields in prop::collection::hash_map(".{0,6}", json(), 0..5),
            named in any::<bool>(),
            pretty in any::<bool>(),
        ) {
            let mut document: Value = fields.into_iter().collect();
            if named {
                document["model"] = json!("auto");
            }
            let text = if pretty { serde_json::to_string_pretty(&document) } else { serde_json::to_string(&document) };
            let read: Value = serde_json::from_str(&spliced(&text.unwrap(), false)).unwrap();
            document["model"] = json!("m-2");
            prop_assert_eq!(read, document);
        }
    }
}
