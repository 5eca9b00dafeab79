//! One document: bytes of a file → what is served of it.

use std::fmt::Write as _;

use bsm_runtime::diagnostic::{At, Diagnostic, Findings, Strictness};
use sha2::{Digest, Sha256};

use crate::{
    files::Place,
    front_matter::{self, ALL, FrontMatter, Split},
    name::id_of,
};

/// A document as it is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// From the name of its file: 1 to 63 characters of a-z, 0-9 and '-'.
    pub id: String,
    /// As its front matter says, else its first heading, else its id.
    pub title: String,
    /// The path of its file below the folder, with '/' between the parts.
    pub source: String,
    /// As its front matter says.
    pub tags: Vec<String>,
    /// Agent ids, or `all`. Never empty.
    pub audience: Vec<String>,
    /// SHA-256 of the whole file, in hex.
    pub hash: String,
    /// What follows the front matter.
    pub text: String,
}

// === impl Document ===

impl Document {
    /// Whether it is meant for one of these agents. Everything is meant for nobody in particular.
    pub fn is_for(&self, audience: &[String]) -> bool {
        audience.is_empty() || self.audience.iter().any(|member| member == ALL || audience.contains(member))
    }

    /// Reads the bytes of a file; everything that is wrong with them at once.
    pub(crate) fn parse(place: &Place, bytes: &[u8]) -> Result<Document, Vec<Diagnostic>> {
        let file = place.path.display().to_string();
        let text = std::str::from_utf8(bytes).map_err(|error| not_utf8(&file, bytes, error))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text); // editors put one before UTF-8
        let Ok(Split { head, body }) = front_matter::split(text) else {
            let mut findings = front_matter::findings(&file, text);
            front_matter::unclosed(&mut findings);
            return Err(findings.into_vec());
        };
        let mut findings = front_matter::findings(&file, head.unwrap_or_default());
        let about = head.map_or(Some(FrontMatter::default()), |head| front_matter::read(&mut findings, head));
        let id = id_of(stem(&place.source));
        if id.is_none() {
            let fix = "rename the file to 1 to 63 characters of a-z, 0-9 and '-', and .md";
            findings.error(At::FILE, "", "no id can be made from this name", fix);
        }
        if body.trim().is_empty() {
            findings.error(At::FILE, "", "the document has no text", "write it, or remove the file");
        }
        match (about, id) {
            (Some(about), Some(id)) if !findings.is_fatal() => {
                Ok(Document::new(about, id, place, hash(bytes), body))
            }
            _ => Err(findings.into_vec()),
        }
    }

    fn new(about: FrontMatter, id: String, place: &Place, hash: String, text: &str) -> Document {
        let title = about.title.or_else(|| first_heading(text)).unwrap_or_else(|| id.clone());
        let (source, text) = (place.source.clone(), text.to_owned());
        Document { id, title, source, tags: about.tags, audience: about.audience, hash, text }
    }
}

fn not_utf8(file: &str, bytes: &[u8], error: std::str::Utf8Error) -> Vec<Diagnostic> {
    let good = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
    let line = 1 + good.matches('\n').count();
    let column = 1 + good.rsplit('\n').next().map_or(0, |last| last.chars().count());
    let at = At { line: saturating(line), column: saturating(column) };
    let mut findings = Findings::new(file, String::from_utf8_lossy(bytes), Strictness::Strict);
    findings.error(at, "", "the document is not UTF-8 text from here on", "save it as UTF-8");
    findings.into_vec()
}

