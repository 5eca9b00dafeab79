//! What a base URL must be, so that paths can be appended to it and whoever is there may be asked: found when the file
//! or the environment is read, and not by the first call.

use std::fmt;

use bsm_runtime::outside::egress::{Reach, never_asked};
use url::Url;

/// What a wire appends to base URLs, as far as it is easily written there as well.
struct Door {
    /// The names of the wires.
    wires: &'static [&'static str],
    /// What no base URL ends in, because it would be there twice.
    tails: &'static [&'static str],
    /// The path that servers of this API are usually under; empty: none.
    usual: &'static str,
}

/// By wire; longer tails come first.
const DOORS: [Door; 7] = [
    Door { wires: &["openai", "compatible", "mistral"], tails: OF_OPENAI, usual: "/v1" },
    Door { wires: &["groq"], tails: OF_OPENAI, usual: "/openai/v1" },
    Door { wires: &["perplexity"], tails: OF_OPENAI, usual: "" },
    Door { wires: &["azure"], tails: &["/openai/deployments", "/openai/v1", "/openai"], usual: "" },
    Door { wires: &["anthropic"], tails: &["/v1/messages", "/v1"], usual: "" },
    Door { wires: &["gemini"], tails: &["/v1beta/models", "/v1beta", "/v1/models", "/v1"], usual: "" },
    Door { wires: &["cohere"], tails: &["/v2/chat", "/v2/embed", "/v2", "/v1"], usual: "" },
];

const OF_OPENAI: &[&str] = &["/chat/completions", "/completions", "/embeddings", "/responses", "/models"];

/// Azure's paths go on behind these with the name of a deployment, which people copy along.
const DEPLOYMENTS: &str = "/openai/deployments/";

/// What is wrong with a base URL. In words without a subject, and without the address, which may hold a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadAddress {
    /// It cannot be read as a URL.
    Unreadable,
    /// It does not say whether http or https.
    NoScheme,
    /// It is neither http nor https.
    Scheme,
    /// It holds a user name or password.
    Credentials,
    /// It holds a query or fragment, behind which no path can follow.
    Query,
    /// It ends in a path that is appended by itself.
    Appended {
        /// The path.
        tail: &'static str,
        /// The URL without it.
        right: String,
    },
    /// Nobody may ever be asked there.
    Never(Reach),
}

/// Reads a base URL for a wire.
///
/// # Errors
/// [`BadAddress`]: paths cannot be appended to it, or nobody may ever be asked there.
pub(crate) fn read(wire: &str, base_url: &str) -> Result<Url, BadAddress> {
    let url = match Url::parse(base_url) {
        _ if !base_url.contains("://") => return Err(BadAddress::NoScheme),
        Err(_) => return Err(BadAddress::Unreadable),
        Ok(url) => url,
    };
    if !matches!(url.scheme(), "http" | "https") {
        return Err(BadAddress::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BadAddress::Credentials);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(BadAddress::Query);
    }
    if let Some((tail, cut)) = door(wire).and_then(|door| door.doubled(url.path())) {
        let mut right = url.clone();
        right.set_path(cut);
        return Err(BadAddress::Appended { tail, right: right.as_str().trim_end_matches('/').to_owned() });
    }
    match never_asked(&url) {
        Some(reach) => Err(BadAddress::Never(reach)),
        None => Ok(url),
    }
}

/// The path that is probably missing from a base URL: servers of this API usually have one, and it has none.
pub(crate) fn missing_path(wire: &str, base_url: &str) -> Option<&'static str> {
    let url = read(wire, base_url).ok()?;
    let usual = door(wire)?.usual;
    (url.path() == "/" && !usual.is_empty()).then_some(usual)
}

fn door(wire: &str) -> Option<&'static Door> {
    DOORS.iter().find(|door| door.wires.contains(&wire))
}

// === impl Door ===

impl Door {
    /// What would be there twice, and the path without it.
    fn doubled<'a>(&self, path: &'a str) -> Option<(&'static str, &'a str)> {
        if let Some((before, _)) = path.split_once(DEPLOYMENTS).filter(|_| self.wires.contains(&"azure")) {
            return Some((DEPLOYMENTS, before));
        }
        let path = path.trim_end_matches('/');
        self.tails.iter().find_map(|tail| Some((*tail, path.strip_suffix(tail)?)))
    }
}

// === impl BadAddress ===

impl BadAddress {
    /// What would be right.
    #[must_use]
    pub fn fix(&self) -> String {
        match self {
            BadAddress::Unreadable => "write it like https://api.example.com/v1".to_owned(),
            BadAddress::NoScheme => {
                "put https:// before it, or http:// for a server on this machine or in its own network"
                    .to_owned()
            }
            BadAddress::Scheme => "begin it with https:// or http://".to_owned(),
            BadAddress::Credentials => {
                "take them out, and put the key into a variable that `keys` names".to_owned()
            }
            BadAddress::Query => "end it before the ? or #: paths are appended to it".to_owned(),
            BadAddress::Appended { right, .. } => format!("write {right}"),
            BadAddress::Never(_) => "name the provider's own address; no setting opens this one".to_owned(),
        }
    }
}

