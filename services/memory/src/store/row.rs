//! Records ↔ rows of the file.

use rusqlite::{
    Connection, OptionalExtension, Result, Row, params,
    types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, Type, ValueRef},
};

use crate::{
    likeness::Entry,
    metadata::Metadata,
    record::{Body, Collection, Kind, Record},
    words::WordSet,
};

/// A row that was written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written {
    pub(super) key: i64,
    pub(super) created_at: i64,
}

/// A row as it is fetched, with its size on the wire.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) record: Record,
    pub(super) created_at: i64,
    pub(super) bytes: usize,
}

/// More than the tags, lengths and numbers of a record take on the wire, in bytes.
const OVERHEAD: usize = 64;

/// Writes a record in place of the one with the same id, whose time it keeps.
pub(super) fn write(db: &Connection, collection: &Collection, record: &Record, now: i64) -> Result<Written> {
    let mut upsert = db.prepare_cached(
        "INSERT OR REPLACE INTO records (namespace, kind, id, created_at, text, metadata, body)
         VALUES (?1, ?2, ?3,
                 coalesce((SELECT created_at FROM records WHERE namespace = ?1 AND kind = ?2 AND id = ?3), ?4),
                 ?5, ?6, ?7)
         RETURNING key, created_at",
    )?;
    let Collection { namespace, kind } = collection;
    let Record { id, text, body, metadata } = record;
    upsert.query_row(params![namespace, kind, id, now, text, metadata, body], |row| {
        Ok(Written { key: row.get(0)?, created_at: row.get(1)? })
    })
}

/// Reads everything that an index needs, oldest row first.
pub(super) fn each(db: &Connection, mut take: impl FnMut(Collection, Entry)) -> Result<()> {
    let mut select =
        db.prepare("SELECT key, namespace, kind, id, created_at, text, metadata FROM records ORDER BY key")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let collection = Collection { namespace: row.get(1)?, kind: row.get(2)? };
        let (id, words) = (row.get::<_, String>(3)?.into(), WordSet::of(&row.get::<_, String>(5)?));
        take(
            collection,
            Entry { key: row.get(0)?, id, created_at: row.get(4)?, words, metadata: row.get(6)? },
        );
    }
    Ok(())
}

/// The record of a key, unless it was replaced since.
pub(super) fn fetch(db: &Connection, key: i64) -> Result<Option<Fetched>> {
    let mut select = db.prepare_cached(
        "SELECT id, created_at, text, body, metadata, length(metadata), kind FROM records WHERE key = ?1",
    )?;
    let read = |row: &Row<'_>| {
        let record = Record { id: row.get(0)?, text: row.get(2)?, body: row.get(3)?, metadata: row.get(4)? };
        if record.body.kind() != row.get::<_, Kind>(6)? {
            let why = "the body is of another kind than the row";
            return Err(rusqlite::Error::FromSqlConversionFailure(3, Type::Text, why.into()));
        }
        let metadata = row.get::<_, u32>(5)? as usize;
        let bytes = record.id.len() + record.text.len() + record.body.len() + metadata + OVERHEAD;
        Ok(Fetched { record, created_at: row.get(1)?, bytes })
    };
    select.query_row([key], read).optional()
}

impl ToSql for Kind {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        self.name().to_sql()
    }
}

impl FromSql for Kind {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Kind::from_name(value.as_str()?).ok_or(FromSqlError::InvalidType)
    }
}

impl ToSql for Body {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        let json = serde_json::to_string(self);
        Ok(json.map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))?.into())
    }
}

impl FromSql for Body {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        serde_json::from_str(value.as_str()?).map_err(|e| FromSqlError::Other(Box::new(e)))
    }
}

impl ToSql for Metadata {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(self.encode().into())
    }
}

impl FromSql for Metadata {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Metadata::decode(value.as_blob()?).map_err(|e| FromSqlError::Other(Box::new(e)))
    }
}
