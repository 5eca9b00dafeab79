//! Who asks for a change, and what the audit log is told of it.

use bsm_runtime::{audit_log::Entry, call::Call, caller::Caller, clock, process::Process};
use serde_json::{Value, json};
use tonic::Request;
use tracing::{error, info};

use crate::{document::Document, error::Error};

/// Who asks for a change.
#[derive(Debug, Clone)]
pub(crate) struct Operator {
    caller: Caller,
    correlation_id: String,
}

/// A change as the audit log shows it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told<'a> {
    pub(super) action: &'static str,
    pub(super) target: &'a str,
    pub(super) old: Option<&'a Document>,
    pub(super) new: Option<&'a Document>,
}

// === impl Operator ===

impl Operator {
    pub(crate) fn of<T>(request: &Request<T>) -> Operator {
        let correlation_id = Call::of(request).correlation_id().to_owned();
        Operator { caller: Caller::of(request), correlation_id }
    }

    /// What it is called where the document says who added it.
    pub(crate) fn actor(&self) -> &str {
        &self.caller.actor
    }

    /// The line first, then the change: there is no change without a line. A change that fails has two.
    pub(super) fn audited<T>(
        &self,
        process: &Process,
        told: Told<'_>,
        change: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        let entry = Entry {
            at_ms: clock::unix_ms(),
            role: process.role,
            caller: self.caller.clone(),
            correlation_id: self.correlation_id.clone(),
            action: told.action,
            target: told.target.to_owned(),
            old: about(told.old),
            new: about(told.new),
            failed: None,
        };
        process.audit.append(&entry).map_err(|error| {
            error!(%error, "the audit log takes no line, so no document is changed");
            Error::Unwritten
        })?;
        let Caller { actor, address, .. } = &self.caller;
        info!(action = told.action, document = told.target, actor, address, "changed by an operator");
        change().inspect_err(|failure| {
            let failed = Some(failure.to_string());
            if let Err(error) = process.audit.append(&Entry { failed, ..entry }) {
                error!(%error, "the audit log does not say that the change above failed");
            }
        })
    }
}

fn about(document: Option<&Document>) -> Value {
    document.map_or(Value::Null, |document| {
        json!({"hash": document.hash, "title": document.title, "format": document.format.name(),
               "bytes": document.text.len(), "audience": document.audience})
    })
}
