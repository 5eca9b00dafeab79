//! What is asked of the usage: sums, kept apart by what matters.

use std::str::FromStr;

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use super::{Key, Sums};
use crate::budget::Window;
use crate::price::Tokens;

/// What sums are kept apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum By {
    /// The day, in UTC.
    Day,
    /// Who calls.
    Key,
    /// The agent that asks.
    Agent,
    /// The job that it belongs to.
    Job,
    /// Who is asked.
    Provider,
    /// The model.
    Model,
}

/// Which calls count. Unset: whatever it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Those that began at or after this time, in ms since 1970; to the minute.
    pub since: Option<i64>,
    /// Those that began before this time, in ms since 1970; to the minute.
    pub until: Option<i64>,
    /// Those of this caller.
    pub caller: Option<String>,
    /// Those of this agent; empty: of none.
    pub agent: Option<String>,
    /// Those of this job; empty: of none.
    pub job: Option<String>,
    /// Those of this provider.
    pub provider: Option<String>,
    /// Those of this model.
    pub model: Option<String>,
}

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// What sums are kept apart by, in this order; each once.
    pub by: Vec<By>,
    /// Which calls count.
    pub filter: Filter,
    /// Lines at most.
    pub limit: u32,
}

/// A sum, and of what: what it is not kept apart by is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// When the day began, in ms since 1970.
    pub day: Option<i64>,
    /// Of whom.
    pub key: Key,
    /// How much.
    pub sums: Sums,
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Latest day first, then the dearest, then the one with most tokens.
    pub lines: Vec<Line>,
    /// The sum of all, those beyond the limit included.
    pub total: Sums,
    /// Whether there were more lines than asked for.
    pub cut: bool,
}

const SUMS: &str = "sum(requests), sum(failed), sum(estimated), sum(unpriced), sum(input_tokens), \
                    sum(output_tokens), sum(cached_tokens), sum(reasoning_tokens), sum(nanos)";
/// How many columns that are.
const COLUMNS: usize = 9;

// === impl By ===

impl By {
    /// All of them, in the order in which lines show them.
    pub const ALL: [By; 6] = [By::Day, By::Key, By::Agent, By::Job, By::Provider, By::Model];

    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            By::Day => "day",
            By::Key => "key",
            By::Agent => "agent",
            By::Job => "job",
            By::Provider => "provider",
            By::Model => "model",
        }
    }

    const fn column(self) -> &'static str {
        match self {
            By::Day => "minute - minute % 86400000",
            By::Key => "caller",
            By::Agent => "agent",
            By::Job => "job",
            By::Provider => "provider",
            By::Model => "model",
        }
    }
}

impl FromStr for By {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<By, &'static str> {
        let known = By::ALL.into_iter().find(|by| by.word() == word);
        known.ok_or("must be some of day, key, agent, job, provider and model")
    }
}

// === impl Filter ===

impl Filter {
    /// The conditions and their values.
    fn conditions(&self) -> (String, Vec<Value>) {
        let time = |time: i64| Value::Integer(Window::Minute.began(time));
        let text = |text: &String| Value::Text(text.clone());
        let conditions = [
            ("minute >=", self.since.map(time)),
            ("minute <", self.until.map(time)),
            ("caller =", self.caller.as_ref().map(text)),
            ("agent =", self.agent.as_ref().map(text)),
            ("job =", self.job.as_ref().map(text)),
            ("provider =", self.provider.as_ref().map(text)),
            ("model =", self.model.as_ref().map(text)),
        ];
        let (mut sql, mut values) = (String::from("1"), Vec::new());
        for (condition, value) in conditions {
            let Some(value) = value else { continue };
            values.push(value);
            sql.push_str(&format!(" AND {condition} ?{}", values.len()));
        }
        (sql, values)
    }
}

// === impl Query ===

impl Query {
    /// Asks the file.
    pub(super) fn ask(&self, db: &Connection) -> rusqlite::Result<Listed> {
        let (conditions, values) = self.filter.conditions();
        let total = format!("SELECT {SUMS} FROM usage WHERE {conditions}");
        let total = db.query_row(&total, params_from_iter(&values), sums)?;
        if total.requests == 0 {
            return Ok(Listed::default());
        }
        if self.by.is_empty() {
            let lines = vec![Line { sums: total, ..Line::default() }];
            return Ok(Listed { lines, total, cut: false });
        }
        let mut select = db.prepare(&self.sql(&conditions))?;
        let lines = select.query_map(params_from_iter(&values), |row| self.line(row))?;
        let mut lines = lines.collect::<rusqlite::Result<Vec<_>>>()?;
        let cut = lines.len() > self.limit as usize;
        lines.truncate(self.limit as usize);
        Ok(Listed { lines, total, cut })
    }

    /// One more than the limit, which tells whether there are more.
    fn sql(&self, conditions: &str) -> String {
        let columns: Vec<_> = self.by.iter().map(|by| by.column()).collect();
        let columns = columns.join(", ");
        let newest = if self.by.contains(&By::Day) { "minute - minute % 86400000 DESC, " } else { "" };
        let limit = u64::from(self.limit) + 1;
        format!(
            "SELECT {SUMS}, {columns} FROM usage WHERE {conditions} GROUP BY {columns}
             ORDER BY {newest}sum(nanos) DESC, sum(input_tokens) + sum(output_tokens) DESC, {columns} LIMIT {limit}"
        )
    }

    fn line(&self, row: &Row<'_>) -> rusqlite::Result<Line> {
        let mut line = Line { sums: sums(row)?, ..Line::default() };
        for (at, by) in (COLUMNS..).zip(&self.by) {
            match by {
                By::Day => line.day = Some(row.get(at)?),
                By::Key => line.key.caller = row.get(at)?,
                By::Agent => line.key.agent = row.get(at)?,
                By::Job => line.key.job = row.get(at)?,
                By::Provider => line.key.provider = row.get(at)?,
                By::Model => line.key.model = row.get(at)?,
            }
        }
        Ok(line)
    }
}

/// What each account used since a time, for the books of budgets.
pub(super) fn since(db: &Connection, time: i64) -> rusqlite::Result<Vec<(Key, Sums)>> {
    let sql = format!(
        "SELECT {SUMS}, caller, agent, job FROM usage WHERE minute >= ?1 GROUP BY caller, agent, job"
    );
    let mut select = db.prepare(&sql)?;
    let rows = select.query_map([time], |row| {
        let (caller, agent, job) = (row.get(COLUMNS)?, row.get(COLUMNS + 1)?, row.get(COLUMNS + 2)?);
        Ok((Key { caller, agent, job, ..Key::default() }, sums(row)?))
    })?;
    rows.collect()
}

/// The first columns. The sum of no rows is NULL, which is none at all.
fn sums(row: &Row<'_>) -> rusqlite::Result<Sums> {
    let number =
        |at: usize| Ok::<u64, rusqlite::Error>(row.get::<_, Option<i64>>(at)?.unwrap_or(0).unsigned_abs());
    Ok(Sums {
        requests: number(0)?,
        failed: number(1)?,
        estimated: number(2)?,
        unpriced: number(3)?,
        tokens: Tokens { input: number(4)?, output: number(5)?, cached: number(6)?, reasoning: number(7)? },
        nanos: number(8)?,
    })
}
