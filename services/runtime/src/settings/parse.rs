//! Turns the text of a setting into its type, noting every mistake instead of stopping at the first.

use std::{net::IpAddr, time::Duration};

use secrecy::SecretString;
use tracing_subscriber::EnvFilter;

use super::{Layers, LogFormat, OfflineUse, Profile, Source, Variables, origin};
use crate::{admin_token, client::target, flags::Percent, network::Network, outside::egress, role::Role};

pub(super) const PROFILES: &[(&str, Profile)] = &[
    ("development", Profile::Development),
    ("staging", Profile::Staging),
    ("production", Profile::Production),
];
pub(super) const LOG_FORMATS: &[(&str, LogFormat)] =
    &[("auto", LogFormat::Auto), ("text", LogFormat::Text), ("json", LogFormat::Json)];
pub(super) const OFFLINE_USES: &[(&str, OfflineUse)] =
    &[("without_key", OfflineUse::WithoutKey), ("always", OfflineUse::Always), ("never", OfflineUse::Never)];

pub(super) const EGRESS_POLICIES: &[(&str, egress::Policy)] =
    &[("deny_by_default", egress::Policy::DenyByDefault), ("allow_all", egress::Policy::AllowAll)];

const YES: &[&str] = &["true", "1", "yes", "on"];
const NO: &[&str] = &["false", "0", "no", "off"];

const EVERYBODY: &str =
    "your proxies' addresses or networks alone: one of /0 would let every client choose its address";

/// Reads typed values from [`Layers`].
pub(super) struct Parser<'a> {
    layers: &'a Layers,
    pub(super) problems: Vec<String>,
}

impl<'a> Parser<'a> {
    pub(super) fn new(layers: &'a Layers) -> Self {
        Parser { layers, problems: layers.problems.clone() }
    }

    pub(super) fn text(&mut self, key: &str) -> String {
        match self.layers.get(key) {
            Some(value) => value.text.clone(),
            None => {
                self.problems.push(format!("{key} must not be empty"));
                String::new()
            }
        }
    }

    pub(super) fn optional_text(&self, key: &str) -> Option<String> {
        self.layers.get(key).map(|value| value.text.clone())
    }

    pub(super) fn variables(&self) -> Variables {
        self.layers.variables.clone()
    }

    pub(super) fn list(&self, key: &str) -> Vec<String> {
        let text = self.layers.get(key).map(|value| value.text.as_str()).unwrap_or_default();
        text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    }

    /// Whom to trust: some addresses, never all.
    pub(super) fn networks(&mut self, key: &str) -> Vec<Network> {
        let parsed: Result<Vec<_>, _> = self.list(key).iter().map(|item| item.parse()).collect();
        match parsed {
            Ok(networks) => {
                if networks.iter().any(Network::is_everybody) {
                    self.wrong(key, EVERYBODY);
                }
                networks
            }
            Err(_) => {
                self.wrong(key, "addresses or networks such as 10.0.0.0/8, separated by commas");
                Vec::new()
            }
        }
    }

    /// Whom requests may leave the mesh for; each entry that is none is told.
    pub(super) fn allowed_hosts(&mut self, key: &str) -> Vec<egress::Allowed> {
        let mut allowed = Vec::new();
        for entry in self.list(key) {
            match entry.parse() {
                Ok(entry) => allowed.push(entry),
                Err(problem) => self.problems.push(format!("{key}: {problem}")),
            }
        }
        allowed
    }

    pub(super) fn secrets(&self, key: &str) -> Vec<SecretString> {
        let text = self.layers.get(key).map(|value| value.text.as_str()).unwrap_or_default();
        text.split('\n').map(str::trim).filter(|item| !item.is_empty()).map(SecretString::from).collect()
    }

    /// The operator's token. One that no header can hold would be asked for and could never be given.
    pub(super) fn admin_token(&mut self, key: &str) -> Option<SecretString> {
        let value = self.layers.get(key)?;
        let token = value.text.trim();
        if !admin_token::can_be_sent(token) {
            self.problems.push(format!(
                "{key} (from {}) holds what cannot be sent in a header: use letters, digits and signs of ASCII, in \
                 one line",
                value.source
            ));
        }
        (!token.is_empty()).then(|| token.into())
    }

    /// Origins that browsers may call from: `*` alone, or each by its name.
    pub(super) fn origins(&mut self, key: &str) -> Vec<String> {
        let list = self.list(key);
        if list == [origin::ANY] {
            return list;
        }
        let (mut origins, mut problems) = (Vec::new(), Vec::new());
        for entry in &list {
            match origin::parse(entry) {
                Ok(origin) => origins.push(origin),
                Err(problem) => problems.push(format!("{key} (from {}): {problem}", self.source(key))),
            }
        }
        self.problems.extend(problems);
        origins
    }

    pub(super) fn flag(&mut self, key: &str) -> Option<bool> {
        let text = self.layers.get(key)?.text.to_ascii_lowercase();
        if YES.contains(&text.as_str()) {
            return Some(true);
        }
        if !NO.contains(&text.as_str()) {
            self.wrong(key, "true or false");
        }
        Some(false)
    }

    /// A share of calls. A bare 1 is yes, as it always was; one percent is written `1%`.
    pub(super) fn percent(&mut self, key: &str) -> Percent {
        let text = self.layers.get(key).map(|value| value.text.to_ascii_lowercase()).unwrap_or_default();
        if YES.contains(&text.as_str()) {
            return Percent::ALL;
        }
        if NO.contains(&text.as_str()) {
            return Percent::NONE;
        }
        text.parse().unwrap_or_else(|_| {
            self.wrong(key, "true, false or a percentage from 0% to 100%");
            Percent::ALL
        })
    }

