//! The keys on disk. All of it blocks on the disk.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior, params, types::Type};

use super::{rules::Key, scope::Scopes};

/// The file's name in the folder.
const FILE: &str = "keys.db";

/// Marks the file as keys: "BSMk".
const APPLICATION_ID: i64 = 0x4253_4d6b;

/// One script per schema version, oldest first. A script that was released is never edited.
const MIGRATIONS: &[&str] = &[include_str!("schema.sql")];

/// How long to wait for another process that writes.
const BUSY: Duration = Duration::from_secs(5);

const COLUMNS: &str = "id, name, scopes, seal, created_at, created_by, expires_at, revoked_at";

/// The open file.
pub(super) struct Store(Connection);

// === impl Store ===

impl Store {
    /// Opens the file in the folder, or makes it.
    pub(super) fn open(folder: &Path) -> rusqlite::Result<Store> {
        let mut db = Connection::open(folder.join(FILE))?;
        db.busy_timeout(BUSY)?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "FULL")?; // what is answered has survived fsync
        migrate(&mut db)?;
        Ok(Store(db))
    }

    pub(super) fn add(&self, key: &Key) -> rusqlite::Result<()> {
        let sql = format!("INSERT INTO keys ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
        let Key { id, name, scopes, seal, created_at, created_by, expires_at, revoked_at } = key;
        let row = params![id, name, scopes.text(), seal, created_at, created_by, expires_at, revoked_at];
        self.0.execute(&sql, row).map(drop)
    }

    /// Newest first.
    pub(super) fn all(&self) -> rusqlite::Result<Vec<Key>> {
        let sql = format!("SELECT {COLUMNS} FROM keys ORDER BY created_at DESC, id");
        self.0.prepare_cached(&sql)?.query_map([], key)?.collect()
    }

    pub(super) fn find(&self, id: &str) -> rusqlite::Result<Option<Key>> {
        let sql = format!("SELECT {COLUMNS} FROM keys WHERE id = ?1");
        self.0.prepare_cached(&sql)?.query_row([id], key).optional()
    }

    /// Whoever was first stays the one who revoked it.
    pub(super) fn revoke(&self, id: &str, now: i64) -> rusqlite::Result<()> {
        self.0
            .execute("UPDATE keys SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL", params![id, now])
            .map(drop)
    }
}

fn key(row: &Row<'_>) -> rusqlite::Result<Key> {
    let scopes: String = row.get(2)?;
    let unknown = || rusqlite::Error::FromSqlConversionFailure(2, Type::Text, "unknown scopes".into());
    Ok(Key {
        id: row.get(0)?,
        name: row.get(1)?,
        scopes: Scopes::parse(&scopes).ok_or_else(unknown)?,
        seal: row.get(3)?,
        created_at: row.get(4)?,
        created_by: row.get(5)?,
        expires_at: row.get(6)?,
        revoked_at: row.get(7)?,
    })
}

/// Each script runs in one transaction with its version. A file of something else, or of a newer release, fails here.
fn migrate(db: &mut Connection) -> rusqlite::Result<()> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let number = |name: &str| tx.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (done, mark, known) = (number("user_version")?, number("application_id")?, MIGRATIONS.len() as i64);
    let is_new = tx.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get::<_, bool>(0))?;
    if done > known || !is_new && mark != APPLICATION_ID {
        return Err(rusqlite::Error::InvalidQuery);
    }
    for (index, script) in MIGRATIONS.iter().enumerate().skip(usize::try_from(done).unwrap_or(0)) {
        tx.execute_batch(script)?;
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        tx.pragma_update(None, "user_version", index as i64 + 1)?;
    }
    tx.commit()
}
