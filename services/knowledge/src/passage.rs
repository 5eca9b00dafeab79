//! Where a document is taken apart: along its headings, and within a long section between its paragraphs.
//!
//! A passage's id is that of its document and a name made of its heading: it stays the same when other parts of the
//! document change. Only headings that are alike are told apart by what stands above them, and then by their order.

use std::{collections::HashMap, ops::Range};

use crate::outline::{Heading, Outline};

#[cfg(test)]
mod tests;

/// How long a passage is at most, in bytes: some 500 tokens of English, 350 of Arabic.
pub const MOST_PASSAGE_BYTES: usize = 2048;

/// How many passages a document has at most.
pub const MOST_PASSAGES: usize = 5_000;

/// The name of what stands before the first heading.
const LEAD: &str = "start";

/// The longest name made of a heading, in characters.
const LONGEST_SLUG: usize = 60;

/// A part of a document that is found and shown by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// `<document>#<heading>`, with `.2` and so on for the further parts of a long section.
    pub id: String,
    /// The headings it stands under, the highest first, its own last.
    pub headings: Vec<String>,
    /// Which bytes of the document's text it is. Not blank.
    pub range: Range<usize>,
}

/// The document has more than [`MOST_PASSAGES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany;

/// Takes a document apart. Every word of the text is in exactly one passage, apart from headings that have nothing but
/// deeper headings below them: those are among the `headings` of the passages there.
pub(crate) fn split(document: &str, outline: &Outline) -> Result<Vec<Passage>, TooMany> {
    let mut names = Names::default();
    let mut passages = Vec::new();
    for section in sections(outline) {
        let name = names.of(&section.headings);
        for (number, range) in parts(outline, section.range).into_iter().enumerate() {
            if passages.len() == MOST_PASSAGES {
                return Err(TooMany);
            }
            let id = match number {
                0 => format!("{document}#{name}"),
                later => format!("{document}#{name}.{}", later + 1),
            };
            passages.push(Passage { id, headings: section.headings.clone(), range });
        }
    }
    Ok(passages)
}

/// What stands under one heading, up to the next.
struct Section {
    headings: Vec<String>,
    range: Range<usize>,
}

fn sections(outline: &Outline) -> Vec<Section> {
    let Outline { text, headings, .. } = outline;
    let first = headings.first().map_or(text.len(), |heading| heading.at);
    let lead = Section { headings: Vec::new(), range: 0..first };
    let mut above: Vec<&Heading> = Vec::new();
    let mut sections: Vec<Section> = Vec::from_iter((!text[..first].trim().is_empty()).then_some(lead));
    for (number, heading) in headings.iter().enumerate() {
        above.retain(|other| other.level < heading.level);
        above.push(heading);
        let next = headings.get(number + 1);
        let range = heading.at..next.map_or(text.len(), |next| next.at);
        let is_bare = next.is_some_and(|next| next.level > heading.level) && !has_body(&text[range.clone()]);
        if !is_bare {
            sections.push(Section { headings: above.iter().map(|h| h.text.clone()).collect(), range });
        }
    }
    sections
}

/// Whether anything follows the heading: on its own line, or under Markdown's other kind, on the line below it.
fn has_body(section: &str) -> bool {
    let rest = section.split_once('\n').map_or("", |(_, rest)| rest);
    rest.lines().any(|line| !line.trim().trim_matches(['=', '-']).is_empty())
}

/// A section in pieces of bounded length, cut between blocks where there is such a place. Blank pieces are left out.
fn parts(outline: &Outline, section: Range<usize>) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut start = section.start;
    while section.end - start > MOST_PASSAGE_BYTES {
        let end = start + cut(outline, start);
        parts.push(start..end);
        start = end;
    }
    parts.push(start..section.end);
    parts.into_iter().filter_map(|part| trimmed(&outline.text, part)).collect()
}

/// How many of the bytes from `start` on make up the next piece, where there are more than fit: up to the last block
/// that begins in it, else the last line, else the last word, else as many characters as fit.
fn cut(outline: &Outline, start: usize) -> usize {
    let text = &outline.text[start..];
    let most = (0..=MOST_PASSAGE_BYTES).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    // A piece that is cut in its first quarter would be a crumb.
    let least = MOST_PASSAGE_BYTES / 4;
    let blocks = &outline.blocks[..outline.blocks.partition_point(|at| *at <= start + most)];
    let block = blocks.last().map(|at| at.saturating_sub(start)).filter(|at| *at >= least);
    let after = |found: Option<usize>| found.map(|at| at + 1).filter(|at| *at >= least);
    let line = || after(text[..most].rfind('\n'));
    let word = || after(text[..most].rfind([' ', '\t']));
    block.or_else(line).or_else(word).unwrap_or(most)
}

fn trimmed(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let part = &text[range.clone()];
    let shown = part.trim();
    if shown.is_empty() {
        return None;
    }
    let start = range.start + (part.len() - part.trim_start().len());
    Some(start..start + shown.len())
}

/// The names given so far in one document.
#[derive(Default)]
struct Names {
    /// How often a name was asked for, and so given with numbers.
    taken: HashMap<String, usize>,
}

// === impl Names ===

impl Names {
    fn of(&mut self, headings: &[String]) -> String {
        let own = headings.last().map_or_else(|| LEAD.to_owned(), |heading| slug(heading));
        if !self.taken.contains_key(&own) {
            self.taken.insert(own.clone(), 1);
            return own;
        }
        let parent = headings.len().checked_sub(2).map(|above| slug(&headings[above]));
        let wanted = parent.map_or_else(|| own.clone(), |parent| format!("{parent}-{own}"));
        self.free(wanted)
    }

    /// The name, with a number if it is taken.
    fn free(&mut self, wanted: String) -> String {
        loop {
            let count = self.taken.entry(wanted.clone()).or_insert(0);
            *count += 1;
            let name = if *count == 1 { wanted.clone() } else { format!("{wanted}-{count}") };
            if name == wanted || !self.taken.contains_key(&name) {
                self.taken.insert(name.clone(), 1.max(self.taken.get(&name).copied().unwrap_or(0)));
                return name;
            }
        }
    }
}

/// Letters and digits of any script in lower case, with '-' for whatever stands between them.
fn slug(heading: &str) -> String {
    let words = heading.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let slug = words.map(str::to_lowercase).collect::<Vec<_>>().join("-");
    let slug: String = slug.chars().take(LONGEST_SLUG).collect();
    if slug.is_empty() { "section".to_owned() } else { slug.trim_end_matches('-').to_owned() }
}
