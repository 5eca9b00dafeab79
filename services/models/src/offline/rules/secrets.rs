//! Credentials: known shapes first, then what a name and the look of a value give away.
//!
//! A key is a key wherever it stands, so these rules read documents and generated files too. In tests they are high
//! and not critical. Values that are documented as examples are passed over in documents only: in code they show where
//! the real one will be pasted.
//!
//! Each looks at one line, as it reads without hidden characters. A key that a program puts together from parts, or that
//! is encoded, is not found.

mod looks;

use bsm_diff::{Status, secrets};

use crate::offline::change::{Change, Hit, View};
use crate::offline::language::Language::{Docker, Settings, Shell, Toml, Yaml};
use crate::offline::lens::Lens::{Review, Security};
use crate::offline::rule::Severity::{Critical, High, Info, Low};
use crate::offline::rule::{Check, Family, LineCheck, Match, Rule, Scope, Sees, Shows, There};

const ROTATE: &str =
    "Revoke it, issue a new one, keep that in a secret store, and take it out of the history.";

const BASE: Rule = Rule {
    id: "",
    family: Family::Secrets,
    severity: Critical,
    lenses: &[Security, Review],
    must_fix: &[],
    what: "",
    suggestion: ROTATE,
    check: token(""),
};

/// A value of a known shape.
const fn token(pattern: &'static str) -> Check {
    Check::Line(LineCheck {
        in_tests: There::As(High),
        in_docs: There::Same,
        keep: looks::like_a_token,
        shows: Shows::Masked,
        ..LineCheck::new(Scope::Anywhere, Sees::All, pattern)
    })
}

/// A value behind a name that says what it is.
const fn named(scope: Scope, pattern: &'static str) -> Check {
    Check::Line(LineCheck {
        in_tests: There::As(Low),
        in_docs: There::As(Low),
        keep: looks::like_a_password,
        shows: Shows::Masked,
        ..LineCheck::new(scope, Sees::All, pattern)
    })
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "secret-aws-access-key",
        what: "An AWS access key id is added",
        check: token(secrets::AWS_ACCESS_KEY),
        ..BASE
    },
    Rule {
        id: "secret-aws-secret-key",
        what: "An AWS secret access key is added",
        check: token(secrets::AWS_SECRET_KEY),
        ..BASE
    },
    Rule {
        id: "secret-github-token",
        what: "A GitHub token is added",
        check: token(secrets::GITHUB_TOKEN),
        ..BASE
    },
    Rule {
        id: "secret-gitlab-token",
        what: "A GitLab token is added",
        check: token(secrets::GITLAB_TOKEN),
        ..BASE
    },
    Rule {
        id: "secret-slack-token",
        what: "A Slack token or webhook is added",
        check: token(secrets::SLACK_TOKEN),
        ..BASE
    },
    Rule {
        id: "secret-stripe-key",
        what: "A live Stripe key is added",
        check: token(secrets::STRIPE_KEY),
        ..BASE
    },
    Rule {
        id: "secret-google-api-key",
        what: "A Google API key is added",
        check: token(secrets::GOOGLE_API_KEY),
        ..BASE
    },
    Rule {
        id: "secret-model-api-key",
        what: "A model provider's API key is added",
        check: token(secrets::MODEL_API_KEY),
        ..BASE
    },
    Rule { id: "secret-npm-token", what: "An npm token is added", check: token(secrets::NPM_TOKEN), ..BASE },
    Rule {
        id: "secret-pypi-token",
        what: "A PyPI token is added",
        check: token(secrets::PYPI_TOKEN),
        ..BASE
    },
    Rule { id: "secret-jwt", what: "A signed JSON Web Token is added", check: token(secrets::JWT), ..BASE },
    Rule {
        id: "secret-private-key",
        what: "A private key is added",
        check: Check::Line(LineCheck {
            in_tests: There::As(High),
            in_docs: There::Same,
            ..LineCheck::new(Scope::Anywhere, Sees::All, secrets::PRIVATE_KEY)
        }),
        ..BASE
    },
    Rule {
        id: "secret-in-url",
        what: "A password stands in a URL",
        check: named(
            Scope::Anywhere,
            r#"\b[a-z][a-z0-9+.-]*://[^\s/:@"'<>]*:([^\s/@"'<>]{6,})@[A-Za-z0-9.-]+"#,
        ),
        ..BASE
    },
    Rule {
        id: "secret-literal",
        severity: High,
        what: "Something that looks like a password or key is written into the code",
        check: named(
            Scope::Anywhere,
            concat!(
                r"(?i)(?:password|passwd|pwd|secret|token|api_?key|access_?key|private_?key|credential)[a-z0-9_]*",
                r#"["']?\s*(?::\s*[&a-z']*\s*str\s*)?(?:=>|:=|=|:)\s*["']([^"'\s]{8,})["']"#,
            ),
        ),
        ..BASE
    },
    Rule {
        id: "secret-setting",
        severity: High,
        what: "Something that looks like a password or key is written into a settings file",
        check: named(
            Scope::Languages(&[Settings, Yaml, Toml, Docker, Shell]),
            concat!(
                r"(?i)^\s*(?:export\s+|env\s+|arg\s+|-\s+)*[a-z0-9_.-]*(?:password|passwd|secret|token|api_?key|",
                r#"access_?key|private_?key)[a-z0-9_.-]*\s*[=:]\s*([^\s"'$<{#(]{8,})\s*$"#,
            ),
        ),
        ..BASE
    },
    Rule { id: "secret-in-path", what: "A path holds a key", check: Check::Change(in_paths), ..BASE },
    Rule {
        id: "secret-removed",
        severity: Info,
        what: "A key is removed, and stays in the history",
        suggestion: "Revoke it, if that has not been done: whoever has the repository has the key.",
        check: Check::Change(removed),
        ..BASE
    },
    Rule {
        id: "secret-file",
        what: "A file that usually holds secrets is added",
        suggestion: "Take it out of the change and of the history, ignore it in .gitignore, and commit a template \
                     without values.",
        check: Check::Change(secret_files),
        ..BASE
    },
];

