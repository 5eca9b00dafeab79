use std::fmt::Write;

use proptest::prelude::*;

use super::bound;
use crate::{Diff, LineKind};

fn file(path: &str, hunks: usize, lines: usize) -> String {
    let mut out = format!("diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n");
    for hunk in 0..hunks {
        let start = hunk * (lines + 10) + 1;
        writeln!(out, "@@ -{start},0 +{start},{lines} @@").unwrap();
        for line in 0..lines {
            writeln!(out, "+line {line} of hunk {hunk}").unwrap();
        }
    }
    out
}

fn paths(text: &str) -> Vec<String> {
    Diff::parse(text).files.iter().map(|file| file.path().to_owned()).collect()
}

#[test]
fn a_text_that_fits_comes_back_as_it_is() {
    let text = format!("Hello\n{}bye", file("x", 1, 3));
    let bounded = bound(&text, text.len());
    assert_eq!((bounded.text.as_str(), bounded.kept, bounded.truncated), (text.as_str(), 1, false));
}

#[test]
fn files_too_large_are_passed_over_and_named() {
    let text = [file("a", 1, 2), file("huge", 1, 1000), file("z", 1, 2)].concat();
    let bounded = bound(&text, 220);
    assert_eq!(paths(&bounded.text), ["a", "z"]);
    assert_eq!((bounded.kept, bounded.left_out, bounded.truncated), (2, vec!["huge".to_owned()], true));
}

#[test]
fn what_stands_around_the_files_goes_first() {
    let text = format!("{}\n{}", "word ".repeat(100), file("x", 1, 2));
    let bounded = bound(&text, 200);
    assert_eq!((bounded.kept, bounded.truncated), (1, false));
    assert!(bounded.text.starts_with("diff --git"));
}

#[test]
fn what_could_not_be_read_does_not_go_unnoticed() {
    let text = format!("{}\n{}", file("x", 1, 2), "+surplus\n".repeat(100));
    let bounded = bound(&text, 200);
    assert_eq!((bounded.kept, bounded.left_out.len(), bounded.truncated), (1, 0, true));
}

#[test]
fn the_beginning_of_a_large_file_stays_a_readable_diff() {
    let text = file("x", 3, 100);
    for max in [300, 2_000, 4_000, 5_000] {
        let bounded = bound(&text, max);
        assert!(bounded.text.len() <= max);
        assert_eq!((bounded.kept, bounded.cut.as_deref()), (0, Some("x")), "{max}");
        let diff = Diff::parse(&bounded.text);
        assert_eq!(diff.notes, [], "{}", bounded.text);
        let left = 300 - diff.additions();
        assert!(
            bounded.text.ends_with(&format!("# The rest of this file, {left} lines, is left out here.\n"))
        );
        let whole = Diff::parse(&text);
        assert!(
            diff.files[0].added().eq(whole.files[0].added().take(diff.additions())),
            "same lines and numbers"
        );
    }
}

#[test]
fn a_text_without_files_is_cut_behind_a_line() {
    let bounded = bound("first\nsecond\n", 8);
    assert_eq!((bounded.text.as_str(), bounded.truncated), ("first\n", true));
    assert_eq!(bound("éé", 3).text, "é");
}

#[test]
fn ten_megabytes_are_read_split_and_bounded() {
    let text: String = (0..200).map(|n| file(&format!("f{n}"), 20, 120)).collect();
    assert!(text.len() > 9_000_000);
    assert_eq!(Diff::parse(&text).additions(), 200 * 20 * 120);
    assert_eq!(crate::split_files(&text).len(), 200);
    let bounded = bound(&text, 1_000_000);
    assert!(bounded.kept > 20 && bounded.text.len() <= 1_000_000);

    let one_line = format!("--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+{}\n", "x".repeat(10_000_000));
    assert_eq!(bound(&one_line, 1_000).kept, 0);
}

proptest! {
    #[test]
    fn never_more_than_asked_for_and_never_half_a_file_unnamed(
        shapes in prop::collection::vec((1_usize..4, 1_usize..30), 1..6),
        max in 0_usize..3_000,
    ) {
        let files: Vec<_> =
            shapes.iter().enumerate().map(|(n, (hunks, lines))| file(&format!("f{n}"), *hunks, *lines)).collect();
        let bounded = bound(&files.concat(), max);
        prop_assert!(bounded.text.len() <= max);
        prop_assert_eq!(bounded.kept + bounded.left_out.len(), files.len());
        prop_assert_eq!(bounded.truncated, !bounded.left_out.is_empty());
        for (n, whole) in files.iter().enumerate() {
            let named = bounded.left_out.contains(&format!("f{n}"));
            prop_assert!(named || bounded.text.contains(whole), "f{} is neither whole nor named", n);
        }
        let removed = Diff::parse(&bounded.text).files.iter().flat_map(|file| file.lines())
            .filter(|line| line.kind != LineKind::Added).count();
        prop_assert_eq!(removed, 0, "a cut invents no lines");
    }

    #[test]
    fn any_text_is_bounded_without_a_panic(text in "\\PC*", max in 0_usize..100) {
        prop_assert!(bound(&text, max).text.len() <= max);
    }
}
