//! The shapes of keys that can be known without knowing the key, and how to take such keys out of a text.
//!
//! The patterns are regular expressions over bytes, without Unicode, for one line. Group 1 is the key; where there
//! is none, the whole match is.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::bytes::{Captures, Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use crate::hidden;

/// Id of an AWS access key.
pub const AWS_ACCESS_KEY: &str = r"\b((?:AKIA|ASIA)[A-Z0-9]{16})\b";
/// AWS secret access key, behind a name that says so.
pub const AWS_SECRET_KEY: &str = r#"(?i)(?:aws|secret).{0,30}[=:]\s*["']?([A-Za-z0-9/+]{40})(?:["',;\s]|$)"#;
/// Tokens of GitHub.
pub const GITHUB_TOKEN: &str = r"\b(gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{22})";
/// Tokens of GitLab.
pub const GITLAB_TOKEN: &str = r"\b(gl(?:pat|ptt|dt|rt|cbt)-[A-Za-z0-9_-]{20})";
/// Tokens and webhooks of Slack.
pub const SLACK_TOKEN: &str =
    r"\b(xox[abeoprs]-[A-Za-z0-9-]{10,}|hooks\.slack\.com/services/T[A-Z0-9]+/B[A-Z0-9]+/[A-Za-z0-9]{16,})";
/// Live keys of Stripe.
pub const STRIPE_KEY: &str = r"\b((?:sk|rk)_live_[A-Za-z0-9]{16,})";
/// API keys of Google.
pub const GOOGLE_API_KEY: &str = r"\b(AIza[A-Za-z0-9_-]{35})";
/// API keys of model providers.
pub const MODEL_API_KEY: &str =
    r"(?:^|[^A-Za-z0-9_-])(sk-(?:ant-|proj-|svcacct-)?[A-Za-z0-9_-]{20,}|gsk_[A-Za-z0-9]{30,})";
/// Tokens of npm.
pub const NPM_TOKEN: &str = r"\b(npm_[A-Za-z0-9]{36})\b|_authToken\s*=\s*[A-Za-z0-9-]{20,}";
/// Tokens of PyPI.
pub const PYPI_TOKEN: &str = r"\b(pypi-AgE[A-Za-z0-9_-]{40,})";
/// Signed JSON Web Tokens.
pub const JWT: &str = r"\b(eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,})";
/// The first line of a private key.
pub const PRIVATE_KEY: &str =
    r"-----BEGIN (?:RSA |EC |DSA |OPENSSH |ENCRYPTED |PGP )?PRIVATE KEY(?: BLOCK)?-----";

/// All shapes but that of private keys, which take more than a line.
const SHAPES: [&str; 11] = [
    AWS_ACCESS_KEY,
    AWS_SECRET_KEY,
    GITHUB_TOKEN,
    GITLAB_TOKEN,
    SLACK_TOKEN,
    STRIPE_KEY,
    GOOGLE_API_KEY,
    MODEL_API_KEY,
    NPM_TOKEN,
    PYPI_TOKEN,
    JWT,
];

static KNOWN: LazyLock<Known> = LazyLock::new(Known::new);

struct Known {
    set: RegexSet,
    shapes: Vec<Regex>,
    private_key: Regex,
}

/// `text` with every key of a known shape shortened to its first four characters, hidden characters within it or
/// not. Of a private key the first and the last line stay. Takes time linear in `text`.
pub fn mask(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_private_key = false;
    for line in text.split_inclusive('\n') {
        if in_private_key && !line.contains("-----END") {
            out.push_str("…\n");
            continue;
        }
        let masked = KNOWN.masked(line);
        let begins = KNOWN.private_key.find_iter(masked.as_bytes()).last();
        in_private_key = begins.is_some_and(|begin| !masked[begin.end()..].contains("-----END"));
        out.push_str(&masked);
    }
    out
}

/// The first key of a known shape in a line, seen through hidden characters; a private key's first line counts as one.
pub fn find(line: &str) -> Option<String> {
    let seen = seen(line);
    let shapes = KNOWN.shapes.iter().chain([&KNOWN.private_key]);
    if !KNOWN.set.is_match(seen.as_bytes()) {
        return None;
    }
    let key = |shape: &Regex| {
        let captures = shape.captures(seen.as_bytes())?;
        Some(String::from_utf8_lossy(key(&captures)).into_owned())
    };
    shapes.filter_map(key).next()
}

/// The line as it reads when nothing is hidden in it.
fn seen(line: &str) -> Cow<'_, str> {
    let text = line.trim_end_matches(['\n', '\r']);
    let end = &line[text.len()..];
    hidden::see_through(text).map_or(Cow::Borrowed(line), |lines| Cow::Owned(lines.join(" ") + end))
}

fn key<'a>(captures: &Captures<'a>) -> &'a [u8] {
    captures.get(1).or_else(|| captures.get(0)).map_or(&b""[..], |group| group.as_bytes())
}

