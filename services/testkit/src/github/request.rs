//! A request, taken apart, and the answer to it.

use std::time::Instant;

use http::{HeaderMap, Method, header};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::Value;

use super::Refused;

/// A call that arrived.
#[derive(Clone, Debug, Serialize)]
pub struct Call {
    /// When.
    #[serde(skip)]
    pub at: Instant,
    /// The method.
    #[serde(serialize_with = "as_text")]
    pub method: Method,
    /// The path as sent.
    pub path: String,
    /// The query, without the question mark.
    pub query: String,
    /// All headers, with the token.
    #[serde(skip)]
    pub headers: HeaderMap,
    /// The body; null where there is none or it is no JSON.
    pub body: Value,
    /// Whose token it was made with, if that is good.
    pub login: Option<String>,
    /// The status of the answer; `None` while there is none, and for ever if it was lost.
    pub status: Option<u16>,
}

fn as_text<S: serde::Serializer>(method: &Method, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(method.as_str())
}

/// What the routes see of a call.
pub(super) struct Request<'a> {
    pub call: &'a Call,
    pub login: &'a str,
}

/// An answer that is no refusal.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: u16,
    pub body: Body,
    /// The `Link` header.
    pub link: Option<String>,
}

/// What an answer holds.
#[derive(Debug)]
pub(super) enum Body {
    Json(Value),
    Diff(String),
    Nothing,
}

// === impl Call ===

impl Call {
    /// The path's parts, without their escapes.
    pub(super) fn segments(&self) -> Vec<String> {
        let parts = self.path.split('/').filter(|segment| !segment.is_empty());
        parts.map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned()).collect()
    }

    pub(super) fn is_read(&self) -> bool {
        self.method == Method::GET || self.method == Method::HEAD
    }

    pub(super) fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// `Bearer` or `token`, as GitHub takes both.
    pub(super) fn token(&self) -> Option<&str> {
        let value = self.header(header::AUTHORIZATION)?;
        value.strip_prefix("Bearer ").or_else(|| value.strip_prefix("token "))
    }
}

// === impl Request ===

impl Request<'_> {
    pub(super) fn query(&self, name: &str) -> Option<String> {
        let pairs = form_urlencoded::parse(self.call.query.as_bytes());
        pairs.into_iter().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    pub(super) fn wants_diff(&self) -> bool {
        self.call.header(header::ACCEPT).is_some_and(|accept| accept.contains("diff"))
    }

    /// A text of the body, if it is there and not empty.
    pub(super) fn text(&self, field: &str) -> Option<&str> {
        self.call.body[field].as_str().filter(|text| !text.is_empty())
    }

    /// A text of the body that must be there.
    pub(super) fn required(&self, field: &str) -> Result<&str, Refused> {
        self.text(field).ok_or_else(|| Refused::invalid(format!("{field} is missing or blank")))
    }
}

// === impl Answer ===

impl Answer {
    pub(super) fn ok(body: Value) -> Answer {
        Answer { status: 200, body: Body::Json(body), link: None }
    }

    pub(super) fn created(body: Value) -> Answer {
        Answer { status: 201, ..Answer::ok(body) }
    }

    pub(super) fn nothing() -> Answer {
        Answer { status: 204, body: Body::Nothing, link: None }
    }
}
