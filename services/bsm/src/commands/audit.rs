//! `bsm audit`: the audit logs of a data folder, checked and read.

use std::{
    io,
    path::{Path, PathBuf},
};

use bsm_runtime::{
    audit_log::{AuditLog, Broken},
    clock,
    role::Role,
    settings::Settings,
};
use comfy_table::{Cell, Color, Row};
use serde_json::{Value, json};

use super::{shown, when};
use crate::{
    cli::{AuditArgs, AuditCommand, Options, Wanted},
    exit::{Exit, Failure},
    out, settings,
};

/// What was found of one log.
struct Checked {
    role: Role,
    path: PathBuf,
    found: Result<u64, Broken>,
}

/// Checks or prints.
pub(crate) fn run(options: &Options, args: &AuditArgs) -> anyhow::Result<Exit> {
    let (settings, _) = settings::read(options)?;
    match &args.what {
        AuditCommand::Verify => verify(&settings, args.json),
        AuditCommand::List(wanted) => list(&settings, wanted, args.json),
    }
}

fn unreadable(path: &Path, or: &str, error: &io::Error) -> anyhow::Error {
    let sentence =
        format!("{} or {or} cannot be read: {error}; ask as a user who may read it", path.display());
    Failure::error(Exit::NoInput, sentence)
}

fn path(settings: &Settings, role: Role) -> PathBuf {
    settings::absolute(&settings.data_dir).join(role.name()).join("audit.jsonl")
}

// === verify ===

fn verify(settings: &Settings, as_json: bool) -> anyhow::Result<Exit> {
    let mut checked = Vec::new();
    for role in Role::ALL {
        let path = path(settings, role);
        let log = AuditLog::keyed(path.clone(), settings.audit_key.as_ref());
        let found = log.verify().map_err(|error| unreadable(&path, "its key", &error))?;
        checked.extend(found.map(|found| Checked { role, path, found }));
    }
    let text = match as_json {
        true => format!("{:#}", json!({"logs": checked.iter().map(document).collect::<Vec<_>>()})),
        false => shown::table(vec!["role", "lines", "state", "file"], checked.iter().map(row)),
    };
    out::line(text)?;
    Ok(if checked.iter().all(|log| log.found.is_ok()) { Exit::Done } else { Exit::Changes })
}

fn row(log: &Checked) -> Row {
    let (lines, state) = match &log.found {
        Ok(lines) => (lines.to_string(), Cell::new("as it was written").fg(Color::Green)),
        Err(broken) => ("?".to_owned(), Cell::new(broken.to_string()).fg(Color::Red)),
    };
    let name = Cell::new(log.role.name());
    Row::from(vec![name, Cell::new(lines), state, Cell::new(log.path.display())])
}

fn document(log: &Checked) -> Value {
    let problem = log.found.as_ref().err().map(ToString::to_string);
    json!({"role": log.role.name(), "file": log.path, "lines": log.found.as_ref().ok(), "problem": problem})
}

// === list ===

fn list(settings: &Settings, wanted: &Wanted, as_json: bool) -> anyhow::Result<Exit> {
    let span = Span::of(wanted)?;
    let mut lines = Vec::new();
    for role in Role::ALL {
        if wanted.role.is_some_and(|wanted| wanted != role) {
            continue;
        }
        let read = match std::fs::read_to_string(path(settings, role)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(unreadable(&path(settings, role), "its folder", &error)),
        };
        let parsed = read.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.extend(parsed.filter(|line| span.holds(line) && fits(wanted, line)));
    }
    lines.sort_by_key(time);
    let from = lines.len().saturating_sub(wanted.limit);
    let newest = &lines[from..];
    let text = match as_json {
        true => newest.iter().map(Value::to_string).collect::<Vec<_>>().join("\n"),
        false => shown::table(HEADER.to_vec(), newest.iter().map(line)),
    };
    out::line(text)?;
    Ok(Exit::Done)
}

/// From when to when.
struct Span {
    since: Option<i64>,
    until: Option<i64>,
}

impl Span {
    fn of(wanted: &Wanted) -> anyhow::Result<Span> {
        let now = clock::unix_ms();
        let time = |name: &str, text: &Option<String>| {
            text.as_deref().map(|text| when::option(name, text, now)).transpose()
        };
        Ok(Span { since: time("since", &wanted.since)?, until: time("until", &wanted.until)? })
    }

    fn holds(&self, line: &Value) -> bool {
        let at = time(line);
        self.since.is_none_or(|since| since <= at) && self.until.is_none_or(|until| at < until)
    }
}

fn time(line: &Value) -> i64 {
    line["time"].as_i64().unwrap_or_default()
}

fn fits(wanted: &Wanted, line: &Value) -> bool {
    let fields = [
        ("actor", &wanted.actor),
        ("action", &wanted.action),
        ("target", &wanted.target),
        ("correlationId", &wanted.correlation_id),
    ];
    fields.iter().all(|(name, text)| text.as_deref().is_none_or(|text| line[*name] == text))
}

const HEADER: [&str; 8] = ["time", "role", "actor", "from", "did", "to", "was", "is"];

fn line(line: &Value) -> Row {
    let text = |name: &str| match &line[name] {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    };
    let now = if line["failed"].is_null() { text("new") } else { format!("failed: {}", text("failed")) };
    let cells = [
        when::show(time(line)),
        text("role"),
        text("actor"),
        text("address"),
        text("action"),
        text("target"),
        text("old"),
        now,
    ];
    Row::from(cells.map(Cell::new))
}
