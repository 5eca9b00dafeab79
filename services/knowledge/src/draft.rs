//! A document that somebody wants to add: what of it can be judged without the others.

use bsm_proto::knowledge::v1::{AddDocumentRequest, ReplaceDocumentRequest};

use crate::{
    document::{Arrival, Document, Said},
    error::Error,
    format::Format,
    front_matter::{ALL, TAG, TITLE},
    name::{is_id, is_name},
    provenance::{Provenance, Way},
};

#[cfg(test)]
mod tests;

/// How many tags and how many agents may be named.
const MOST_TAGS: usize = 32;
const MOST_AUDIENCE: usize = 64;

/// The longest source, in characters.
const SOURCE: usize = 500;

/// What a document that is added is called in sentences about it.
const CALLED: &str = "the document";

/// A document as it came, checked as far as its fields go. Its content is not read yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Draft {
    pub(crate) id: String,
    pub(crate) format: Format,
    pub(crate) source: String,
    pub(crate) said: Said,
    pub(crate) content: Vec<u8>,
}

/// A field, and what it must be.
pub(crate) type Violation = (&'static str, String);

// === impl Draft ===

impl Draft {
    /// Checks a request.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every field that is wrong.
    pub(crate) fn check(request: AddDocumentRequest) -> Result<Draft, Error> {
        let mut wrong = Vec::<Violation>::new();
        let mut check = |is_fine: bool, field, must: String| {
            if !is_fine {
                wrong.push((field, must));
            }
        };
        let AddDocumentRequest { document_id: id, format, text, content, title, tags, audience, source } =
            request;
        check(
            is_id(&id),
            "document_id",
            "must be 1 to 63 characters of a-z, 0-9 and '-', and not \"search\"".into(),
        );
        let known = format.as_deref().map_or(Some(Format::Markdown), Format::named);
        check(known.is_some(), "format", format!("must be one of {}", Format::names()));
        let format = known.unwrap_or(Format::Markdown);
        let field = if content.is_empty() { "text" } else { "content" };
        check(
            text.is_empty() != content.is_empty(),
            field,
            "must be given, and only one of text and content".into(),
        );
        let content = if content.is_empty() { text.into_bytes() } else { content };
        let most = format.most_bytes();
        check(
            content.len() as u64 <= most,
            field,
            format!("must have at most {most} bytes as {}", format.name()),
        );
        let title_is_fine = title.as_deref().is_none_or(|title| is_line(title, TITLE));
        check(title_is_fine, "title", format!("must be one line of 1 to {TITLE} characters"));
        let tags_are_fine = tags.len() <= MOST_TAGS && tags.iter().all(|tag| is_line(tag, TAG));
        check(
            tags_are_fine,
            "tags",
            format!("must be at most {MOST_TAGS}, each one line of 1 to {TAG} characters"),
        );
        let is_audience = audience.len() <= MOST_AUDIENCE && audience.iter().all(|id| is_name(id));
        check(
            is_audience,
            "audience",
            format!("must be at most {MOST_AUDIENCE} ids of agents, of a-z, 0-9 and '-', or \"{ALL}\""),
        );
        let source_is_fine = source.as_deref().is_none_or(|source| is_line(source, SOURCE));
        check(source_is_fine, "source", format!("must be one line of 1 to {SOURCE} characters"));
        if !wrong.is_empty() {
            return Err(Error::Invalid(wrong));
        }
        let list = |list: Vec<String>| (!list.is_empty()).then_some(list);
        let said = Said {
            title: title.map(|title| title.trim().to_owned()),
            tags: list(tags),
            audience: list(audience),
        };
        Ok(Draft { source: source.unwrap_or_else(|| id.clone()), id, format, said, content })
    }

    /// Reads the content. Blocks for as long as that takes.
    ///
    /// # Errors
    /// [`Error::Unusable`].
    pub(crate) fn read(&self, added_at_ms: i64, added_by: &str) -> Result<Document, Error> {
        let arrival = Arrival {
            file: CALLED.to_owned(),
            id: Some(self.id.clone()),
            source: self.source.clone(),
            format: self.format,
            provenance: Provenance { way: Way::Api, added_at_ms, added_by: added_by.to_owned() },
            said: self.said.clone(),
            bytes: &self.content,
        };
        Document::read(arrival).map_err(Error::Unusable)
    }
}

/// A replacement says the same of a document as an addition; what it is to replace stands beside it.
pub(crate) fn parts(request: ReplaceDocumentRequest) -> (AddDocumentRequest, Option<String>) {
    let ReplaceDocumentRequest {
        document_id,
        format,
        text,
        content,
        title,
        tags,
        audience,
        source,
        expected_hash,
    } = request;
    (AddDocumentRequest { document_id, format, text, content, title, tags, audience, source }, expected_hash)
}

/// Whether the text is one line that shows something, of at most so many characters.
fn is_line(text: &str, most: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= most && !text.contains(char::is_control)
}
