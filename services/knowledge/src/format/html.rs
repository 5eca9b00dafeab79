//! HTML, of which only what a reader sees is kept: headings, paragraphs, items, cells. No script, no style, no markup.
//!
//! It is taken apart token by token and never made a tree: the work grows with the length of the document and with
//! nothing else, however its elements are nested.

use std::mem::take;

use html5gum::{DefaultEmitter, Token, Tokenizer};

use crate::outline::{Outline, TooLong, one_line};

/// Elements of which nothing is read.
const UNREAD: [&str; 10] =
    ["script", "style", "template", "svg", "iframe", "noembed", "noframes", "object", "select", "textarea"];

/// Elements that begin and end a paragraph.
const BLOCKS: [&str; 44] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "caption",
    "center",
    "dd",
    "details",
    "dialog",
    "dir",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hgroup",
    "hr",
    "html",
    "li",
    "main",
    "menu",
    "nav",
    "ol",
    "p",
    "pre",
    "search",
    "section",
    "summary",
    "table",
    "tbody",
    "thead",
    "tr",
    "ul",
];

pub(crate) fn read(body: &str) -> Result<Outline, TooLong> {
    let mut emitter = DefaultEmitter::default();
    emitter.naively_switch_states(true); // what stands in a script is one text, whatever looks like a tag in it
    let mut page = Page::default();
    for Ok(token) in Tokenizer::new_with_emitter(body, emitter) {
        match token {
            Token::StartTag(tag) => page.open(name(&tag.name), tag.self_closing)?,
            Token::EndTag(tag) => page.close(name(&tag.name))?,
            Token::String(text) => page.text(&String::from_utf8_lossy(&text.value)),
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    page.flush()?;
    Ok(page.outline)
}

/// Names of elements are ASCII in lower case; one that is not is unknown anyhow.
fn name(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

/// What was read so far.
#[derive(Default)]
struct Page {
    outline: Outline,
    /// The paragraph in the making.
    paragraph: String,
    /// The heading that it is, if it is one.
    heading: Option<u8>,
    /// How many `<pre>` it stands in.
    verbatim: usize,
    /// The element of which nothing is read, and how many of its name are open.
    unread: Option<(String, usize)>,
    in_title: bool,
}

// === impl Page ===

impl Page {
    fn open(&mut self, name: &str, self_closing: bool) -> Result<(), TooLong> {
        let closes = self_closing && name == "svg"; // of HTML's own elements, none does
        if let Some((unread, count)) = &mut self.unread {
            *count += usize::from(unread == name && !closes);
            return Ok(());
        }
        if UNREAD.contains(&name) {
            self.unread = (!closes).then(|| (name.to_owned(), 1));
            return Ok(());
        }
        if BLOCKS.contains(&name) {
            self.flush()?;
        }
        match name {
            "title" => self.in_title = true,
            "br" => self.paragraph.push('\n'),
            "pre" => self.verbatim += 1,
            "li" => self.paragraph.push_str("- "),
            "td" | "th" if !self.paragraph.is_empty() => self.paragraph.push_str(" | "),
            _ => self.heading = level(name).or(self.heading),
        }
        Ok(())
    }

    fn close(&mut self, name: &str) -> Result<(), TooLong> {
        if let Some((unread, count)) = &mut self.unread {
            *count -= usize::from(unread == name);
            if *count == 0 {
                self.unread = None;
            }
            return Ok(());
        }
        if BLOCKS.contains(&name) {
            self.flush()?;
        }
        match name {
            "title" => self.in_title = false,
            "pre" => self.verbatim = self.verbatim.saturating_sub(1),
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if self.unread.is_some() {
            return;
        }
        if self.in_title {
            let title = one_line(text);
            self.outline.title = self.outline.title.take().or((!title.is_empty()).then_some(title));
        } else if self.verbatim > 0 {
            self.paragraph.push_str(text);
        } else {
            self.flow(text);
        }
    }

    /// Adds a text in which any white space is one space.
    fn flow(&mut self, text: &str) {
        let space = |c: char| c.is_ascii_whitespace();
        let is_open = !self.paragraph.is_empty() && !self.paragraph.ends_with(space);
        let mut words = text.split(space).filter(|word| !word.is_empty());
        let Some(first) = words.next() else {
            if is_open && !text.is_empty() {
                self.paragraph.push(' ');
            }
            return;
        };
        if is_open && text.starts_with(space) {
            self.paragraph.push(' ');
        }
        self.paragraph.push_str(first);
        for word in words {
            self.paragraph.push(' ');
            self.paragraph.push_str(word);
        }
        if text.ends_with(space) {
            self.paragraph.push(' ');
        }
    }

    /// Ends the paragraph.
    fn flush(&mut self) -> Result<(), TooLong> {
        let paragraph = take(&mut self.paragraph);
        let paragraph = paragraph.trim_start_matches('\n');
        match self.heading.take() {
            Some(level) => self.outline.push_heading(level, paragraph),
            None if paragraph.trim() == "-" => Ok(()), // an item that holds blocks, each of which is one
            None => self.outline.push_block(paragraph),
        }
    }
}

fn level(name: &str) -> Option<u8> {
    let level = name.strip_prefix('h')?.parse().ok()?;
    (1..=6).contains(&level).then_some(level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_paragraphs_items_and_cells_are_read() {
        let page = "<!doctype html><title> My\npage </title><body><h1>Top <em>one</em></h1><p>Some   <b>bold</b>\n\
                    text &amp; more<br>line<ul><li>a<li>b</ul><table><tr><td>1<td>2</table><pre>x\n  y</pre>end";
        let outline = read(page).unwrap();
        assert_eq!(outline.title.as_deref(), Some("My page"));
        assert_eq!(
            outline.text,
            "# Top one\n\nSome bold text & more\nline\n\n- a\n\n- b\n\n1 | 2\n\nx\n  y\n\nend\n"
        );
        assert_eq!((outline.headings[0].level, outline.headings[0].at), (1, 0));
    }

    #[test]
    fn scripts_styles_comments_and_markup_are_no_text() {
        let page = "<p onclick=\"alert(1)\">a<script>if (x < 1) document.write('<p>evil</p>')</script>b\
                    <style>p{color:red}</style><!-- <p>hidden --><svg><text>pic</text><svg></svg></svg>\
                    <template><p>later</template>c<img src=x onerror=alert(1)><script src=x />d</script>e";
        assert_eq!(read(page).unwrap().text, "abce\n");
    }

    #[test]
    fn what_is_never_closed_or_was_never_opened_is_read_to_the_end() {
        assert_eq!(read("</p></pre></h1><div><div><p>a").unwrap().text, "a\n");
        assert_eq!(read("a<script>never closed").unwrap().text, "a\n");
        assert_eq!(read("a < b &notanentity; <").unwrap().text, "a < b \u{ac}anentity; <\n");
        assert_eq!(read("").unwrap().text, "");
    }

    #[test]
    fn nesting_costs_no_more_than_its_length() {
        let page = "<div><p><b>".repeat(90_000) + "x";
        assert_eq!(read(&page).unwrap().text, "x\n");
    }
}
