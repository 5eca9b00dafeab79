//! What the production profile refuses to start with: every reason at once.

use secrecy::ExposeSecret;

use super::Settings;
use crate::{admin_token, role::Role};

/// The shortest webhook secret, in bytes, that any delivery is believed with.
const SHORTEST_SECRET: usize = 16;

/// Why these roles must not be served in production with these settings; empty when they may be.
pub(super) fn refusals(settings: &Settings, roles: &[Role]) -> Vec<String> {
    let mut reasons = Vec::new();
    reasons.extend(token(settings));
    if roles.contains(&Role::Gateway) {
        reasons.extend(webhook_secrets(settings));
        if settings.cors_origins.iter().any(|origin| origin == "*") {
            reasons.push("production does not accept \"*\" in CORS_ORIGINS: name the origins".to_owned());
        }
    }
    if !settings.host.is_loopback() && !settings.insecure {
        reasons.push(format!(
            "BSM_HOST is {}: plaintext beyond this machine needs BSM_INSECURE=1 (behind a TLS proxy, say)",
            settings.host
        ));
    }
    reasons
}

fn token(settings: &Settings) -> Option<String> {
    match &settings.admin_token {
        None => Some("production needs an admin token: set ADMIN_TOKEN".to_owned()),
        Some(token) => admin_token::weakness(token)
            .map(|weakness| format!("production needs a better admin token: {weakness}")),
    }
}

fn webhook_secrets(settings: &Settings) -> Option<String> {
    let secrets = &settings.webhook_secrets;
    if secrets.is_empty() {
        return Some(
            "production needs a secret for GitHub's deliveries: set GITHUB_WEBHOOK_SECRET".to_owned(),
        );
    }
    let short = secrets.iter().any(|secret| secret.expose_secret().len() < SHORTEST_SECRET);
    short.then(|| {
        format!(
            "a secret for GitHub's deliveries is shorter than {SHORTEST_SECRET} characters: make a longer one"
        )
    })
}
