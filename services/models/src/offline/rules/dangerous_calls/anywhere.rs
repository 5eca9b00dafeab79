//! What every language can get wrong: SQL, cryptography, TLS, and who may connect.

use super::BASE;
use crate::offline::language::Language::{Go, Java, JavaScript, Python, Rust, Settings};
use crate::offline::language::{PROGRAMS, PROGRAMS_AND_SETTINGS};
use crate::offline::rule::Severity::{Low, Medium};
use crate::offline::rule::{Check, LineCheck, Rule, Scope, Sees, There};

pub(in crate::offline::rules) const RULES: &[Rule] = &[
    Rule {
        id: "sql-concatenated",
        what: "An SQL statement is put together from strings",
        suggestion: "Use placeholders and bind the values.",
        check: Check::strings(
            PROGRAMS,
            concat!(
                r#"(?i)"[^"]*\b(?:select\b[^"]*\bfrom|insert\s+into|update\b[^"]*\bset|delete\s+from)\b[^"]*"\s*"#,
                r#"(?:\+\s*[^"'\s]|%\s*[^"'\s]|\.\s*format\s*\(|\.\s*\$)"#,
                r"|'[^']*\b(?:select\b[^']*\bfrom|insert\s+into|update\b[^']*\bset|delete\s+from)\b[^']*'\s*",
                r#"(?:\+\s*[^"'\s]|%\s*[^"'\s]|\.\s*format\s*\(|\.\s*\$)"#,
            ),
        ),
        ..BASE
    },
    Rule {
        id: "sql-interpolated",
        what: "Values are written into the text of an SQL statement",
        suggestion: "Use placeholders and bind the values; check names of tables against an allow-list.",
        check: Check::strings(
            PROGRAMS,
            concat!(
                r#"(?i)\bf"[^"]*\b(?:select\b[^"]*\bfrom|insert\s+into|update\b[^"]*\bset|delete\s+from)\b[^"]*\{"#,
                r"|\bf'[^']*\b(?:select\b[^']*\bfrom|insert\s+into|update\b[^']*\bset|delete\s+from)\b[^']*\{",
                r"|`[^`]*\b(?:select\b[^`]*\bfrom|insert\s+into|update\b[^`]*\bset|delete\s+from)\b[^`]*\$\{",
                r#"|(?:format!|sprintf)\s*\(\s*"[^"]*\b(?:select\b[^"]*\bfrom|insert\s+into|update\b[^"]*\bset"#,
                r#"|delete\s+from)\b[^"]*(?:\{|%[sv])"#,
            ),
        ),
        ..BASE
    },
    Rule {
        id: "crypto-weak-hash",
        severity: Medium,
        must_fix: &[],
        what: "A broken hash function is used",
        suggestion: "Use SHA-256 or BLAKE3, and Argon2 for passwords.",
        check: Check::strings(
            PROGRAMS,
            concat!(
                r"(?i)\bhashlib\.(?:md5|sha1)\b|\bcreateHash\s*\(\s*.(?:md5|sha1)\b|\b(?:md5|sha1)\.(?:new|sum\w*)\b",
                r#"|MessageDigest\.getInstance\s*\(\s*"(?:md5|sha-?1)"|\b(?:md5|sha1)::|\b(?:md5|sha1)\s*\("#,
                r"|\bMD5(?:_Init|\.Create)\b|\bSHA1_Init\b",
            ),
        ),
        ..BASE
    },
    Rule {
        id: "crypto-weak-cipher",
        what: "A broken cipher or mode is used",
        suggestion: "Use AES-GCM or ChaCha20-Poly1305 from a maintained library.",
        check: Check::strings(
            PROGRAMS,
            concat!(
                r#"\bMODE_ECB\b|/ECB/|\bcreateCipher\s*\(|["'](?:DES|des|RC4|rc4|des-ede3?|des-cbc|aes-\d+-ecb)["'/]"#,
                r"|\b(?:DES|ARC4|RC4|Blowfish)\.new\s*\(|\b(?:des|rc4)\.NewCipher\s*\(|\bEVP_(?:des|rc4)\w*\s*\(",
            ),
        ),
        ..BASE
    },
    Rule {
        id: "tls-verification-off",
        what: "The verification of TLS certificates is switched off",
        suggestion: "Trust the right certificate authority instead.",
        check: Check::strings(
            PROGRAMS_AND_SETTINGS,
            concat!(
                r"\bdanger_accept_invalid_(?:certs|hostnames)\s*\(\s*true|\bInsecureSkipVerify\s*:\s*true",
                r#"|\brejectUnauthorized["']?\s*:\s*false|\bverify(?:_ssl)?\s*=\s*False\b|_create_unverified_context"#,
                r#"|\bCERT_NONE\b|\bVERIFY_NONE\b|NODE_TLS_REJECT_UNAUTHORIZED["'\]]*\s*[=:]\s*["']?0"#,
                r"|NoopHostnameVerifier|ALLOW_ALL_HOSTNAME_VERIFIER|CURLOPT_SSL_VERIFY(?:PEER|HOST)\s*,\s*(?:0|false)",
                r"|\bcurl\b[^|;&]*\s(?:-k|--insecure|-[a-zA-Z]*k[a-zA-Z]*)\s|\bwget\b[^|;&]*--no-check-certificate",
                r"|GIT_SSL_NO_VERIFY|http\.sslVerify[=\s]+false|\bstrict-ssl\s*=\s*false",
            ),
        ),
        ..BASE
    },
    Rule {
        id: "cors-any-origin",
        severity: Medium,
        what: "Pages of any origin may call this",
        suggestion: "List the origins that need it.",
        check: Check::strings(
            PROGRAMS_AND_SETTINGS,
            concat!(
                r#"Access-Control-Allow-Origin["']?\s*[,:=)\]]+\s*["']?\*|\bCorsLayer::(?:very_)?permissive\s*\("#,
                r#"|\ballow_origins?\s*[=(:]\s*\[?\s*["']\*["']|\borigin\s*:\s*["']\*["']|AllowAnyOrigin\s*\("#,
                r"|\bCORS_ORIGIN_ALLOW_ALL\s*=\s*True|\bCORS_ALLOW_ALL_ORIGINS\s*=\s*True|\.use\(\s*cors\(\s*\)\s*\)",
            ),
        ),
        ..BASE
    },
    Rule {
        id: "listens-everywhere",
        severity: Low,
        what: "A service listens on every address of the machine",
        suggestion: "Listen on loopback by default and make the address a setting.",
        check: Check::Line(LineCheck {
            in_tests: There::Quiet,
            ..LineCheck::new(
                Scope::Languages(&[Rust, JavaScript, Python, Go, Java, Settings]),
                Sees::Uncommented,
                r#"["'](?:0\.0\.0\.0|\[::\])(?::\d+)?["']|^\s*\w*(?:HOST|BIND|LISTEN)\w*\s*=\s*0\.0\.0\.0"#,
            )
        }),
        ..BASE
    },
];
