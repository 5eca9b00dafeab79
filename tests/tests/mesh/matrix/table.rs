//! What came of each cell, for people.

use std::{collections::BTreeMap, time::Duration};

use bsm_tests::rest::Answer;

use super::{
    cell::Healed,
    edge::{EDGES, Edge},
    fault::Fault,
    reason,
};

/// One cell.
pub(super) struct Row {
    edge: &'static Edge,
    fault: Fault,
    /// What proves the fault.
    pub(super) fired: String,
    /// When the breaker opened.
    pub(super) opened: Option<Duration>,
    /// What callers were told, how often.
    told: BTreeMap<String, usize>,
    slowest: Duration,
    /// Other calls that were answered meanwhile.
    pub(super) others: usize,
    /// What became of a job.
    pub(super) job: String,
    /// When calls flowed again.
    pub(super) healed: Healed,
    problems: Vec<String>,
}

impl Row {
    pub(super) fn new(edge: &'static Edge, fault: Fault) -> Row {
        Row {
            edge,
            fault,
            fired: String::new(),
            opened: None,
            told: BTreeMap::new(),
            slowest: Duration::ZERO,
            others: 0,
            job: String::new(),
            healed: Healed::default(),
            problems: Vec::new(),
        }
    }

    /// Where it stands in the table.
    pub(super) fn order(&self) -> (usize, Fault) {
        let position = EDGES.iter().position(|edge| edge.breaker == self.edge.breaker);
        (position.unwrap_or(EDGES.len()), self.fault)
    }

    /// Keeps what is wrong; the cell goes on, so that the table shows all of it.
    pub(super) fn check<T>(&mut self, result: Result<T, String>) -> Option<T> {
        result.map_err(|problem| self.wrong(problem)).ok()
    }

    /// Keeps what is wrong.
    pub(super) fn wrong(&mut self, problem: String) {
        self.problems.push(problem);
    }

    /// Counts what a caller was told.
    pub(super) fn note(&mut self, answer: &Answer, took: Duration) {
        let told = format!("{} {}", answer.code, reason(answer));
        *self.told.entry(told.trim_end().to_owned()).or_default() += 1;
        self.slowest = self.slowest.max(took);
    }

    /// What is wrong, each with the cell it was found in.
    pub(super) fn problems(&self) -> impl Iterator<Item = String> + '_ {
        self.problems.iter().map(|problem| format!("{}, {}: {problem}", self.edge.breaker, self.fault))
    }

    fn cells(&self) -> [String; 10] {
        let told = self.told.iter().map(|(what, times)| format!("{times} × {what}"));
        let after = |time: Option<Duration>| {
            time.map_or("-".to_owned(), |time| format!("{:.2} s", time.as_secs_f64()))
        };
        [
            self.edge.breaker.to_owned(),
            self.fault.to_string(),
            self.fired.clone(),
            after(self.opened),
            told.collect::<Vec<_>>().join(", "),
            after(Some(self.slowest)),
            self.others.to_string(),
            self.job.clone(),
            after(self.healed.first),
            after(self.healed.all),
        ]
    }
}

const HEADS: [&str; 10] = [
    "edge",
    "fault",
    "proof",
    "open after",
    "callers were told",
    "slowest",
    "others answered",
    "a job",
    "answers after",
    "flows after",
];

/// The table.
pub(super) fn render(rows: &[Row]) -> String {
    let lines: Vec<_> = [HEADS.map(str::to_owned)].into_iter().chain(rows.iter().map(Row::cells)).collect();
    let width =
        |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<_> = (0..HEADS.len()).map(width).collect();
    let padded = |line: &[String; 10]| {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    lines.iter().map(padded).collect::<Vec<_>>().join("\n")
}