    /// A URL that is not to be shown, in mistakes neither.
    pub(super) fn secret_url(&mut self, key: &str) -> Option<SecretString> {
        let value = self.layers.get(key)?;
        if !is_url(&value.text) {
            let source = &value.source;
            self.problems.push(format!("{key} (from {source}) must be one URL such as https://host/path"));
        }
        Some(value.text.as_str().into())
    }

    pub(super) fn number(&mut self, key: &str, min: u64, max: u64) -> u64 {
        let parsed = self.layers.get(key).and_then(|value| value.text.parse().ok());
        match parsed.filter(|n| (min..=max).contains(n)) {
            Some(n) => n,
            None => {
                self.wrong(key, &format!("a whole number from {min} to {max}"));
                min
            }
        }
    }

    /// The port of an API, below which there is room for that of its metrics.
    pub(super) fn port(&mut self, key: &str) -> u16 {
        let parsed = self.layers.get(key).and_then(|value| value.text.parse().ok());
        parsed.filter(|port| *port <= Role::LAST_PORT).unwrap_or_else(|| {
            let last = Role::LAST_PORT;
            self.wrong(key, &format!("a whole number from 0 to {last}: metrics are served 1000 above it"));
            0
        })
    }

    /// Notes that one setting is above another that bounds it; a bound of 0 is none.
    pub(super) fn at_most(&mut self, (key, value): (&str, u64), (bound_key, bound): (&str, u64)) {
        if bound > 0 && value > bound {
            self.wrong(key, &format!("at most {bound_key}, which is {bound}"));
        }
    }

    pub(super) fn seconds(&mut self, key: &str, min: f64, max: f64) -> Duration {
        let parsed = self.layers.get(key).and_then(|value| value.text.parse::<f64>().ok());
        match parsed.filter(|n| (min..=max).contains(n)) {
            Some(n) => Duration::from_secs_f64(n),
            None => {
                self.wrong(key, &format!("a number of seconds from {min} to {max}"));
                Duration::from_secs_f64(min)
            }
        }
    }

    pub(super) fn optional_seconds(&mut self, key: &str, min: f64, max: f64) -> Option<Duration> {
        self.layers.get(key)?;
        Some(self.seconds(key, min, max))
    }

    pub(super) fn address(&mut self, key: &str) -> IpAddr {
        let parsed = self.layers.get(key).and_then(|value| value.text.parse().ok());
        parsed.unwrap_or_else(|| {
            self.wrong(key, "an IP address such as 127.0.0.1, 0.0.0.0 or ::1");
            IpAddr::from([127, 0, 0, 1])
        })
    }

    pub(super) fn one_of<T: Copy>(&mut self, key: &str, table: &[(&str, T)], fallback: T) -> T {
        let text = self.layers.get(key).map(|value| value.text.as_str()).unwrap_or_default();
        if let Some((_, found)) = table.iter().find(|(name, _)| *name == text) {
            return *found;
        }
        let names: Vec<_> = table.iter().map(|(name, _)| *name).collect();
        self.wrong(key, &format!("one of {}", names.join(", ")));
        fallback
    }

    pub(super) fn optional_url(&mut self, key: &str) -> Option<String> {
        let text = self.layers.get(key)?.text.clone();
        match is_url(&text) {
            true => {}
            false if text.contains('@') => {
                // What stands before it is a password, perhaps.
                let source = self.source(key);
                self.problems.push(format!(
                    "{key} (from {source}) is not a URL such as http://127.0.0.1:50051; put no user name or password in it"
                ));
            }
            false => self.wrong(key, "a URL such as http://127.0.0.1:50051"),
        }
        Some(text)
    }

    /// What is logged, in tracing's syntax.
    pub(super) fn log_filter(&mut self, key: &str) -> String {
        let text = self.text(key);
        if EnvFilter::try_new(&text).is_err() {
            self.wrong(key, "error, warn, info, debug, trace, or a filter such as info,bsm_models=debug");
        }
        text
    }

    /// Where a role is found: as set, else on this machine at its port. The gateway is for clients, who want one URL;
    /// of the others there may be several.
    pub(super) fn urls_of(&mut self, role: Role, port: u16) -> String {
        let key = format!("{role}.url");
        let urls = if role == Role::Gateway { self.optional_url(&key) } else { self.optional_urls(&key) };
        urls.unwrap_or_else(|| format!("http://127.0.0.1:{port}"))
    }

    fn optional_urls(&mut self, key: &str) -> Option<String> {
        let value = self.layers.get(key)?;
        let several = value.text.contains(',');
        for (place, mistake) in target::mistakes(&value.text) {
            let entry = if several { format!(", entry {place}") } else { String::new() };
            self.problems.push(format!("{key} (from {}){entry}: {mistake}", value.source));
        }
        Some(value.text.clone())
    }

    fn source(&self, key: &str) -> &Source {
        self.layers.get(key).map_or(&Source::Default, |value| &value.source)
    }

    fn wrong(&mut self, key: &str, right: &str) {
        let problem = match self.layers.get(key) {
            Some(value) => format!("{key} is \"{}\" (from {}); it must be {right}", value.text, value.source),
            None => format!("{key} is not set; it must be {right}"),
        };
        self.problems.push(problem);
    }
}

fn is_url(text: &str) -> bool {
    let uri: Option<http::Uri> = text.parse().ok();
    uri.is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some_and(|host| !host.is_empty())
            && !target::has_bad_port(&uri)
    })
}
