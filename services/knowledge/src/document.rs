//! One document: bytes in one of the formats → what is served of it.

use std::fmt::Write as _;

use bsm_runtime::diagnostic::{At, Diagnostic, Findings, Strictness};
use sha2::{Digest, Sha256};

use crate::{
    format::{Format, pdf},
    front_matter::{self, ALL, FrontMatter, Split},
    outline::{Outline, one_line},
    passage::{self, MOST_PASSAGES, Passage, TooMany},
    provenance::Provenance,
};

#[cfg(test)]
mod tests;

/// A document as it is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// 1 to 63 characters of a-z, 0-9 and '-'.
    pub id: String,
    /// As was said of it, else as its front matter says, else as its format says, else its first heading, else its id.
    pub title: String,
    /// The path of its file below the folder, with '/' between the parts; or what was said when it was added.
    pub source: String,
    /// In which format it came.
    pub format: Format,
    /// As its front matter or whoever added it says.
    pub tags: Vec<String>,
    /// Agent ids, or `all`. Never empty.
    pub audience: Vec<String>,
    /// SHA-256 of the whole document as it came, in hex.
    pub hash: String,
    /// Where it comes from.
    pub provenance: Provenance,
    /// Its text: of Markdown and plain text what follows the front matter, of other formats what is read of them.
    pub text: String,
    /// The parts of the text that are found by themselves. Never empty.
    pub passages: Vec<Passage>,
}

/// A document on its way in.
#[derive(Debug)]
pub(crate) struct Arrival<'a> {
    /// What it is called in diagnostics.
    pub(crate) file: String,
    /// None: no id can be made of its name.
    pub(crate) id: Option<String>,
    pub(crate) source: String,
    pub(crate) format: Format,
    pub(crate) provenance: Provenance,
    /// What is said of it beside its own words.
    pub(crate) said: Said,
    pub(crate) bytes: &'a [u8],
}

/// What is said of a document by whoever adds it; stronger than what it says about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) title: Option<String>,
    pub(crate) tags: Option<Vec<String>>,
    pub(crate) audience: Option<Vec<String>>,
}

// === impl Document ===

impl Document {
    /// Whether it is meant for one of these agents. Everything is meant for nobody in particular.
    pub fn is_for(&self, audience: &[String]) -> bool {
        audience.is_empty() || self.audience.iter().any(|member| member == ALL || audience.contains(member))
    }

    /// Whether the other says the same, whenever and by whom it was brought.
    pub(crate) fn is_like(&self, other: &Document) -> bool {
        self.hash == other.hash
            && self.format == other.format
            && self.title == other.title
            && self.tags == other.tags
            && self.audience == other.audience
    }

    /// The text of one of its passages.
    pub fn text_of(&self, passage: &Passage) -> &str {
        self.text.get(passage.range.clone()).unwrap_or_default()
    }

    /// Reads a document; everything that is wrong with it at once. Blocks.
    pub(crate) fn read(arrival: Arrival<'_>) -> Result<Document, Vec<Diagnostic>> {
        let mut findings = Findings::new(&*arrival.file, "", Strictness::Strict);
        if arrival.id.is_none() {
            let fix = "rename the file to 1 to 63 characters of a-z, 0-9 and '-', and its ending";
            findings.error(At::FILE, "", "no id can be made from this name", fix);
        }
        let mut found = findings.into_vec();
        let read = match arrival.format {
            Format::Pdf => of_pdf(&arrival),
            _ => of_text(&arrival),
        };
        match (read, arrival.id.clone()) {
            (Ok((about, outline)), Some(id)) => return Document::of(arrival, id, about, outline),
            (Ok(_), None) => {}
            (Err(more), _) => found.extend(more),
        }
        found.sort_by_key(|finding| (finding.line, finding.column));
        Err(found)
    }

