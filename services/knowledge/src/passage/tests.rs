use super::*;
use crate::format::markdown;

fn of(text: &str) -> Vec<Passage> {
    split("guide", &markdown::read(text)).unwrap()
}

fn ids(passages: &[Passage]) -> Vec<&str> {
    passages.iter().map(|passage| passage.id.as_str()).collect()
}

#[test]
fn passages_follow_the_headings_and_know_what_they_stand_under() {
    let text = "intro\n\n# Guide\n\n## Install\n\nRun it.\n\n### Linux\n\napt\n\n## Use\n\nGo.\n";
    let passages = of(text);
    assert_eq!(ids(&passages), ["guide#start", "guide#install", "guide#linux", "guide#use"]);
    assert_eq!(passages[2].headings, ["Guide", "Install", "Linux"]);
    assert_eq!(&text[passages[2].range.clone()], "### Linux\n\napt");
    assert_eq!(passages[3].headings, ["Guide", "Use"]);
}

#[test]
fn an_id_stays_when_other_parts_of_the_document_change() {
    let before = of("# A\n\n## One\n\nx\n\n## Two\n\ny\n");
    let after = of("# A\n\nnew words\n\n## Zero\n\nz\n\n## One\n\nx changed\n\n## Two\n\ny\n");
    let find = |passages: &[Passage], id: &str| passages.iter().any(|passage| passage.id == id);
    for id in ["guide#one", "guide#two"] {
        assert!(find(&before, id) && find(&after, id), "{id}");
    }
}

#[test]
fn headings_that_are_alike_are_told_apart_by_what_stands_above_them_and_then_by_their_order() {
    let text = "# A\n\n## Example\n\n1\n\n# B\n\n## Example\n\n2\n\n## Example\n\n3\n\n# B-Example-2\n\n4\n\n# Start\n\n5\n";
    let with_lead = format!("lead\n\n{text}");
    assert_eq!(
        ids(&of(&with_lead)),
        [
            "guide#start",
            "guide#example",
            "guide#b-example",
            "guide#b-example-2",
            "guide#b-example-2-2",
            "guide#start-2"
        ]
    );
}

#[test]
fn a_document_of_nothing_but_a_heading_has_one_passage() {
    let passages = of("# دليل الأمان\n");
    assert_eq!((ids(&passages), passages[0].range.clone()), (vec!["guide#دليل-الأمان"], 0..23));
    assert_eq!(ids(&of("# ***\n\nx")), ["guide#section"]);
}

#[test]
fn a_long_section_is_cut_between_its_paragraphs_and_no_word_is_lost() {
    let paragraph = format!("{}\n\n", "some words here ".repeat(40)); // 642 bytes
    let text = format!("# Long\n\n{}", paragraph.repeat(8));
    let passages = of(&text);
    assert_eq!(ids(&passages), ["guide#long", "guide#long.2", "guide#long.3"]);
    for passage in &passages {
        let part = &text[passage.range.clone()];
        assert!(part.len() <= MOST_PASSAGE_BYTES && part.ends_with("here"), "{}", part.len());
        assert_eq!(passage.headings, ["Long"]);
    }
    let words: usize = passages.iter().map(|p| text[p.range.clone()].split_whitespace().count()).sum();
    assert_eq!(words, text.split_whitespace().count());
}

#[test]
fn a_text_without_any_place_to_cut_is_cut_between_characters() {
    let text = "د".repeat(3 * MOST_PASSAGE_BYTES);
    let passages = of(&text);
    assert!(passages.iter().all(|passage| passage.range.len() <= MOST_PASSAGE_BYTES));
    assert_eq!(passages.iter().map(|passage| passage.range.len()).sum::<usize>(), text.len());
}

#[test]
fn a_document_with_too_many_passages_is_refused() {
    let text = "# a\n\nb\n\n".repeat(MOST_PASSAGES + 1);
    assert_eq!(split("guide", &markdown::read(&text)), Err(TooMany));
}
