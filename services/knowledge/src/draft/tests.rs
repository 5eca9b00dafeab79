use super::*;

fn request() -> AddDocumentRequest {
    AddDocumentRequest { document_id: "a".into(), text: "# Words\n".into(), ..AddDocumentRequest::default() }
}

fn wrong(request: AddDocumentRequest) -> Vec<&'static str> {
    match Draft::check(request) {
        Err(Error::Invalid(wrong)) => wrong.into_iter().map(|(field, _)| field).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_document_is_markdown_by_default_and_its_source_its_id() {
    let draft = Draft::check(request()).unwrap();
    assert_eq!(
        (draft.format, draft.source.as_str(), draft.said.clone()),
        (Format::Markdown, "a", Said::default())
    );
    let document = draft.read(5, "admin").unwrap();
    assert_eq!((document.title.as_str(), document.provenance.added_at_ms), ("Words", 5));
    assert_eq!((document.provenance.way, document.provenance.added_by.as_str()), (Way::Api, "admin"));
}

#[test]
fn every_wrong_field_is_named_at_once() {
    let all = AddDocumentRequest {
        document_id: "../a".into(),
        format: Some("docx".into()),
        text: String::new(),
        content: Vec::new(),
        title: Some("a\nb".into()),
        tags: vec![String::new()],
        audience: vec!["A B".into()],
        source: Some("\u{7}".into()),
    };
    assert_eq!(wrong(all), ["document_id", "format", "text", "title", "tags", "audience", "source"]);
}

#[test]
fn ids_are_names_and_no_paths_and_no_word_of_the_api() {
    for id in ["", "A", "a/b", "..", "a\u{0}b", "a\nb", "search", "دليل", &"a".repeat(64)] {
        assert_eq!(
            wrong(AddDocumentRequest { document_id: id.into(), ..request() }),
            ["document_id"],
            "{id:?}"
        );
    }
}

#[test]
fn a_document_comes_as_text_or_as_bytes_and_never_as_both_or_too_large() {
    let both = AddDocumentRequest { content: b"x".to_vec(), ..request() };
    assert_eq!(wrong(both), ["content"]);
    let large = AddDocumentRequest { text: "x".repeat(1024 * 1024 + 1), ..request() };
    assert_eq!(wrong(large), ["text"]);
    let bytes = AddDocumentRequest { text: String::new(), content: b"x".to_vec(), ..request() };
    assert_eq!(Draft::check(bytes).unwrap().content, b"x");
}

#[test]
fn lists_are_bounded() {
    let tags = AddDocumentRequest { tags: vec!["t".into(); MOST_TAGS + 1], ..request() };
    assert_eq!(wrong(tags), ["tags"]);
    let audience = AddDocumentRequest { audience: vec!["a".into(); MOST_AUDIENCE + 1], ..request() };
    assert_eq!(wrong(audience), ["audience"]);
}

#[test]
fn a_content_that_cannot_be_read_is_told_with_its_place() {
    let yaml = AddDocumentRequest { format: Some("yaml".into()), text: "a: 1\na: 2\n".into(), ..request() };
    let Err(Error::Unusable(found)) = Draft::check(yaml).unwrap().read(0, "x") else { panic!("it was read") };
    assert_eq!((found[0].line, found[0].file.as_str()), (2, "the document"));
    let bytes = AddDocumentRequest { text: String::new(), content: vec![b'a', 0xff], ..request() };
    let error = Draft::check(bytes).unwrap().read(0, "x").unwrap_err().to_string();
    assert!(error.contains("not UTF-8 text from its byte 2 (0xff) on"), "{error}");
}
