//! Who changed what, and when: one line of JSON a change, appended and synced before the change is made, and chained to
//! the line before it by a keyed hash: `chain` says how, `file` where, `verify` what is found out by it.

mod chain;
mod file;
#[cfg(test)]
mod tests;
mod verify;

use std::{
    fmt, io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};

use crate::{caller::Caller, role::Role};
use chain::Key;
use file::Log;
pub use verify::Broken;

/// The audit log of a role. Clones write to the same file, one line after the other.
#[derive(Clone)]
pub struct AuditLog {
    log: Arc<Mutex<Log>>,
}

/// One line.
#[derive(Clone, Debug)]
pub struct Entry {
    /// ms since 1970-01-01 UTC.
    pub at_ms: i64,
    /// In which role.
    pub role: Role,
    /// Who asked, and from where.
    pub caller: Caller,
    /// Of the call that asked.
    pub correlation_id: String,
    /// What is done, such as `flag.set`.
    pub action: &'static str,
    /// To what.
    pub target: String,
    /// What it was.
    pub old: Value,
    /// What it becomes.
    pub new: Value,
    /// Why it was not done after all; told in a line of its own.
    pub failed: Option<String>,
}

/// Why a line could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot append to {}: {source}", .path.display())]
pub struct Error {
    path: PathBuf,
    source: io::Error,
}

// === impl AuditLog ===

impl AuditLog {
    /// The log at `path`, made with its first line. Its hashes are keyed with a secret beside it, which is made, too.
    pub fn at(path: PathBuf) -> AuditLog {
        AuditLog::keyed(path, None)
    }

    /// The same, with this key where one is given.
    pub fn keyed(path: PathBuf, key: Option<&SecretString>) -> AuditLog {
        let key = key.map(|key| Key::new(key.expose_secret().as_bytes()));
        AuditLog { log: Arc::new(Mutex::new(Log::new(path, key))) }
    }

    /// Appends a line. When this returns, it is on disk. Blocks on the disk.
    ///
    /// A log that is not as it was written is put aside, said to be so in the process's log, and followed by a new one
    /// whose first line says so as well.
    ///
    /// # Errors
    /// When it cannot be written; the change must not be made then.
    pub fn append(&self, entry: &Entry) -> Result<(), Error> {
        let mut log = self.log();
        log.append(entry.fields()).map(drop).map_err(|source| Error { path: log.path().to_owned(), source })
    }

    /// How many lines there are, if all are as they were written and none is missing; none where there is no log. Blocks
    /// on the disk.
    ///
    /// # Errors
    /// When it, or its key, cannot be read.
    pub fn verify(&self) -> io::Result<Option<Result<u64, Broken>>> {
        self.log().verify()
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        // What was seen of the file is put in place last, so a panic elsewhere does not spoil it.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for AuditLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditLog").field("path", &self.log().path()).finish_non_exhaustive()
    }
}

// === impl Entry ===

impl Entry {
    fn fields(&self) -> Map<String, Value> {
        let mut line = json!({
            "time": self.at_ms, "role": self.role.name(), "actor": self.caller.actor,
            "address": self.caller.address, "correlationId": self.correlation_id,
            "action": self.action, "target": self.target, "old": self.old, "new": self.new,
        });
        if let Some(via) = &self.caller.via {
            line["via"] = via.as_str().into();
        }
        if let Some(failed) = &self.failed {
            line["failed"] = failed.as_str().into();
        }
        match line {
            Value::Object(fields) => fields,
            _ => unreachable!("it was written as an object"),
        }
    }
}
