//! Where in which run a reader is: the id of an event, by which a stream is resumed.

use std::fmt;
use std::str::FromStr;

/// An item of a run. As text: the run in 16 hexadecimal digits, a point, the number of the item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Which run; no two runs of any process have the same, as far as chance goes.
    pub(super) run: u64,
    /// Which item of it.
    pub(super) item: u64,
}

/// A text that is no position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoPosition;

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}.{}", self.run, self.item)
    }
}

impl FromStr for Position {
    type Err = NoPosition;

    fn from_str(text: &str) -> Result<Self, NoPosition> {
        let (run, item) = text.split_once('.').filter(|(run, _)| run.len() == 16).ok_or(NoPosition)?;
        let run = u64::from_str_radix(run, 16).map_err(|_| NoPosition)?;
        Ok(Self { run, item: item.parse().map_err(|_| NoPosition)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_back_and_nothing_else_is_one() {
        for (run, item) in [(0, 0), (u64::MAX, u64::MAX), (0xab, 7)] {
            let position = Position { run, item };
            assert_eq!(position.to_string().parse(), Ok(position));
        }
        for text in ["", ".", "1.2", "00000000000000zz.1", "0000000000000001.", "0000000000000001.-1", "17"] {
            assert_eq!(text.parse::<Position>(), Err(NoPosition), "{text}");
        }
    }
}
