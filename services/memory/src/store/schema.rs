//! Opening the memory's file and bringing its schema up to date.

use std::path::Path;

use bsm_runtime::sqlite::{self, Schema, Unfit};
use rusqlite::Connection;

use crate::error::{OpenError, is_damage};

/// Marked "BSMm".
const SCHEMA: Schema = Schema { mark: 0x4253_4d6d, scripts: &[include_str!("schema.sql")] };

/// Opens the file for writing, makes it if there is none, checks its structure and migrates it.
///
/// # Errors
/// When the file is newer, foreign, damaged, or cannot be written.
pub(super) fn open_writer(path: &Path) -> Result<Connection, OpenError> {
    let refused = |source| refused(path, source);
    let mut db = sqlite::open(path).map_err(refused)?;
    check(&db, path)?;
    sqlite::sync_commits(&db).map_err(refused)?;
    SCHEMA.migrate(&mut db).map_err(refused)?;
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
    SCHEMA.check(db).map_err(|unfit| match unfit {
        Unfit::Foreign => OpenError::Foreign(path.to_owned()),
        Unfit::Newer { found, known } => OpenError::Newer { path: path.to_owned(), found, known },
        Unfit::Unread(source) => refused(path, source),
    })?;
    let verdict: String =
        db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(|e| refused(path, e))?;
    if verdict == "ok" { Ok(()) } else { Err(OpenError::Damaged { path: path.to_owned(), what: verdict }) }
}
