//! A diff cut into one patch per file.

use crate::model::Diff;

/// One file's part of a diff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePatch {
    /// The path after the change, or the one before for a deleted file.
    pub path: String,
    /// The text as it stood in the diff, headers included, ending in a newline.
    pub text: String,
}

/// Splits `text` by file. What stands around the files (a prompt, an e-mail) is in none of the parts.
pub fn split_files(text: &str) -> Vec<FilePatch> {
    let diff = Diff::parse(text);
    let patch = |file: &crate::File| {
        let mut part = text[file.span.clone()].to_owned();
        if !part.ends_with('\n') {
            part.push('\n');
        }
        FilePatch { path: file.path().to_owned(), text: part }
    };
    diff.files.iter().map(patch).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_keeps_its_own_text_and_nothing_else() {
        let one = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n";
        let two = "diff --git a/y b/y\nold mode 100644\nnew mode 100755\n";
        let three = "--- a/z\n+++ b/z\n@@ -1 +0,0 @@\n-z";
        let parts = split_files(&format!("Please review:\n{one}{two}Thanks, and this too:\n{three}"));
        let texts: Vec<_> = parts.iter().map(|part| part.text.as_str()).collect();
        assert_eq!(texts, [one, two, &format!("{three}\n")]);
        let paths: Vec<_> = parts.iter().map(|part| part.path.as_str()).collect();
        assert_eq!(paths, ["x", "y", "z"]);
    }

    #[test]
    fn a_text_without_a_diff_has_no_parts() {
        assert_eq!(split_files("Nothing to see."), []);
    }
}
