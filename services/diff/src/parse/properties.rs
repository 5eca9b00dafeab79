use std::fmt::Write;

use proptest::prelude::*;

use crate::{Diff, LineKind, split_files};

/// A file to be written as a diff: its path and, per hunk, the gap before it and its lines.
#[derive(Debug, Clone)]
struct Written {
    path: String,
    hunks: Vec<(u32, Vec<(LineKind, String)>)>,
}

fn kind() -> impl Strategy<Value = LineKind> {
    prop_oneof![Just(LineKind::Added), Just(LineKind::Removed), Just(LineKind::Context)]
}

/// Lines that like to look like the diff's own syntax.
fn line() -> impl Strategy<Value = String> {
    prop_oneof!["[ -~é]{0,20}", Just("-- a/x".into()), Just("++ b/x".into()), Just("@@ -1 +1 @@".into())]
}

fn written() -> impl Strategy<Value = Written> {
    let hunk = (1_u32..50, prop::collection::vec((kind(), line()), 1..12));
    let path = "[a-z]{1,8}( [a-z]{1,3})?\\.[a-z]{2}";
    (path, prop::collection::vec(hunk, 1..4)).prop_map(|(path, hunks)| Written { path, hunks })
}

fn show(file: &Written) -> String {
    let Written { path, .. } = file;
    let mut out =
        format!("diff --git a/{path} b/{path}\nindex 1..2 100644\n--- a/{path}\t\n+++ b/{path}\t\n");
    let (mut old, mut new) = (1, 1);
    for (gap, lines) in &file.hunks {
        let count =
            |skipped| u32::try_from(lines.iter().filter(|(kind, _)| *kind != skipped).count()).unwrap();
        let (olds, news) = (count(LineKind::Added), count(LineKind::Removed));
        (old, new) = (old + gap, new + gap);
        writeln!(out, "@@ -{old},{olds} +{new},{news} @@ here").unwrap();
        (old, new) = (old + olds, new + news);
        for (kind, text) in lines {
            let column = match kind {
                LineKind::Added => '+',
                LineKind::Removed => '-',
                LineKind::Context => ' ',
            };
            writeln!(out, "{column}{text}").unwrap();
        }
    }
    out
}

proptest! {
    #[test]
    fn a_written_diff_is_read_as_what_was_written(files in prop::collection::vec(written(), 1..4)) {
        let text: String = files.iter().map(show).collect();
        let diff = Diff::parse(&format!("Hello,\n{text}"));
        prop_assert_eq!(&diff.notes, &vec![]);
        prop_assert_eq!(diff.files.len(), files.len());
        for (read, written) in diff.files.iter().zip(&files) {
            prop_assert_eq!(read.path(), &written.path);
            let hunks: Vec<Vec<_>> = read.hunks.iter()
                .map(|hunk| hunk.lines.iter().map(|line| (line.kind, line.text.clone())).collect())
                .collect();
            let expected: Vec<_> = written.hunks.iter().map(|(_, lines)| lines.clone()).collect();
            prop_assert_eq!(hunks, expected);
        }
        let parts: String = split_files(&text).into_iter().map(|part| part.text).collect();
        prop_assert_eq!(parts, text);
    }

    #[test]
    fn line_numbers_run_on_without_gaps_within_a_hunk(file in written()) {
        for hunk in &Diff::parse(&show(&file)).files[0].hunks {
            let old: Vec<_> = hunk.lines.iter().filter_map(|line| line.old).collect();
            let new: Vec<_> = hunk.lines.iter().filter_map(|line| line.new).collect();
            prop_assert!(old.iter().copied().eq((hunk.old_start..).take(old.len())));
            prop_assert!(new.iter().copied().eq((hunk.new_start..).take(new.len())));
        }
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in "\\PC*") {
        let diff = Diff::parse(&text);
        prop_assert!(diff.files.iter().all(|file| text.get(file.span.clone()).is_some()));
    }

    #[test]
    fn any_mixture_of_a_diffs_own_lines_is_read_without_a_panic(
        lines in prop::collection::vec(prop::sample::select(LINES), 0..40),
        cut in 0_usize..400,
    ) {
        let text = lines.join("\n");
        let text: String = text.chars().take(cut).collect();
        let diff = Diff::parse(&text);
        prop_assert!(diff.files.iter().all(|file| text.get(file.span.clone()).is_some()));
        for pair in diff.files.windows(2) {
            prop_assert!(pair[0].span.end <= pair[1].span.start, "spans overlap");
        }
    }
}

const LINES: &[&str] = &[
    "diff --git a/x b/x",
    "diff --git \"a/\\303\" b/x y",
    "diff --git ",
    "diff --cc x",
    "new file mode 100644",
    "old mode 7",
    "rename from \"\\",
    "rename to y",
    "--- a/x",
    "+++ b/x",
    "+++ /dev/null",
    "--- \"a/x",
    "@@ -1,2 +1,3 @@",
    "@@ -0,0 +1,4294967295 @@",
    "@@ -4294967295,4294967295 +4294967295,9 @@",
    "@@@ -1 -1 +1 @@@",
    "@@@ - @@@",
    "@@ -",
    "GIT binary patch",
    "literal 3",
    "delta x",
    "Binary files a and b differ",
    "+é",
    "-",
    " x",
    "",
    "\\ No newline at end of file",
    "\r",
];
