//! Mobile mode: clients may chat and read, not run, change or stop things.

use http::{Method, StatusCode};
use serde_json::json;

use crate::fault::Fault;

/// Methods that change nothing.
const READING: [Method; 3] = [Method::GET, Method::HEAD, Method::OPTIONS];

/// Routes that take no other methods in mobile mode. They are held against the template of the matched route, not
/// the path as sent, so neither letter case nor encoding gets around them.
const RESTRICTED: [&str; 7] = [
    "/api/agents/run",
    "/api/agents/start",
    "/api/agents/stop",
    "/api/agents/{agent_id}/start",
    "/api/agents/{agent_id}/stop",
    "/api/admin",
    "/api/emergency",
];

pub(super) fn is_restricted(method: &Method, template: &str) -> bool {
    let below =
        |root: &str| template.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    !READING.contains(method) && RESTRICTED.into_iter().any(below)
}

pub(super) fn fault() -> Fault {
    Fault::new(StatusCode::FORBIDDEN, "MOBILE_MODE_RESTRICTION", "Operation Not Allowed")
        .extra("message", "Mobile mode allows chatting and reading only.".into())
        .extra("allowedMethods", json!(READING.map(|method| method.to_string())))
        .extra("hint", "Use a desktop client of a server without MOBILE_MODE for this.".into())
}
