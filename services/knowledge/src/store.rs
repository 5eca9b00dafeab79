//! The documents that were added over the API, on disk. Several processes of the role may share the file. All of it
//! blocks on the disk.

use std::{collections::BTreeMap, path::Path};

use bsm_runtime::sqlite::{self, Schema, Unfit};
use rusqlite::{Connection, OptionalExtension as _, Row, params, types::Type};

use crate::{
    document::{Document, Said},
    draft::Draft,
    format::Format,
};

#[cfg(test)]
mod tests;

/// The file's name in the folder.
pub(crate) const FILE: &str = "documents.db";

/// Marked "BSMd".
const SCHEMA: Schema = Schema { mark: 0x4253_4d64, scripts: &[include_str!("store/schema.sql")] };

/// The open file.
#[derive(Debug)]
pub(crate) struct Store(Connection);

/// Which content of a document is kept: what changes whenever it is replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Revision {
    pub(crate) hash: String,
    pub(crate) added_at_ms: i64,
    pub(crate) added_by: String,
}

// === impl Store ===

impl Store {
    /// Opens the file in the folder, or makes it.
    ///
    /// # Errors
    /// When it is one of something else, of a newer release, or cannot be used.
    pub(crate) fn open(folder: &Path) -> Result<Store, Unfit> {
        let mut db = sqlite::open(&folder.join(FILE))?;
        SCHEMA.check(&db)?;
        sqlite::sync_commits(&db)?;
        SCHEMA.migrate(&mut db)?;
        Ok(Store(db))
    }

    /// Keeps a document: a new one, or one in the place of the one with the hash `old`. False, and nothing is changed,
    /// when another process was faster. When this returns, it is on the disk.
    pub(crate) fn put(
        &self,
        draft: &Draft,
        document: &Document,
        old: Option<&str>,
    ) -> rusqlite::Result<bool> {
        let Draft { id, format, source, said, content } = draft;
        let list = |list: &Option<Vec<String>>| list.as_ref().map(|list| serde_json::json!(list).to_string());
        let provenance = &document.provenance;
        let mut put = self.0.prepare_cached(
            "INSERT INTO documents (id, format, source, title, tags, audience, added_at, added_by, hash, content) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) \
             ON CONFLICT (id) DO UPDATE SET format = excluded.format, source = excluded.source, \
             title = excluded.title, tags = excluded.tags, audience = excluded.audience, \
             added_at = excluded.added_at, added_by = excluded.added_by, hash = excluded.hash, \
             content = excluded.content WHERE documents.hash = ?11",
        )?;
        let row = params![
            id,
            format.name(),
            source,
            said.title,
            list(&said.tags),
            list(&said.audience),
            provenance.added_at_ms,
            provenance.added_by,
            document.hash,
            content,
            old
        ];
        put.execute(row).map(|rows| rows > 0)
    }

    /// Forgets the document of that hash. False when there is none. When this returns, it is gone.
    pub(crate) fn delete(&self, id: &str, old: &str) -> rusqlite::Result<bool> {
        self.0.execute("DELETE FROM documents WHERE id = ?1 AND hash = ?2", [id, old]).map(|rows| rows > 0)
    }

    /// What is kept, by id, without the content.
    pub(crate) fn revisions(&self) -> rusqlite::Result<BTreeMap<String, Revision>> {
        let sql = "SELECT id, hash, added_at, added_by FROM documents";
        let revision = |row: &Row<'_>| {
            Ok((row.get(0)?, Revision { hash: row.get(1)?, added_at_ms: row.get(2)?, added_by: row.get(3)? }))
        };
        self.0.prepare_cached(sql)?.query_map([], revision)?.collect()
    }

    /// A document as it came.
    pub(crate) fn draft(&self, id: &str) -> rusqlite::Result<Option<Draft>> {
        let sql = "SELECT id, format, source, title, tags, audience, content FROM documents WHERE id = ?1";
        self.0.prepare_cached(sql)?.query_row([id], draft).optional()
    }

    /// A number that changes when another process has written.
    pub(crate) fn foreign_version(&self) -> rusqlite::Result<i64> {
        self.0.pragma_query_value(None, "data_version", |row| row.get(0))
    }
}

fn draft(row: &Row<'_>) -> rusqlite::Result<Draft> {
    let format: String = row.get(1)?;
    let unknown = |column, what: &str| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, what.to_owned().into())
    };
    let list = |column| -> rusqlite::Result<Option<Vec<String>>> {
        let text: Option<String> = row.get(column)?;
        text.map(|text| serde_json::from_str(&text).map_err(|_| unknown(column, "not a list"))).transpose()
    };
    Ok(Draft {
        id: row.get(0)?,
        format: Format::named(&format).ok_or_else(|| unknown(1, "not a format"))?,
        source: row.get(2)?,
        said: Said { title: row.get(3)?, tags: list(4)?, audience: list(5)? },
        content: row.get(6)?,
    })
}
