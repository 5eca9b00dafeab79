//! Usage and budgets for people.

use bsm_proto::models::v1::{Budget, ListBudgetsResponse, ListUsageResponse, UsageLine};
use comfy_table::{Cell, CellAlignment, Color, Row};

use crate::{cli::By, commands::shown::table};

/// What every line has behind what it is kept apart by.
const NUMBERS: [&str; 7] = ["calls", "failed", "in", "cached", "out", "thinking", "USD"];

/// A line for each sum, and one for all.
pub(super) fn usage(by: &[By], usage: &ListUsageResponse) -> String {
    if usage.lines.is_empty() {
        return "Nothing was used.".to_owned();
    }
    let header = by.iter().map(|by| by.word()).chain(NUMBERS).collect();
    let lines = usage.lines.iter().map(|line| row(by.iter().map(|by| name(*by, line)).collect(), line));
    let total = usage.total.iter().map(|total| row(total_names(by.len()), total));
    let mut text = table(header, lines.chain(total));
    for note in notes(usage) {
        text.push('\n');
        text.push_str(&note);
    }
    text
}

fn total_names(count: usize) -> Vec<String> {
    let mut names = vec![String::new(); count];
    names.first_mut().into_iter().for_each(|first| "all".clone_into(first));
    names
}

fn name(by: By, line: &UsageLine) -> String {
    let name = match by {
        By::Day => &line.day,
        By::Key => &line.key,
        By::Agent => &line.agent,
        By::Job => &line.job,
        By::Provider => &line.provider,
        By::Model => &line.model,
    };
    name.clone().filter(|name| !name.is_empty()).unwrap_or_else(|| "-".to_owned())
}

fn row(names: Vec<String>, line: &UsageLine) -> Row {
    let counts = [
        line.requests,
        line.failed,
        line.input_tokens,
        line.cached_tokens,
        line.output_tokens,
        line.reasoning_tokens,
    ];
    let numbers = counts.map(|count| count.to_string()).into_iter().chain([format!("{:.6}", line.cost_usd)]);
    let right = |number: String| Cell::new(number).set_alignment(CellAlignment::Right);
    names.into_iter().map(Cell::new).chain(numbers.map(right)).collect::<Vec<_>>().into()
}

/// What the numbers do not say by themselves.
fn notes(usage: &ListUsageResponse) -> Vec<String> {
    let total = usage.total.clone().unwrap_or_default();
    let mut notes = Vec::new();
    if total.estimated > 0.0 {
        notes.push(format!("The tokens of {} calls are estimates: their end was not seen.", total.estimated));
    }
    if total.unpriced > 0.0 {
        notes.push(format!("{} calls were to models whose price is not known.", total.unpriced));
    }
    if usage.truncated {
        notes.push("There are more lines; --limit or a filter shows them.".to_owned());
    }
    notes
}

/// A line for each budget in use.
pub(super) fn budgets(budgets: &ListBudgetsResponse) -> String {
    if budgets.budgets.is_empty() {
        return "No budget is in use (BSM_BUDGETS).".to_owned();
    }
    let header = vec!["per", "name", "of", "limit", "used", "reserved", "left", "begins anew in"];
    table(header, budgets.budgets.iter().map(budget))
}

fn budget(budget: &Budget) -> Row {
    let right = |number: f64| Cell::new(number).set_alignment(CellAlignment::Right);
    let left = right(budget.left);
    let seconds = (budget.turns_in_ms / 1_000.0).ceil();
    let wait = match seconds {
        long if long >= 3_600.0 => format!("{:.1} h", long / 3_600.0),
        short => format!("{short} s"),
    };
    Row::from(vec![
        Cell::new(&budget.per),
        Cell::new(&budget.name),
        Cell::new(format!("{}/{}", budget.measure, budget.window)),
        right(budget.limit),
        right(budget.used),
        right(budget.held),
        if budget.left > 0.0 { left } else { left.fg(Color::Red) },
        Cell::new(wait),
    ])
}
