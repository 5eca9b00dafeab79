//! Examples for the rules about whole changes.

use super::{Whole, adding, changing};

const HEADER: &str = "// SPDX-License-Identifier: Apache-2.0";

fn whole(rule: &'static str, hits: impl Into<Vec<String>>, misses: impl Into<Vec<String>>) -> Whole {
    Whole { rule, hits: hits.into(), misses: misses.into() }
}

fn many_lines(count: usize) -> String {
    vec!["x();"; count].join("\n")
}

fn git(path: &str, headers: &str) -> String {
    format!("diff --git a/{path} b/{path}\n{headers}\n")
}

pub(super) fn cases() -> Vec<Whole> {
    [dependencies(), pipelines(), files(), tests_and_size(), licences(), others()]
        .into_iter()
        .flatten()
        .collect()
}

fn dependencies() -> Vec<Whole> {
    let cargo = changing("Cargo.toml", " [dependencies]\n+serde = \"1\"");
    let lock = changing("Cargo.lock", "-a\n+b");
    let package = changing("package.json", "+    \"left-pad\": \"^1.0.0\",");
    let version = changing("Cargo.toml", "-version = \"0.1.0\"\n+version = \"0.2.0\"");
    vec![
        whole(
            "dependency-without-lock",
            [cargo.clone(), package.clone(), changing("go.mod", "+require github.com/x/y v1.2.3")],
            [cargo.clone() + &lock, version.clone(), changing("package.json", "+    \"build\": \"tsc\",")],
        ),
        whole("dependency-lock-alone", [lock.clone()], [cargo.clone() + &lock, adding("Cargo.lock", "x")]),
        whole("dependency-added", [cargo, package], [version, changing("src/a.rs", "+let a = \"1\";")]),
    ]
}

fn pipelines() -> Vec<Whole> {
    let path = ".github/workflows/a.yml";
    let checkout = "steps:\n  - uses: actions/checkout@v4\n    with:\n      ref: ${{ github.event.pull_request.head.sha }}";
    let target = adding(path, &format!("on: pull_request_target\n{checkout}"));
    let plain = adding(path, &format!("on: pull_request\n{checkout}"));
    vec![
        whole(
            "ci-foreign-code-with-secrets",
            [target],
            [plain.clone(), adding(path, "on: pull_request_target")],
        ),
        whole("ci-changed", [plain], [adding("deploy/a.yml", "x: 1")]),
    ]
}

fn files() -> Vec<Whole> {
    let binary = |path: &str, size: u32| {
        git(
            path,
            &format!(
                "new file mode 100644\nindex 0..1\nGIT binary patch\nliteral {size}\nzabc\n\nliteral 0\nHcm\n"
            ),
        )
    };
    let mode = |old: &str, new: &str| git("bin/x", &format!("old mode {old}\nnew mode {new}"));
    let script = adding("bin/x", "#!/bin/sh").replace("100644", "100755");
    let link = |target: &str| {
        git("a/x", &format!("new file mode 120000\n--- /dev/null\n+++ b/a/x\n@@ -0,0 +1 @@\n+{target}"))
    };
    let submodule = git(
        "lib",
        "index 1..2 160000\n--- a/lib\n+++ b/lib\n@@ -1 +1 @@\n-Subproject commit 1\n+Subproject commit 2",
    );
    let text = adding("src/a.rs", "x");
    vec![
        whole("file-large-binary", [binary("a.png", 500_001)], [binary("a.png", 500_000), text.clone()]),
        whole("file-compiled-program", [binary("a.exe", 10)], [binary("a.png", 10), adding("a.so", "text")]),
        whole("file-symlink", [link("b"), link("/etc/passwd")], [text.clone()]),
        whole("file-submodule", [submodule, adding(".gitmodules", "x")], [text.clone()]),
        whole(
            "file-executable",
            [mode("100644", "100755"), script.replace("#!", "")],
            [mode("100755", "100644"), script, text.clone()],
        ),
        whole("file-generated", [adding("web/a.min.js", "x")], [text.clone(), adding("web/admin.js", "x")]),
        whole("file-litter", [adding(".DS_Store", "x"), adding(".idea/x.xml", "x")], [text]),
    ]
}

