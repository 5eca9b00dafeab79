//! CommonMark: headings and blocks where its parser sees them, so that a `#` in a code block is no heading.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::outline::{Heading, Outline, one_line};

pub(crate) fn read(body: &str) -> Outline {
    let mut outline = Outline { text: body.to_owned(), ..Outline::default() };
    let mut depth = 0usize;
    let mut heading: Option<Heading> = None;
    for (event, range) in Parser::new_ext(body, Options::ENABLE_TABLES).into_offset_iter() {
        match event {
            Event::Start(tag) => {
                match tag {
                    Tag::Heading { level, .. } if depth == 0 => {
                        heading = Some(Heading { level: level as u8, text: String::new(), at: range.start });
                    }
                    _ if depth == 0 => outline.blocks.push(range.start),
                    _ => {}
                }
                depth += 1;
            }
            Event::End(end) => {
                depth -= 1;
                if matches!(end, TagEnd::Heading(_)) && depth == 0 {
                    outline.headings.extend(heading.take().and_then(finished));
                }
            }
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut heading {
                    heading.text.push_str(&text);
                }
            }
            Event::SoftBreak | Event::HardBreak => {
                if let Some(heading) = &mut heading {
                    heading.text.push(' ');
                }
            }
            _ => {}
        }
    }
    outline
}

/// None for one without a word.
fn finished(heading: Heading) -> Option<Heading> {
    let text = one_line(&heading.text);
    (!text.is_empty()).then_some(Heading { text, ..heading })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headings(text: &str) -> Vec<(u8, String, usize)> {
        read(text).headings.into_iter().map(|heading| (heading.level, heading.text, heading.at)).collect()
    }

    #[test]
    fn headings_are_what_commonmark_takes_for_one() {
        let text = "Top\n===\n\n```sh\n# a comment\n```\n\n> # quoted\n\n## `code` *and* [link](x) ##\n\n#no\n\n# \n";
        let found = headings(text);
        assert_eq!(found, [(1, "Top".to_owned(), 0), (2, "code and link".to_owned(), 44)]);
    }

    #[test]
    fn blocks_are_paragraphs_lists_and_code_as_a_whole() {
        let text = "one\ntwo\n\n- a\n\n  b\n- c\n\n```\nx\n\ny\n```\n";
        assert_eq!(read(text).blocks, [0, 9, 23]);
    }

    #[test]
    fn nesting_without_end_is_read() {
        for text in [">".repeat(100_000), "- ".repeat(50_000), "[".repeat(100_000), "*a ".repeat(100_000)] {
            assert_eq!(read(&text).text, text);
        }
    }
}
