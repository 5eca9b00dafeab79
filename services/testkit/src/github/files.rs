//! The files of a change, from its diff.

use serde_json::{Value, json};

/// One entry for each file of a git diff.
pub(super) fn of(diff: &str) -> Vec<Value> {
    let mut files: Vec<Vec<&str>> = Vec::new();
    for line in diff.lines() {
        if line.starts_with("diff --git ") {
            files.push(Vec::new());
        }
        if let Some(file) = files.last_mut() {
            file.push(line);
        }
    }
    files.iter().map(|lines| file(lines)).collect()
}

/// Whether the change touches the file.
pub(super) fn touches(diff: &str, path: &str) -> bool {
    of(diff).iter().any(|file| file["filename"] == path)
}

fn file(lines: &[&str]) -> Value {
    let path = lines[0].rsplit_once(" b/").map_or("", |(_, path)| path);
    let first = lines.iter().position(|line| line.starts_with("@@"));
    let patch = first.map_or(&[][..], |first| &lines[first..]);
    let count = |sign: char| patch.iter().filter(|line| line.starts_with(sign)).count();
    let (added, removed) = (count('+'), count('-'));
    let has =
        |word: &str| lines.iter().take_while(|line| !line.starts_with("@@")).any(|l| l.starts_with(word));
    let status = match () {
        () if has("new file") => "added",
        () if has("deleted file") => "removed",
        () if has("rename to") => "renamed",
        () => "modified",
    };
    let mut file = json!({"filename": path, "status": status, "additions": added, "deletions": removed,
                          "changes": added + removed});
    // Of binary files GitHub gives no patch.
    if !patch.is_empty() {
        file["patch"] = patch.join("\n").into();
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_has_its_counts_and_its_patch() {
        let diff = "diff --git a/a.rs b/a.rs\nnew file mode 100644\n--- /dev/null\n+++ b/a.rs\n@@ -0,0 +1,2 @@\n+one\n+two\n\
                    diff --git a/b c.rs b/b c.rs\n--- a/b c.rs\n+++ b/b c.rs\n@@ -1 +1 @@\n-old\n+new\n\
                    diff --git a/x.png b/x.png\nBinary files differ\n";
        let files = of(diff);
        assert_eq!((&files[0]["filename"], &files[0]["status"]), (&json!("a.rs"), &json!("added")));
        assert_eq!((&files[0]["additions"], &files[0]["deletions"]), (&json!(2), &json!(0)));
        assert_eq!(files[0]["patch"], "@@ -0,0 +1,2 @@\n+one\n+two");
        assert_eq!((&files[1]["filename"], &files[1]["changes"]), (&json!("b c.rs"), &json!(2)));
        assert_eq!(files[2].get("patch"), None);
        assert!(touches(diff, "b c.rs") && !touches(diff, "c.rs"));
        assert!(of("").is_empty());
    }
}
