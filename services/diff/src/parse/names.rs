//! Whose lines these are: a header names its file up to three times, and other readers of it may believe another name.

use crate::path::{Pair, git_pair, without_prefixes};

/// The names in a header of git.
#[derive(Default)]
pub(super) struct Names {
    /// What follows `diff --git `.
    pub(super) line: String,
    /// Behind `rename from ` or `copy from `.
    pub(super) from: Option<String>,
    /// Behind `rename to ` or `copy to `.
    pub(super) to: Option<String>,
    /// Behind `--- `, prefix included; `Some(None)` for `/dev/null`.
    pub(super) old: Option<Option<String>>,
    /// Behind `+++ `, alike.
    pub(super) new: Option<Option<String>>,
}

/// How far the names before and after a change in a header of diff(1) are apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Differs {
    /// They name one file, perhaps with its backup.
    #[default]
    No,
    /// They name a file of the same place in two folders.
    ByTree,
    /// They name two files.
    ByName,
}

const BACKUPS: [&str; 4] = [".orig", ".old", ".bak", "~"];

// === impl Names ===

impl Names {
    /// The paths before and after the change, without prefixes. What is applied wins: `---` and `+++`, then `rename`
    /// and `copy`, then `diff --git`. Each difference between them goes to `odd`.
    pub(super) fn settle(self, odd: &mut Vec<&'static str>) -> Pair {
        let first: Pair = git_pair(&self.line).unzip();
        let first_bare = without_prefixes(first.clone());
        let moved = (self.from, self.to);
        let is_moved = moved.0.is_some() && moved.1.is_some();
        if moved.0.is_some() != moved.1.is_some() {
            odd.push("of the two names of this rename or copy one is missing");
        }
        if is_moved && first.0.is_some() && moved != first && moved != first_bare {
            odd.push("this rename or copy names other files than the line before it");
        }
        if self.old.is_some() != self.new.is_some() {
            odd.push("of the lines --- and +++ one is missing");
        }
        let shown: Pair = (self.old.flatten(), self.new.flatten());
        let shown_bare = without_prefixes(shown.clone());
        let agree = if is_moved {
            within(&shown, &moved) || within(&shown_bare, &moved)
        } else if first.0.is_some() {
            within(&shown, &first)
        } else {
            is_written(&self.line, &shown)
        };
        let named = (moved.0.or(first_bare.0), moved.1.or(first_bare.1));
        if agree {
            // Where spaces hide the border between two paths, only these lines show it.
            return if named == (None, None) { both(shown_bare) } else { named };
        }
        odd.push("the lines --- and +++ name another file than the lines before them");
        both(shown_bare)
    }
}

/// Whether what is named of `some` is the same in `whole`.
fn within(some: &Pair, whole: &Pair) -> bool {
    let same = |some: &Option<String>, whole: &Option<String>| some.is_none() || some == whole;
    same(&some.0, &whole.0) && same(&some.1, &whole.1)
}

/// Whether the line behind `diff --git ` consists of these names.
fn is_written(line: &str, (old, new): &Pair) -> bool {
    match (old, new) {
        (Some(old), Some(new)) => {
            line.strip_prefix(old.as_str()).and_then(|rest| rest.strip_prefix(' ')) == Some(new)
        }
        (Some(old), None) => line.starts_with(old.as_str()),
        (None, Some(new)) => line.ends_with(new.as_str()),
        (None, None) => true,
    }
}

/// A name for both sides; who knows that one does not exist takes it away.
fn both((old, new): Pair) -> Pair {
    (old.clone().or_else(|| new.clone()), new.or(old))
}

