//! The formats of documents: how each is recognised, and how it becomes an [`Outline`].

pub(crate) mod data;
pub(crate) mod html;
pub(crate) mod json;
pub(crate) mod markdown;
pub(crate) mod pdf;
pub(crate) mod plain;
pub(crate) mod yaml;

use std::path::Path;

use bsm_runtime::diagnostic::{At, Findings};

use crate::outline::{MOST_TEXT_BYTES, Outline, TooLong};

/// The largest document of a text format, in bytes.
pub const MOST_TEXT_FILE_BYTES: u64 = 1024 * 1024;

/// The largest PDF, in bytes: most of one is not text.
pub const MOST_PDF_BYTES: u64 = 16 * 1024 * 1024;

/// A format of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// CommonMark.
    Markdown,
    /// Text without structure but for blank lines.
    Text,
    /// HTML, of which only the text is read.
    Html,
    /// JSON, read as fields and their values.
    Json,
    /// YAML, read as fields and their values.
    Yaml,
    /// PDF with text in it, read page by page.
    Pdf,
}

/// Every format with its name and the endings of its files.
const FORMATS: [(Format, &str, &[&str]); 6] = [
    (Format::Markdown, "markdown", &["md", "markdown"]),
    (Format::Text, "text", &["txt", "text"]),
    (Format::Html, "html", &["html", "htm"]),
    (Format::Json, "json", &["json"]),
    (Format::Yaml, "yaml", &["yaml", "yml"]),
    (Format::Pdf, "pdf", &["pdf"]),
];

// === impl Format ===

impl Format {
    /// The format of files that are called like this one; `None` for files that are no documents.
    pub fn of_file(path: &Path) -> Option<Format> {
        let ending = path.extension()?;
        let has = |endings: &[&str]| endings.iter().any(|known| ending.eq_ignore_ascii_case(known));
        FORMATS.into_iter().find(|(_, _, endings)| has(endings)).map(|(format, ..)| format)
    }

    /// The format of that name.
    pub fn named(name: &str) -> Option<Format> {
        FORMATS.into_iter().find(|(_, known, _)| *known == name).map(|(format, ..)| format)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        FORMATS.into_iter().find(|(format, ..)| *format == self).map_or("", |(_, name, _)| name)
    }

    /// All names, for sentences.
    pub fn names() -> String {
        FORMATS.map(|(_, name, _)| name).join(", ")
    }

    /// The largest document of this format, in bytes.
    pub fn most_bytes(self) -> u64 {
        match self {
            Format::Pdf => MOST_PDF_BYTES,
            _ => MOST_TEXT_FILE_BYTES,
        }
    }

    /// Whether fields about the document may stand before its text, between lines `---`.
    pub(crate) fn has_front_matter(self) -> bool {
        match self {
            Format::Markdown | Format::Text | Format::Html | Format::Yaml => true,
            Format::Json | Format::Pdf => false,
        }
    }

    /// Reads a text; `findings` shows its lines. None after adding what is wrong with it.
    pub(crate) fn read(self, findings: &mut Findings, body: &str) -> Option<Outline> {
        let outline = match self {
            Format::Markdown => Ok(markdown::read(body)),
            Format::Text => Ok(plain::read(body)),
            Format::Html => html::read(body),
            Format::Json => json::read(findings, body)?,
            Format::Yaml => yaml::read(findings)?,
            Format::Pdf => return None, // is no text; see `pdf::read`
        };
        outline.map_err(|TooLong| too_long(findings)).ok()
    }
}

/// The finding about a document whose text has no end.
pub(crate) fn too_long(findings: &mut Findings) {
    let message = format!("the text of the document is longer than {} KiB", MOST_TEXT_BYTES >> 10);
    findings.error(At::FILE, "", message, "split it, each part with its own title");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_known_by_the_ending_of_a_file_and_by_its_name() {
        for (name, format) in [
            ("a.md", Some("markdown")),
            ("A.MD", Some("markdown")),
            ("a.b.htm", Some("html")),
            ("a.YML", Some("yaml")),
            ("a.pdf", Some("pdf")),
            ("a.json", Some("json")),
            ("a.txt", Some("text")),
            ("a.docx", None),
            ("md", None),
        ] {
            let found = Format::of_file(Path::new(name));
            assert_eq!(found.map(Format::name), format, "{name}");
            assert_eq!(found.and_then(|found| Format::named(found.name())), found);
        }
        assert_eq!(Format::names(), "markdown, text, html, json, yaml, pdf");
    }
}
