//! `bsm ops watch`: a line for each change, until somebody has seen enough.

use anstyle::{AnsiColor, Style};
use bsm_proto::ops::v1::WatchTransitionsResponse;

use super::{json, target::Target};
use crate::{
    exit::{Exit, Failure},
    out,
};

/// Prints changes until interrupted.
///
/// # Errors
/// When the other side ends, which is not what was asked for.
pub(super) async fn print(target: &mut Target, as_json: bool) -> anyhow::Result<Exit> {
    let mut changes = target.watch().await?;
    while let Some(change) = changes.next().await? {
        match as_json {
            true => out::line(json::one("WatchTransitionsResponse", &change)?)?,
            false => out::line(line(&change))?,
        }
    }
    Err(Failure::error(Exit::Unavailable, "the mesh ended the stream; it drains or is gone"))
}

fn line(change: &WatchTransitionsResponse) -> String {
    let style = colour(change);
    let why = match change.mode.as_str() {
        "" | "normal" => change.cause.replace('_', " "),
        mode => format!("{}, {mode}", change.cause.replace('_', " ")),
    };
    format!(
        "{} {:<12} {:<28} {} → {style}{}{style:#} ({why})",
        time(change.timestamp),
        change.service,
        change.name,
        change.from,
        change.to,
    )
}

fn colour(change: &WatchTransitionsResponse) -> Style {
    let colour = match change.to.as_str() {
        "CLOSED" => AnsiColor::Green,
        "OPEN" => AnsiColor::Red,
        _ => AnsiColor::Yellow,
    };
    Style::new().bold().fg_color(Some(colour.into()))
}

/// The time of day, UTC.
fn time(unix_ms: f64) -> String {
    let seconds = (unix_ms / 1000.0) as u64 % 86_400;
    format!("{:02}:{:02}:{:02}Z", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_one_line() {
        let change = WatchTransitionsResponse {
            timestamp: 1_700_000_000_000.0,
            service: "models".into(),
            name: "openai".into(),
            from: "CLOSED".into(),
            to: "OPEN".into(),
            cause: "failures_in_a_row".into(),
            mode: "normal".into(),
            ..Default::default()
        };
        let plain = anstream::adapter::strip_str(&line(&change)).to_string();
        let words: Vec<&str> = plain.split_whitespace().collect();
        assert_eq!(words[..6], ["22:13:20Z", "models", "openai", "CLOSED", "→", "OPEN"]);
        assert!(plain.ends_with("(failures in a row)"), "{plain}");
    }
}
