//! Why a change was not seen as a whole, in few sentences however large it is.

use bsm_diff::{Diff, File};

/// The mode of an entry that stands for another repository's commit.
const SUBMODULE: u32 = 0o160_000;
/// How many paths and oddities are named; the rest is counted.
const NAMED: usize = 10;

/// What of a diff nobody can judge, though it is there: each a sentence without its full stop.
pub(super) fn of(diff: &Diff) -> Vec<String> {
    let paths = |is: fn(&File) -> bool| diff.files.iter().filter(move |file| is(file)).map(File::path);
    let submodule = |file: &File| file.new_mode == Some(SUBMODULE);
    let reasons = [
        sentence(paths(|file| file.binary), "is binary", "are binary"),
        sentence(paths(|file| file.combined), "is a merge's combined diff", "are a merge's combined diffs"),
        sentence(
            paths(submodule),
            "is a submodule, whose content the diff does not show",
            "are submodules, whose content the diff does not show",
        ),
    ];
    let oddities =
        diff.notes.iter().take(NAMED).map(|note| format!("the diff could not be read whole: {note}"));
    reasons.into_iter().flatten().chain(oddities).collect()
}

/// That characters are hidden; `None` without any.
pub(super) fn hidden(count: usize) -> Option<String> {
    match count {
        0 => None,
        1 => Some("the change holds 1 hidden character, at which a person must look".to_owned()),
        count => Some(format!("the change holds {count} hidden characters, at which a person must look")),
    }
}

/// That files were left out; `None` without any.
pub(super) fn left_out<'a>(paths: impl Iterator<Item = &'a str>) -> Option<String> {
    sentence(paths, "was left out or cut", "were left out or cut")
}

/// `a, b and 3 more are binary`; `None` without any path.
fn sentence<'a>(paths: impl Iterator<Item = &'a str>, one: &str, many: &str) -> Option<String> {
    let mut paths = paths.peekable();
    paths.peek()?;
    let named: Vec<_> = paths.by_ref().take(NAMED).collect();
    let predicate = if named.len() == 1 { one } else { many };
    let more = match paths.count() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!("{}{more} {predicate}", named.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_paths_are_named_and_many_are_counted() {
        let paths: Vec<_> = (0..13).map(|n| format!("f{n}")).collect();
        let say = |count: usize| left_out(paths[..count].iter().map(String::as_str));
        assert_eq!(say(0), None);
        assert_eq!(say(1).unwrap(), "f0 was left out or cut");
        assert_eq!(say(2).unwrap(), "f0, f1 were left out or cut");
        assert_eq!(
            say(13).unwrap(),
            "f0, f1, f2, f3, f4, f5, f6, f7, f8, f9 and 3 more were left out or cut"
        );
    }
}
