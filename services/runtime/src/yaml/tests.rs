use super::*;
use crate::diagnostic::{Diagnostic, Findings, Strictness};

fn parse(text: &str) -> (Option<Node>, Vec<Diagnostic>) {
    let mut findings = Findings::new("a.yaml", text, Strictness::Strict);
    let node = read(&mut findings);
    (node, findings.into_vec())
}

/// Line, column, field and message of the only finding.
fn only(found: &[Diagnostic]) -> (u32, u32, &str, &str) {
    assert_eq!(found.len(), 1, "{found:#?}");
    (found[0].line, found[0].column, &found[0].field, &found[0].message)
}

#[test]
fn a_tree_keeps_order_types_and_places() {
    let (node, found) = parse("b: 1\na:\n  - \"2\"\n  - 2.0.0\n  - {x: ~, y: [true]}\n");
    assert!(found.is_empty(), "{found:#?}");
    let node = node.unwrap();
    let json = r#"{"b":1,"a":["2","2.0.0",{"x":null,"y":[true]}]}"#;
    assert_eq!(serde_json::to_string(&node.to_json()).unwrap(), json);
    let Value::List(items) = &node.get("a").unwrap().value else { panic!("a is a list") };
    assert_eq!((items[0].at.line, items[0].at.column), (3, 5));
    assert_eq!((items[2].at.line, items[2].at.column), (5, 5));
    assert_eq!((items[2].get("y").unwrap().at.line, items[2].get("y").unwrap().at.column), (5, 15));
}

#[test]
fn every_duplicate_key_is_reported_with_both_places() {
    let (node, found) = parse("a: 1\nb:\n  c: 1\n  \"c\": 2\na: 3\na: 4\n");
    let seen: Vec<_> = found.iter().map(|d| (d.line, d.column, d.field.as_str())).collect();
    assert_eq!(seen, [(4, 3, "b.c"), (5, 1, "a"), (6, 1, "a")]);
    assert_eq!(found[0].message, "\"c\" is given twice; it is already at line 3, column 3");
    assert_eq!(node.unwrap().get("a").unwrap().value, Value::Int(1), "the first one stays");
}

#[test]
fn a_syntax_error_is_one_finding_with_line_and_column() {
    let (node, found) = parse("a: 1\nb: [1, 2\nc: 3\n");
    assert_eq!(node, None);
    let (line, _, _, message) = only(&found);
    assert!(line >= 2 && message.starts_with("this is not YAML: "), "{found:#?}");
    let (_, found) = parse("a: 'x\n");
    assert!(only(&found).3.starts_with("this is not YAML: "), "{found:#?}");
    let (_, found) = parse("a: *nobody\n");
    assert_eq!((only(&found).0, only(&found).1), (1, 4));
}

#[test]
fn an_alias_bomb_is_refused_before_it_is_unfolded() {
    let mut text = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for n in 1..20 {
        let below = vec![format!("*a{}", n - 1); 10].join(", ");
        text.push_str(&format!("a{n}: &a{n} [{below}]\n"));
    }
    let (node, found) = parse(&text);
    assert_eq!(node, None);
    let (line, column, _, message) = only(&found);
    assert!((4..8).contains(&line) && column > 1, "{found:#?}");
    assert_eq!(message, "the file unfolds to more than 32 MiB here, aliases counted each time");
}

#[test]
fn one_long_text_repeated_by_aliases_is_refused_too() {
    let text = format!("a: &a {}\nb: [{}]\n", "x".repeat(100_000), vec!["*a"; 1000].join(", "));
    let (_, found) = parse(&text);
    assert_eq!(only(&found).0, 2);
}

#[test]
fn aliases_within_the_bounds_repeat_their_anchor() {
    let (node, found) = parse("a: &a {x: 1}\nb: *a\nc: [*a, *a]\n");
    assert!(found.is_empty(), "{found:#?}");
    let node = node.unwrap();
    assert_eq!(node.get("b").unwrap(), node.get("a").unwrap());
}

#[test]
fn an_alias_inside_its_own_anchor_is_refused() {
    let (node, found) = parse("a: &a\n  - *a\n");
    assert_eq!((node, only(&found)), (None, (2, 5, "", "this alias stands inside its own anchor")));
}

#[test]
fn nesting_is_bounded_with_and_without_aliases() {
    let (_, found) = parse(&format!("a: {}{}\n", "[".repeat(40), "]".repeat(40)));
    assert_eq!(only(&found).3, "maps and lists are nested more than 32 deep");
    let mut text = "- &a0 [x]\n".to_owned();
    for n in 1..40 {
        text.push_str(&format!("- &a{n} [*a{}]\n", n - 1));
    }
    let (_, found) = parse(&text);
    let (line, _, _, message) = only(&found);
    assert_eq!((line, message), (32, "maps and lists are nested more than 32 deep"));
    assert!(read(&mut Findings::new("a", "[".repeat(300_000), Strictness::Strict)).is_none());
}

