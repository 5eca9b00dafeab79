//! Readers of values that only an entry has.

use bsm_runtime::{
    diagnostic::Findings,
    yaml::{Node, Path, Read, Value},
};

/// A map that must be there, and what it holds, for who left it out.
pub(super) struct Section<R>(pub(super) &'static str, pub(super) R);

impl<R: Read> Read for Section<R> {
    type Out = R::Out;

    fn read(&self, node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<R::Out> {
        self.1.read(node, path, findings)
    }

    fn wanted(&self) -> String {
        format!("a map of {}", self.0)
    }
}

/// `false`, and nothing else.
pub(super) struct Never;

impl Read for Never {
    type Out = ();

    fn read(&self, node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<()> {
        match &node.value {
            Value::Bool(false) => return Some(()),
            Value::Bool(true) => {
                let message = "no agent starts by itself (a security requirement)";
                findings.error(node.at, path, message, "write `auto_start: false`");
            }
            other => {
                let message = format!("{other} stands where false is needed: no agent starts by itself");
                findings.error(node.at, path, message, "write `auto_start: false`");
            }
        }
        None
    }

    fn wanted(&self) -> String {
        "false".to_owned()
    }
}
