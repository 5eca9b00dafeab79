//! Examples for secrets. They are invented, and written with a mark in them so that scanners of this repository stay calm.

use super::{Lens, Lines, adding, of_rule, reviewed};
use crate::offline::{Decision, Severity};

/// Takes the marks away.
pub(super) fn real(text: &str) -> String {
    text.replace('~', "")
}

pub(super) const CASES: &[Lines] = &[
    Lines {
        rule: "secret-aws-access-key",
        path: "src/config.rs",
        hits: &["let id = \"AK~IAQ7XK3MPLW2RT5VNA\";", "// AK~IAIOSFODNN7EXAMPLE", "x=AS~IAQ7XK3MPLW2RT5VNA"],
        misses: &["let id = \"AKIA\";", "AKIAAAAAAAAAAAAAAAAAA", "BACKIAQ7XK3MPLW2RT5VNA"],
    },
    Lines {
        rule: "secret-aws-access-key",
        path: "docs/setup.md",
        hits: &["AK~IAQ7XK3MPLW2RT5VNA"],
        misses: &["aws_access_key_id = AK~IAIOSFODNN7EXAMPLE"],
    },
    Lines {
        rule: "secret-aws-secret-key",
        path: "deploy/env.sh",
        hits: &[
            "export AWS_SECRET_ACCESS_KEY=wJalr~XUtnFEMI/K7MDENG/bPxRfiCYzQ81nHt2kQ",
            "aws_secret_access_key = \"wJalr~XUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\"",
        ],
        misses: &["AWS_SECRET_ACCESS_KEY=$SECRET", "sha1 = wJalrXUtnFEMI/K7MDENG/bPxRfiCYzQ81nHt2kQQ"],
    },
    Lines {
        rule: "secret-github-token",
        path: "ci.sh",
        hits: &[
            "T=gh~p_16C7e42F292c6912E7710c838347Ae178B4a",
            "github~_pat_11ABCDE0Y0abcdefghijkl_mnopqrstuvwxyz0123456789",
        ],
        misses: &["T=ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "ghp_short", "T=$GITHUB_TOKEN"],
    },
    Lines {
        rule: "secret-gitlab-token",
        path: "ci.sh",
        hits: &["T=glp~at-dK3vX9_mQ2wL7-zR4tBn"],
        misses: &["T=glpat-aaaaaaaaaaaaaaaaaaaa", "glpat-x"],
    },
    Lines {
        rule: "secret-slack-token",
        path: "notify.py",
        hits: &[
            "t = 'xox~b-2718281828-k3J9dLq0Zx'",
            "u = 'https://hooks.slack~.com/services/T0AB12CD3/B0EF45GH6/kq93jf02nfwe8h2lQz71'",
        ],
        misses: &["t = 'xoxb-'", "u = 'https://hooks.slack.com/services/'"],
    },
    Lines {
        rule: "secret-stripe-key",
        path: "pay.rb",
        hits: &["Stripe.api_key = 'sk~_live_4eC39HqLyjWDarjtT1zdp7dc'"],
        misses: &["Stripe.api_key = 'sk_test_4eC39HqLyjWDarjtT1zdp7dc'", "sk_live_"],
    },
    Lines {
        rule: "secret-google-api-key",
        path: "map.ts",
        hits: &["const k = 'AI~zaSyD3k9QmXw7Tz1RvB5nLc2Hp8Jf4Gs6Ya0Qe'"],
        misses: &["const k = 'AIza'", "const k = 'AIzaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'"],
    },
    Lines {
        rule: "secret-model-api-key",
        path: "chat.py",
        hits: &["key = 'sk~-proj-a8Kd0Lq2Zx7Vn4Rt6Wm1'", "key = 'sk~-ant-api03-Xk29vLq0ZbT7nR4mWp6c'"],
        misses: &["class=\"sk-fading-circle-container-element\"", "task-0123456789abcdefghijklmn"],
    },
    Lines {
        rule: "secret-npm-token",
        path: ".npmrc",
        hits: &["//registry.npmjs.org/:_authToken=np~m_k3J9dLq0Zx7Vn4Rt6Wm1a8Kd0Lq2Zx7Vn4Rt"],
        misses: &["//registry.npmjs.org/:_authToken=${NPM_TOKEN}", "npm_config_cache"],
    },
    Lines {
        rule: "secret-pypi-token",
        path: ".pypirc",
        hits: &["password = pyp~i-AgEIcHlwaS5vcmcCJDk3Y2Q4ZjFhLTJiM2MtNGQ1ZS02Zjdh"],
        misses: &["password = pypi-AgE"],
    },
    Lines {
        rule: "secret-jwt",
        path: "client.go",
        hits: &["t := \"ey~JhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N\""],
        misses: &["t := \"eyJhbGciOiJIUzI1NiJ9\"", "a.b.c"],
    },
    Lines {
        rule: "secret-private-key",
        path: "deploy/key.txt",
        hits: &[
            "-----BEGIN RSA~ PRIVATE KEY-----",
            "-----BEGIN~ PRIVATE KEY-----",
            "-----BEGIN PGP~ PRIVATE KEY BLOCK-----",
        ],
        misses: &["-----BEGIN PUBLIC KEY-----", "-----BEGIN CERTIFICATE-----", "PRIVATE KEY"],
    },
    Lines {
        rule: "secret-in-url",
        path: "src/db.rs",
        hits: &["connect(\"postgres://app:Tr0ub4~dor&3@db.internal:5432/app\")"],
        misses: &[
            "connect(\"postgres://postgres:postgres@localhost/app\")",
            "connect(\"postgres://app:${DB_PASSWORD}@db/app\")",
            "see http://host:8080/path@v2",
        ],
    },
    Lines {
        rule: "secret-literal",
        path: "src/login.ts",
        hits: &["const password = 'Tr0ub4~dor&3x'", "{ \"api_key\": \"9f8e7d6c~5b4a39281706f5e4d3c2\" }"],
        misses: &[
            "const password = 'changeme123A!'",
            "const password = process.env.PASSWORD",
            "const tokenName = 'access-token-v2'",
            "const secret = '<your-Secret-1>'",
            "const secret_path = 'secrets/prod/db'",
            "const password = 'password'",
        ],
    },
    Lines {
        rule: "secret-literal",
        path: "src/keys.rs",
        hits: &["const API_KEY: &'static str = \"9f8e7d6c~5b4a39281706f5e4\";"],
        misses: &["const API_KEY: &str = \"OPENAI_API_KEY\";"],
    },
    Lines {
        rule: "secret-setting",
        path: "config/app.properties",
        hits: &["db.password=Tr0ub4~dor&3x", "API_TOKEN: 9f8e7d6c~5b4a39281706f5e4"],
        misses: &[
            "db.password=${DB_PASSWORD}",
            "token.ttl=3600",
            "password.policy=minimum-length",
            "db.password=",
        ],
    },
];

#[test]
fn a_secret_is_never_repeated() {
    for case in CASES {
        for text in case.hits.iter().map(|text| real(text)) {
            let review = reviewed(&adding(case.path, &text), Lens::Everything);
            let shown = serde_json::to_string(&review).unwrap();
            let longest =
                text.split(|c: char| !(c.is_alphanumeric() || "_-/&".contains(c))).max_by_key(|w| w.len());
            for finding in
                of_rule(&review, case.rule).into_iter().filter(|_| case.rule != "secret-private-key")
            {
                assert!(finding.message.contains('…'), "{finding:?}");
                let word = longest.unwrap();
                assert!(!shown.contains(word), "{word} is shown by {}", case.rule);
            }
        }
    }
}

#[test]
fn a_key_in_a_test_asks_for_changes_and_one_in_code_blocks() {
    let key = real("id = \"AK~IAQ7XK3MPLW2RT5VNA\"");
    let code = reviewed(&adding("src/a.py", &key), Lens::Security);
    assert_eq!((code.decision, code.score), (Decision::Block, 0.0));
    let test = reviewed(&adding("tests/a.py", &key), Lens::Security);
    assert_eq!(test.decision, Decision::RequestChanges);
    assert_eq!(of_rule(&test, "secret-aws-access-key")[0].severity, Severity::High);
}

#[test]
fn removing_a_secret_is_told_and_held_against_nobody() {
    let key = real("AK~IAQ7XK3MPLW2RT5VNA");
    let diff = super::changing("src/a.py", &format!("-id = \"{key}\"\n+id = os.environ[\"ID\"]"));
    let review = reviewed(&diff, Lens::Security);
    assert_eq!((review.decision, review.score), (Decision::Approve, 10.0));
    assert_eq!(of_rule(&review, "secret-removed")[0].severity, Severity::Info);
    assert_eq!(review.findings.len(), 1, "{review:?}");
}

#[test]
fn a_key_in_a_path_blocks_and_is_not_repeated() {
    let key = real("AK~IAQ7XK3MPLW2RT5VNA");
    let review = reviewed(&adding(&format!("keys/{key}.py"), "eval(x)"), Lens::Security);
    assert_eq!(review.decision, Decision::Block);
    assert_eq!(of_rule(&review, "secret-in-path")[0].file, "keys/AKIA….py");
    assert!(!serde_json::to_string(&review).unwrap().contains(&key));
}

#[test]
fn hidden_characters_do_not_hide_a_key_or_a_call() {
    let key = real("id = \"AK~IAQ7XK3MPLW2RT5VNA\"");
    for hidden in ["\u{200b}", "\u{200d}", "⟦U+200B⟧", "⟦U+00AD⟧"] {
        let review =
            reviewed(&adding("src/a.py", &key.replace("XK3", &format!("X{hidden}K3"))), Lens::Security);
        let found = of_rule(&review, "secret-aws-access-key");
        assert_eq!(found.len(), 1, "{review:?}");
        assert_eq!((found[0].line, found[0].severity), (Some(1), Severity::Critical));
    }
    let split = adding("src/a.py", &format!("x = 1⟦U+2028⟧{key}\u{85}e\u{200c}val(x)"));
    let review = reviewed(&split, Lens::Security);
    for rule in ["secret-aws-access-key", "python-eval"] {
        assert_eq!(of_rule(&review, rule).len(), 1, "{rule}: {review:?}");
    }
}
