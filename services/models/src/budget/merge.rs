//! Budgets of several sources: which are in force, and which are said twice. Pure.

use super::Rule;

/// The budgets in force, and what is not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// Those of the stronger source, then those of the weaker that it says nothing about.
    pub in_force: Vec<Rule>,
    /// Those of the weaker source in whose place one of the stronger stands.
    pub put_aside: Vec<PutAside>,
}

/// A budget that does not count, because another source says something else of the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutAside {
    /// What does not count.
    pub rule: Rule,
    /// What stands in its place.
    pub by: Rule,
}

/// What is in force of a stronger and a weaker source.
#[must_use]
pub fn merge(stronger: &[Rule], weaker: &[Rule]) -> Merged {
    let mut merged = Merged { in_force: stronger.to_vec(), put_aside: Vec::new() };
    for rule in weaker {
        match stronger.iter().find(|other| other.is_of_the_same(rule)) {
            Some(by) if by == rule => {} // both say so
            Some(by) => merged.put_aside.push(PutAside { rule: rule.clone(), by: by.clone() }),
            None => merged.in_force.push(rule.clone()),
        }
    }
    merged
}

/// The first two of these that are of the same subject, unit and window, by their places from 0.
#[must_use]
pub fn said_twice(rules: &[Rule]) -> Option<(usize, usize)> {
    rules.iter().enumerate().find_map(|(second, rule)| {
        let first = rules[..second].iter().position(|earlier| earlier.is_of_the_same(rule))?;
        Some((first, second))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(lines: &[&str]) -> Vec<Rule> {
        lines.iter().map(|line| line.parse().unwrap()).collect()
    }

    fn lines(rules: &[Rule]) -> Vec<String> {
        rules.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_stronger_source_stands_in_the_place_of_the_same_and_leaves_the_rest() {
        let file = rules(&[
            "key 60 requests/minute",
            "key vip 9 requests/minute",
            "job 1 usd/day",
            "agent 5 tokens/day",
        ]);
        let own = rules(&["key 600 requests/minute", "agent 5 tokens/day"]);
        let merged = merge(&own, &file);
        let in_force =
            ["key 600 requests/minute", "agent 5 tokens/day", "key vip 9 requests/minute", "job 1 usd/day"];
        assert_eq!(lines(&merged.in_force), in_force);
        let [PutAside { rule, by }] = &merged.put_aside[..] else { panic!("{merged:?}") };
        assert_eq!([rule.to_string(), by.to_string()], ["key 60 requests/minute", "key 600 requests/minute"]);
    }

    #[test]
    fn two_lines_of_the_same_subject_unit_and_window_are_one_too_many() {
        let twice = |lines: &[&str]| said_twice(&rules(lines));
        assert_eq!(
            twice(&[
                "key 1 usd/day",
                "key 2 usd/minute",
                "key 3 tokens/day",
                "key a 1 usd/day",
                "job 1 usd/day"
            ]),
            None
        );
        assert_eq!(twice(&["job 1 usd/day", "key a 1 usd/day", "key a 2 usd/day"]), Some((1, 2)));
        assert_eq!(twice(&["key 1 usd/day", "key 1 usd/day"]), Some((0, 1)), "even if they say the same");
    }
}
