use super::*;

fn one(text: &str, at: At) -> Diagnostic {
    let mut findings = Findings::new("agents/registry.yaml", text, Strictness::Strict);
    findings.error(at, "agents[3].risk.level", "\"huge\" is not a risk level", "use one of low, high");
    findings.into_vec().remove(0)
}

#[test]
fn a_diagnostic_shows_place_field_line_caret_and_fix() {
    let shown = one("a:\n  level: huge\n", At { line: 2, column: 10 }).render(Colour::Plain);
    let expected = "agents/registry.yaml:2:10: error: agents[3].risk.level: \"huge\" is not a risk level\n   \
                    2 |   level: huge\n     |          ^\n  fix: use one of low, high\n";
    assert_eq!(shown, expected);
}

#[test]
fn colours_change_nothing_but_colours() {
    let finding = one("a:\n  level: huge\n", At { line: 2, column: 10 });
    let coloured = finding.render(Colour::Ansi);
    assert!(coloured.contains("\u{1b}[1m"), "{coloured:?}");
    let mut plain = String::new();
    let mut escaped = false;
    for c in coloured.chars() {
        match c {
            '\u{1b}' => escaped = true,
            'm' if escaped => escaped = false,
            _ if escaped => {}
            _ => plain.push(c),
        }
    }
    assert_eq!(plain, finding.render(Colour::Plain));
}

#[test]
fn a_finding_about_the_whole_file_has_no_line_and_no_snippet() {
    let finding = one("", At::FILE);
    assert_eq!(finding.snippet, None);
    assert!(finding.to_string().starts_with("agents/registry.yaml: error: agents[3]"));
}

#[test]
fn a_long_line_is_cut_around_the_caret_and_control_characters_are_not_shown() {
    let text = format!("{}\u{1b}]X\t{}", "a".repeat(5000), "b".repeat(5000));
    let snippet = one(&text, At { line: 1, column: 5004 }).snippet.unwrap();
    let (line, caret) = snippet.split_once('\n').unwrap();
    assert!(line.chars().count() < 130 && !snippet.contains(['\u{1b}', '\t']), "{snippet}");
    assert_eq!(line.chars().nth(caret.chars().count() - 1), Some(' '), "the tab, shown as a space");
}

#[test]
fn the_caret_counts_characters_not_bytes() {
    let snippet = one("اسم: x", At { line: 1, column: 6 }).snippet.unwrap();
    let (line, caret) = snippet.split_once('\n').unwrap();
    assert_eq!(line.chars().nth(caret.chars().count() - 1), Some('x'));
}

#[test]
fn findings_come_in_the_order_of_the_file_and_are_bounded() {
    let mut findings = Findings::new("a", "", Strictness::Lenient);
    for line in (1..=1200).rev() {
        findings.warning(At { line, column: 1 }, "x", "m", "f");
    }
    assert!(!findings.is_fatal());
    let found = findings.into_vec();
    assert_eq!(found.len(), MOST_FINDINGS + 1);
    assert!(found[..MOST_FINDINGS].is_sorted_by_key(|finding| finding.line));
    assert_eq!(found[MOST_FINDINGS].message, "200 more findings in this file are not listed");
    assert_eq!(found[MOST_FINDINGS].severity, Severity::Warning);
}

#[test]
fn an_error_beyond_the_bound_is_still_fatal() {
    let mut findings = Findings::new("a", "", Strictness::Strict);
    for _ in 0..MOST_FINDINGS {
        findings.warning(At::FILE, "x", "m", "f");
    }
    findings.unexpected(At::FILE, "x", "m".to_owned(), "f");
    assert!(findings.is_fatal());
    assert!(findings.into_vec().iter().any(|finding| finding.severity == Severity::Error));
}

#[test]
fn json_has_every_part() {
    let json = serde_json::to_value(one("a: 1\n", At { line: 1, column: 4 })).unwrap();
    assert_eq!(json["severity"], "error");
    assert_eq!((json["line"].as_u64(), json["column"].as_u64()), (Some(1), Some(4)));
    assert_eq!(json["fix"], "use one of low, high");
}

fn of_file(write: impl FnOnce(&Path)) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x/registry.yaml");
    write(&path);
    let findings = Findings::of_file(&path, Strictness::Strict);
    assert!(findings.is_fatal() && findings.text().is_empty());
    findings.into_vec().remove(0).message
}

#[test]
fn a_file_that_cannot_be_text_is_the_first_finding() {
    let folder = |path: &Path| std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    assert_eq!(of_file(|_| {}), "the file is missing, and so is its folder");
    assert_eq!(of_file(folder), "the file is missing");
    assert_eq!(of_file(|path| std::fs::create_dir_all(path).unwrap()), "this is a folder, not a file");
    let binary = |path: &Path| {
        folder(path);
        std::fs::write(path, b"a: 1\nb: \xff\n").unwrap();
    };
    assert_eq!(of_file(binary), "the file is not UTF-8 text (the first bad byte is in line 2)");
    let large = |path: &Path| {
        folder(path);
        std::fs::write(path, vec![b'#'; 4 * 1024 * 1024 + 1]).unwrap();
    };
    assert_eq!(of_file(large), "the file is larger than 4 MiB");
}
