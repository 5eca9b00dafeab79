//! All line rules at once: one pass of a set over each added line says which rules to ask.

use std::sync::{LazyLock, OnceLock};

use bsm_diff::{Line, hidden};
use regex::bytes::{Captures, Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use super::change::{Hit, View};
use super::code;
use super::rule::{Check, Family, LineCheck, Match, Rule, Shows};
use super::rules::rules;

/// Bytes for the lazily built automaton; enough that a long line of anything does not throw it away again and again.
const AUTOMATON: usize = 16 << 20;

static SCANNER: LazyLock<Scanner> = LazyLock::new(|| Scanner::new(rules()));

struct Scanner {
    set: RegexSet,
    rules: Vec<Pattern>,
}

struct Pattern {
    rule: &'static Rule,
    check: &'static LineCheck,
    /// Compiled when the set first names the rule.
    regex: OnceLock<Regex>,
    unless: OnceLock<Regex>,
}

/// Calls `found` for every hit of a line rule in the file, line by line, in the order of the rules.
pub(crate) fn scan(view: &View<'_>, mut found: impl FnMut(&'static Rule, Hit)) {
    for line in view.file.added() {
        SCANNER.line(view, line, &mut found);
    }
}

// === impl Scanner ===

impl Scanner {
    fn new(rules: &'static [Rule]) -> Self {
        let pattern = |rule: &'static Rule| match &rule.check {
            Check::Line(check) => {
                Some(Pattern { rule, check, regex: OnceLock::new(), unless: OnceLock::new() })
            }
            Check::Change(_) => None,
        };
        let rules: Vec<_> = rules.iter().filter_map(pattern).collect();
        let set = RegexSetBuilder::new(rules.iter().map(|rule| rule.check.pattern))
            .unicode(false)
            .dfa_size_limit(AUTOMATON)
            .build()
            .expect("every pattern of the rules compiles; a test compiles each");
        Self { set, rules }
    }

    /// The line as it runs and the line as it stands, which differ where characters are hidden in it: the one shows
    /// what was to be hidden, the other that it was. A rule speaks once of a line.
    fn line(&self, view: &View<'_>, line: &Line, found: &mut impl FnMut(&'static Rule, Hit)) {
        let mut told = Vec::new();
        for text in hidden::see_through(&line.text).iter().flatten() {
            self.text(view, (line, text), &mut told, found);
        }
        self.text(view, (line, &line.text), &mut told, found);
    }

    fn text(
        &self,
        view: &View<'_>,
        (line, text): (&Line, &str),
        told: &mut Vec<&'static Rule>,
        found: &mut impl FnMut(&'static Rule, Hit),
    ) {
        for index in self.set.matches(text.as_bytes()) {
            let pattern = &self.rules[index];
            // The rules that know a key's shape come first, and have said it better than those that guess.
            let known = |rule: &&Rule| rule.family == Family::Secrets && pattern.rule.is_guess_at_secret();
            if told.iter().any(|rule| rule.id == pattern.rule.id || known(rule)) {
                continue;
            }
            if let Some(hit) = pattern.judge(view, line, text) {
                told.push(pattern.rule);
                found(pattern.rule, hit);
            }
        }
    }
}

// === impl Pattern ===

impl Pattern {
    /// The set saw the rule's pattern in the raw text; here it must stand where the rule looks.
    fn judge(&self, view: &View<'_>, line: &Line, text: &str) -> Option<Hit> {
        let check = self.check;
        if !check.applies(&view.place) {
            return None;
        }
        let severity = check.severity(self.rule.severity, &view.place)?;
        let seen = code::view(text, view.place.language, check.sees);
        let regex = self.regex.get_or_init(|| compile(check.pattern));
        if !check.unless.is_empty() && self.unless.get_or_init(|| compile(check.unless)).is_match(&seen) {
            return None;
        }
        let value = regex
            .captures_iter(&seen)
            .map(|captures| value(&captures))
            .find(|value| (check.keep)(&Match { value, line: text, place: &view.place }))?;
        Some(Hit { detail: shown(&value, check.shows), severity: Some(severity), ..view.hit_at(line) })
    }
}

fn compile(pattern: &str) -> Regex {
    RegexBuilder::new(pattern)
        .unicode(false)
        .build()
        .expect("every pattern of the rules compiles; a test compiles each")
}

fn value(captures: &Captures<'_>) -> String {
    let group = captures.get(1).or_else(|| captures.get(0)).map_or(&b""[..], |group| group.as_bytes());
    String::from_utf8_lossy(group).into_owned()
}

/// Four characters tell one key from another, and of a long one they give nothing away.
fn shown(value: &str, shows: Shows) -> String {
    match shows {
        Shows::Nothing => String::new(),
        Shows::Name => value.chars().take(100).collect(),
        Shows::Masked if value.chars().count() < 16 => "…".to_owned(),
        Shows::Masked => value.chars().take(4).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        for pattern in &Scanner::new(rules()).rules {
            compile(pattern.check.pattern);
            compile(pattern.check.unless);
        }
    }

    #[test]
    fn a_short_secret_is_hidden_whole() {
        assert_eq!(shown("hunter2", Shows::Masked), "…");
        assert_eq!(shown("abcdefghijklmnop", Shows::Masked), "abcd…");
    }
}
