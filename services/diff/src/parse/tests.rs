mod notes;

use crate::{Diff, File, Line, LineKind, Status};

fn only(text: &str) -> File {
    let diff = Diff::parse(text);
    assert_eq!(diff.files.len(), 1, "{diff:#?}");
    assert_eq!(diff.notes, []);
    diff.files[0].clone()
}

fn added(file: &File) -> Vec<(u32, &str)> {
    file.added().map(|line| (line.new.unwrap(), line.text.as_str())).collect()
}

#[test]
fn lines_carry_their_numbers_on_both_sides() {
    let file = only("--- a/x\n+++ b/x\n@@ -10,3 +20,3 @@ fn main() {\n a\n-b\n+c\n d\n");
    let hunk = &file.hunks[0];
    assert_eq!((hunk.old_start, hunk.new_start, hunk.section.as_str()), (10, 20, "fn main() {"));
    let line = |kind, old, new, text: &str| Line { kind, old, new, text: text.into(), no_newline: false };
    let expected = [
        line(LineKind::Context, Some(10), Some(20), "a"),
        line(LineKind::Removed, Some(11), None, "b"),
        line(LineKind::Added, None, Some(21), "c"),
        line(LineKind::Context, Some(12), Some(22), "d"),
    ];
    assert_eq!(hunk.lines, expected);
    assert_eq!((file.additions, file.deletions, file.status), (1, 1, Status::Modified));
}

#[test]
fn content_that_looks_like_a_header_is_content() {
    let text = "--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n--- a/y\n+++ b/y\n@@ -1 +1 @@\n--- a/z\n+++ b/z\n";
    let diff = Diff::parse(text);
    assert_eq!(diff.files.len(), 1);
    let text = "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n--- a/y\n+++ b/y\n-@@ -1 +1 @@\n+diff --git a/q b/q\n";
    let file = only(text);
    assert_eq!(added(&file), [(1, "++ b/y"), (2, "diff --git a/q b/q")]);
}

#[test]
fn nothing_behind_a_finished_hunk_is_content() {
    let mail = "Subject: x\n\n---\n x | 2 +-\n\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n-- \n2.43.0\n";
    let file = only(mail);
    assert_eq!((file.additions, file.deletions), (1, 1));
    assert!(mail[file.span.clone()].ends_with("+b\n"));
}

#[test]
fn uncounted_and_missing_lines_are_noted() {
    let diff = Diff::parse("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n+c\n");
    assert_eq!(diff.files[0].additions, 1);
    assert_eq!(diff.notes[0].line, 3);
    assert!(diff.notes[0].text.contains("does not count"), "{}", diff.notes[0]);

    let diff = Diff::parse("--- a/x\n+++ b/x\n@@ -1,9 +1,9 @@\n-a\n+b\nEnd of message\n");
    assert_eq!(diff.notes[0].to_string(), "line 3: this hunk ends 8 old and 8 new lines early");

    let diff = Diff::parse("@@ -1 +1 @@\n-a\n+b\n");
    assert!(diff.is_empty());
    assert!(diff.notes[0].text.contains("without the name of its file"));

    let diff = Diff::parse("--- a/x\n+++ b/x\n@@ -1 +99999999999 @@\n-a\n+b\n");
    assert!(diff.notes[0].text.contains("cannot be read"));
}

#[test]
fn the_notes_of_a_text_that_is_no_diff_are_bounded() {
    let diff = Diff::parse(&"@@ -x\n".repeat(1000));
    assert_eq!(diff.notes.len(), super::MAX_NOTES);
    assert!(diff.notes[99].text.contains("more"));
}

#[test]
fn git_headers_say_what_happened_to_the_file() {
    let cases = [
        ("new file mode 100755\nindex 0000000..e69de29\n", Status::Added, None, Some(0o100755)),
        ("deleted file mode 100644\nindex e69de29..0000000\n", Status::Deleted, Some(0o100644), None),
        ("old mode 100644\nnew mode 100755\n", Status::ModeChanged, Some(0o100644), Some(0o100755)),
        ("similarity index 100%\nrename from x\nrename to x\n", Status::Renamed, None, None),
        ("similarity index 90%\ncopy from x\ncopy to x\n", Status::Copied, None, None),
        (
            "index 1..2 160000\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-Subproject commit 1\n+Subproject commit 2\n",
            Status::Modified,
            Some(0o160000),
            Some(0o160000),
        ),
    ];
    for (headers, status, old_mode, new_mode) in cases {
        let file = only(&format!("diff --git a/x b/x\n{headers}"));
        assert_eq!((file.status, file.old_mode, file.new_mode), (status, old_mode, new_mode), "{headers}");
        assert_eq!(file.old_path.is_none(), status == Status::Added);
        assert_eq!(file.new_path.is_none(), status == Status::Deleted);
        assert_eq!(file.path(), "x");
    }
}