impl fmt::Display for BadAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadAddress::Unreadable => f.write_str("cannot be read"),
            BadAddress::NoScheme => f.write_str("does not begin with https:// or http://"),
            BadAddress::Scheme => f.write_str("begins with something else than https:// or http://"),
            BadAddress::Credentials => f.write_str("holds a user name or password"),
            BadAddress::Query => f.write_str("holds a query or fragment"),
            BadAddress::Appended { tail, .. } => {
                write!(f, "ends in {}, which is appended by itself", tail.trim_end_matches('/'))
            }
            BadAddress::Never(reach) => write!(f, "names {reach}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ask::{Ask, Turn};
    use crate::wire::{self, Dialect, Mode};

    fn fault(wire: &str, url: &str) -> Option<String> {
        read(wire, url).err().map(|bad| format!("{bad} / {}", bad.fix()))
    }

    #[test]
    fn each_way_to_mistake_a_base_url_is_told_with_what_would_be_right() {
        for (wire, url, expected) in [
            ("openai", "localhost:11434/v1", "does not begin with https:// or http:// / put https://"),
            ("openai", "api.example.com/v1", "does not begin with https:// or http:// / put https://"),
            ("openai", "127.0.0.1:8000", "does not begin with https:// or http:// / put https://"),
            ("openai", "https://", "cannot be read / write it like"),
            ("openai", "ftp://x", "begins with something else"),
            ("openai", "https://me:secret@x/v1", "holds a user name or password / take them out"),
            ("openai", "https://x/v1?a=b", "holds a query or fragment"),
            (
                "openai",
                "https://api.openai.com/v1/chat/completions",
                "ends in /chat/completions, which is appended by itself / write https://api.openai.com/v1",
            ),
            ("groq", "https://x/openai/v1/models/", "ends in /models, which"),
            (
                "anthropic",
                "https://api.anthropic.com/v1",
                "ends in /v1, which is appended by itself / write https://api.anthropic.com",
            ),
            (
                "anthropic",
                "https://x/a/v1/messages",
                "ends in /v1/messages, which is appended by itself / write https://x/a",
            ),
            ("gemini", "https://x/v1beta", "ends in /v1beta, which"),
            ("cohere", "https://x/v2", "ends in /v2, which"),
            (
                "azure",
                "https://me.openai.azure.com/openai/deployments/gpt-4o",
                "ends in /openai/deployments, which is appended by itself / write https://me.openai.azure.com",
            ),
            ("openai", "http://169.254.169.254/v1", "names the address of a cloud's metadata service"),
            ("openai", "http://2852039166/v1", "names the address of a cloud's metadata service"),
            ("openai", "http://[::ffff:169.254.169.254]/v1", "names the address of a cloud's metadata"),
            ("openai", "http://metadata.google.internal/v1", "names the address of a cloud's metadata"),
            ("openai", "http://224.0.0.1/v1", "names an address that no server has"),
        ] {
            let found = fault(wire, url).unwrap_or_else(|| panic!("{wire} {url} is taken"));
            assert!(found.starts_with(expected), "{wire} {url}: {found}");
            assert!(!found.contains("secret"), "{found}");
        }
    }

    #[test]
    fn what_can_be_asked_is_taken_private_addresses_and_other_paths_included() {
        for (wire, url) in [
            ("openai", "https://api.openai.com/v1"),
            ("openai", "http://10.0.0.5:8000/v1"),
            ("compatible", "http://ollama:11434/v1"),
            ("perplexity", "https://api.perplexity.ai"),
            ("anthropic", "https://gateway.ai.cloudflare.com/v1/account/gateway/anthropic"),
            ("azure", "https://me.openai.azure.com"),
        ] {
            assert_eq!(fault(wire, url), None, "{wire} {url}");
        }
    }

    #[test]
    fn a_path_that_servers_of_an_api_usually_have_is_missed() {
        assert_eq!(missing_path("openai", "https://api.openai.com/"), Some("/v1"));
        assert_eq!(missing_path("groq", "https://api.groq.com"), Some("/openai/v1"));
        assert_eq!(missing_path("openai", "https://api.openai.com/v1"), None);
        assert_eq!(missing_path("anthropic", "https://api.anthropic.com"), None);
    }

    #[test]
    fn what_each_wire_appends_is_in_the_table() {
        let ask = Ask { turns: vec![Turn::new(crate::ask::Role::User, "hi")], ..Ask::default() };
        for name in wire::names() {
            let wire = wire::named(name, &Dialect::default()).unwrap();
            let path = wire.request("m", &ask, Mode::Whole).path;
            let whole = format!("https://x{}", path.split(['?', ':']).next().unwrap());
            let named = whole.strip_suffix("/m").unwrap_or(&whole); // Gemini's paths name the model
            assert!(matches!(read(name, named), Err(BadAddress::Appended { .. })), "{name}: {named}");
        }
    }
}
