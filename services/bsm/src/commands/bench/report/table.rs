//! A report for people.

use std::fmt::{Display, Write as _};

use comfy_table::{Cell, CellAlignment, Color, ContentArrangement, Row, Table, presets::UTF8_FULL_CONDENSED};

use super::{End, Latency, Overload, Summary, Target, Usage};

const HEADER: &[&str] = &["answer", "calls", "share", "p50", "p90", "p99", "p99.9", "max"];

/// One line: what was called, and how.
pub(super) fn target(target: &Target) -> String {
    format!(
        "{} {} over {}, {} connections at most, given up after {}",
        target.method,
        target.url,
        target.protocol,
        target.connections,
        ms(target.timeout_ms)
    )
}

/// A load: counts, a table of ends with their times, and what they mean.
pub(super) fn load(load: &Summary) -> String {
    let mut out = format!(
        "{} calls a second for {:.1} s, after {:.1} s of warm-up{}\n\n",
        rate(load.rate),
        load.seconds,
        load.warmup_seconds,
        if load.interrupted { "; interrupted" } else { "" }
    );
    let _ = writeln!(out, "{}\n{}", counts(load), ends(load)); // writing to a String cannot fail
    let _ = writeln!(out, "Times count from when a call was due.");
    let _ = writeln!(
        out,
        "Calls went out {} (median) to {} (p99) after they were due, which is part of the times above.",
        ms(load.send_delay_ms.p50),
        ms(load.send_delay_ms.p99)
    );
    let _ = writeln!(
        out,
        "Achieved {:.1} calls a second; answered {:.1}, well answered {:.1}.",
        load.achieved_rate, load.answered_rate, load.goodput
    );
    for (who, usage) in [("The generator", load.generator), ("The target", load.target)] {
        usage.map(|usage| writeln!(out, "{}", used(who, usage)));
    }
    out.push_str(&warning(load));
    out.trim_end().to_owned()
}

/// The three parts and the two figures.
pub(super) fn overload(overload: &Overload) -> String {
    let mut out =
        format!("\n1. Without load: {}\n\n2. The ramp:\n{}\n", load(&overload.unloaded), ramp(overload));
    let Some(over) = &overload.overloaded else {
        out.push_str("3. Overload: not measured.");
        return out;
    };
    let _ = writeln!(out, "\n3. At {} times the peak: {}\n", overload.factor, load(over));
    let figure = |figure: Option<f64>| figure.map_or("not known".to_owned(), |figure| format!("{figure:.2}"));
    let _ = writeln!(out, "Peak goodput:                  {:.0} a second", overload.peak);
    let _ = writeln!(out, "Goodput under overload ÷ peak: {}", figure(overload.goodput_share()));
    let _ = write!(out, "p99 of the admitted ÷ unloaded: {}", figure(overload.p99_ratio()));
    out
}

fn counts(load: &Summary) -> String {
    let mut parts = vec![
        format!("asked {}", load.asked),
        format!("sent {}", load.sent),
        format!("answered {}", load.answered),
        format!("unanswered {}", load.unanswered),
        format!("lost {}", load.lost),
        format!("late {}", load.late),
    ];
    if load.unfinished > 0 {
        parts.push(format!("unfinished {}", load.unfinished));
    }
    parts.join(", ")
}

fn ends(load: &Summary) -> String {
    let total = (load.sent + load.lost).max(1) as f64;
    let mut table = new_table(HEADER);
    table.add_rows(load.ends.iter().map(|end| row(end, total)));
    if load.ends.len() > 1 {
        let mut row = Row::from(vec![Cell::new("all sent"), right(load.sent), share(load.sent, total)]);
        times(&load.latency_ms).into_iter().for_each(|cell| {
            row.add_cell(cell);
        });
        table.add_row(row);
    }
    table.to_string()
}

fn row(end: &End, total: f64) -> Row {
    let name = Cell::new(&end.what).fg(match end.kind {
        "good" => Color::Green,
        "refused" => Color::Yellow,
        _ => Color::Red,
    });
    let mut row = Row::from(vec![name, right(end.calls), share(end.calls, total)]);
    times(&end.latency_ms).into_iter().for_each(|cell| {
        row.add_cell(cell);
    });
    row
}

fn times(latency: &Latency) -> [Cell; 5] {
    let Latency { p50, p90, p99, p999, max } = *latency;
    [p50, p90, p99, p999, max].map(|time| right(ms(time)))
}

fn ramp(overload: &Overload) -> String {
    let mut table = new_table(&["calls a second", "well answered"]);
    for step in &overload.steps {
        table.add_row([right(format!("{:.0}", step.offered)), right(format!("{:.0}", step.goodput))]);
    }
    table.to_string()
}

fn new_table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header);
    table
}

fn used(who: &str, usage: Usage) -> String {
    format!(
        "{who} used {:.2} cores, and {:.0} MB of memory at the end ({:.0} MB at most).",
        usage.cores, usage.resident_mb, usage.peak_resident_mb
    )
}

/// Calls that go out late make the target look slow: whoever reads the times must know.
fn warning(load: &Summary) -> String {
    if load.late * 100 <= load.sent {
        return String::new();
    }
    format!(
        "{} calls went out more than 10 ms late: all connections were taken, or the generator was short of CPU.\n",
        load.late
    )
}

fn right(text: impl Display) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

fn share(calls: u64, total: f64) -> Cell {
    right(format!("{:.1} %", calls as f64 * 100.0 / total))
}

/// Whole calls, where there are many.
fn rate(rate: f64) -> String {
    if rate < 10.0 {
        format!("{rate:.3}").trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        format!("{rate:.0}")
    }
}

/// Three digits, in the unit that people would use.
fn ms(time: f64) -> String {
    match time {
        t if t >= 10_000.0 => format!("{:.1} s", t / 1e3),
        t if t >= 100.0 => format!("{t:.0} ms"),
        t if t >= 10.0 => format!("{t:.1} ms"),
        t => format!("{t:.2} ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_whole_unless_it_is_slow() {
        assert_eq!([0.001, 0.5, 2.0, 10.0, 1234.56].map(rate), ["0.001", "0.5", "2", "10", "1235"]);
    }

    #[test]
    fn times_have_three_digits() {
        assert_eq!(
            [0.123, 1.234, 12.34, 123.4, 1234.0, 12_345.0].map(ms),
            ["0.12 ms", "1.23 ms", "12.3 ms", "123 ms", "1234 ms", "12.3 s"]
        );
    }
}
