//! Changes to review. Secrets are put together here, so that no scanner takes this file for a leak.

/// Adds an AWS access key in line 2 and a private key in line 4 of config/prod.env.
pub fn leaking() -> String {
    let key = format!("AKIA{}", "J7QXW2ZRT5KLM3NP");
    let secret = format!("{}/{}", "k9Xv3LmQp7RtYw2ZcB5n", "H8JdF4GsA6TuE1oViKxM");
    let pem = |word: &str| format!("-----{word} RSA PRIVATE KEY-----");
    let lines = [
        "REGION=eu-west-1".to_owned(),
        format!("AWS_ACCESS_KEY_ID={key}"),
        format!("AWS_SECRET_ACCESS_KEY={secret}"),
        pem("BEGIN"),
        "MIIEpAIBAAKCAQEAx7vJ2mQ0b9Yt4Zk1".to_owned(),
        pem("END"),
    ];
    new_file("config/prod.env", &lines)
}

/// A small function and its test.
pub fn clean() -> String {
    let code = [
        "/// The sum of the items' prices, in cents.",
        "pub fn total(prices: &[u64]) -> u64 {",
        "    prices.iter().sum()",
        "}",
    ];
    let test = [
        "use shop::total;",
        "",
        "#[test]",
        "fn the_total_is_the_sum() {",
        "    assert_eq!(total(&[1, 2]), 3);",
        "}",
    ];
    new_file("src/total.rs", &code.map(str::to_owned)) + &new_file("tests/total.rs", &test.map(str::to_owned))
}

fn new_file(path: &str, lines: &[String]) -> String {
    let body: String = lines.iter().map(|line| format!("+{line}\n")).collect();
    format!(
        "diff --git a/{path} b/{path}\nnew file mode 100644\nindex 0000000..1111111\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{} @@\n{body}",
        lines.len()
    )
}
