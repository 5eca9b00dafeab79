//! Where a stream of the whole mesh is: the last event seen of each role, as one text.

use std::{collections::BTreeMap, fmt};

use bsm_runtime::role::Role;

/// A position in every role's stream. Roles without one begin where the watching began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cursor(BTreeMap<Role, String>);

impl Cursor {
    /// Reads `role=id,role=id`. What is not of that form is left out: the worst is that an event comes twice.
    pub(super) fn parse(text: &str) -> Cursor {
        let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
        Cursor(
            pairs.filter_map(|(role, id)| Some((role.trim().parse().ok()?, id.trim().to_owned()))).collect(),
        )
    }

    /// The last event seen of a role.
    pub(super) fn of(&self, role: Role) -> Option<&str> {
        self.0.get(&role).map(String::as_str)
    }

    /// Moves on.
    pub(super) fn saw(&mut self, role: Role, id: &str) {
        self.0.insert(role, id.to_owned());
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (role, id)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{role}={id}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_nonsense_is_left_out() {
        let mut cursor = Cursor::default();
        cursor.saw(Role::Models, "1700-3");
        cursor.saw(Role::Gateway, "1701-1");
        cursor.saw(Role::Models, "1700-4");
        assert_eq!(cursor.to_string(), "models=1700-4,gateway=1701-1");
        assert_eq!(Cursor::parse(&cursor.to_string()), cursor);
        assert_eq!(Cursor::parse("17,nobody=1,models=9"), Cursor::parse("models=9"));
        assert_eq!(Cursor::parse("models=9").of(Role::Gateway), None);
    }
}
