//! Printing what somebody asked for: a full disk or a closed pipe is an exit code, never a panic.

use std::{
    fmt::Display,
    io::{self, ErrorKind, Write},
};

use crate::exit::{Exit, Failure};

/// Prints a line to standard output. A reader that has seen enough (`| head`) is no failure.
///
/// # Errors
/// When the output cannot be written.
pub(crate) fn line(text: impl Display) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    settle(writeln!(out, "{text}").and_then(|()| out.flush()))
}

fn settle(written: io::Result<()>) -> anyhow::Result<()> {
    match written {
        Err(err) if err.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::error(Exit::Output, format!("standard output cannot be written: {err}")))
        }
        _ => Ok(()),
    }
}
