//! Who changed what, and when: one line of JSON a change, appended and synced before the change is made.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::{Value, json};

use crate::{caller::Caller, folder, role::Role};

/// The audit log of a role. Clones write to the same file, one line after the other.
#[derive(Clone, Debug)]
pub struct AuditLog {
    path: Arc<Mutex<PathBuf>>,
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
    /// The log at `path`, made with its first line.
    pub fn at(path: PathBuf) -> AuditLog {
        AuditLog { path: Arc::new(Mutex::new(path)) }
    }

    /// Appends a line. When this returns, it is on disk. Blocks on the disk.
    ///
    /// # Errors
    /// When it cannot be written; the change must not be made then.
    pub fn append(&self, entry: &Entry) -> Result<(), Error> {
        let path = self.path.lock().unwrap_or_else(PoisonError::into_inner);
        write(&path, &entry.line()).map_err(|source| Error { path: path.clone(), source })
    }
}

/// One write of a whole line, so that several processes may append to one file.
fn write(path: &Path, line: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        folder::make(folder)?;
    }
    let mut file = open(path)?;
    file.write_all(line.as_bytes())?;
    file.sync_data()
}

/// Nobody but the owner reads it.
#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

// === impl Entry ===

impl Entry {
    fn line(&self) -> String {
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
        format!("{line}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(target: &str) -> Entry {
        let caller = Caller { actor: "admin".into(), address: "10.0.0.1".into(), via: None };
        Entry {
            at_ms: 1_700_000_000_000,
            role: Role::Models,
            caller,
            correlation_id: "c-1".into(),
            action: "flag.set",
            target: target.into(),
            old: 100.into(),
            new: 10.into(),
            failed: None,
        }
    }

    #[test]
    fn lines_are_appended_and_never_rewritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("models/audit.jsonl");
        AuditLog::at(path.clone()).append(&entry("retry")).unwrap();
        let again = AuditLog::at(path.clone());
        again.append(&Entry { failed: Some("the disk is full".into()), ..entry("two\nlines") }).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(
            lines[0],
            json!({"time": 1_700_000_000_000_i64, "role": "models", "actor": "admin", "address": "10.0.0.1",
                   "correlationId": "c-1", "action": "flag.set", "target": "retry", "old": 100, "new": 10})
        );
        assert_eq!((lines.len(), &lines[1]["target"]), (2, &json!("two\nlines")), "a name makes no line");
        assert_eq!(lines[1]["failed"], "the disk is full");
    }

    #[cfg(unix)]
    #[test]
    fn nobody_but_the_owner_reads_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("models/audit.jsonl");
        AuditLog::at(path.clone()).append(&entry("retry")).unwrap();
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_line_that_cannot_be_written_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("models"), "").unwrap();
        let err = AuditLog::at(dir.path().join("models/audit.jsonl")).append(&entry("retry")).unwrap_err();
        assert!(err.to_string().starts_with("cannot append to "), "{err}");
    }
}
