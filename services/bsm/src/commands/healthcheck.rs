//! `bsm healthcheck <url>`: a probe for images that hold nothing but this binary.

use std::time::Duration;

use crate::exit::{Exit, Failure};

/// Exits 0 for a 2xx answer.
pub(crate) fn run(url: &str, timeout: f64) -> anyhow::Result<Exit> {
    let bad = |what: String| Failure::error(Exit::Usage, what);
    let patience = Duration::try_from_secs_f64(timeout)
        .map_err(|_| bad(format!("--timeout {timeout} is not a number of seconds above 0")))?;
    let url = reqwest::Url::parse(url)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| bad(format!("\"{url}\" is not a URL such as http://127.0.0.1:51051/healthz")))?;
    if url.scheme() == "https" {
        return Err(bad(format!(
            "\"{url}\" asks for TLS, which is not spoken here; name an http:// address"
        )));
    }
    super::block_on(async move {
        let client = reqwest::Client::builder().timeout(patience).no_proxy().build()?;
        match client.get(url.clone()).send().await {
            Ok(answer) if answer.status().is_success() => Ok(Exit::Done),
            Ok(answer) => unhealthy(&format!("{url} answered {}", answer.status())),
            Err(err) => unhealthy(&format!("{url} did not answer: {}", err.without_url())),
        }
    })
}

fn unhealthy(why: &str) -> anyhow::Result<Exit> {
    anstream::eprintln!("bsm: {why}");
    Ok(Exit::Changes)
}
