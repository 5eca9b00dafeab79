//! Opening the journal's file and bringing its schema up to date.

use std::{path::Path, sync::Arc, time::Duration};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::error::{Doing, Error};

/// Marks the file as a journal of the orchestrator: "BSMj".
const APPLICATION_ID: i64 = 0x4253_4d6a;

/// One script per schema version, oldest first. A script that was released is never edited: later changes are
/// new scripts.
const MIGRATIONS: &[&str] =
    &[include_str!("schema.sql"), include_str!("schema-2.sql"), include_str!("schema-3.sql")];

/// How long to wait for another reader or writer of the file, such as the `sqlite3` shell.
const BUSY: Duration = Duration::from_secs(5);

/// Opens the file for writing, makes it if there is none, and migrates it.
///
/// # Errors
/// When the file is newer, foreign, damaged, or cannot be written.
pub(super) fn open_writer(path: &Path) -> Result<Connection, Error> {
    let unusable = |source| match Error::of("opening", source) {
        Error::ReadOnly { source, .. } | Error::Database { source, .. } | Error::Unfit { source, .. } => {
            Error::Unusable { path: path.to_owned(), source }
        }
        other => other,
    };
    let mut db = Connection::open(path).map_err(unusable)?;
    db.busy_timeout(BUSY).map_err(unusable)?;
    check(&db, path)?;
    // A reply is sent after the commit, and FULL makes the commit an fsync: what was answered is on the disk.
    db.pragma_update(None, "journal_mode", "WAL").map_err(unusable)?;
    db.pragma_update(None, "synchronous", "FULL").map_err(unusable)?;
    // A script may replace a table that others refer to, so their rules hold from here on.
    db.pragma_update(None, "foreign_keys", "OFF").map_err(unusable)?;
    migrate(&mut db).map_err(unusable)?;
    db.pragma_update(None, "foreign_keys", "ON").map_err(unusable)?;
    Ok(db)
}

/// Opens a connection that can only read. The file must exist.
///
/// # Errors
/// When the file cannot be opened.
pub(super) fn open_reader(path: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let db = Connection::open_with_flags(path, flags)?;
        db.busy_timeout(BUSY)?;
        Ok(db)
    };
    open().map_err(|source| Error::Unusable { path: path.to_owned(), source: Arc::new(source) })
}

/// Refuses what was not written by this release or an older one, before anything is changed.
fn check(db: &Connection, path: &Path) -> Result<(), Error> {
    let found = pragma(db, "user_version")?;
    let known = MIGRATIONS.len() as i64;
    let tables: i64 = db
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .doing("reading the schema")?;
    if tables > 0 && pragma(db, "application_id")? != APPLICATION_ID {
        return Err(Error::Foreign(path.to_owned()));
    }
    if found > known {
        return Err(Error::Newer { path: path.to_owned(), found, known });
    }
    Ok(())
}

/// Each script runs in one transaction with its version, so that a crash leaves the old schema or the new one.
fn migrate(db: &mut Connection) -> rusqlite::Result<()> {
    let done: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    for (index, script) in MIGRATIONS.iter().enumerate().skip(usize::try_from(done).unwrap_or(0)) {
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute_batch(script)?;
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        tx.pragma_update(None, "user_version", index as i64 + 1)?;
        tx.commit()?;
    }
    Ok(())
}

fn pragma(db: &Connection, name: &str) -> Result<i64, Error> {
    db.pragma_query_value(None, name, |row| row.get(0)).doing("reading the schema's version")
}
