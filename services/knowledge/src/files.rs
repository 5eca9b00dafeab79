//! Finds and reads the files of the folder, within bounds. This is the only part that touches the disk; it blocks.

use std::{
    fs, io,
    io::Read as _,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use bsm_runtime::diagnostic::{Diagnostic, Severity};

use tracing::debug;

use crate::format::Format;

#[cfg(test)]
mod tests;

/// How many documents are served at most.
pub const MOST_FILES: usize = 20_000;

/// How many folders deep documents may lie.
pub const MOST_LEVELS: usize = 16;

/// A file that holds a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// The same below the folder, with '/' between the parts.
    pub(crate) source: String,
    pub(crate) format: Format,
}

/// What a file holds, and when it was changed last, in ms since 1970.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) bytes: Vec<u8>,
    pub(crate) changed_at_ms: i64,
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

/// Lists every document below `root`: files whose endings are those of a [`Format`]. Names that begin with a dot are not
/// looked at.
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

/// What the file holds; nothing when it is gone by now, which is no mistake: files come and go while they are read.
pub(crate) fn read(place: &Place) -> Result<Option<Content>, Box<Diagnostic>> {
    match content(place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(&place.path, &error).into()),
        Ok(None) => {
            let message = format!("the document is larger than {} MiB", place.format.most_bytes() >> 20);
            Err(about(&place.path, message, "split it, each part with its own title").into())
        }
        Ok(content) => Ok(content),
    }
}

/// None for a file that is too large; of such a one no more is read than tells that it is.
fn content(place: &Place) -> io::Result<Option<Content>> {
    let (file, most) = (fs::File::open(&place.path)?, place.format.most_bytes());
    let known = file.metadata()?;
    if known.len() > most {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    // It may grow meanwhile: one byte beyond the limit tells.
    file.take(most + 1).read_to_end(&mut bytes)?;
    let changed = known.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let changed_at_ms = changed.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
    Ok((bytes.len() as u64 <= most).then_some(Content { bytes, changed_at_ms }))
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
            match self.entry(&path, below, level) {
                Err(error) if is_gone(&path) => {
                    debug!(%error, path = %path.display(), "gone while it was listed")
                }
                Err(error) => self.listing.findings.push(unreadable(&path, &error)),
                Ok(()) => {}
            }
        }
        Ok(())
    }

    fn entry(&mut self, path: &Path, below: &str, level: usize) -> io::Result<()> {
        if is_hidden(path) {
            return Ok(());
        }
        let format = Format::of_file(path);
        let kind = fs::symlink_metadata(path)?.file_type();
        if !kind.is_dir() && !kind.is_symlink() && format.is_none() {
            return Ok(());
        }
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            self.refuse(path, "this name is not UTF-8 text", "rename it");
            return Ok(());
        };
        let source = format!("{below}{name}");
        match format {
            _ if kind.is_dir() => self.folder(path, &format!("{source}/"), level + 1),
            _ if kind.is_symlink() => self.link(path, source, format),
            Some(format) => {
                self.file(Place { path: path.to_owned(), source, format }, kind.is_file());
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// A link is as good as a file while it stays in the folder: nobody serves another file by planting one. What is
    /// read is what it led to when that was looked at.
    fn link(&mut self, path: &Path, source: String, format: Option<Format>) -> io::Result<()> {
        let target = match path.canonicalize() {
            Err(_) if format.is_none() => return Ok(()), // a dangling link to something else
            target => target?,
        };
        let kind = fs::metadata(&target)?.file_type();
        match format {
            _ if kind.is_dir() => {
                self.refuse(path, "links to folders are not followed", "move the folder here");
            }
            Some(_) if !target.starts_with(&self.root) => {
                self.refuse(path, "this link leads out of the folder", "put a copy of the document here");
            }
            Some(format) => self.file(Place { path: target, source, format }, kind.is_file()),
            None => {}
        }
        Ok(())
    }

    fn file(&mut self, place: Place, regular: bool) {
        if regular {
            self.listing.places.push(place);
        } else {
            self.refuse(&place.path, "this is not a regular file", "move it out of this folder");
        }
    }

    fn refuse(&mut self, path: &Path, message: impl Into<String>, fix: &str) {
        self.listing.findings.push(about(path, message, fix));
    }
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// Whether there is nothing at all any more, not even a link that leads nowhere.
fn is_gone(path: &Path) -> bool {
    fs::symlink_metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}
