//! The fields at the head of a document, between two lines `---`, in YAML.

use bsm_runtime::{
    diagnostic::{At, Findings, Strictness},
    yaml::{self, Fields, Filled, Node, Path, Read, list_of},
};

use crate::name::is_name;

#[cfg(test)]
mod tests;

/// The audience that every agent belongs to.
pub(crate) const ALL: &str = "all";

/// The longest title, in characters.
pub(crate) const TITLE: usize = 200;

/// The longest tag, in characters.
pub(crate) const TAG: usize = 64;

/// What a document says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FrontMatter {
    /// None when the document leaves it to its first heading.
    pub(crate) title: Option<String>,
    pub(crate) tags: Vec<String>,
    /// Agent ids, or [`ALL`]. Never empty.
    pub(crate) audience: Vec<String>,
}

/// A text in its two parts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Split<'t> {
    /// From the opening line up to the closing one, so that its lines have the numbers they have in the file.
    pub(crate) head: Option<&'t str>,
    /// What follows; blank lines at its beginning are left out.
    pub(crate) body: &'t str,
}

/// The front matter is opened and not closed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unclosed;

/// Takes a text apart. A text that does not begin with a line `---` is all body.
pub(crate) fn split(text: &str) -> Result<Split<'_>, Unclosed> {
    let mut lines = text.split_inclusive('\n');
    let Some(opening) = lines.next().filter(|line| line.trim_end() == "---") else {
        return Ok(Split { head: None, body: after_blank_lines(text) });
    };
    let mut end = opening.len();
    for line in lines {
        if line.trim_end() == "---" {
            let body = after_blank_lines(&text[end + line.len()..]);
            return Ok(Split { head: Some(&text[..end]), body });
        }
        end += line.len();
    }
    Err(Unclosed)
}

/// Reads the head of the document in `file`. None after adding to `found` what is wrong with it.
pub(crate) fn read(findings: &mut Findings, head: &str) -> Option<FrontMatter> {
    let is_blank = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    if head.lines().skip(1).all(is_blank) {
        return Some(FrontMatter::default());
    }
    let node = yaml::read(findings)?;
    let mut fields = Fields::of(&node, &Path::ROOT, findings)?;
    let title = fields.optional("title", Short { what: "title", most: TITLE });
    let tags = fields.optional("tags", list_of(Short { what: "tag", most: TAG })).unwrap_or_default();
    let audience = fields.optional("audience", list_of(Member));
    if audience.as_ref().is_some_and(Vec::is_empty) {
        fields.error("audience", "nobody is named", "write agent ids, or [all], or leave the field out");
    }
    fields.finish();
    let front_matter = FrontMatter { title, tags, audience: audience.unwrap_or_else(everyone) };
    (!findings.is_fatal()).then_some(front_matter)
}

fn everyone() -> Vec<String> {
    vec![ALL.to_owned()]
}

fn after_blank_lines(text: &str) -> &str {
    let lines = text.split_inclusive('\n');
    let blank: usize = lines.take_while(|line| line.trim().is_empty()).map(str::len).sum();
    &text[blank..]
}

impl Default for FrontMatter {
    fn default() -> Self {
        FrontMatter { title: None, tags: Vec::new(), audience: everyone() }
    }
}

/// The findings about a head whose closing line is missing.
pub(crate) fn unclosed(findings: &mut Findings) {
    let message = "the front matter that begins here has no end";
    findings.error(At { line: 1, column: 1 }, "", message, "put a line `---` after its last field");
}

/// The findings about a head: they show its lines.
pub(crate) fn findings(file: &str, head: &str) -> Findings {
    Findings::new(file, head, Strictness::Strict)
}

/// A text of one line that is not blank.
#[derive(Debug, Clone, Copy)]
struct Short {
    what: &'static str,
    /// In characters.
    most: usize,
}

impl Read for Short {
    type Out = String;

    fn read(&self, node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<String> {
        let text = Filled.read(node, path, findings)?;
        if text.chars().count() > self.most || text.contains(char::is_control) {
            let message = format!("this is not a {}", self.what);
            findings.error(node.at, path, message, format!("write {}", self.wanted()));
            return None;
        }
        Some(text.trim().to_owned())
    }

    fn wanted(&self) -> String {
        format!("a {} of one line and at most {} characters", self.what, self.most)
    }
}

/// One of an audience: an agent's id, or [`ALL`], which is written like one.
#[derive(Debug, Clone, Copy)]
struct Member;

impl Read for Member {
    type Out = String;

    fn read(&self, node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<String> {
        let text = Filled.read(node, path, findings)?;
        if is_name(&text) {
            return Some(text);
        }
        findings.error(node.at, path, format!("{text:.80?} is not an agent's id"), self.wanted());
        None
    }

    fn wanted(&self) -> String {
        "an agent's id (1 to 63 characters of a-z, 0-9 and '-') or all".to_owned()
    }
}
