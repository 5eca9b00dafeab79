//! Opening the file of the usage and bringing its schema up to date.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::OpenError;

/// Marks the file as a usage: "BSMu".
const APPLICATION_ID: i64 = 0x4253_4d75;

/// One script per schema version, oldest first. A script that was released is never edited: later changes are new
/// scripts.
const MIGRATIONS: &[&str] = &[include_str!("schema.sql")];

/// How long to wait for another user of the file, such as the `sqlite3` shell.
const BUSY: Duration = Duration::from_secs(5);

/// Opens the file for writing, makes it if there is none, and migrates it.
///
/// # Errors
/// When the file is newer, foreign, damaged, or cannot be written.
pub(super) fn open_writer(path: &Path) -> Result<Connection, OpenError> {
    let unusable = |source| OpenError::Unusable { path: path.to_owned(), source };
    let mut db = Connection::open(path).map_err(unusable)?;
    db.busy_timeout(BUSY).map_err(unusable)?;
    check(&db, path)?;
    db.pragma_update(None, "journal_mode", "WAL").map_err(unusable)?;
    db.pragma_update(None, "synchronous", "FULL").map_err(unusable)?;
    migrate(&mut db).map_err(unusable)?;
    Ok(db)
}

/// Opens a connection that can only read. The file must exist.
pub(super) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(BUSY)?;
    Ok(db)
}

/// Refuses what this release did not write, before anything is changed.
fn check(db: &Connection, path: &Path) -> Result<(), OpenError> {
    let unusable = |source| OpenError::Unusable { path: path.to_owned(), source };
    let number = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(unusable);
    let (found, known) = (number("PRAGMA user_version")?, MIGRATIONS.len() as i64);
    if number("SELECT count(*) FROM sqlite_schema")? > 0 && number("PRAGMA application_id")? != APPLICATION_ID
    {
        return Err(OpenError::Foreign(path.to_owned()));
    }
    if found > known {
        return Err(OpenError::Newer { path: path.to_owned(), found, known });
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
