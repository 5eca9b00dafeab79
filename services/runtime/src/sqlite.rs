//! A role's file in SQLite: whose it is, how far its schema has come, and that what it took is on the disk.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags, Result, TransactionBehavior};

/// How long to wait for another user of a file, such as the `sqlite3` shell.
const BUSY: Duration = Duration::from_secs(5);

/// What a file of one kind looks like.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// Marks the file as one of this kind: SQLite's `application_id`.
    pub mark: i64,
    /// One script per version, oldest first. A script that was released is never edited: later changes are new scripts.
    pub scripts: &'static [&'static str],
}

/// Why a file is not for this release.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// It is a database of something else.
    #[error("it is a database of something else")]
    Foreign,
    /// A newer release wrote it.
    #[error("it has schema {found}, and this release knows only up to {known}")]
    Newer {
        /// Its schema.
        found: i64,
        /// The newest schema known here.
        known: i64,
    },
    /// It cannot be read.
    #[error(transparent)]
    Unread(#[from] rusqlite::Error),
}

/// Opens a file for writing, or makes it. Nothing is changed in it.
///
/// # Errors
/// When it cannot be opened.
pub fn open(path: &Path) -> Result<Connection> {
    let db = Connection::open(path)?;
    db.busy_timeout(BUSY)?;
    Ok(db)
}

/// Opens a connection that can only read. The file must exist.
///
/// # Errors
/// When it cannot be opened.
pub fn open_to_read(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(BUSY)?;
    Ok(db)
}

/// Makes each commit an fsync: an answer that is sent after it tells of what is on the disk.
///
/// # Errors
/// When the file cannot be written.
pub fn sync_commits(db: &Connection) -> Result<()> {
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "FULL")
}

// === impl Schema ===

impl Schema {
    /// Refuses what this release or an older one did not write, before anything is changed.
    ///
    /// # Errors
    /// [`Unfit`].
    pub fn check(&self, db: &Connection) -> std::result::Result<(), Unfit> {
        let (found, known) = (version(db)?, self.scripts.len() as i64);
        let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        let mark: i64 = db.pragma_query_value(None, "application_id", |row| row.get(0))?;
        if tables > 0 && mark != self.mark {
            return Err(Unfit::Foreign);
        }
        if found > known {
            return Err(Unfit::Newer { found, known });
        }
        Ok(())
    }

    /// Runs the scripts that were not run yet. Each is one transaction with its version, so that a crash leaves the old
    /// schema or the new one, and none runs twice if several processes come at once.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn migrate(&self, db: &mut Connection) -> Result<()> {
        while self.next_script(version(db)?).is_some() {
            let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = version(&tx)?;
            if let Some(script) = self.next_script(done) {
                tx.execute_batch(script)?;
                tx.pragma_update(None, "application_id", self.mark)?;
                tx.pragma_update(None, "user_version", done + 1)?;
            }
            tx.commit()?;
        }
        Ok(())
    }

    fn next_script(&self, done: i64) -> Option<&'static str> {
        self.scripts.get(usize::try_from(done).unwrap_or(0)).copied()
    }
}

fn version(db: &Connection) -> Result<i64> {
    db.pragma_query_value(None, "user_version", |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Schema = Schema { mark: 7, scripts: &["CREATE TABLE a (x)"] };
    const SECOND: Schema = Schema { mark: 7, scripts: &["CREATE TABLE a (x)", "CREATE TABLE b (x)"] };

    #[test]
    fn each_script_runs_once_and_a_newer_or_foreign_file_is_refused() {
        let mut db = Connection::open_in_memory().unwrap();
        FIRST.check(&db).unwrap();
        for schema in [FIRST, FIRST, SECOND, SECOND] {
            schema.migrate(&mut db).unwrap(); // a script that ran twice would find its table
        }
        assert_eq!(version(&db).unwrap(), 2);
        SECOND.check(&db).unwrap();
        assert!(matches!(FIRST.check(&db), Err(Unfit::Newer { found: 2, known: 1 })));
        let other = Schema { mark: 8, ..SECOND };
        assert!(matches!(other.check(&db), Err(Unfit::Foreign)));
    }
}
