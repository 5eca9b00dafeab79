//! Opening the journal's file and bringing its schema up to date.

use std::{path::Path, sync::Arc};

use bsm_runtime::sqlite::{self, Schema, Unfit};
use rusqlite::Connection;

use super::error::Error;

/// Marked "BSMj".
const SCHEMA: Schema = Schema {
    mark: 0x4253_4d6a,
    scripts: &[
        include_str!("schema.sql"),
        include_str!("schema-2.sql"),
        include_str!("schema-3.sql"),
        include_str!("schema-4.sql"),
    ],
};

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
    let mut db = sqlite::open(path).map_err(unusable)?;
    SCHEMA.check(&db).map_err(|unfit| match unfit {
        Unfit::Foreign => Error::Foreign(path.to_owned()),
        Unfit::Newer { found, known } => Error::Newer { path: path.to_owned(), found, known },
        Unfit::Unread(source) => Error::of("reading the schema", source),
    })?;
    sqlite::sync_commits(&db).map_err(unusable)?;
    // A script may replace a table that others refer to, so their rules hold from here on.
    db.pragma_update(None, "foreign_keys", "OFF").map_err(unusable)?;
    SCHEMA.migrate(&mut db).map_err(unusable)?;
    db.pragma_update(None, "foreign_keys", "ON").map_err(unusable)?;
    Ok(db)
}

/// Opens a connection that can only read. The file must exist.
///
/// # Errors
/// When the file cannot be opened.
pub(super) fn open_reader(path: &Path) -> Result<Connection, Error> {
    let unusable = |source| Error::Unusable { path: path.to_owned(), source: Arc::new(source) };
    sqlite::open_to_read(path).map_err(unusable)
}