fn tests_and_size() -> Vec<Whole> {
    let source = |count| adding("src/a.rs", &many_lines(count));
    let test = adding("tests/a.rs", "#[test]\nfn a() {}");
    let inline = adding("src/b.rs", &format!("{}\n#[cfg(test)]\nmod tests {{}}", many_lines(40)));
    let in_tests = "--- a/src/b.rs\n+++ b/src/b.rs\n@@ -90,0 +91,1 @@ mod tests {\n+    x();\n".to_owned();
    let deleted = "--- a/tests/a.rs\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n".to_owned();
    let comments = adding("src/a.rs", &vec!["// x\n"; 40].concat());
    let fifty: String = (0..50).map(|n| adding(&format!("src/f{n}.rs"), "x")).collect();
    vec![
        whole(
            "tests-missing",
            [source(20)],
            [
                source(19),
                source(20) + &test,
                inline,
                source(20) + &in_tests,
                comments.clone(),
                adding("a.md", "x"),
            ],
        ),
        whole("tests-missing-small", [source(1), source(19)], [source(20), source(1) + &test, comments]),
        whole(
            "tests-deleted",
            [deleted],
            [test, "--- a/src/a.rs\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n".to_owned()],
        ),
        whole("size-large", [source(801), source(3_000)], [source(800), source(3_001)]),
        whole("size-huge", [source(3_001)], [source(3_000), adding("Cargo.lock", &many_lines(4_000))]),
        whole("size-many-files", [fifty.clone() + &source(1)], [fifty]),
    ]
}

fn licences() -> Vec<Whole> {
    let with = adding("src/a.rs", &format!("{HEADER}\nfn a() {{}}"));
    let without = adding("src/b.rs", "fn b() {}");
    vec![
        whole(
            "licence-file-changed",
            [
                changing("LICENSE", "-MIT\n+GPL"),
                changing("LICENSE-MIT", "-a\n+b"),
                changing("COPYING.txt", "-a\n+b"),
            ],
            [adding("LICENSE", "MIT"), changing("src/license.rs", "-a\n+b")],
        ),
        whole(
            "licence-header-removed",
            [changing("src/a.rs", &format!("-{HEADER}\n fn a() {{}}"))],
            [
                changing("src/a.rs", "-// Copyright 2024 X\n+// Copyright 2025 X"),
                format!("--- a/src/a.rs\n+++ /dev/null\n@@ -1 +0,0 @@\n-{HEADER}\n"),
            ],
        ),
        whole("licence-header-missing", [with.clone() + &without], [with, without]),
    ]
}

fn others() -> Vec<Whole> {
    let certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";
    let key = ["AKIA", "Q7XK3MPLW2RT5VNA"].concat();
    let renamed = |old: &str, new: &str| {
        format!("diff --git a/{old} b/{new}\nsimilarity index 100%\nrename from {old}\nrename to {new}\n")
    };
    let cut = "--- a/x.rs\n+++ b/x.rs\n@@ -1,9 +1,9 @@\n-a\n+b\nThe end.\n".to_owned();
    vec![
        whole(
            "secret-file",
            [
                adding(".env", "X=1"),
                adding("deploy/id_rsa", "x"),
                adding("a.pem", "x"),
                adding(".env.production", "X=1"),
            ],
            [
                adding(".env.example", "X="),
                adding("a.pem", certificate),
                adding("id_rsa.pub", "ssh-ed25519 x"),
                changing(".env", "-X=1\n+X=2"),
            ],
        ),
        whole(
            "diff-unread",
            [cut, adding("x.rs", "a") + "\n+b\n", adding("x.rs", "a⟦U+2028⟧b"), renamed("x.txt", "x.sh")],
            [adding("x.rs", "a"), renamed("x.sh", "y.sh")],
        ),
        whole(
            "secret-in-path",
            [adding(&format!("{key}.txt"), "x"), changing(&format!("a/{key}/x"), "-a\n+b")],
            [adding("AKIA.txt", "x"), format!("--- a/{key}\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n")],
        ),
        whole(
            "secret-removed",
            [changing("x.env", &format!("-K={key}")), changing("x.md", &format!("-{key}\n+b"))],
            [changing("x.env", &format!("-K={key}\n+L={key}")), changing("x.env", "-K=1")],
        ),
    ]
}