/// Compares the names in a header of diff(1).
pub(super) fn differ(old: Option<&str>, new: Option<&str>) -> Differs {
    let (Some(old), Some(new)) = (old, new) else { return Differs::No };
    let is_backup = old.strip_prefix(new).is_some_and(|end| BACKUPS.contains(&end));
    if old == new || is_backup {
        return Differs::No;
    }
    let apart = old.split('/').zip(new.split('/')).filter(|(old, new)| old != new).count();
    let one_folder = apart == 1 && name(old) == name(new) && old.matches('/').eq(new.matches('/'));
    if one_folder { Differs::ByTree } else { Differs::ByName }
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names that win, and how many differences were found.
    fn settled(line: &str, moved: [&str; 2], shown: [&str; 2]) -> (String, String, usize) {
        let some = |name: &str| Some(name.to_owned()).filter(|name| !name.is_empty());
        let lines = |name: &str| (name != "-").then(|| some(name));
        let names = Names {
            line: line.to_owned(),
            from: some(moved[0]),
            to: some(moved[1]),
            old: lines(shown[0]),
            new: lines(shown[1]),
        };
        let mut odd = Vec::new();
        let (old, new) = names.settle(&mut odd);
        (old.unwrap_or_default(), new.unwrap_or_default(), odd.len())
    }

    #[test]
    fn headers_as_git_writes_them_agree() {
        let cases = [
            ("a/x b/x", ["", ""], ["a/x", "b/x"], ("x", "x")),
            ("a/x b/x", ["", ""], ["", "b/x"], ("x", "x")),
            ("a/x b/x", ["", ""], ["-", "-"], ("x", "x")),
            ("i/x w/x", ["", ""], ["i/x", "w/x"], ("x", "x")),
            ("src/x src/x", ["", ""], ["src/x", "src/x"], ("src/x", "src/x")),
            ("a/x a/x", ["", ""], ["", "a/x"], ("a/x", "a/x")),
            ("old/x new/x", ["", ""], ["old/x", "new/x"], ("old/x", "new/x")),
            ("a/x b/y", ["x", "y"], ["a/x", "b/y"], ("x", "y")),
            ("x y", ["x", "y"], ["x", "y"], ("x", "y")),
            ("a/x 1 b/y", ["x 1", "y"], ["a/x 1", "b/y"], ("x 1", "y")),
            ("a/x 1 b/y", ["", ""], ["a/x 1", "b/y"], ("x 1", "y")),
        ];
        for (line, moved, shown, (old, new)) in cases {
            assert_eq!(settled(line, moved, shown), (old.into(), new.into(), 0), "{line} {shown:?}");
        }
    }

    #[test]
    fn the_names_that_are_applied_win_and_a_difference_is_told() {
        let cases = [
            ("a/README.md b/README.md", ["", ""], ["a/app/x.py", "b/app/x.py"], ("app/x.py", "app/x.py")),
            ("a/x.py b/x.py", ["x.py", "README.md"], ["a/x.py", "b/x.py"], ("x.py", "x.py")),
            ("a/x.py b/x.py", ["x.py", "README.md"], ["-", "-"], ("x.py", "README.md")),
            ("a/x b/y", ["x", ""], ["-", "-"], ("x", "y")),
            ("a/README.md b/README.md", ["", ""], ["", "b/x.py"], ("x.py", "x.py")),
            ("a/x 1 b/y", ["", ""], ["a/q", "b/q"], ("q", "q")),
        ];
        for (line, moved, shown, (old, new)) in cases {
            let (found_old, found_new, odd) = settled(line, moved, shown);
            assert_eq!((found_old.as_str(), found_new.as_str()), (old, new), "{line} {shown:?}");
            assert!(odd > 0, "{line} {shown:?}");
        }
        assert_eq!(settled("a/x b/x", ["", ""], ["a/x", "-"]), ("x".into(), "x".into(), 1), "one is missing");
    }

    #[test]
    fn two_trees_of_one_project_are_told_from_two_files() {
        let apart = |old, new| differ(Some(old), Some(new));
        for (old, new) in [("x", "x"), ("x.orig", "x"), ("src/x~", "src/x")] {
            assert_eq!(apart(old, new), Differs::No, "{old} {new}");
        }
        assert_eq!(apart("p-1.0/src/x", "p-1.1/src/x"), Differs::ByTree);
        assert_eq!(apart("/tmp/old/x", "/tmp/new/x"), Differs::ByTree);
        for (old, new) in [("x.py", "README.md"), ("x", "x.orig"), ("a/b/x", "c/d/x"), ("src/x", "x")] {
            assert_eq!(apart(old, new), Differs::ByName, "{old} {new}");
        }
        assert_eq!(differ(None, Some("x")), Differs::No);
    }
}
