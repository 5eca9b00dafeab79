//! `grpc-status-details-bin`: what a gRPC error carries beside its code, as far as it matters for sending again.

use std::time::Duration;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::HeaderMap;
use prost::Message;

use super::failure::Pushback;

/// The header with the encoded `google.rpc.Status`.
pub(super) const DETAILS: &str = "grpc-status-details-bin";

/// The reasons that a service of the mesh gives when somebody behind it failed, or rests behind an open circuit. It has
/// tried again what was worth it.
const PASSED_ON: [&str; 3] = ["CIRCUIT_OPEN", "UPSTREAM_ERROR", "UPSTREAM_MALFORMED"];

/// The reason that a service gives when it turned the call away because it is about to end.
const DRAINING: &str = "DRAINING";

/// gRPC writes base64 with or without padding, as it likes.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What the details say.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Details {
    pub(super) retry: Pushback,
    pub(super) passed_on: bool,
    pub(super) draining: bool,
}

/// `google.rpc.Status`, of which code and message are in headers of their own.
#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(message, repeated, tag = "3")]
    details: Vec<prost_types::Any>,
}

/// `google.rpc.RetryInfo`.
#[derive(Clone, PartialEq, Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<prost_types::Duration>,
}

/// `google.rpc.ErrorInfo`.
#[derive(Clone, PartialEq, Message)]
struct ErrorInfo {
    #[prost(string, tag = "1")]
    reason: String,
}

// === impl Details ===

impl Details {
    /// Reads them; what cannot be read says nothing.
    pub(super) fn read(headers: &HeaderMap) -> Self {
        let status = headers
            .get(DETAILS)
            .and_then(|value| BASE64.decode(value.as_bytes()).ok())
            .and_then(|bytes| Status::decode(&*bytes).ok())
            .unwrap_or_default();
        let retry = find::<RetryInfo>(&status, "google.rpc.RetryInfo");
        let reason = find::<ErrorInfo>(&status, "google.rpc.ErrorInfo").unwrap_or_default().reason;
        Self {
            retry: retry.map_or(Pushback::Silent, |info| info.pushback()),
            passed_on: PASSED_ON.contains(&&*reason),
            draining: reason == DRAINING,
        }
    }
}

fn find<M: Message + Default>(status: &Status, name: &str) -> Option<M> {
    let named = |any: &&prost_types::Any| any.type_url.rsplit('/').next() == Some(name);
    M::decode(&*status.details.iter().find(named)?.value).ok()
}

impl RetryInfo {
    /// No delay at all is a delay of zero; a negative one is the way to say never.
    fn pushback(self) -> Pushback {
        let delay = self.retry_delay.unwrap_or_default();
        Duration::try_from(delay).map_or(Pushback::Never, Pushback::After)
    }
}

/// The header value for an error with a `RetryInfo` and, perhaps, an `ErrorInfo`.
#[cfg(test)]
pub(super) fn encode(retry_delay: Option<prost_types::Duration>, reason: Option<&str>) -> String {
    let any = |name: &str, value| prost_types::Any { type_url: format!("type.googleapis.com/{name}"), value };
    let retry = retry_delay.map(|delay| RetryInfo { retry_delay: Some(delay) }.encode_to_vec());
    let error = reason.map(|reason| ErrorInfo { reason: reason.to_owned() }.encode_to_vec());
    let details = [
        error.map(|value| any("google.rpc.ErrorInfo", value)),
        retry.map(|value| any("google.rpc.RetryInfo", value)),
    ];
    BASE64.encode(Status { details: details.into_iter().flatten().collect() }.encode_to_vec())
}
