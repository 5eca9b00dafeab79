//! Rows to domain types and back.

use std::{fmt, str::FromStr};

use rusqlite::{
    Row, ToSql,
    types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, Type, ValueRef},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::job::{Action, JobEvent, JobId, JobState, Step, StepState, Usage};

/// The columns that [`step`] reads, in its order.
pub(super) const STEP: &str = "agent_id, state, attempts, started_at, finished_at, review, error, code, \
                               provider, model, input_tokens, output_tokens";

/// The columns that [`event`] reads, in its order.
pub(super) const EVENT: &str = "sequence, kind, at, agent_id, message, data";

pub(super) fn step(row: &Row<'_>) -> rusqlite::Result<Step> {
    Ok(Step {
        agent_id: row.get(0)?,
        state: row.get(1)?,
        attempts: row.get(2)?,
        started_at: row.get(3)?,
        finished_at: row.get(4)?,
        review: optional_json(row, 5)?,
        error: row.get(6)?,
        code: row.get(7)?,
        usage: Usage {
            provider: row.get(8)?,
            model: row.get(9)?,
            input_tokens: row.get(10)?,
            output_tokens: row.get(11)?,
        },
    })
}

pub(super) fn event(row: &Row<'_>) -> rusqlite::Result<JobEvent> {
    Ok(JobEvent {
        sequence: row.get::<_, i64>(0)?.unsigned_abs(),
        kind: row.get(1)?,
        at: row.get(2)?,
        agent_id: row.get(3)?,
        message: row.get(4)?,
        data: json::<Map<String, Value>>(row, 5)?,
    })
}

/// Reads a column of JSON.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    parse(column, row.get_ref(column)?.as_str()?)
}

/// Reads a column of JSON that may be NULL.
pub(super) fn optional_json<T: DeserializeOwned>(
    row: &Row<'_>,
    column: usize,
) -> rusqlite::Result<Option<T>> {
    row.get_ref(column)?.as_str_or_null()?.map(|text| parse(column, text)).transpose()
}

fn parse<T: DeserializeOwned>(column: usize, text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text)
        .map_err(|err| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(err)))
}

/// JSON for a column.
pub(super) fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("what the journal keeps has string keys and no failing serializers")
}

/// Stores a type as the text it displays as, and reads it back by parsing.
macro_rules! as_text {
    ($($name:ty),+) => {$(
        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(self.to_string().into())
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                from_text(value)
            }
        }
    )+};
}

as_text!(JobId, JobState, StepState, Action);

fn from_text<T>(value: ValueRef<'_>) -> FromSqlResult<T>
where
    T: FromStr<Err: std::error::Error + Send + Sync + fmt::Debug + 'static>,
{
    value.as_str()?.parse().map_err(|err| FromSqlError::Other(Box::new(err)))
}