#[test]
fn a_rename_with_spaces_takes_its_paths_from_its_own_lines() {
    let file = only(
        "diff --git a/old name.txt b/new \"name\".txt\nsimilarity index 100%\nrename from old name.txt\n\
         rename to \"new \\\"name\\\".txt\"\n",
    );
    assert_eq!(file.old_path.as_deref(), Some("old name.txt"));
    assert_eq!(file.new_path.as_deref(), Some("new \"name\".txt"));
}

#[test]
fn diffs_without_git_name_their_files_by_three_lines_in_a_row() {
    let file = only("Index: x\n====\n--- x.orig\t2024-01-01\n+++ x\t2024-01-02\n@@ -1 +1 @@\n-a\n+b\n");
    assert_eq!((file.path(), file.status), ("x", Status::Modified));
    let file = only("--- a/x\t1970-01-01\n+++ b/x\t2024-01-02\n@@ -0,0 +1 @@\n+b\n");
    assert_eq!((file.old_path, file.status), (None, Status::Added));
    let file = only("--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-b\n");
    assert_eq!((file.path(), file.status), ("x", Status::Deleted));
    assert!(Diff::parse("--- a list\n+++ of things\nand more\n").is_empty());
}

#[test]
fn one_diff_may_hold_many_files_in_both_styles() {
    let diff = Diff::parse(
        "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n@@ -9 +9 @@\n-c\n+d\n--- a/y\n+++ b/y\n@@ -1 +1 @@\n-e\n+f\n",
    );
    let paths: Vec<_> = diff.files.iter().map(|file| (file.path(), file.hunks.len())).collect();
    assert_eq!(paths, [("x", 2), ("y", 1)]);
    assert_eq!((diff.additions(), diff.deletions()), (3, 3));
}

#[test]
fn binary_files_have_no_hunks() {
    let patch = "diff --git a/x.png b/x.png\nnew file mode 100644\nindex 000..123\nGIT binary patch\nliteral 1234\nzcmV;@@-1\nz--+++?@@\n\nliteral 0\nHcmV?d00001\n\n";
    let file = only(patch);
    assert_eq!((file.binary, file.binary_size, file.hunks.len()), (true, Some(1234), 0));
    assert_eq!(file.span, 0..patch.len());

    let file = only("diff --git a/x b/x\ndeleted file mode 100644\nBinary files a/x and /dev/null differ\n");
    assert_eq!((file.binary, file.status), (true, Status::Deleted));
    let file = only("Binary files /dev/null and b/x differ\n");
    assert_eq!((file.binary, file.status, file.path()), (true, Status::Added, "x"));
}

#[test]
fn a_merges_combined_diff_is_named_and_stepped_over() {
    let text = "diff --cc x\nindex 1,2..3\n--- a/x\n+++ b/x\n@@@ -1,2 -1,2 +1,3 @@@\n  a\n- b\n -c\n++d\n++--- a/q\n\
                diff --git a/y b/y\n--- a/y\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n";
    let diff = Diff::parse(text);
    let files: Vec<_> = diff.files.iter().map(|file| (file.path(), file.combined, file.additions)).collect();
    assert_eq!(files, [("x", true, 0), ("y", false, 1)]);
    assert!(diff.notes[0].text.contains("combined"));
}

#[test]
fn line_ends_are_not_content() {
    let file =
        only("--- a/x\r\n+++ b/x\r\n@@ -1,2 +1,2 @@\r\n \r\n-a\r\n+b\r\n\\ No newline at end of file\r\n");
    assert_eq!(added(&file), [(2, "b")]);
    assert_eq!(file.path(), "x");
    let flags: Vec<_> = file.lines().map(|line| line.no_newline).collect();
    assert_eq!(flags, [false, false, true]);
}

#[test]
fn an_empty_unchanged_line_may_have_lost_its_blank() {
    let file = only("--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n a\n\n-b\n+c\n");
    assert_eq!(added(&file), [(3, "c")]);
}

#[test]
fn a_sentence_that_names_a_diff_is_no_file() {
    assert!(Diff::parse("Run\ndiff --git a/x b/x\nand see.\n").is_empty());
    assert!(Diff::parse("").is_empty());
}
