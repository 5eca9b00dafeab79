use proptest::prelude::*;
use serde_json::json;

use super::*;

const SMALL: &str = "diff --git a/src/a.rs b/src/a.rs\n--- a/src/a.rs\n+++ b/src/a.rs\n@@ -1,2 +1,2 @@\n fn a() {\n-old\n+new\n";
const BINARY: &str =
    "diff --git a/logo.png b/logo.png\nindex 1..2 100644\nBinary files a/logo.png and b/logo.png differ\n";

fn change(payload: Value) -> Change {
    Change::from_payload(&payload).unwrap().unwrap()
}

fn added(path: &str, lines: usize) -> String {
    let body = "+0123456789\n".repeat(lines);
    format!(
        "diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{lines} @@\n{body}"
    )
}

#[test]
fn a_small_diff_is_seen_as_a_whole() {
    let change = change(json!({"diff": SMALL}));
    assert!(change.is_complete());
    assert_eq!(change.diff, SMALL);
    assert_eq!(
        change.files,
        [ChangedFile { path: "src/a.rs".into(), status: "modified", additions: 1, deletions: 1 }]
    );
    assert_eq!(change.code(), "new\n");
    let seen = Seen::of(Some(&change));
    assert_eq!((seen.files, seen.additions, seen.deletions), (1, 1, 1));
}

#[test]
fn an_event_without_a_diff_has_no_change() {
    for payload in [json!({}), json!({"diff": null}), json!(null)] {
        assert_eq!(Change::from_payload(&payload), Ok(None));
    }
    assert_eq!(Seen::of(None).extent, Extent::Missing("the event carries no diff".into()));
}

#[test]
fn a_diff_without_a_readable_file_is_missing_with_the_reason() {
    for (diff, why) in [
        ("", "the diff is empty"),
        (" \n", "the diff is empty"),
        ("hello", "no file can be read in the diff"),
    ] {
        let change = change(json!({"diff": diff}));
        assert_eq!(change.extent(), Extent::Missing(why.into()));
        assert!(!change.is_complete());
    }
}

#[test]
fn a_field_of_the_wrong_type_is_named() {
    for (payload, message) in [
        (json!({"diff": 7}), "payload.diff must be a text, not a number"),
        (
            json!({"diff": "", "diffTruncated": "yes"}),
            "payload.diffTruncated must be true or false, not a text",
        ),
        (
            json!({"diff": "", "diffLeftOut": [1]}),
            "payload.diffLeftOut must be a list of paths or their number, not a list",
        ),
    ] {
        assert_eq!(Change::from_payload(&payload).unwrap_err().to_string(), message);
    }
}

#[test]
fn what_nobody_can_see_makes_the_change_incomplete() {
    let submodule = "diff --git a/lib b/lib\nindex 1..2 160000\n--- a/lib\n+++ b/lib\n@@ -1 +1 @@\n-Subproject commit 1\n+Subproject commit 2\n";
    let merge = "diff --cc x\nindex 1,2..3\n--- a/x\n+++ b/x\n@@@ -1,1 -1,1 +1,1 @@@\n- a\n -b\n++c\n";
    for (diff, why) in
        [(BINARY, "logo.png is binary"), (submodule, "lib is a submodule"), (merge, "combined diff")]
    {
        let change = change(json!({"diff": format!("{SMALL}{diff}")}));
        assert_eq!(change.files.len(), 2, "listed all the same");
        let Extent::Truncated(unseen) = change.extent() else { panic!("{:?}", change.extent()) };
        assert!(unseen.iter().any(|reason| reason.contains(why)), "{unseen:?}");
    }
}

#[test]
fn a_hunk_that_cannot_be_read_makes_the_change_incomplete() {
    let change = change(json!({"diff": format!("{SMALL}@@ -x +y @@\n+evil\n")}));
    assert!(!change.is_complete(), "{change:?}");
}

