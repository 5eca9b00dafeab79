//! Documents that are data, in JSON or YAML: each field a line with its path, each field of the top level that has
//! fields of its own a section.
//!
//! ```text
//! owner: ops                      owner: ops
//! limits: {cpu: 2}        →       ## limits
//!                                 limits.cpu: 2
//! ```

use std::fmt::Write as _;

use crate::outline::{Outline, TooLong};

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Datum {
    /// A text, a number, true or false; nothing is an empty text.
    Leaf(String),
    List(Vec<Datum>),
    Map(Vec<(String, Datum)>),
}

/// The fields by which an item of a list is called, in the order of their weight.
const NAMES: [&str; 4] = ["title", "name", "id", "key"];

/// The text of the data.
pub(crate) fn outline(data: &Datum) -> Result<Outline, TooLong> {
    let mut outline = Outline { title: data.name("title"), ..Outline::default() };
    let entries = match data {
        Datum::Map(entries) => entries.clone(),
        Datum::List(items) => items.iter().enumerate().map(named).collect(),
        Datum::Leaf(text) => return outline.push_block(text).map(|()| outline),
    };
    let (leaves, sections): (Vec<_>, Vec<_>) =
        entries.into_iter().partition(|(_, value)| matches!(value, Datum::Leaf(_)));
    let mut lines = Lines::default();
    leaves.iter().try_for_each(|(key, value)| lines.add(key, value))?;
    outline.push_block(&lines.text)?;
    for (key, value) in &sections {
        let mut lines = Lines::default();
        lines.add(key, value)?;
        if !lines.text.is_empty() {
            outline.push_heading(2, key)?;
            outline.push_block(&lines.text)?;
        }
    }
    Ok(outline)
}

/// An item of the top list, called by one of its fields, else by its number.
fn named((number, item): (usize, &Datum)) -> (String, Datum) {
    let name = NAMES.iter().find_map(|field| item.name(field));
    (name.unwrap_or_else(|| format!("item {}", number + 1)), item.clone())
}

// === impl Datum ===

impl Datum {
    /// The text of a field.
    fn name(&self, field: &str) -> Option<String> {
        let Datum::Map(entries) = self else { return None };
        entries.iter().find_map(|(key, value)| match value {
            Datum::Leaf(text) if key == field && !text.trim().is_empty() => Some(text.clone()),
            _ => None,
        })
    }
}

/// Lines in the making.
#[derive(Debug, Default)]
struct Lines {
    text: String,
}

// === impl Lines ===

impl Lines {
    fn add(&mut self, path: &str, value: &Datum) -> Result<(), TooLong> {
        match value {
            Datum::Leaf(text) if text.contains('\n') => self.line(&format!("{path}:\n{}", text.trim_end())),
            Datum::Leaf(text) => self.line(&format!("{path}: {text}")),
            Datum::List(items) if items.is_empty() => Ok(()),
            Datum::List(items) if items.iter().all(|item| matches!(item, Datum::Leaf(_))) => {
                let items = items.iter().filter_map(|item| match item {
                    Datum::Leaf(text) => Some(text.as_str()),
                    _ => None,
                });
                self.line(&format!("{path}: {}", items.collect::<Vec<_>>().join(", ")))
            }
            Datum::List(items) => {
                let mut numbered = items.iter().enumerate();
                numbered.try_for_each(|(number, item)| self.add(&format!("{path}[{number}]"), item))
            }
            Datum::Map(entries) => {
                entries.iter().try_for_each(|(key, value)| self.add(&format!("{path}.{key}"), value))
            }
        }
    }

    /// Paths are repeated in every line, so that a small file can become a long text.
    fn line(&mut self, line: &str) -> Result<(), TooLong> {
        let _ = writeln!(self.text, "{line}"); // writing to a String cannot fail
        if self.text.len() > crate::outline::MOST_TEXT_BYTES { Err(TooLong) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(text: &str) -> Datum {
        Datum::Leaf(text.to_owned())
    }

    fn map(entries: &[(&str, Datum)]) -> Datum {
        Datum::Map(entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
    }

    #[test]
    fn fields_become_lines_with_their_paths_and_sections_by_the_top_level() {
        let limits = map(&[("cpu", leaf("2")), ("hosts", Datum::List(vec![leaf("a"), leaf("b")]))]);
        let data = map(&[("title", leaf("Limits")), ("limits", limits), ("owner", leaf("ops\non call"))]);
        let outline = outline(&data).unwrap();
        assert_eq!(outline.title.as_deref(), Some("Limits"));
        assert_eq!(
            outline.text,
            "title: Limits\nowner:\nops\non call\n\n## limits\n\nlimits.cpu: 2\nlimits.hosts: a, b\n"
        );
    }

    #[test]
    fn items_of_a_list_are_called_by_their_names() {
        let rule =
            |name: &str| map(&[("name", leaf(name)), ("tests", Datum::List(vec![map(&[("x", leaf("1"))])]))]);
        let data = Datum::List(vec![rule("no secrets"), Datum::List(vec![]), leaf("word")]);
        let headings: Vec<_> = outline(&data).unwrap().headings.into_iter().map(|h| h.text).collect();
        assert_eq!(headings, ["no secrets"], "there is nothing to be said of an empty list");
        let text = outline(&data).unwrap().text;
        assert!(text.contains("no secrets.tests[0].x: 1") && text.contains("item 3: word"), "{text}");
    }

    #[test]
    fn long_paths_cannot_make_a_small_file_a_large_text() {
        let deep = (0..30).fold(leaf("x"), |inner, _| map(&[(&"k".repeat(1000), inner)]));
        let data = Datum::Map((0..40).map(|number| (format!("{number}"), deep.clone())).collect());
        assert_eq!(outline(&data), Err(TooLong));
    }
}
