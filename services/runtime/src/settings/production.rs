//! What the production profile refuses to start with: every reason at once.

use secrecy::ExposeSecret;

use super::{Layers, Settings};

/// The shortest admin token, in bytes, that production accepts.
const SHORTEST_TOKEN: usize = 16;

/// Tokens found in examples and in old defaults.
const KNOWN_TOKENS: &[&str] = &["change-me-please-now", "admin-token-change-me", "your-secret-admin-token"];

/// Why these settings are not fit for production; empty when they are.
pub(super) fn refusals(settings: &Settings, layers: &Layers) -> Vec<String> {
    let mut reasons = Vec::new();
    match &settings.admin_token {
        None => reasons.push("production needs an admin token: set ADMIN_TOKEN".to_owned()),
        Some(token) if token.expose_secret().len() < SHORTEST_TOKEN => reasons.push(format!(
            "production needs an admin token of at least {SHORTEST_TOKEN} characters; ADMIN_TOKEN is shorter"
        )),
        Some(token) if KNOWN_TOKENS.contains(&token.expose_secret()) => {
            reasons.push("ADMIN_TOKEN is a value from an example; make one of your own".to_owned());
        }
        Some(_) => {}
    }
    if settings.webhook_secrets.is_empty() {
        reasons
            .push("production needs a secret for GitHub's deliveries: set GITHUB_WEBHOOK_SECRET".to_owned());
    }
    if settings.cors_origins.iter().any(|origin| origin == "*") {
        reasons.push("production does not accept \"*\" in CORS_ORIGINS: name the origins".to_owned());
    }
    let insecure =
        layers.get("insecure").is_some_and(|v| ["1", "true", "yes", "on"].contains(&v.text.as_str()));
    if !settings.host.is_loopback() && !insecure {
        reasons.push(format!(
            "BSM_HOST is {}: plaintext beyond this machine needs BSM_INSECURE=1 (behind a TLS proxy, say)",
            settings.host
        ));
    }
    reasons
}
