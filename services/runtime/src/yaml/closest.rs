//! The known name that a misspelt one most likely means.

/// The closest of `known` to `name`, if any is close enough to be meant.
pub fn closest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = 1 + name.chars().count() / 4;
    let distances = known.into_iter().map(|candidate| (distance(name, candidate, allowed), candidate));
    distances
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// How many characters to insert, delete, replace or swap with their neighbour, ignoring case; anything beyond
/// `limit` when that is plain from the lengths, which bounds the work for absurdly long names.
fn distance(a: &str, b: &str, limit: usize) -> usize {
    let (a, b): (Vec<char>, Vec<char>) =
        (a.to_lowercase().chars().collect(), b.to_lowercase().chars().collect());
    if a.len().abs_diff(b.len()) > limit {
        return limit + 1;
    }
    // Three rows of the table of optimal string alignment: a swap looks two rows back.
    let mut before: Vec<usize> = vec![0; b.len() + 1];
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replaced = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replaced.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_mistake_finds_the_name_that_was_meant() {
        let known = ["agents", "execution", "requires_approval", "id"];
        assert_eq!(closest("agnets", known), Some("agents"));
        assert_eq!(closest("requiresApproval", known), Some("requires_approval"));
        assert_eq!(closest("Id", known), Some("id"));
        assert_eq!(closest("deadline", known), None);
        assert_eq!(closest("", known), None);
    }

    #[test]
    fn a_swap_counts_once() {
        assert_eq!(distance("agnets", "agents", 9), 1);
        assert_eq!(distance("kitten", "sitting", 9), 3);
        assert_eq!(distance("", "abc", 9), 3);
    }
}
