//! Content that a diff does not show: of a file that a rename turns into one of another kind, such as prose into a program
//! or data into a pipeline, and of one that git LFS keeps elsewhere. Nobody who reads the diff has seen it.

use crate::model::{File, Line, Status};

/// Extensions that stand for one kind.
const KINDS: &[&[&str]] = &[
    &["js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "cts"],
    &["c", "h", "cc", "cpp", "cxx", "hpp", "hh"],
    &["java", "kt"],
    &["yml", "yaml"],
    &["htm", "html"],
    &["py", "pyi"],
];
/// What is only read.
const PROSE: &[&str] = &["md", "markdown", "mdx", "rst", "adoc", "txt", "org"];

/// True when the file is a rename or copy into another kind of file, or into a folder of tools such as `.github`.
pub(super) fn becomes_something_else(file: &File) -> bool {
    let moved = matches!(file.status, Status::Renamed | Status::Copied);
    match (&file.old_path, &file.new_path) {
        (Some(old), Some(new)) if moved => {
            let (old, new) = (old.to_lowercase(), new.to_lowercase());
            tools(&old) != tools(&new) || kind(&old) != kind(&new) && !PROSE.contains(&kind(&new))
        }
        _ => false,
    }
}

/// True when all that changes is which content git LFS fetches: its hash stands in the diff for the content.
pub(super) fn is_elsewhere(file: &File) -> bool {
    let pointer = |line: &Line| {
        ["version https://git-lfs", "oid sha256:", "size "].iter().any(|start| line.text.starts_with(start))
    };
    file.added().all(pointer) && file.added().any(|line| line.text.starts_with("oid sha256:"))
}

/// The first folder that begins with a dot: what lies there is run by somebody's tools.
fn tools(path: &str) -> Option<&str> {
    let (folders, _) = path.rsplit_once('/')?;
    folders.split('/').find(|folder| folder.starts_with('.'))
}

/// What the name says of the content: the first extension of its kind, or the name where there is none, as of a Makefile.
fn kind(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension =
        name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).map(|(_, extension)| extension);
    let Some(extension) = extension else { return name };
    KINDS.iter().find(|kind| kind.contains(&extension)).map_or(extension, |kind| kind[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn becomes(old: &str, new: &str, status: Status) -> bool {
        let (old_path, new_path) = (Some(old.to_owned()), Some(new.to_owned()));
        becomes_something_else(&File { old_path, new_path, status, ..File::default() })
    }

    #[test]
    fn a_rename_into_another_kind_of_file_is_told_from_a_mere_move() {
        let others = [
            ("notes.txt", "x.py"),
            ("notes.txt", "Makefile"),
            ("notes.txt", ".github/workflows/x.yml"),
            ("deploy/x.yml", ".github/workflows/x.yml"),
            ("x.json", "x.js"),
            ("LICENSE", "run"),
        ];
        for (old, new) in others {
            assert!(becomes(old, new, Status::Renamed) && becomes(old, new, Status::Copied), "{old} {new}");
        }
        let moves = [
            ("src/x.py", "lib/y.py"),
            ("a.js", "a.ts"),
            ("x.py", "x.txt"),
            ("a/Makefile", "b/Makefile"),
            (".github/a.yml", ".github/workflows/a.yaml"),
        ];
        for (old, new) in moves {
            assert!(!becomes(old, new, Status::Renamed), "{old} {new}");
        }
        assert!(!becomes("x.txt", "x.py", Status::Modified));
    }
}
