//! Lists in pages, with a `Link` to the others.

use serde_json::Value;

use super::{
    Refused,
    request::{Answer, Request},
};

/// Items of a page where the caller does not say.
const USUAL: usize = 30;
/// Items of a page at most: who asks for more gets these.
const MOST: usize = 100;

/// The page that is asked for; beyond the last it is empty.
pub(super) fn page(request: &Request<'_>, items: &[Value]) -> Result<Answer, Refused> {
    let number = |name| request.query(name).and_then(|text| text.parse::<usize>().ok());
    let size = number("per_page").unwrap_or(USUAL).clamp(1, MOST);
    let page = number("page").unwrap_or(1).max(1);
    let last = items.len().div_ceil(size).max(1);
    let shown = items.chunks(size).nth(page - 1).unwrap_or_default();
    let mut answer = Answer::ok(shown.to_vec().into());
    answer.link = link(request, page, last, size);
    Ok(answer)
}

fn link(request: &Request<'_>, page: usize, last: usize, size: usize) -> Option<String> {
    let host = request.call.header(http::header::HOST).unwrap_or("localhost");
    let to = |page: usize, rel: &str| {
        format!("<http://{host}{}?per_page={size}&page={page}>; rel=\"{rel}\"", request.call.path)
    };
    let mut links = Vec::new();
    if page > 1 {
        links.extend([to(page - 1, "prev"), to(1, "first")]);
    }
    if page < last {
        links.extend([to(page + 1, "next"), to(last, "last")]);
    }
    (!links.is_empty()).then(|| links.join(", "))
}
