//! PDF: the text of each page, within bounds of size, pages and time. Pictures of text hold none.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use lopdf::{DecompressError, Document, Error, LoadOptions};

use crate::outline::{Outline, TooLong};

/// How much a stream within the file may unfold to, in bytes.
const MOST_UNFOLDED: usize = 16 * 1024 * 1024;

/// How many pages are read at most.
const MOST_PAGES: usize = 2_000;

/// How long one file may take. Pages that share their content could keep a thread for hours.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a PDF is not usable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("this is not a PDF: it does not begin with %PDF-")]
    NoPdf,
    #[error("the PDF is damaged")]
    Damaged,
    #[error("the PDF is encrypted, and a password is needed to read it")]
    Encrypted,
    #[error("a part of the PDF unfolds to more than {} MiB", MOST_UNFOLDED >> 20)]
    Unfolds,
    #[error("the PDF has more than {MOST_PAGES} pages")]
    Pages,
    #[error("the PDF takes longer than {} s to read", PATIENCE.as_secs())]
    Slow,
    #[error("the text of the PDF is longer than {} KiB", crate::outline::MOST_TEXT_BYTES >> 10)]
    TooLong,
    #[error("the PDF holds no text; it may be pictures of pages")]
    NoText,
}

// === impl Unusable ===

impl Unusable {
    /// What to do about it.
    pub(crate) fn fix(self) -> &'static str {
        match self {
            Unusable::NoPdf => "name its true format, or export it as PDF again",
            Unusable::Damaged | Unusable::Unfolds | Unusable::Slow => "export it again, or give its text",
            Unusable::Encrypted => "save a copy without a password",
            Unusable::Pages | Unusable::TooLong => "split it, each part with its own title",
            Unusable::NoText => "run text recognition over it, or give its text",
        }
    }
}

/// Reads a file, blocking.
pub(crate) fn read(bytes: &[u8]) -> Result<Outline, Unusable> {
    // The format lets some bytes stand before it.
    let head = &bytes[..bytes.len().min(1024)];
    if !head.windows(5).any(|window| window == b"%PDF-") {
        return Err(Unusable::NoPdf);
    }
    let began = Instant::now();
    // Nothing is shared with the reader, and a hostile file that finds a fault in it must not take the service down.
    catch_unwind(AssertUnwindSafe(|| whole(bytes, began))).unwrap_or(Err(Unusable::Damaged))
}

fn whole(bytes: &[u8], began: Instant) -> Result<Outline, Unusable> {
    let options = LoadOptions::with_max_decompressed_size(MOST_UNFOLDED);
    let document = Document::load_mem_with_options(bytes, options).map_err(|error| why(&error))?;
    if document.is_encrypted() {
        return Err(Unusable::Encrypted);
    }
    let pages: Vec<u32> = document.get_pages().into_keys().take(MOST_PAGES + 1).collect();
    if pages.len() > MOST_PAGES {
        return Err(Unusable::Pages);
    }
    let mut outline = Outline { title: title(&document), ..Outline::default() };
    for page in pages {
        if began.elapsed() > PATIENCE {
            return Err(Unusable::Slow);
        }
        let text = document.extract_text_with_limit(&[page], MOST_UNFOLDED).map_err(|error| why(&error))?;
        add(&mut outline, page, &text).map_err(|TooLong| Unusable::TooLong)?;
    }
    if outline.blocks.is_empty() { Err(Unusable::NoText) } else { Ok(outline) }
}

fn add(outline: &mut Outline, page: u32, text: &str) -> Result<(), TooLong> {
    if text.trim().is_empty() {
        return Ok(());
    }
    outline.push_heading(2, &format!("Page {page}"))?;
    text.split("\n\n").try_for_each(|block| outline.push_block(block))
}

fn why(error: &Error) -> Unusable {
    match error {
        Error::Decompress(DecompressError::MemoryLimitExceeded { .. }) => Unusable::Unfolds,
        Error::InvalidPassword | Error::Decryption(_) => Unusable::Encrypted,
        _ => Unusable::Damaged,
    }
}

/// As the file's own description says.
fn title(document: &Document) -> Option<String> {
    let about = document.trailer.get(b"Info").ok()?;
    let about = document.dereference(about).ok()?.1.as_dict().ok()?;
    let title = lopdf::decode_text_string(about.get(b"Title").ok()?).ok()?;
    let title = crate::outline::one_line(&title);
    (!title.is_empty()).then_some(title)
}

#[cfg(test)]
pub(crate) mod tests;