#[test]
fn what_could_be_a_change_and_was_not_read_makes_the_change_incomplete() {
    let hunk = "@@ -1 +1,2 @@\n import os\n+eval(input())\n";
    let behind = [
        format!("diff --git a/README.md b/README.md\n--- a/app/x.py\n+++ b/app/x.py\n{hunk}"),
        format!("--- a/x.py\n+++ b/README.md\n{hunk}"),
        "Only in b: x.py\n".to_owned(),
        "\n+eval(input())\n".to_owned(),
        "diff --git a/x.py b/x.py\nindex 1..2 100644\n".to_owned(),
        "diff --git a/n.txt b/x.sh\nsimilarity index 100%\nrename from n.txt\nrename to x.sh\n".to_owned(),
        "--- a/lib\n+++ b/lib\n@@ -1 +1 @@\n-Subproject commit 1\n+Subproject commit 2\n".to_owned(),
    ];
    for text in behind {
        let change = change(json!({"diff": format!("{SMALL}{text}")}));
        assert!(!change.is_complete() && !change.unseen.is_empty(), "{text}");
    }
}

#[test]
fn a_cut_made_before_is_honoured() {
    assert!(!change(json!({"diff": SMALL, "diffTruncated": true})).is_complete());
    let unnamed = change(json!({"diff": SMALL, "diffLeftOut": 3}));
    assert_eq!((unnamed.left_out(), unnamed.is_complete()), (3, false));
    assert!(change(json!({"diff": SMALL, "diffTruncated": false, "diffLeftOut": []})).is_complete());
    let change = change(json!({"diff": SMALL, "diffLeftOut": ["big.rs"]}));
    assert_eq!((change.files_left_out.as_slice(), change.left_out()), (["big.rs".to_owned()].as_slice(), 1));
    assert!(change.truncated && !change.is_complete());
}

#[test]
fn a_long_diff_is_cut_by_file_and_says_so() {
    let diff = format!("{}{}", added("big.rs", 40_000), added("small.rs", 2));
    let change = change(json!({"diff": diff}));
    assert!(change.diff.len() <= DIFF_BUDGET);
    assert_eq!(change.files_left_out, ["big.rs"]);
    assert_eq!(Seen::of(Some(&change)).additions, 40_002, "the numbers are those of the whole");
    assert!(!change.is_complete());
    assert_eq!(change.code().chars().count(), 1_000);
}

#[test]
fn hidden_characters_are_shown_counted_and_left_to_a_person() {
    let hiding = change(json!({"diff": SMALL.replace("+new", "+ne\u{202e}w")}));
    assert_eq!((hiding.hidden, hiding.code().as_str()), (1, "ne⟦U+202E⟧w\n"));
    let Extent::Truncated(reasons) = hiding.extent() else { panic!("{:?}", hiding.extent()) };
    assert_eq!(reasons, ["the change holds 1 hidden character, at which a person must look"]);
    let hiding = change(json!({"diff": SMALL.replace("+new", "+\u{200b}n\u{85}e\u{b}w")}));
    assert!(hiding.unseen[0].starts_with("the change holds 3 hidden characters"), "{hiding:?}");
}

#[test]
fn the_code_that_is_kept_holds_no_key() {
    let key = ["AKIA", "Q7XK3MPLW2RT5VNA"].concat();
    for key in [key.clone(), key.replace("XK", "X\u{200b}K")] {
        let change = change(json!({"diff": SMALL.replace("+new", &format!("+id = '{key}'"))}));
        assert_eq!(change.code(), "id = 'AKIA…'\n");
        assert!(change.diff.contains("W2RT5VNA"), "the agents see it");
    }
}

#[test]
fn a_change_of_very_many_files_is_told_in_few_words_and_little_time() {
    let diff: String = (0..30_000).map(|n| added(&format!("{n}.rs"), 1)).collect();
    let change = change(json!({"diff": diff}));
    assert_eq!(change.files.len(), 30_000);
    assert!(change.left_out() > 25_000 && change.diff.len() <= DIFF_BUDGET);
    assert!(change.unseen.len() <= 3, "{:?}", change.unseen);
}

proptest! {
    #[test]
    fn no_diff_is_longer_than_the_budget_or_called_complete_when_cut(lines in 1..400_usize, budget in 0..6_000_usize) {
        let diff = format!("{}{SMALL}", added("a.rs", lines));
        let change = Change::read(&diff, budget);
        prop_assert!(change.diff.len() <= budget);
        prop_assert_eq!(change.is_complete(), diff.len() <= budget);
    }
}
