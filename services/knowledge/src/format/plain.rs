//! Text without structure: paragraphs between blank lines.

use crate::outline::Outline;

pub(crate) fn read(body: &str) -> Outline {
    let mut blocks = Vec::new();
    let (mut offset, mut after_blank) = (0, true);
    for line in body.split_inclusive('\n') {
        let is_blank = line.trim().is_empty();
        if !is_blank && after_blank {
            blocks.push(offset);
        }
        after_blank = is_blank;
        offset += line.len();
    }
    Outline { title: None, text: body.to_owned(), headings: Vec::new(), blocks }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_begin_after_blank_lines_and_marks_mean_nothing() {
        let outline = read("# no heading\nmore\n \n\nsecond\r\n\r\nthird");
        assert_eq!(outline.headings, []);
        assert_eq!(outline.blocks, [0, 21, 31]);
    }
}
