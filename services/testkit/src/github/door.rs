//! What every call passes: the log, the user agent, the token, the limits and the troubles; then its route.

use std::{sync::Arc, time::Instant};

use axum::{
    Extension,
    body::Body as HttpBody,
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use serde_json::{Value, json};

use super::{
    Access, Hub, Refused, Trouble,
    request::{Answer, Body, Call, Request},
    routes,
    rules::RateLimit,
};
use crate::{serve::Connection, watched::Watched};

type Outcome = Result<Answer, Refused>;

pub(super) async fn answer(
    State(hub): State<Arc<Watched<Hub>>>,
    Extension(connection): Extension<Connection>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: HttpBody,
) -> Response {
    let Ok(bytes) = axum::body::to_bytes(body, usize::MAX).await else {
        return StatusCode::BAD_REQUEST.into_response(); // the client left before it had asked
    };
    let (number, outcome, trouble) = hub.change(|hub| hub.meet(call(method, &uri, headers, &bytes), &bytes));
    match trouble {
        Some(Trouble::Hangs) => return std::future::pending().await,
        Some(Trouble::Resets | Trouble::LosesAnswer) => {
            connection.reset();
            return std::future::pending().await;
        }
        Some(Trouble::Late(by)) => tokio::time::sleep(by.0).await,
        _ => {}
    }
    hub.change(|hub| {
        let rate = hub.rules.rate;
        let response = respond(outcome, trouble.as_ref(), rate);
        hub.calls[number].status = Some(response.status().as_u16());
        response
    })
}

fn call(method: Method, uri: &Uri, headers: HeaderMap, body: &Bytes) -> Call {
    Call {
        at: Instant::now(),
        method,
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        headers,
        body: serde_json::from_slice(body).unwrap_or_default(),
        login: None,
        status: None,
    }
}

// === impl Hub ===

impl Hub {
    /// One call, from the log to its effect, in one step: calls are never half done.
    fn meet(&mut self, mut call: Call, bytes: &Bytes) -> (usize, Outcome, Option<Trouble>) {
        let admitted = self.admit(&call);
        call.login = admitted.as_ref().ok().cloned();
        let number = self.calls.len();
        self.calls.push(call.clone());
        for push in self.rules.take_pushes(&call) {
            self.world.push(&push.repo, push.number, &push.sha);
        }
        let login = match admitted {
            Ok(login) => login,
            Err(refused) => return (number, Err(refused), None),
        };
        let trouble = self.rules.take_trouble(&call);
        let outcome = match &trouble {
            None | Some(Trouble::LosesAnswer | Trouble::Late(_)) => self.act(&call, &login, bytes),
            Some(trouble) => Err(refusal(trouble)),
        };
        (number, outcome, trouble)
    }

    /// The login of the caller, if the call is one that GitHub looks at.
    fn admit(&mut self, call: &Call) -> Result<String, Refused> {
        if call.header(header::USER_AGENT).is_none() {
            let message = "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.";
            return Err(Refused::new(403, message));
        }
        let Some(token) = call.token() else { return Err(Refused::new(401, "Requires authentication")) };
        let Some(owner) = self.rules.tokens.get(token).cloned() else {
            return Err(Refused::new(401, "Bad credentials"));
        };
        if owner.access == Access::Read && !call.is_read() {
            return Err(Refused::new(403, "Resource not accessible by personal access token"));
        }
        if !self.rules.spend() {
            return Err(Refused::new(403, format!("API rate limit exceeded for user {}.", owner.login)));
        }
        Ok(owner.login)
    }

    fn act(&mut self, call: &Call, login: &str, bytes: &Bytes) -> Outcome {
        if !bytes.is_empty() && call.body.is_null() {
            return Err(Refused::new(400, "Problems parsing JSON"));
        }
        routes::route(&mut self.world, &Request { call, login })
    }
}

fn refusal(trouble: &Trouble) -> Refused {
    match trouble {
        Trouble::Status(status) => Refused::new(*status, "as scripted"),
        Trouble::BadGateway => Refused::new(502, ""),
        Trouble::RateLimited(_) => Refused::new(403, "API rate limit exceeded."),
        Trouble::SecondaryLimit(_) => Refused::new(
            403,
            "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
        ),
        // These have no answer, or the one that would have been.
        Trouble::LosesAnswer | Trouble::Resets | Trouble::Hangs | Trouble::Late(_) => Refused::new(500, ""),
    }
}

fn respond(outcome: Outcome, trouble: Option<&Trouble>, rate: RateLimit) -> Response {
    if trouble == Some(&Trouble::BadGateway) {
        let page = "<html><h1>502 Bad Gateway</h1></html>";
        return (StatusCode::BAD_GATEWAY, [(header::CONTENT_TYPE, "text/html")], page).into_response();
    }
    let rate = match trouble {
        Some(Trouble::RateLimited(wait)) => RateLimit::new(0, wait.0),
        _ => rate,
    };
    let mut response = match outcome {
        Ok(answer) => told(answer),
        Err(refused) => refused.into_response(),
    };
    if let Some(Trouble::SecondaryLimit(seconds)) = trouble {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(*seconds));
    }
    let limits = [
        ("x-ratelimit-limit", RateLimit::HOURLY),
        ("x-ratelimit-remaining", rate.remaining),
        ("x-ratelimit-used", RateLimit::HOURLY.saturating_sub(rate.remaining)),
        ("x-ratelimit-reset", rate.reset),
    ];
    for (name, value) in limits {
        response.headers_mut().insert(name, HeaderValue::from(value));
    }
    response.headers_mut().insert("x-ratelimit-resource", HeaderValue::from_static("core"));
    response
}

fn told(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = match answer.body {
        Body::Json(body) => (status, axum::Json(body)).into_response(),
        Body::Diff(diff) => {
            (status, [(header::CONTENT_TYPE, "application/vnd.github.diff; charset=utf-8")], diff)
                .into_response()
        }
        Body::Nothing => status.into_response(),
    };
    if let Some(link) = answer.link.and_then(|link| HeaderValue::try_from(link).ok()) {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut body = json!({"message": self.message, "documentation_url": "https://docs.github.com/rest",
                              "status": self.status.to_string()});
        if !self.errors.is_empty() {
            body["errors"] = Value::Array(self.errors);
        }
        (status, axum::Json(body)).into_response()
    }
}
