//! The keyed hash by which a secret is known again, and the file that holds its key: a copy of the keys alone is of no
//! use to anybody.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write as _},
    path::Path,
};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::rules::Seal;

/// The file's name in the folder.
const FILE: &str = "keys.secret";

/// The key of the hash.
#[derive(Clone)]
pub(super) struct Sealer([u8; 32]);

// === impl Sealer ===

impl Sealer {
    /// Reads the file, or makes it. Of several processes that make it at once, all read the one that was first.
    ///
    /// # Errors
    /// When it cannot be read or made, or is not what this product writes.
    pub(super) fn open(folder: &Path) -> io::Result<Sealer> {
        let path = folder.join(FILE);
        if !path.exists() {
            make(folder, &path)?;
        }
        let bytes = fs::read(&path)?;
        let key = bytes.try_into().map_err(|_| io::Error::new(ErrorKind::InvalidData, "not 32 bytes"))?;
        Ok(Sealer(key))
    }

    /// The hash of what a presenter proves.
    pub(super) fn seal(&self, proof: &[u8]) -> Seal {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(proof);
        mac.finalize().into_bytes().into()
    }
}

/// Written aside and linked into place, so that nobody reads half of it and the first one stays.
fn make(folder: &Path, path: &Path) -> io::Result<()> {
    let aside = folder.join(format!("{FILE}.{}", std::process::id()));
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(io::Error::other)?;
    let mut file = owners(&aside)?;
    file.write_all(&key)?;
    file.sync_all()?;
    let linked = fs::hard_link(&aside, path);
    fs::remove_file(&aside)?;
    match linked {
        Err(err) if err.kind() != ErrorKind::AlreadyExists => Err(err),
        _ => Ok(()),
    }
}

/// A file that nobody but the owner reads.
#[cfg(unix)]
fn owners(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn owners(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(true).write(true).open(path)
}
