//! The environment, for variables that data files name: nobody can list them beforehand.

use std::{collections::BTreeMap, fmt, sync::Arc};

use secrecy::{ExposeSecret as _, SecretString};

/// Variables by name, taken once; any of them may hold a secret. Clones share them. Empty by default, so that nothing
/// reads the environment by accident.
#[derive(Clone, Default)]
pub struct Variables {
    values: Arc<BTreeMap<String, SecretString>>,
}

// === impl Variables ===

impl Variables {
    /// Those of this process, as they are now.
    #[must_use]
    pub fn of_process() -> Variables {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        std::env::vars_os().filter_map(text).collect()
    }

    /// The value of a variable; an empty one counts as unset, because compose files pass those on.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<SecretString> {
        self.values.get(name).filter(|value| !value.expose_secret().trim().is_empty()).cloned()
    }

    /// Whether a variable is set, and to nothing or to blanks.
    #[must_use]
    pub fn is_blank(&self, name: &str) -> bool {
        self.values.contains_key(name) && self.get(name).is_none()
    }

    /// The names of all that are not empty.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.values.keys().filter(|name| self.get(name).is_some()).cloned().collect()
    }
}

impl FromIterator<(String, String)> for Variables {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(all: I) -> Variables {
        let values = all.into_iter().map(|(name, value)| (name, SecretString::from(value.trim()))).collect();
        Variables { values: Arc::new(values) }
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Variables").field("count", &self.values.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_is_unset_and_none_is_ever_shown() {
        let all = [("KEY", " sk-canary "), ("EMPTY", " ")];
        let variables: Variables =
            all.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect();
        assert_eq!(variables.get("KEY").unwrap().expose_secret(), "sk-canary");
        assert!(variables.get("EMPTY").is_none() && variables.get("NONE").is_none());
        assert!(variables.is_blank("EMPTY") && !variables.is_blank("NONE") && !variables.is_blank("KEY"));
        assert_eq!(variables.names(), ["KEY"]);
        assert!(!format!("{variables:?}").contains("canary"));
    }
}
