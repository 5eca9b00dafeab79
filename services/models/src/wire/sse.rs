//! Server-sent events, read from bytes that may be cut anywhere: within a character, within a CRLF, within a field.
//!
//! Only `data` matters to the wires served here; comments, which providers send to keep connections alive, and the
//! other fields are skipped. An event that the stream's end cuts short is dropped, as the standard says.

#[cfg(test)]
mod tests;

/// Bytes of one event at most; providers send a few hundred.
const LONGEST: usize = 1024 * 1024;

/// Reads one stream of events.
#[derive(Debug, Default)]
pub struct Decoder {
    /// The line so far, without its end.
    line: Vec<u8>,
    /// The data lines of the event so far, each with its line feed.
    data: String,
    /// The last byte was a CR: an LF that follows belongs to it.
    after_cr: bool,
    /// A line has been read, so that no byte order mark can come any more.
    begun: bool,
}

/// Bytes that are no events of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoEvents {
    /// An event is longer than 1 MiB: nobody's answer, and not worth the memory.
    #[error("sent an event of more than {LONGEST} bytes")]
    TooLong,
    /// A document that is no event, such as a proxy's page of HTML.
    #[error("sent something else amid the events of its stream")]
    Foreign,
}

// === impl Decoder ===

impl Decoder {
    /// The data of the events that end within `bytes`; lines of one event are joined by line feeds.
    ///
    /// # Errors
    /// [`NoEvents`]; the decoder is of no use after that.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<Vec<String>, NoEvents> {
        let mut events = Vec::new();
        while !bytes.is_empty() {
            if std::mem::take(&mut self.after_cr) && bytes[0] == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                self.keep(bytes)?;
                break;
            };
            self.keep(&bytes[..end])?;
            self.after_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            events.extend(self.end_line()?);
        }
        Ok(events)
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), NoEvents> {
        if self.line.len() + self.data.len() + bytes.len() > LONGEST {
            return Err(NoEvents::TooLong);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    /// Takes a whole line in; an empty one ends the event.
    fn end_line(&mut self) -> Result<Option<String>, NoEvents> {
        let line = std::mem::take(&mut self.line);
        let line =
            if self.begun { &line[..] } else { line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&line) };
        self.begun = true;
        if line.is_empty() {
            return Ok(self.end_event());
        }
        if matches!(line[0], b'<' | b'{') {
            return Err(NoEvents::Foreign);
        }
        if let Some(value) = data(line) {
            self.data.push_str(&String::from_utf8_lossy(value));
            self.data.push('\n');
        }
        Ok(None)
    }

    fn end_event(&mut self) -> Option<String> {
        let mut data = std::mem::take(&mut self.data);
        data.pop()?; // the line feed after the last line; none means that there was no data
        Some(data)
    }
}

/// The value of a `data` field, without the one space that may follow the colon.
fn data(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"data")?;
    match rest.strip_prefix(b":") {
        Some(value) => Some(value.strip_prefix(b" ").unwrap_or(value)),
        None => rest.is_empty().then_some(rest), // a field without a colon is a field without a value
    }
}
