use super::*;

fn read(source: &str, bytes: &[u8]) -> Result<Document, Vec<Diagnostic>> {
    Document::read(Arrival {
        file: format!("knowledge/{source}"),
        id: crate::name::id_of_file(source),
        source: source.to_owned(),
        format: Format::of_file(std::path::Path::new(source)).unwrap(),
        provenance: Provenance::of_file(7),
        said: Said::default(),
        bytes,
    })
}

fn parse(bytes: &[u8]) -> Result<Document, Vec<Diagnostic>> {
    read("guides/Code Review.md", bytes)
}

fn message(source: &str, bytes: &[u8]) -> (u32, String) {
    let found = read(source, bytes).unwrap_err();
    (found[0].line, found[0].message.clone())
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
        ("```sh\n# a comment\n```\n# دليل C#\n", "دليل C#"),
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
    assert_eq!(found[0].message, "the document is not UTF-8 text from its byte 8 (0xff) on");
    assert!(found[0].to_string().starts_with("knowledge/guides/Code Review.md:2:3: error: "), "{}", found[0]);
}

#[test]
fn head_name_and_text_are_judged_together() {
    let found = read("دليل.md", b"---\ntags: 1\n---\n \n").unwrap_err();
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

#[test]
fn every_text_format_has_front_matter_where_its_own_form_leaves_room_for_it() {
    let head = "---\ntitle: Said\ntags: [t]\n---\n";
    for (source, body) in [
        ("a.md", "# H\n"),
        ("a.txt", "words"),
        ("a.html", "<title>H</title><p>x"),
        ("a.yaml", "title: H\nx: 1\n"),
    ] {
        let document = read(source, format!("{head}{body}").as_bytes()).unwrap();
        assert_eq!((document.title.as_str(), document.tags.len()), ("Said", 1), "{source}");
        assert!(!document.text.contains("Said") && !document.passages.is_empty(), "{source}");
    }
    assert_eq!(read("a.html", b"<title>H</title><p>x").unwrap().title, "H");
    assert_eq!(read("a.json", br#"{"title": "H", "x": 1}"#).unwrap().title, "H");
    assert_eq!(read("a.pdf", &crate::format::pdf::tests::pdf("H", &["x"])).unwrap().title, "H");
}

#[test]
fn a_mistake_below_the_front_matter_is_told_by_its_line_in_the_file() {
    assert_eq!(message("a.yaml", b"---\ntitle: A\n---\n\nok: 1\n!tag x\n").0, 6);
    assert_eq!(message("a.json", b"{\n\"a\": }").0, 2);
}

#[test]
fn what_is_empty_or_holds_no_text_is_refused_in_every_format() {
    for source in ["a.md", "a.txt", "a.html", "a.yaml", "a.json"] {
        for bytes in ["", " \n\n", "\u{feff}"] {
            assert_eq!(message(source, bytes.as_bytes()).1, "the document has no text", "{source} {bytes:?}");
        }
    }
    for (source, bytes) in [("a.html", "<script>x</script>"), ("a.json", "{}"), ("a.json", "[[]]")] {
        assert_eq!(message(source, bytes.as_bytes()).1, "the document has no text", "{source} {bytes:?}");
    }
    assert!(message("a.pdf", b"").1.starts_with("this is not a PDF"));
}

#[test]
fn what_is_said_of_a_document_is_stronger_than_what_it_says() {
    let said = Said {
        title: Some("Said".into()),
        tags: Some(vec!["said".into()]),
        audience: Some(vec!["my-agent".into()]),
    };
    let document = Document::read(Arrival {
        file: "the document".into(),
        id: Some("a".into()),
        source: "https://example.org/a".into(),
        format: Format::Markdown,
        provenance: Provenance { way: crate::provenance::Way::Api, added_at_ms: 1, added_by: "admin".into() },
        said: said.clone(),
        bytes: b"---\ntitle: Own\ntags: [own]\n---\n# Heading\n",
    });
    let document = document.unwrap();
    assert_eq!(
        Said {
            title: Some(document.title.clone()),
            tags: Some(document.tags.clone()),
            audience: Some(document.audience.clone())
        },
        said
    );
    assert_eq!((document.id.as_str(), document.source.as_str()), ("a", "https://example.org/a"));
    assert_eq!(document.text_of(&document.passages[0]), "# Heading");
}
