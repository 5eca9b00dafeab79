//! A role's folder for state: made private to the user if missing, and locked so that one process alone uses it.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use uuid::Uuid;

/// A locked folder. The lock is the operating system's: it ends with the process, however that ends.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _lock: File,
}

/// Why a folder for state cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process holds the lock.
    #[error(
        "the data folder {} is in use by another bsm process; stop that one, or give this one its own folder \
         with --data-dir or BSM_DATA_DIR", .0.display()
    )]
    InUse(PathBuf),
    /// The folder or its lock file cannot be made or opened.
    #[error("cannot {doing} {}: {source}; give a folder that this user may write to with --data-dir or BSM_DATA_DIR", .path.display())]
    Unusable {
        /// What was being done.
        doing: &'static str,
        /// Which folder or file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

impl Folder {
    /// Makes and locks a folder.
    ///
    /// # Errors
    /// When another process holds it, or when it cannot be written.
    pub fn open(path: &Path) -> Result<Folder, Error> {
        let unusable = |doing, path: &Path| {
            let path = path.to_owned();
            move |source| Error::Unusable { doing, path, source }
        };
        make(path).map_err(unusable("make the data folder", path))?;
        let name = path.join("lock");
        let lock = File::options().create(true).truncate(false).write(true).open(&name);
        let lock = lock.map_err(unusable("open", &name))?;
        match lock.try_lock() {
            Ok(()) => Ok(Folder { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(Error::InUse(path.to_owned())),
            Err(TryLockError::Error(source)) => Err(unusable("lock", &name)(source)),
        }
    }

    /// Where the folder is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Writes a file into a folder, made if missing, and removes it: modes alone do not say whether a folder can be
/// written, nor whether the disk is full. Blocks.
///
/// # Errors
/// What the operating system said.
pub fn try_writing(path: &Path) -> io::Result<()> {
    make(path)?;
    let probe = path.join(format!(".probe-{}", Uuid::new_v4()));
    fs::write(&probe, b"")?;
    fs::remove_file(&probe)
}

/// Makes a folder, and those above it, without taking it. A new one is for its owner alone: nobody else reads
/// journals, audit logs or keys. What was there before keeps the rights that somebody gave it.
pub(crate) fn make(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_owner_is_refused_until_the_first_lets_go() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("registry");
        let first = Folder::open(&path).unwrap();
        let second = Folder::open(&path).unwrap_err().to_string();
        assert!(
            second.contains("in use by another bsm process") && second.contains("--data-dir"),
            "{second}"
        );
        drop(first);
        assert_eq!(Folder::open(&path).unwrap().path(), path);
    }

    #[cfg(unix)]
    #[test]
    fn a_new_folder_is_the_owners_alone_and_an_old_one_keeps_its_rights() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let new = dir.path().join("new");
        drop(Folder::open(&new).unwrap());
        assert_eq!(mode(&new), 0o700);
        let old = dir.path().join("old");
        fs::create_dir(&old).unwrap();
        fs::set_permissions(&old, fs::Permissions::from_mode(0o755)).unwrap();
        drop(Folder::open(&old).unwrap());
        assert_eq!(mode(&old), 0o755);
    }

    #[test]
    fn a_folder_is_tried_by_writing_and_nothing_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gateway");
        try_writing(&path).unwrap();
        assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
        fs::write(dir.path().join("file"), "").unwrap();
        assert!(try_writing(&dir.path().join("file")).is_err());
    }

    #[test]
    fn a_file_in_the_way_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("taken");
        fs::write(&path, "").unwrap();
        let error = Folder::open(&path.join("memory")).unwrap_err().to_string();
        assert!(error.contains("cannot make the data folder") && error.contains("taken/memory"), "{error}");
    }
}
