//! Opening the file of the usage and bringing its schema up to date.

use std::path::Path;

use bsm_runtime::sqlite::{self, Schema, Unfit};
use rusqlite::Connection;

use super::OpenError;

/// Marked "BSMu".
const SCHEMA: Schema = Schema { mark: 0x4253_4d75, scripts: &[include_str!("schema.sql")] };

/// Opens the file for writing, makes it if there is none, and migrates it.
///
/// # Errors
/// When the file is newer, foreign, damaged, or cannot be written.
pub(super) fn open_writer(path: &Path) -> Result<Connection, OpenError> {
    let unusable = |source| OpenError::Unusable { path: path.to_owned(), source };
    let mut db = sqlite::open(path).map_err(unusable)?;
    SCHEMA.check(&db).map_err(|unfit| match unfit {
        Unfit::Foreign => OpenError::Foreign(path.to_owned()),
        Unfit::Newer { found, known } => OpenError::Newer { path: path.to_owned(), found, known },
        Unfit::Unread(source) => unusable(source),
    })?;
    sqlite::sync_commits(&db).map_err(unusable)?;
    SCHEMA.migrate(&mut db).map_err(unusable)?;
    Ok(db)
}
