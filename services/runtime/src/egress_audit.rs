//! What the egress policy kept in, as lines of the audit log.
//!
//! It is a record and no permission: the request stays in whether or not the line can be written, and nobody waits for the
//! disk.

use serde_json::{Value, json};
use tokio::runtime::Handle;
use tracing::error;

use crate::{
    audit_log::{AuditLog, Entry},
    caller::Caller,
    clock,
    outside::egress::{Egress, KeptIn},
    role::Role,
};

/// Writes a line for each host, reason and minute of which something was kept in.
pub(crate) fn keep(egress: &Egress, audit: AuditLog, role: Role) {
    egress.tell(move |kept_in| {
        let (audit, entry) = (audit.clone(), entry(role, clock::unix_ms(), kept_in));
        let write = move || {
            if let Err(error) = audit.append(&entry) {
                error!(%error, "a refusal of the egress policy is not in the audit log");
            }
        };
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(write)),
            Err(_) => write(), // the runtime is gone, and nobody is kept waiting
        }
    });
}

/// Who asked is not known here: one refusal a minute stands for all of them, and the log has each.
fn entry(role: Role, at_ms: i64, kept_in: KeptIn) -> Entry {
    let KeptIn { to, host, refusal } = kept_in;
    Entry {
        at_ms,
        role,
        caller: Caller { actor: "unknown".into(), address: "unknown".into(), via: None },
        correlation_id: String::new(),
        action: "egress.refuse",
        target: host,
        old: Value::Null,
        new: json!({"to": &*to, "reason": refusal.label()}),
        failed: None,
    }
}
