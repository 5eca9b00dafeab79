//! A role's folder for state: made if missing, private to the user, and locked so that one process alone uses it.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

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
        fs::create_dir_all(path).map_err(unusable("make the data folder", path))?;
        restrict(path).map_err(unusable("restrict the data folder", path))?;
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

/// Makes a folder for state without taking it: for roles that keep nothing but flags and the audit log, which
/// several processes may share.
pub(crate) fn make(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)?;
    restrict(path)
}

/// Nobody but the owner reads journals, audit logs or keys.
#[cfg(unix)]
fn restrict(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path)?.permissions().mode() & 0o777;
    if mode == 0o700 { Ok(()) } else { fs::set_permissions(path, fs::Permissions::from_mode(0o700)) }
}

#[cfg(not(unix))]
fn restrict(_: &Path) -> io::Result<()> {
    Ok(())
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

    #[test]
    fn a_file_in_the_way_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("taken");
        fs::write(&path, "").unwrap();
        let error = Folder::open(&path.join("memory")).unwrap_err().to_string();
        assert!(error.contains("cannot make the data folder") && error.contains("taken/memory"), "{error}");
    }
}