#[test]
fn tags_second_documents_and_empty_files_get_a_sentence() {
    let (_, found) = parse("a: !!python/object x\n");
    assert_eq!(only(&found).2, "a");
    let (_, found) = parse("a: 1\n---\nb: 1\n");
    assert_eq!(only(&found), (2, 1, "", "a second document begins here; the file must hold one"));
    for text in ["", "\n\n", "# nothing\n", "---\n", "~"] {
        let (node, found) = parse(text);
        assert_eq!((node, only(&found)), (None, (0, 0, "", "the file is empty")), "{text:?}");
    }
}

#[test]
fn a_block_knows_the_lines_of_its_text() {
    let (node, _) = parse("a: |\n  one\n  two\nb: \"one\\ntwo\"\nc: |-  # why\n\n\n    one\n   \n    two\n");
    let node = node.unwrap();
    assert_eq!(node.get("a").unwrap().line_of_block(2), Some(3));
    assert_eq!(node.get("c").unwrap().value, Value::Text("\n\none\n\ntwo".to_owned()));
    assert_eq!(node.get("c").unwrap().line_of_block(5), Some(10));
    assert_eq!(node.get("b").unwrap().line_of_block(2), None);
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_are_read() {
    let (node, found) = parse("\u{feff}a: 1\r\nb: x\r\n");
    assert!(found.is_empty(), "{found:#?}");
    assert_eq!(node.unwrap().get("b").unwrap().value, Value::Text("x".to_owned()));
}

#[derive(Debug, PartialEq)]
struct Risk {
    level: u8,
}

fn risk(node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<Risk> {
    let mut fields = Fields::of(node, path, findings)?;
    let level = fields.required("level", one_of(&[("low", 1), ("high", 2)]));
    fields.optional("note", Filled);
    fields.finish();
    Some(Risk { level: level? })
}

fn agents(text: &str, strictness: Strictness) -> Vec<Diagnostic> {
    let mut findings = Findings::new("a.yaml", text, strictness);
    let node = read(&mut findings).unwrap();
    let mut fields = Fields::of(&node, &Path::ROOT, &mut findings).unwrap();
    fields.required("agents", list_of(risk));
    fields.optional("every", whole(1..=9));
    fields.optional("share", number(0.0..=1.0));
    fields.optional("on", Bool);
    fields.finish();
    findings.into_vec()
}

#[test]
fn every_mistake_comes_at_once_with_its_place_and_fix() {
    let text = "agents:\n  - level: hihg\n    note: \"\"\n  - note: 7\n    lvel: low\n  - 5\nevery: 10\nshare: all\non: yes\n";
    let found = agents(text, Strictness::Strict);
    let seen: Vec<_> =
        found.iter().map(|d| (d.line, d.column, d.field.as_str(), d.message.as_str())).collect();
    assert_eq!(
        seen,
        [
            (2, 12, "agents[0].level", "\"hihg\" is not an allowed value"),
            (3, 11, "agents[0].note", "the text is empty"),
            (4, 5, "agents[1].level", "this field is missing"),
            (4, 11, "agents[1].note", "the number 7 stands where a text is needed"),
            (5, 5, "agents[1].lvel", "there is no field \"lvel\" here"),
            (6, 5, "agents[2]", "the number 5 stands where a map is needed"),
            (7, 8, "every", "the number 10 stands where a whole number from 1 to 9 is needed"),
            (8, 8, "share", "\"all\" stands where a number from 0 to 1 is needed"),
            (9, 5, "on", "\"yes\" stands where true or false is needed"),
        ]
    );
    assert_eq!(found[0].fix, "did you mean high? Use one of low, high");
    assert_eq!(found[2].fix, "add `level`: one of low, high");
    assert_eq!(found[4].fix, "did you mean `level`?");
}

#[test]
fn unknown_fields_are_warnings_when_lenient() {
    let found = agents("agents: []\nextra: 1\n", Strictness::Lenient);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].severity, crate::diagnostic::Severity::Warning);
    assert_eq!(found[0].fix, "remove it; known are agents, every, share, on");
}

#[test]
fn a_set_is_not_empty_and_holds_nothing_twice() {
    let mut findings = Findings::new("a", "a: [x, y, x, z]\nb: []\n", Strictness::Strict);
    let node = read(&mut findings).unwrap();
    let mut fields = Fields::of(&node, &Path::ROOT, &mut findings).unwrap();
    let words = [("x", 1), ("y", 2)];
    assert_eq!(fields.required("a", set_of(one_of(&words))), Some(vec![1, 2]));
    assert_eq!(fields.required("b", set_of(one_of(&words))), None);
    let found = findings.into_vec();
    let seen: Vec<_> =
        found.iter().map(|d| (d.line, d.column, d.field.as_str(), d.message.as_str())).collect();
    assert_eq!(
        seen,
        [
            (1, 11, "a[2]", "\"x\" is given twice"),
            (1, 14, "a[3]", "\"z\" is not an allowed value"),
            (
                2,
                4,
                "b",
                "an empty list stands where a list that is not empty, each item one of x, y is needed"
            ),
        ]
    );
}