/// A key in a name is as public as one in a line.
fn in_paths(change: &Change<'_>) -> Vec<Hit> {
    let stays = |view: &&View<'_>| view.file.status != Status::Deleted;
    let hit = |view: &View<'_>| {
        secrets::find(view.place.path)?;
        Some(Hit { severity: view.place.test.then_some(High), ..view.hit() })
    };
    change.files.iter().filter(stays).filter_map(hit).collect()
}

/// One hit per file, unless the key only moves within it: then the added line tells.
fn removed(change: &Change<'_>) -> Vec<Hit> {
    let gone = |view: &View<'_>| {
        let key = view.file.removed().find_map(|line| secrets::find(&line.text))?;
        let stays = view.file.added().any(|line| line.text.contains(&key));
        (!stays).then(|| view.hit())
    };
    change.files.iter().filter_map(gone).collect()
}

fn secret_files(change: &Change<'_>) -> Vec<Hit> {
    let arrives =
        |view: &View<'_>| matches!(view.file.status, Status::Added | Status::Copied | Status::Renamed);
    let severity = |view: &View<'_>| (view.place.test || view.place.doc).then_some(High);
    change
        .files
        .iter()
        .filter(|view| arrives(view) && holds_secrets(view))
        .map(|view| Hit { severity: severity(view), ..view.hit() })
        .collect()
}

fn holds_secrets(view: &View<'_>) -> bool {
    let name = view.place.name();
    if ["id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", ".netrc", ".pgpass", ".htpasswd"]
        .contains(&name.as_str())
    {
        return true;
    }
    if name == ".env" || name.starts_with(".env.") {
        return !["example", "sample", "template", "dist", "defaults"]
            .iter()
            .any(|word| name.ends_with(word));
    }
    let store = ["p12", "pfx", "jks", "keystore", "kdbx", "ppk"];
    let key = ["pem", "key"];
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    store.contains(&extension) || (key.contains(&extension) && !is_public(view))
}

/// True for a certificate or public key, as far as the diff shows the content.
fn is_public(view: &View<'_>) -> bool {
    let has = |word| view.file.added().any(|line| line.text.contains(word));
    (has("BEGIN CERTIFICATE") || has("PUBLIC KEY")) && !has("PRIVATE KEY")
}

/// A documented example in a document, such as the key in a vendor's manual.
fn is_documented_example(found: &Match<'_>) -> bool {
    found.place.doc && found.value.contains("EXAMPLE")
}