    fn of(
        arrival: Arrival<'_>,
        id: String,
        about: FrontMatter,
        outline: Outline,
    ) -> Result<Document, Vec<Diagnostic>> {
        let passages = passage::split(&id, &outline).map_err(|TooMany| {
            let message =
                format!("the document has more than {MOST_PASSAGES} headings and paragraphs to be found by");
            alone(&arrival.file, message, "split it, each part with its own title")
        })?;
        let first_heading = || outline.headings.first().map(|heading| heading.text.clone());
        let said = arrival.said;
        let title = said.title.or(about.title).or(outline.title).or_else(first_heading);
        let title = title.map(|title| one_line(&title)).filter(|title| !title.is_empty());
        Ok(Document {
            title: title.unwrap_or_else(|| id.clone()),
            id,
            source: arrival.source,
            format: arrival.format,
            tags: said.tags.unwrap_or(about.tags),
            audience: said.audience.unwrap_or(about.audience),
            hash: hash(arrival.bytes),
            provenance: arrival.provenance,
            text: outline.text,
            passages,
        })
    }
}

type Parts = (FrontMatter, Outline);

fn of_pdf(arrival: &Arrival<'_>) -> Result<Parts, Vec<Diagnostic>> {
    let outline = pdf::read(arrival.bytes);
    let outline = outline.map_err(|unusable| alone(&arrival.file, unusable.to_string(), unusable.fix()))?;
    Ok((FrontMatter::default(), outline))
}

fn of_text(arrival: &Arrival<'_>) -> Result<Parts, Vec<Diagnostic>> {
    let Arrival { file, format, bytes, .. } = arrival;
    let text = std::str::from_utf8(bytes).map_err(|error| not_utf8(file, bytes, error))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text); // editors put one before UTF-8
    let split = match format.has_front_matter() {
        true => front_matter::split(text),
        false => Ok(Split { head: None, body: text }),
    };
    let Ok(Split { head, body }) = split else {
        let mut findings = front_matter::findings(file, text);
        front_matter::unclosed(&mut findings);
        return Err(findings.into_vec());
    };
    let mut findings = front_matter::findings(file, head.unwrap_or_default());
    let about = head.map_or(Some(FrontMatter::default()), |head| front_matter::read(&mut findings, head));
    let mut found = findings.into_vec();
    let outline = of_body(arrival, text, body, &mut found);
    match (about, outline) {
        (Some(about), Some(outline)) => Ok((about, outline)),
        _ => Err(found),
    }
}

/// What stands below the front matter. Findings have the places that they have in the whole.
fn of_body(arrival: &Arrival<'_>, text: &str, body: &str, found: &mut Vec<Diagnostic>) -> Option<Outline> {
    let empty = || alone(&arrival.file, "the document has no text", "write it, or remove it");
    if body.trim().is_empty() {
        found.extend(empty());
        return None;
    }
    let above = text[..text.len() - body.len()].matches('\n').count();
    let mut findings = Findings::new(&*arrival.file, "\n".repeat(above) + body, Strictness::Strict);
    let read = arrival.format.read(&mut findings, body);
    found.extend(findings.into_vec());
    match read {
        Some(outline) if outline.text.trim().is_empty() => {
            found.extend(empty());
            None
        }
        read => read,
    }
}

/// One finding about a document as a whole.
fn alone(file: &str, message: impl Into<String>, fix: &str) -> Vec<Diagnostic> {
    let mut findings = Findings::new(file, "", Strictness::Strict);
    findings.error(At::FILE, "", message, fix);
    findings.into_vec()
}

fn not_utf8(file: &str, bytes: &[u8], error: std::str::Utf8Error) -> Vec<Diagnostic> {
    let first = error.valid_up_to();
    let good = String::from_utf8_lossy(&bytes[..first]);
    let line = 1 + good.matches('\n').count();
    let column = 1 + good.rsplit('\n').next().map_or(0, |last| last.chars().count());
    let at = At { line: saturating(line), column: saturating(column) };
    let mut findings = Findings::new(file, String::from_utf8_lossy(bytes), Strictness::Strict);
    let byte = bytes.get(first).copied().unwrap_or_default();
    let message = format!("the document is not UTF-8 text from its byte {} (0x{byte:02x}) on", first + 1);
    findings.error(at, "", message, "save it as UTF-8");
    findings.into_vec()
}

fn saturating(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}"); // writing to a String cannot fail
        hex
    })
}
