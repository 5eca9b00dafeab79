//! The keys on disk. All of it blocks on the disk.

use std::path::Path;

use bsm_runtime::sqlite::{self, Schema, Unfit};
use rusqlite::{Connection, OptionalExtension as _, Row, params, types::Type};

use super::{rules::Key, scope::Scopes};

/// The file's name in the folder.
const FILE: &str = "keys.db";

/// Marked "BSMk".
const SCHEMA: Schema = Schema { mark: 0x4253_4d6b, scripts: &[include_str!("schema.sql")] };

const COLUMNS: &str = "id, name, scopes, seal, created_at, created_by, expires_at, revoked_at";

/// The open file.
pub(super) struct Store(Connection);

// === impl Store ===

impl Store {
    /// Opens the file in the folder, or makes it. A file of something else, or of a newer release, is refused.
    pub(super) fn open(folder: &Path) -> rusqlite::Result<Store> {
        let mut db = sqlite::open(&folder.join(FILE))?;
        SCHEMA.check(&db).map_err(|unfit| match unfit {
            Unfit::Foreign | Unfit::Newer { .. } => rusqlite::Error::InvalidQuery,
            Unfit::Unread(source) => source,
        })?;
        sqlite::sync_commits(&db)?;
        SCHEMA.migrate(&mut db)?;
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
