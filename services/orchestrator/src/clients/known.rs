//! An answer that may be older than it should be, because its service could not be asked.

use std::time::Duration;

/// What is known, and since when if that is worth a word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known<T> {
    /// The answer.
    pub value: T,
    /// Its age, where the service could not be asked for a newer one. Whoever goes by it says so.
    pub age: Option<Duration>,
}

impl<T> Known<T> {
    /// As the service says just now.
    pub fn now(value: T) -> Self {
        Self { value, age: None }
    }
}

/// An age as people say it, rounded down.
#[must_use]
pub fn in_words(age: Duration) -> String {
    match age.as_secs() {
        seconds @ 0..=119 => format!("{seconds} s"),
        seconds @ 120..=7199 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_said_in_the_unit_that_fits() {
        let said = |seconds| in_words(Duration::from_secs(seconds));
        assert_eq!(
            [said(0), said(119), said(120), said(7199), said(7200)],
            ["0 s", "119 s", "2 min", "119 min", "2 h"]
        );
    }
}
