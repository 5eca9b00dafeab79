//! `flags.json`: what was changed at run time, as one object of flag and percentage.
//!
//! Written beside its place, synced and renamed, so that a crash leaves the old file or the new one.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

use super::{Flag, Percent};
use crate::folder;

/// Why flags cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused.
    #[error("cannot {doing} {}: {source}; give a folder that this user may write to with --data-dir or BSM_DATA_DIR", .path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file is not what this program writes.
    #[error("{}: {problem}; mend the file, or remove it to go back to the flags of the settings", .path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

/// What the file says; nothing when there is none.
pub(super) fn read(path: &Path) -> Result<Vec<(Flag, Percent)>, Error> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(Error::Io { doing: "read", path: path.to_owned(), source }),
    };
    parse(&text).map_err(|problem| Error::Malformed { path: path.to_owned(), problem })
}

fn parse(text: &str) -> Result<Vec<(Flag, Percent)>, String> {
    let fields: Map<String, Value> =
        serde_json::from_str(text).map_err(|err| format!("it is not an object of JSON: {err}"))?;
    let read = |(name, value): (String, Value)| {
        let flag: Flag = name.parse().map_err(|err: super::UnknownFlag| err.to_string())?;
        let percent = value.as_u64().and_then(Percent::new);
        Ok((
            flag,
            percent.ok_or_else(|| format!("{name} is {value}; it must be a whole number from 0 to 100"))?,
        ))
    };
    fields.into_iter().map(read).collect()
}

/// Puts one flag into the file and keeps the others.
pub(super) fn change(path: &Path, flag: Flag, percent: Percent) -> Result<(), Error> {
    let mut kept = read(path)?;
    kept.retain(|(known, _)| *known != flag);
    kept.push((flag, percent));
    kept.sort_unstable_by_key(|(flag, _)| *flag);
    let fields = kept.into_iter().map(|(flag, percent)| (flag.name().to_owned(), percent.get().into()));
    let text = format!("{:#}\n", Value::Object(fields.collect()));
    replace(path, text.as_bytes()).map_err(|source| Error::Io {
        doing: "write",
        path: path.to_owned(),
        source,
    })
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    folder::make(folder)?;
    // Its own name for each process: two gateways may share a folder.
    let temporary = path.with_extension(format!("json.{}", std::process::id()));
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    sync(folder)
}

/// A rename is on disk once its folder is.
#[cfg(unix)]
fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync(_: &Path) -> io::Result<()> {
    Ok(())
}
