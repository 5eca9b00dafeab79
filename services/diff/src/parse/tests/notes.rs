//! What of a text is noted, because some other reader of it may take it for a change, and what is not.

use super::only;
use crate::Diff;

const CLEAN: &str = "diff --git a/src/a.py b/src/a.py\nindex 1..2 100644\n--- a/src/a.py\n+++ b/src/a.py\n@@ -1 +1,2 @@\n import os\n+x = 1\n";
const HUNK: &str = "@@ -1 +1,2 @@\n import os\n+eval(input())\n";

/// What the parser says of a text behind a clean diff.
fn notes_behind_clean(text: &str) -> Vec<String> {
    Diff::parse(&format!("{CLEAN}{text}")).notes.iter().map(ToString::to_string).collect()
}

#[test]
fn the_names_that_are_applied_win_and_a_difference_is_noted() {
    let cases = [
        "diff --git a/README.md b/README.md\nindex 1..2 100644\n--- a/app/x.py\n+++ b/app/x.py\n",
        "diff --git a/app/x.py b/app/x.py\nsimilarity index 90%\nrename from app/x.py\nrename to README.md\nindex 1..2 100644\n--- a/app/x.py\n+++ b/app/x.py\n",
        "diff --git a/README.md b/README.md\n--- a/README.md\n+++ b/README.md\n--- a/app/x.py\n+++ b/app/x.py\n",
        "diff --git a/README.md b/README.md\n--- a/app/x.py\n",
    ];
    for header in cases {
        let diff = Diff::parse(&format!("{CLEAN}{header}{HUNK}"));
        assert_ne!(diff.notes, [], "{header}");
        let last = diff.files.last().unwrap();
        assert_eq!((last.path(), last.additions), ("app/x.py", 1), "{header}");
    }
    let plain = format!("--- a/x.py\n+++ b/README.md\n{HUNK}");
    assert!(notes_behind_clean(&plain)[0].contains("name two files"));
    assert_ne!(Diff::parse(&plain).notes, []);
    let trees = format!("--- src/x.py\n+++ tests/x.py\n{HUNK}");
    assert_eq!(Diff::parse(&trees).notes, [], "two folders, as diff(1) compares them");
    assert_ne!(notes_behind_clean(&trees), [""; 0], "git does not");
}

#[test]
fn what_some_other_reader_may_take_for_a_change_is_noted() {
    let header = "diff --git a/x.py b/x.py\nindex 1..2 100644\n--- a/x.py\n+++ b/x.py\n";
    let separators = ["\u{2028}", "\u{85}", "\u{b}", "\u{c}", "\r", "⟦U+2028⟧"]
        .map(|separator| CLEAN.replace("x = 1", &format!("x{separator}+y")));
    let behind = [
        "*** a/x.py\n--- b/x.py\n***************\n*** 1 ****\n--- 1,2 ----\n  import os\n+ eval(input())\n",
        "diff a/x.py b/x.py\n1a2\n> eval(input())\n",
        "Index: x.py\n1a\neval(input())\n.\n",
        "Only in b: x.py\n",
        "Submodule lib 1234567..abcdef0:\n  > evil\n",
        "* Unmerged path x.py\n",
        "File a/x is a directory while file b/x is a regular file\n",
        "Files a/x and b/x differ\n",
        "Binary file x.png has changed\n",
        "Binärdateien a/x.png und b/x.png sind verschieden\n",
        "バイナリーファイルa/x.pngとb/x.pngは異なります\n",
        "Les fichiers binaires /dev/null et b/x.png sont différents\n",
        "diff --git a/x.png b/x.png\nindex 1..2 100644\nBinärdateien a/x.png und b/x.png sind verschieden\n",
        "GIT binary patch\nliteral 5\n",
        "diff --git a/x.py b/x.py\n",
        "diff --git a/x.py b/x.py\nindex 1..2 100644\n",
        header,
        "diff --git a/x.py b/x.py\nnew file mode 100644\nindex 0000000..2222222\n--- /dev/null\n+++ b/x.py\n",
        "diff --git a/x.py b/x.py\nnew file mode 100644\nindex 0000000..2222222\n",
        "--- a/x.py\n+++ b/x.py\n",
        &format!("{header}@@ bogus @@\n+eval(input())\n"),
        &format!("{header} {HUNK}"),
        &format!("{header}+eval(input())\n"),
        &format!("    --- a/x.py\n    +++ b/x.py\n    {HUNK}"),
        &format!("Index: x.py\n{HUNK}"),
        "diff --git a/x b/x\nold mode 100644\nnew mode rwx\n",
        "diff --git a/notes.txt b/x.sh\nsimilarity index 100%\ncopy from notes.txt\ncopy to x.sh\n",
        "diff --git a/notes.txt b/.github/workflows/x.yml\nsimilarity index 100%\nrename from notes.txt\nrename to .github/workflows/x.yml\n",
        "--- a/big\n+++ b/big\n@@ -1,3 +1,3 @@\n version https://git-lfs.github.com/spec/v1\n-oid sha256:1\n-size 1\n+oid sha256:2\n+size 2\n",
        " import os\n+eval(input())\n",
        "\n+eval(input())\n",
        "-- evil\n+eval(input())\n",
        "hello\u{2028}+eval(input())\n",
        "diff --git a/l.png b/l.png\nGIT binary patch\nliteral 5\ndiff --git a/x.py b/x.py\n",
    ];
    let before: Vec<_> = [
        "Only in b: x.py\n",
        "* Unmerged path x\n",
        behind[0],
        behind[1],
        "--- a/x\n+++ b/x\n",
        "  @@ -1 +1 @@\n",
    ]
    .map(|text| format!("{text}{CLEAN}"))
    .into();
    let behind: Vec<_> = behind.iter().map(|text| format!("{CLEAN}{text}")).collect();
    for text in behind.iter().chain(&before).chain(&separators) {
        assert_ne!(Diff::parse(text).notes, [], "{text}");
    }
}

