//! The path of an annotation: literals and `{field}` parameters.

use prost_reflect::{Kind, MessageDescriptor};

/// A path such as `/api/agents/{agent_id}/status`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    text: String,
    /// The same with parameters named by their position, so that two templates which take the same requests
    /// are the same string.
    pattern: String,
    /// The field path of each parameter.
    params: Vec<String>,
}

impl Template {
    /// Reads a template and holds its parameters against the fields of `input`.
    ///
    /// # Errors
    /// A clause that says what is wrong with it.
    pub(super) fn parse(text: &str, input: &MessageDescriptor) -> Result<Template, String> {
        if !text.starts_with('/') {
            return Err(format!("the path \"{text}\" does not begin with '/'"));
        }
        let (mut pattern, mut params) = (String::new(), Vec::new());
        let mut rest = text;
        while let Some((literal, after)) = rest.split_once('{') {
            let (field, after) = after
                .split_once('}')
                .ok_or_else(|| format!("the path \"{text}\" has a '{{' without '}}'"))?;
            check_field(field, input).map_err(|problem| format!("the path \"{text}\" {problem}"))?;
            pattern.push_str(literal);
            pattern.push_str(&format!("{{p{}}}", params.len()));
            params.push(field.to_owned());
            rest = after;
        }
        pattern.push_str(rest);
        Ok(Template { text: text.to_owned(), pattern, params })
    }

    /// The template as the contract has it.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn pattern(&self) -> &str {
        &self.pattern
    }

    pub(super) fn params(&self) -> &[String] {
        &self.params
    }
}

/// A parameter must be a field with one simple value.
fn check_field(path: &str, input: &MessageDescriptor) -> Result<(), String> {
    let mut message = input.clone();
    let mut segments = path.split('.').peekable();
    while let Some(name) = segments.next() {
        let field = message
            .get_field_by_name(name)
            .ok_or_else(|| format!("names {{{path}}}, which {} does not have", input.full_name()))?;
        match (field.kind(), segments.peek()) {
            (Kind::Message(inner), Some(_)) if !field.is_list() => message = inner,
            (Kind::Message(_), _) | (_, Some(_)) => {
                return Err(format!("uses {{{path}}}, which is no simple value"));
            }
            (_, None) if field.is_list() => return Err(format!("uses {{{path}}}, which is a list")),
            (_, None) => {}
        }
    }
    Ok(())
}
