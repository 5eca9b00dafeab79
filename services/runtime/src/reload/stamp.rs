//! What the file system says of all files below some folders: two stamps differ if anything was edited in between.

use std::{
    fs::{self, Metadata},
    path::{Path, PathBuf},
    time::SystemTime,
};

/// Deeper than this nobody keeps files, and a link that leads in a circle ends.
const MOST_LEVELS: usize = 16;

/// Every file with its size, its times and its place on the disk. Reads no file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stamp(Vec<(PathBuf, Mark)>);

/// What tells one content of a file from another.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Mark {
    length: u64,
    modified: Option<SystemTime>,
    /// Inode and time of the last change of any kind, where the system has them: a copy may keep the time of its
    /// original, and a file may become readable without being written.
    place: (u64, i64, i64),
}

// === impl Stamp ===

impl Stamp {
    /// Of all files below these folders, those aside whose names begin with a dot, and of these files. What cannot be
    /// read is left out. Blocks.
    pub(super) fn of(places: &[PathBuf]) -> Stamp {
        let mut stamp = Stamp(Vec::new());
        for place in places {
            match fs::metadata(place) {
                Ok(found) if !found.is_dir() => stamp.0.push((place.clone(), Mark::of(&found))),
                _ => stamp.add(place, 0),
            }
        }
        stamp.0.sort();
        stamp
    }

    fn add(&mut self, folder: &Path, level: usize) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        for path in entries.flatten().map(|entry| entry.path()).filter(|path| !is_hidden(path)) {
            match fs::metadata(&path) {
                Ok(found) if found.is_dir() && level < MOST_LEVELS => self.add(&path, level + 1),
                Ok(found) => self.0.push((path, Mark::of(&found))),
                Err(_) => {}
            }
        }
    }
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

// === impl Mark ===

impl Mark {
    fn of(found: &Metadata) -> Mark {
        Mark { length: found.len(), modified: found.modified().ok(), place: place(found) }
    }
}

#[cfg(unix)]
fn place(found: &Metadata) -> (u64, i64, i64) {
    use std::os::unix::fs::MetadataExt as _;
    (found.ino(), found.ctime(), found.ctime_nsec())
}

#[cfg(not(unix))]
fn place(_: &Metadata) -> (u64, i64, i64) {
    (0, 0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_differs_after_every_kind_of_edit_and_no_other_time() {
        let dir = tempfile::tempdir().unwrap();
        let folders = [dir.path().to_owned()];
        let file = |name: &str| dir.path().join(name);
        fs::create_dir(file("below")).unwrap();
        fs::write(file("below/a.yaml"), "one").unwrap();
        let mut last = Stamp::of(&folders);
        assert_eq!(Stamp::of(&folders), last);
        fs::write(file(".a.yaml.swp"), "an editor's own").unwrap();
        assert_eq!(Stamp::of(&folders), last);
        let edits: [(&str, &dyn Fn()); 4] = [
            ("another length", &|| fs::write(file("below/a.yaml"), "two!").unwrap()),
            ("a new file", &|| fs::write(file("b.yaml"), "").unwrap()),
            ("another file in its place", &|| {
                fs::write(file("c"), "six!").unwrap();
                fs::rename(file("c"), file("below/a.yaml")).unwrap();
            }),
            ("a file gone", &|| fs::remove_file(file("b.yaml")).unwrap()),
        ];
        for (what, edit) in edits {
            edit();
            let next = Stamp::of(&folders);
            assert_ne!(next, last, "{what}");
            last = next;
        }
    }

    #[test]
    fn a_folder_that_is_not_there_has_a_stamp() {
        assert_eq!(Stamp::of(&["/no/such/folder".into()]), Stamp(Vec::new()));
    }
}