fn saturating(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// The name of the file without its folders and its ending.
fn stem(source: &str) -> &str {
    let name = source.rsplit('/').next().unwrap_or(source);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// The text of the first heading of the form `# Heading`, outside of code blocks.
fn first_heading(text: &str) -> Option<String> {
    let mut fence: Option<&str> = None;
    for line in text.lines().map(str::trim) {
        match fence {
            Some(open) if line.starts_with(open) => fence = None,
            Some(_) => {}
            None => match ["```", "~~~"].into_iter().find(|mark| line.starts_with(mark)) {
                Some(mark) => fence = Some(mark),
                None => {
                    if let Some(heading) = heading(line) {
                        return Some(heading.to_owned());
                    }
                }
            },
        }
    }
    None
}

fn heading(line: &str) -> Option<&str> {
    let rest = line.trim_start_matches('#');
    let level = line.len() - rest.len();
    let text = rest.trim().trim_end_matches('#').trim_end();
    ((1..=6).contains(&level) && rest.starts_with(char::is_whitespace) && !text.is_empty()).then_some(text)
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}"); // writing to a String cannot fail
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(source: &str) -> Place {
        Place { path: format!("knowledge/{source}").into(), source: source.to_owned() }
    }

    fn parse(bytes: &[u8]) -> Result<Document, Vec<Diagnostic>> {
        Document::parse(&place("guides/Code Review.md"), bytes)
    }

    #[test]
    fn a_document_is_its_front_matter_its_text_and_the_hash_of_its_file() {
        let document = parse(b"---\ntitle: A\ntags: [t]\naudience: [x]\n---\n\nabc\n").unwrap();
        assert_eq!((document.id.as_str(), document.title.as_str()), ("code-review", "A"));
        assert_eq!((document.source.as_str(), document.text.as_str()), ("guides/Code Review.md", "abc\n"));
        assert_eq!((document.tags, document.audience), (vec!["t".to_owned()], vec!["x".to_owned()]));
        let plain = parse(b"abc").unwrap();
        assert_eq!(plain.hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn the_title_falls_back_to_the_first_heading_and_then_to_the_id() {
        for (text, title) in [
            ("intro\n\n## Second level ##\n# A\n", "Second level"),
            ("```sh\n# a comment\n```\n# دليل C#\n", "دليل C"),
            ("~~~\n# no\n```\n~~~\n#hash\n####### seven\n# \n### Yes\n", "Yes"),
            ("no heading\n", "code-review"),
        ] {
            assert_eq!(parse(text.as_bytes()).unwrap().title, title, "{text:?}");
        }
    }

    #[test]
    fn a_byte_order_mark_does_not_hide_the_front_matter() {
        let document = parse("\u{feff}---\ntitle: A\n---\nx\n".as_bytes()).unwrap();
        assert_eq!((document.title.as_str(), document.text.as_str()), ("A", "x\n"));
    }

    #[test]
    fn bytes_that_are_no_text_are_refused_where_they_begin() {
        let found = parse(b"abc\n\xd9\x8ax\xff\n").unwrap_err();
        assert_eq!((found[0].line, found[0].column), (2, 3));
        assert!(
            found[0].to_string().starts_with("knowledge/guides/Code Review.md:2:3: error: "),
            "{}",
            found[0]
        );
    }

    #[test]
    fn head_name_and_text_are_judged_together() {
        let found = Document::parse(&place("دليل.md"), b"---\ntags: 1\n---\n \n").unwrap_err();
        let messages: Vec<_> = found.iter().map(|d| (d.line, d.message.as_str())).collect();
        assert_eq!(messages[0], (0, "no id can be made from this name"));
        assert_eq!(messages[1], (0, "the document has no text"));
        assert_eq!((messages.len(), messages[2].0), (3, 2));
        assert_eq!(parse(b"---\ntitle: A\n").unwrap_err()[0].line, 1);
    }

    #[test]
    fn a_document_for_all_is_for_everyone_and_any_other_for_those_it_names() {
        let document = |head: &str| parse(format!("---\naudience: {head}\n---\nx").as_bytes()).unwrap();
        let agents = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        assert!(document("[all]").is_for(&agents(&["a"])));
        assert!(document("[a, b]").is_for(&agents(&["c", "b"])));
        assert!(!document("[a, b]").is_for(&agents(&["c"])));
        assert!(document("[a]").is_for(&[]), "no audience asks for everything");
    }
}
