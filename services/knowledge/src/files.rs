//! Finds and reads the files of the folder, within bounds. This is the only part that touches the disk; it blocks.

use std::{
    fs, io,
    io::Read as _,
    path::{Path, PathBuf},
};

use bsm_runtime::diagnostic::{Diagnostic, Severity};

#[cfg(test)]
mod tests;

/// The largest document, in bytes.
pub const MOST_FILE_BYTES: u64 = 1024 * 1024;

/// How many documents are served at most.
pub const MOST_FILES: usize = 20_000;

/// How many folders deep documents may lie.
pub const MOST_LEVELS: usize = 16;

/// A file that holds a document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// The same below the folder, with '/' between the parts.
    pub(crate) source: String,
}

/// The files below a folder, in the order of their names, and what is wrong with others.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) places: Vec<Place>,
    pub(crate) findings: Vec<Diagnostic>,
}

/// A finding about a file or folder as a whole.
pub(crate) fn about(path: &Path, message: impl Into<String>, fix: &str) -> Diagnostic {
    Diagnostic {
        file: path.display().to_string(),
        line: 0,
        column: 0,
        severity: Severity::Error,
        field: String::new(),
        message: message.into(),
        fix: fix.to_owned(),
        snippet: None,
    }
}

/// Lists every `*.md` below `root`. Names that begin with a dot are not looked at.
///
/// # Errors
/// When `root` itself cannot be read; anything below it is a finding.
pub(crate) fn list(root: &Path) -> io::Result<Listing> {
    let mut walk = Walk { root: root.canonicalize()?, listing: Listing::default() };
    walk.folder(root, "", 0)?;
    let mut listing = walk.listing;
    listing.places.sort_by(|a, b| a.source.cmp(&b.source));
    if listing.places.len() > MOST_FILES {
        let message = format!("there are more than {MOST_FILES} documents here");
        listing.findings.push(about(root, message, "move some out of this folder"));
        listing.places.clear();
    }
    Ok(listing)
}

/// The bytes of a file of at most [`MOST_FILE_BYTES`].
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Box<Diagnostic>> {
    let mut bytes = Vec::new();
    // One byte beyond the limit tells a file that is just small enough from one that is too large.
    let opened = fs::File::open(path);
    let done = opened.and_then(|file| file.take(MOST_FILE_BYTES + 1).read_to_end(&mut bytes));
    done.map_err(|error| unreadable(path, &error))?;
    if bytes.len() as u64 > MOST_FILE_BYTES {
        let message = format!("the document is larger than {} MiB", MOST_FILE_BYTES / (1024 * 1024));
        return Err(about(path, message, "split it, each part with its own title").into());
    }
    Ok(bytes)
}

fn unreadable(path: &Path, error: &io::Error) -> Diagnostic {
    about(
        path,
        format!("this cannot be read: {error}"),
        "mend its permissions, or move it out of this folder",
    )
}

struct Walk {
    /// Resolved, to compare what links lead to with.
    root: PathBuf,
    listing: Listing,
}

// === impl Walk ===

impl Walk {
    /// Adds what is in `folder`, which is called `below` as seen from the root ("" or ending with '/').
    fn folder(&mut self, folder: &Path, below: &str, level: usize) -> io::Result<()> {
        if level > MOST_LEVELS {
            let message = format!("this folder lies more than {MOST_LEVELS} folders deep");
            self.refuse(folder, message, "move it up");
            return Ok(());
        }
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if !is_hidden(&path)
                && let Err(error) = self.entry(&path, below, level)
            {
                self.listing.findings.push(unreadable(&path, &error));
            }
        }
        Ok(())
    }

    fn entry(&mut self, path: &Path, below: &str, level: usize) -> io::Result<()> {
        let kind = fs::symlink_metadata(path)?.file_type();
        if !kind.is_dir() && !kind.is_symlink() && !is_markdown(path) {
            return Ok(());
        }
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            self.refuse(path, "this name is not UTF-8 text", "rename it");
            return Ok(());
        };
        let source = format!("{below}{name}");
        if kind.is_symlink() {
            return self.link(path, source);
        }
        if kind.is_dir() {
            return self.folder(path, &format!("{source}/"), level + 1);
        }
        self.file(path, source, kind.is_file());
        Ok(())
    }

    /// A link is as good as a file while it stays in the folder: nobody serves another file by planting one.
    fn link(&mut self, path: &Path, source: String) -> io::Result<()> {
        let target = match path.canonicalize() {
            Err(_) if !is_markdown(path) => return Ok(()), // a dangling link to something else
            target => target?,
        };
        let kind = fs::metadata(&target)?.file_type();
        if kind.is_dir() {
            self.refuse(path, "links to folders are not followed", "move the folder here");
        } else if is_markdown(path) && !target.starts_with(&self.root) {
            self.refuse(path, "this link leads out of the folder", "put a copy of the document here");
        } else if is_markdown(path) {
            self.file(path, source, kind.is_file());
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, source: String, regular: bool) {
        if regular {
            self.listing.places.push(Place { path: path.to_owned(), source });
        } else {
            self.refuse(path, "this is not a regular file", "move it out of this folder");
        }
    }

    fn refuse(&mut self, path: &Path, message: impl Into<String>, fix: &str) {
        self.listing.findings.push(about(path, message, fix));
    }
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

fn is_markdown(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("md"))
}
