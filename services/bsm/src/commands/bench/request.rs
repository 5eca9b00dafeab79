//! The request that is sent again and again, made once.

use std::{path::Path, str::FromStr};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    HeaderMap, Method, Request, Uri,
    header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue, TE},
};

use super::{
    origin::{Place, Scheme},
    rpc,
};
use crate::{
    cli::BenchArgs,
    exit::{Exit, Failure},
};

/// How requests travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Http1,
    Http2,
}

// === impl Version ===

impl Version {
    /// How many connections a load usually has. Under overload, more: a target that is to refuse what it cannot do
    /// must hear of it.
    pub(super) fn usual(self, overload: Option<f64>) -> usize {
        match (self, overload) {
            (Version::Http1, None) => 64,
            (Version::Http1, Some(_)) => 1000,
            (Version::Http2, None) => 4,
            (Version::Http2, Some(_)) => 32,
        }
    }
}

/// A request without its destination's address.
#[derive(Clone, Debug)]
pub(super) struct Template {
    pub(super) scheme: Scheme,
    pub(super) version: Version,
    pub(super) method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

impl Template {
    /// What the command line asks for.
    ///
    /// # Errors
    /// Wrong usage, unreadable or unusable data.
    pub(super) fn new(place: &Place, args: &BenchArgs) -> anyhow::Result<Template> {
        let data = args.data.as_deref().map(data).transpose()?;
        let mut headers = HeaderMap::new();
        for (name, value) in &args.headers {
            headers.append(name.clone(), value.clone());
        }
        match place.scheme {
            Scheme::Rest => rest(place, args, data, headers),
            Scheme::Grpc => grpc(place, args, data, headers),
        }
    }

    /// One more of it.
    pub(super) fn request(&self) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

fn rest(
    place: &Place,
    args: &BenchArgs,
    data: Option<Bytes>,
    mut headers: HeaderMap,
) -> anyhow::Result<Template> {
    let usual = if data.is_some() { Method::POST } else { Method::GET };
    let version = if args.http2 { Version::Http2 } else { Version::Http1 };
    if data.is_some() {
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
    }
    if version == Version::Http1 && !headers.contains_key(HOST) {
        headers.insert(HOST, HeaderValue::from_str(&place.authority)?);
    }
    let uri = match version {
        Version::Http1 => place.path.clone(),
        Version::Http2 => format!("http://{}{}", place.authority, place.path),
    };
    Ok(Template {
        scheme: Scheme::Rest,
        version,
        method: args.method.clone().unwrap_or(usual),
        uri: uri.parse()?,
        headers,
        body: data.unwrap_or_default(),
    })
}

fn grpc(
    place: &Place,
    args: &BenchArgs,
    data: Option<Bytes>,
    mut headers: HeaderMap,
) -> anyhow::Result<Template> {
    if args.method.is_some() {
        let sentence = "--method is for REST; an rpc is named by the path of the URL";
        return Err(Failure::error(Exit::Usage, sentence));
    }
    let body = rpc::body(&place.path, data.as_deref().unwrap_or(b"{}"))?;
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(TE, HeaderValue::from_static("trailers"));
    // The target may stop working on what nobody waits for any more.
    headers.insert("grpc-timeout", HeaderValue::from_str(&format!("{}m", args.timeout.as_millis().max(1)))?);
    Ok(Template {
        scheme: Scheme::Grpc,
        version: Version::Http2,
        method: Method::POST,
        uri: format!("http://{}{}", place.authority, place.path).parse()?,
        headers,
        body,
    })
}

/// The body as text, or what the file after an `@` holds.
fn data(text: &str) -> anyhow::Result<Bytes> {
    match text.strip_prefix('@') {
        None => Ok(Bytes::copy_from_slice(text.as_bytes())),
        Some(file) => std::fs::read(Path::new(file)).map(Bytes::from).map_err(|err| {
            Failure::error(Exit::NoInput, format!("the file {file} of --data cannot be read: {err}"))
        }),
    }
}

/// Reads `name: value`.
///
/// # Errors
/// A sentence for whoever typed it.
pub(crate) fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) =
        text.split_once(':').ok_or("write a name and a value, such as authorization:Bearer x")?;
    let name = HeaderName::from_str(name.trim()).map_err(|_| format!("\"{name}\" is no name of a header"))?;
    let value =
        HeaderValue::from_str(value.trim()).map_err(|_| "the value cannot stand in a header".to_owned())?;
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_a_name_and_a_value() {
        let (name, value) = header("X-Api-Key:  a:b ").unwrap();
        assert_eq!((name.as_str(), value.to_str().unwrap()), ("x-api-key", "a:b"));
        for text in ["", "x", "a b:c", ":x", "x:a\nb"] {
            assert!(header(text).is_err(), "{text}");
        }
    }
}
