//! The states on disk. All of it blocks on the disk.

use std::{collections::HashMap, path::Path};

use bsm_runtime::sqlite::{self, Schema, Unfit};
use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior, params, types::Type};

use super::State;
use crate::vocabulary::Context;

/// The file's name in the role's folder.
pub(super) const FILE: &str = "lifecycle.db";

/// Marked "BSMl".
const SCHEMA: Schema = Schema { mark: 0x4253_4d6c, scripts: &[include_str!("schema.sql")] };

const COLUMNS: &str = "id, status, since, context, reason";

/// The open file.
#[derive(Debug)]
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

    /// Every agent that was ever started.
    pub(super) fn all(&self) -> rusqlite::Result<HashMap<String, State>> {
        let sql = format!("SELECT {COLUMNS} FROM agents");
        self.0.prepare_cached(&sql)?.query_map([], state)?.collect()
    }

    /// Puts what `decide` makes of an agent's state in its place, once that is on the disk; the old and the new one. Nobody
    /// else changes it meanwhile, in this process or another.
    pub(super) fn change<E: From<rusqlite::Error>>(
        &mut self,
        id: &str,
        decide: impl FnOnce(&State) -> Result<State, E>,
    ) -> Result<(State, State), E> {
        let tx = self.0.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let sql = format!("SELECT {COLUMNS} FROM agents WHERE id = ?1");
        let found = tx.query_row(&sql, [id], state).optional()?;
        let old = found.map(|(_, state)| state).unwrap_or_default();
        let new = decide(&old)?;
        let (since, context, reason) = match &new {
            State::New => (0, None, None),
            State::Running { since, context } => (*since, Some(context.name()), None),
            State::Stopped { since, reason } => (*since, None, reason.as_deref()),
        };
        let sql = format!("INSERT OR REPLACE INTO agents ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5)");
        tx.execute(&sql, params![id, new.name(), since, context, reason])?;
        tx.commit()?;
        Ok((old, new))
    }
}

fn state(row: &Row<'_>) -> rusqlite::Result<(String, State)> {
    let (id, status): (String, String) = (row.get(0)?, row.get(1)?);
    let unknown = |column, what| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, what);
    let since = row.get(2)?;
    let state = match status.as_str() {
        "running" => {
            let context: String = row.get(3)?;
            let context = Context::parse(&context).ok_or_else(|| unknown(3, "unknown context".into()))?;
            State::Running { since, context }
        }
        "stopped" => State::Stopped { since, reason: row.get(4)? },
        _ => return Err(unknown(1, "unknown status".into())),
    };
    Ok((id, state))
}
