//! Opening the memory's file and bringing its schema up to date.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::error::{OpenError, is_damage};

/// Marks the file as a memory: "BSMm".
const APPLICATION_ID: i64 = 0x4253_4d6d;

/// One script per schema version, oldest first. A script that was released is never edited: later changes are new
/// scripts.
const MIGRATIONS: &[&str] = &[include_str!("schema.sql")];

/// How long to wait for another user of the file, such as the `sqlite3` shell.
const BUSY: Duration = Duration::from_secs(5);

/// Opens the file for writing, makes it if there is none, checks its structure and migrates it.
///
/// # Errors
/// When the file is newer, foreign, damaged, or cannot be written.
pub(super) fn open_writer(path: &Path) -> Result<Connection, OpenError> {
    let refused = |source| refused(path, source);
    let mut db = Connection::open(path).map_err(refused)?;
    db.busy_timeout(BUSY).map_err(refused)?;
    check(&db, path)?;
    // An answer is sent after the commit, and FULL makes a commit an fsync: what was answered is on the disk.
    db.pragma_update(None, "journal_mode", "WAL").map_err(refused)?;
    db.pragma_update(None, "synchronous", "FULL").map_err(refused)?;
    migrate(&mut db).map_err(refused)?;
    Ok(db)
}

/// Opens a connection that can only read. The file must exist.
pub(super) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(BUSY)?;
    Ok(db)
}

/// Why SQLite could not open or read the file.
pub(super) fn refused(path: &Path, source: rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    match is_damage(&source) {
        true => OpenError::Damaged { path, what: source.to_string() },
        false => OpenError::Unusable { path, source },
    }
}

/// Refuses what this release did not write or cannot trust, before anything is changed.
fn check(db: &Connection, path: &Path) -> Result<(), OpenError> {
    let number = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(|e| refused(path, e));
    let (found, known) = (number("PRAGMA user_version")?, MIGRATIONS.len() as i64);
    if number("SELECT count(*) FROM sqlite_schema")? > 0 && number("PRAGMA application_id")? != APPLICATION_ID
    {
        return Err(OpenError::Foreign(path.to_owned()));
    }
    if found > known {
        return Err(OpenError::Newer { path: path.to_owned(), found, known });
    }
    let verdict: String =
        db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(|e| refused(path, e))?;
    if verdict == "ok" { Ok(()) } else { Err(OpenError::Damaged { path: path.to_owned(), what: verdict }) }
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
