use bsm_runtime::diagnostic::Diagnostic;

use super::*;

fn parse(text: &str) -> Result<FrontMatter, Vec<Diagnostic>> {
    let head = split(text).unwrap().head.unwrap();
    let mut findings = findings("a.md", head);
    read(&mut findings, head).ok_or_else(|| findings.into_vec())
}

#[test]
fn a_text_without_front_matter_is_all_body() {
    for text in ["# A\n", "text\n---\nmore\n", "----\n", ""] {
        assert_eq!(split(text), Ok(Split { head: None, body: text }), "{text:?}");
    }
}

#[test]
fn the_head_ends_at_the_first_closing_line_whatever_the_line_ends_are() {
    let unix = split("---\ntitle: A\n---\n\n# A\n---\n").unwrap();
    assert_eq!(unix, Split { head: Some("---\ntitle: A\n"), body: "# A\n---\n" });
    let dos = split("---\r\ntitle: A\r\n---\r\n \r\nA\r\n").unwrap();
    assert_eq!(dos, Split { head: Some("---\r\ntitle: A\r\n"), body: "A\r\n" });
    assert_eq!(split("---\n---").unwrap(), Split { head: Some("---\n"), body: "" });
    assert_eq!(split("---\ntitle: A\n"), Err(Unclosed));
}

#[test]
fn the_first_lines_indentation_belongs_to_the_body() {
    assert_eq!(split("\n    let x = 1;\n").unwrap().body, "    let x = 1;\n");
}

#[test]
fn all_fields_are_optional_and_the_default_audience_is_everyone() {
    let everyone = FrontMatter { title: None, tags: vec![], audience: vec!["all".to_owned()] };
    for text in ["---\n---\n", "---\n\n# nothing yet\n---\n", "---\ntags: []\n---\n", "---\ntitle: ~\n---\n"]
    {
        assert_eq!(parse(text), Ok(everyone.clone()), "{text:?}");
    }
    let given = parse("---\ntitle: ' A: b '\ntags: [x, \"ي\"]\naudience: [my-agent]\n---\n").unwrap();
    let tags = vec!["x".to_owned(), "ي".to_owned()];
    let title = Some("A: b".to_owned());
    assert_eq!(given, FrontMatter { title, tags, audience: vec!["my-agent".to_owned()] });
}

#[test]
fn every_mistake_is_told_at_once_with_the_line_of_the_file() {
    let found = parse("---\ntitel: A\ntags: x\naudience: [My Agent, ok]\ntitle: 7\n---\n").unwrap_err();
    let seen: Vec<_> = found.iter().map(|d| (d.line, d.field.as_str(), d.message.as_str())).collect();
    assert_eq!(
        seen,
        [
            (2, "titel", "there is no field \"titel\" here"),
            (
                3,
                "tags",
                "\"x\" stands where a list, each item a tag of one line and at most 64 characters is needed"
            ),
            (4, "audience[0]", "\"My Agent\" is not an agent's id"),
            (5, "title", "the number 7 stands where a text is needed"),
        ]
    );
    assert_eq!(found[0].fix, "did you mean `title`? It is there already");
}

#[test]
fn an_empty_audience_a_long_title_and_what_is_no_map_are_refused() {
    let long = format!("---\ntitle: {}\n---\n", "x".repeat(201));
    for (text, message) in [
        ("---\naudience: []\n---\n", "nobody is named"),
        (long.as_str(), "this is not a title"),
        ("---\n- a\n---\n", "a list stands where a map is needed"),
        ("---\ntitle: [\n---\n", "this is not YAML: "),
        ("---\ntitle: a\ntitle: b\n---\n", "\"title\" is given twice; "),
    ] {
        let found = parse(text).unwrap_err();
        assert!(found.len() == 1 && found[0].message.starts_with(message), "{found:#?}");
        assert!(found[0].line >= 2, "{found:#?}");
    }
}