// === impl Known ===

impl Known {
    fn new() -> Self {
        let compile = |pattern: &str| {
            RegexBuilder::new(pattern)
                .unicode(false)
                .build()
                .expect("every shape compiles; a test finds each")
        };
        let set = RegexSetBuilder::new(SHAPES.iter().chain([&PRIVATE_KEY])).unicode(false).build();
        Self {
            set: set.expect("every shape compiles; a test finds each"),
            shapes: SHAPES.into_iter().map(compile).collect(),
            private_key: compile(PRIVATE_KEY),
        }
    }

    /// The line with its keys shortened.
    fn masked<'a>(&self, line: &'a str) -> Cow<'a, str> {
        let seen = seen(line);
        let found = self.set.matches(seen.as_bytes());
        if !found.matched_any() {
            return Cow::Borrowed(line);
        }
        let mut masked = seen;
        for index in found {
            // The last of the set is a private key, whose first line is no secret.
            let Some(shape) = self.shapes.get(index) else { continue };
            masked = Cow::Owned(shortened(shape, &masked));
        }
        masked
    }
}

fn shortened(shape: &Regex, line: &str) -> String {
    let mut out = Vec::with_capacity(line.len());
    let mut done = 0;
    for captures in shape.captures_iter(line.as_bytes()) {
        let Some(group) = captures.get(1).or_else(|| captures.get(0)) else { continue };
        out.extend_from_slice(&line.as_bytes()[done..group.end().min(group.start() + 4)]);
        out.extend_from_slice("…".as_bytes());
        done = group.end();
    }
    out.extend_from_slice(&line.as_bytes()[done..]);
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Invented keys, written with a mark in them so that scanners of this repository stay calm.
    const KEYS: [&str; 11] = [
        "AK~IAQ7XK3MPLW2RT5VNA",
        "aws_secret_access_key = \"wJalr~XUtnFEMI/K7MDENG/bPxRfiCYzQ81nHt2kQ\"",
        "gh~p_16C7e42F292c6912E7710c838347Ae178B4a",
        "glp~at-dK3vX9_mQ2wL7-zR4tBn",
        "xox~b-2718281828-k3J9dLq0Zx",
        "sk~_live_4eC39HqLyjWDarjtT1zdp7dc",
        "AI~zaSyD3k9fJq0Lz8Xv2Wb7Nm4Rt6Yp1Qs5Hc0Q",
        "key: sk-~proj-9aZ3kQ7xW1pL5mN8vB2c",
        "//registry/:_authToken=0f3c9a17-~6b2d-4e58-9a1c",
        "pyp~i-AgEIcHlwaS5vcmcCJDNkZjQ5YzE4LTk2NzEtNDk2Zi1hMGU3",
        "eyJhbGciOi~JIUzI1NiJ9.eyJzdWIiOi~IxMjM0NTY3.c2lnbmF0dXJl",
    ];

    fn real(key: &str) -> String {
        key.replace('~', "")
    }

    #[test]
    fn every_shape_is_found_and_shortened() {
        for (key, shape) in KEYS.iter().zip(SHAPES) {
            let line = format!("x = '{}'\n", real(key));
            assert!(find(&line).is_some(), "{line}");
            let masked = mask(&line);
            assert!(masked.contains('…') && masked.ends_with('\n'), "{masked}");
            assert_eq!(find(&masked), None, "{shape}: {masked}");
        }
        assert_eq!(mask(&format!("{0} {0}\n", real(KEYS[0]))), "AKIA… AKIA…\n");
    }

    #[test]
    fn a_hidden_character_in_a_key_does_not_hide_the_key() {
        let key = real(KEYS[0]);
        for hidden in ["\u{200b}", "⟦U+200B⟧"] {
            let line = format!("K={}{hidden}{}\n", &key[..9], &key[9..]);
            assert_eq!(find(&line).as_deref(), Some(key.as_str()));
            assert_eq!(mask(&line), "K=AKIA…\n");
        }
    }

    #[test]
    fn a_private_key_loses_its_lines() {
        let begin = ["-----BEGIN RSA", "PRIVATE KEY-----"].join(" ");
        let text = format!("a\n{begin}\nMIIEow\nIBAAKC\n-----END RSA PRIVATE KEY-----\nb\n");
        assert_eq!(mask(&text), format!("a\n{begin}\n…\n…\n-----END RSA PRIVATE KEY-----\nb\n"));
        assert_eq!(mask(&format!("{begin}\nMIIEow")), format!("{begin}\n…\n"), "never closed");
        assert!(find(&begin).is_some());
    }

    #[test]
    fn text_without_keys_stays_as_it_is() {
        for text in ["", "let x = 1;\nlet y = \"é\";", "AKIA\n\nsk-\r\n", "a\u{200b}b\n"] {
            assert_eq!(mask(text), text);
        }
    }
}
