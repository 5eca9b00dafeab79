//! Unified diffs: reading them, splitting them by file and bounding their size; and what their text may hide.
//!
//! Everything here is pure, never panics and takes time linear in its input, because the input is
//! whatever somebody put into a pull request. Reading is tolerant: a diff is found inside an e-mail
//! or a prompt, and what cannot be read is named in [`Diff::notes`] and not guessed.
//!
//! ```
//! let diff = bsm_diff::Diff::parse("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+new\n");
//! let added: Vec<_> = diff.files[0].added().map(|line| line.text.as_str()).collect();
//! assert_eq!(added, ["new"]);
//! ```
#![forbid(unsafe_code)]

mod bound;
mod cursor;
mod decode;
pub mod hidden;
mod model;
mod parse;
mod path;
pub mod secrets;
mod split;

pub use bound::{Bounded, bound};
pub use decode::decode;
pub use model::{Diff, File, Hunk, Line, LineKind, Note, Status};
pub use split::{FilePatch, split_files};