#[test]
fn lines_of_one_kind_in_a_row_are_one_note() {
    let notes = notes_behind_clean(&format!("\n{}", "+eval(input())\n".repeat(500)));
    assert_eq!(notes, ["line 9: lines that belong to no hunk were left out"]);
}

#[test]
fn words_around_a_diff_are_not_noted() {
    let mail = format!(
        "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\nFrom: A <a@example.org>\n\
         Subject: [PATCH] x\n\n- one\n+ two\n---\n src/a.py | 1 +\n 1 file changed, 1 insertion(+)\n\n{CLEAN}-- \n2.43.0\n\n"
    );
    let log = format!(
        "commit 0123456789012345678901234567890123456789\nAuthor: A\n\n    - one\n    + two\n\n{CLEAN}\n"
    );
    let plain = format!("diff -ru old/x new/x\n--- old/x\t2024-01-01\n+++ new/x\t2024-01-02\n{HUNK}");
    let texts = [
        mail.repeat(2),
        log.repeat(2),
        plain.repeat(2),
        format!("{CLEAN}Thanks, and see src/a.py.\n-----\nA\n"),
        format!(
            "The change:\n<untrusted-0 label=\"diff\">\n{CLEAN}</untrusted-0>\n\nThe request:\n* look at a/x\n"
        ),
        format!("{CLEAN}diff --git a/x b/x\nnew file mode 100644\nindex 0000000..e69de29\n"),
        format!("{CLEAN}diff --git a/x b/x\ndeleted file mode 100644\nindex e69de29bb2..0000000000\n"),
        format!("{CLEAN}diff --git a/a.py b/b.py\nsimilarity index 100%\nrename from a.py\nrename to b.py\n"),
        format!("{CLEAN}Index: x\n=====\n--- x\t(revision 1)\n+++ x\t(revision 2)\n{HUNK}"),
        CLEAN.replace("x = 1", "\u{c}"),
        CLEAN.replace('\n', "\r\n"),
    ];
    for text in texts {
        assert_eq!(Diff::parse(&text).notes, [], "{text}");
    }
}

#[test]
fn a_submodule_is_known_without_its_mode() {
    let commits = "@@ -1 +1 @@\n-Subproject commit 1\n+Subproject commit 2\n";
    let headers = [
        "--- a/lib\n+++ b/lib\n",
        "diff --git a/lib b/lib\nindex 1..2 160000 x\n--- a/lib\n+++ b/lib\n",
        "diff --git a/lib b/lib\nindex 1..2  160000\n--- a/lib\n+++ b/lib\n",
    ];
    for header in headers {
        assert_eq!(only(&format!("{header}{commits}")).new_mode, Some(0o160000), "{header}");
    }
    let quoted = "--- a/x\n+++ b/x\n@@ -1 +1,2 @@\n a\n+Subproject commit 2\n";
    assert_eq!(only(quoted).new_mode, None, "a text that speaks of one");
}

#[test]
fn no_shape_of_a_large_text_takes_long() {
    let started = std::time::Instant::now();
    let long = "x".repeat(5_000_000);
    let header = "diff --git a/x b/x\nindex 1..2 100644\n--- a/q\n+++ b/q\n";
    let texts = [
        format!("{CLEAN}+{long}\n*** {long}\n--- {long}\n1a{long}\n"),
        format!("{CLEAN}{}", "a/x b/x ".repeat(600_000)),
        format!("diff --git {long} {long}\n--- {long}\n+++ {long}y\n{HUNK}"),
        CLEAN.replace("x = 1", &"x⟦U+2028⟧".repeat(500_000)),
        CLEAN.replace("x = 1", &format!("{}x\u{b}y", "⟦U+".repeat(500_000))),
        header.repeat(20_000),
        "*** a\n--- b\n1a1\n> x\n@@ -x\n+y\n".repeat(100_000),
    ];
    for text in texts {
        assert_ne!(Diff::parse(&text).notes, []);
    }
    assert!(started.elapsed().as_secs() < 60, "linear takes a few seconds here: {:?}", started.elapsed());
}
