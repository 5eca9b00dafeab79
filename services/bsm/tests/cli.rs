//! The command line as people and CI use it: arguments, input, output, exit codes.

// Tests may panic, and their helpers are tests, too.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Command, Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use serde_json::Value;

fn bsm(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bsm"));
    command.args(args).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

fn run(args: &[&str], input: &[u8]) -> (i32, String, String) {
    let mut child =
        bsm(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        let _ = stdin.write_all(&input); // a command that refuses early closes the pipe
    });
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (status.code().unwrap(), text(stdout), text(stderr))
}

fn new_file(path: &str, lines: &[&str]) -> String {
    let body: String = lines.iter().map(|line| format!("+{line}\n")).collect();
    let count = lines.len();
    format!(
        "diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{count} @@\n{body}"
    )
}

fn clean() -> String {
    new_file("src/total.rs", &["pub fn total(prices: &[u64]) -> u64 {", "    prices.iter().sum()", "}"])
        + &new_file(
            "tests/total.rs",
            &["#[test]", "fn the_total_is_the_sum() {", "    assert_eq!(shop::total(&[1, 2]), 3);", "}"],
        )
}

fn leaking() -> String {
    let key = format!("AWS_ACCESS_KEY_ID=AKIA{}", "J7QXW2ZRT5KLM3NP");
    new_file("config/prod.env", &["REGION=eu-west-1", &key])
}

#[test]
fn a_clean_change_with_tests_exits_0() {
    let (code, out, err) = run(&["review", "-"], clean().as_bytes());
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("approve_and_merge") && out.contains("offline"), "{out}");
}

#[test]
fn a_leaked_key_exits_2_with_file_line_and_no_secret() {
    let (code, out, err) = run(&["review"], leaking().as_bytes());
    assert_eq!(code, 2, "{out}{err}");
    assert!(out.contains("block_pr") && out.contains("config/prod.env:2"), "{out}");
    assert!(!out.contains("J7QXW2ZRT5KLM3NP"), "{out}");
}

#[test]
fn code_without_tests_exits_1() {
    let lines: Vec<String> = (0..40).map(|n| format!("pub fn f{n}() -> u32 {{ {n} }}")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let (code, out, err) = run(&["review"], new_file("src/lib.rs", &lines).as_bytes());
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains("request_changes"), "{out}");
}

#[test]
fn a_change_that_cannot_be_seen_whole_exits_3() {
    let binary = "diff --git a/logo.png b/logo.png\nindex 1111111..2222222 100644\nBinary files a/logo.png and b/logo.png differ\n";
    let (code, out, err) = run(&["review"], (binary.to_owned() + &clean()).as_bytes());
    assert_eq!(code, 3, "{out}{err}");
    assert!(out.contains("manual_review"), "{out}");
}

#[test]
fn what_is_hidden_in_a_line_is_found() {
    let line = "if access != \"user\u{202e} \u{2066}# admin\u{2069} \u{2066}\":";
    let trojan = new_file("src/access.py", &[line]);
    let (code, out, err) = run(&["review"], (clean() + &trojan).as_bytes());
    assert_eq!(code, 2, "{out}{err}");
    assert!(out.contains("text-bidirectional-control") && out.contains("src/access.py:1"), "{out}");

    let hiding = leaking().replace("J7QX", "J7\u{200b}QX");
    let (code, out, err) = run(&["review"], hiding.as_bytes());
    assert_eq!(code, 2, "{out}{err}");
    assert!(out.contains("secret-aws-access-key") && out.contains("config/prod.env:2"), "{out}");

    let joined = new_file("README.md", &["A family: \u{1f468}\u{200d}\u{1f469}"]);
    let (code, out, err) = run(&["review"], (clean() + &joined).as_bytes());
    assert_eq!(code, 3, "{out}{err}");
    assert!(out.contains("1 hidden character"), "{out}");
}

#[test]
fn what_could_be_a_change_and_was_not_read_is_never_approved() {
    let rename = "diff --git a/n.txt b/x.sh\nsimilarity index 100%\nrename from n.txt\nrename to x.sh\n";
    for text in ["Only in b: x.py\n", "\n+eval(input())\n", "*** a/x.py\n--- b/x.py\n", rename] {
        let (code, out, err) = run(&["review"], (clean() + text).as_bytes());
        assert_ne!(code, 0, "{text}{out}{err}");
        assert!(out.contains("diff-unread"), "{text}{out}{err}");
    }
}

#[test]
fn json_output_is_json_with_the_decision_and_its_evidence() {
    let (code, out, _) = run(&["review", "--json"], leaking().as_bytes());
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, 2);
    assert_eq!(json["decision"]["action"], "block_pr");
    assert_eq!(json["findings"][0]["file"], "config/prod.env");
    assert!(!json["decision"]["evidence"].as_array().unwrap().is_empty());
}

#[test]
fn input_without_a_change_exits_65_and_a_missing_file_66() {
    for (input, sentence) in [
        (&b""[..], "is empty"),
        (b"hello\n", "holds no unified diff"),
        (b"\x80\x81 x", "holds no unified diff"),
    ] {
        let (code, _, err) = run(&["review"], input);
        assert_eq!(code, 65, "{err}");
        assert!(err.contains(sentence), "{err}");
    }
    let (code, _, err) = run(&["review", "no/such/file.diff"], b"");
    assert_eq!(code, 66);
    assert!(err.contains("no/such/file.diff"), "{err}");
}

#[test]
fn a_ten_megabyte_diff_is_cut_at_files_and_never_approved() {
    let big: String = (0..170)
        .map(|n| {
            let lines: Vec<String> = (0..1000)
                .map(|l| format!("row {l} of a long table of plain numbers, file {n}, {l}{l}"))
                .collect();
            new_file(&format!("data/table{n}.csv"), &lines.iter().map(String::as_str).collect::<Vec<_>>())
        })
        .collect();
    assert!(big.len() > 9_000_000, "{}", big.len());
    let (code, out, err) = run(&["review"], big.as_bytes());
    assert!(code == 1 || code == 3, "{code}: {out}{err}");
    assert!(err.contains("left out"), "{err}");
}

#[test]
fn paths_that_are_not_utf_8_are_reviewed() {
    let mut diff = leaking().replace("config/prod.env", "config/prod-X.env").into_bytes();
    for at in (0..diff.len()).rev() {
        if diff[at..].starts_with(b"-X.env") {
            diff[at + 1] = 0xff;
        }
    }
    let (code, out, err) = run(&["review"], &diff);
    assert_eq!(code, 2, "{out}{err}");
    assert!(err.contains("not all UTF-8"), "{err}");
    let quoted = leaking()
        .replace("a/config/prod.env", "\"a/config/prod\\377.env\"")
        .replace("b/config/prod.env", "\"b/config/prod\\377.env\"");
    assert_eq!(run(&["review"], quoted.as_bytes()).0, 2);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_behind_the_output_exits_74_and_not_with_a_panic() {
    for args in [
        &["config"][..],
        &["review", "--rules"],
        &["validate", concat!(env!("CARGO_MANIFEST_DIR"), "/../..")],
    ] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output = bsm(args).stdout(full).stderr(Stdio::piped()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(74), "{args:?}: {said}");
        assert!(said.contains("standard output cannot be written"), "{said}");
    }
}

#[test]
fn wrong_usage_exits_64_and_help_0() {
    for args in [
        &["revieww"][..],
        &["review", "--nope"],
        &["serve", "kitchen"],
        &["review", "a", "b"],
        &["up", "--set", "x"],
    ] {
        let (code, _, err) = run(args, b"");
        assert_eq!(code, 64, "{args:?}: {err}");
    }
    for args in [&["--help"][..], &["review", "--help"], &["--version"]] {
        assert_eq!(run(args, b"").0, 0, "{args:?}");
    }
}

#[test]
fn ops_of_what_is_no_url_is_wrong_usage() {
    for url in ["nonsense", "127.0.0.1:8080", "/metrics", "http://", ""] {
        let (code, _, err) = run(&["ops", "breakers", "--url", url], b"");
        assert_eq!(code, 64, "{url:?}: {err}");
        assert!(err.contains("is not a URL such as http://127.0.0.1:8080"), "{url:?}: {err}");
    }
}

#[test]
fn tls_is_told_to_be_spoken_by_nobody_here() {
    for args in
        [&["ops", "breakers", "--url", "https://127.0.0.1:1"][..], &["healthcheck", "https://127.0.0.1:1/"]]
    {
        let (code, _, err) = run(args, b"");
        assert_eq!(code, 64, "{err}");
        assert!(err.contains("asks for TLS, which is not spoken here"), "{err}");
    }
}

#[test]
fn ops_says_when_something_else_than_a_mesh_answers_and_with_json_in_json() {
    let web = server(|_| Some(FINE));
    let (code, out, err) =
        run(&["ops", "limits", "--json", "--url", &format!("http://{}", web.address)], b"");
    assert_eq!(code, 69, "{err}");
    assert!(err.contains("something else than gRPC answers at") && !err.contains("h2"), "{err}");
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&told["exitCode"], told["error"].as_str()),
        (&Value::from(69), err.trim_end().strip_prefix("bsm: "))
    );
}

#[test]
fn a_share_is_told_in_words_and_may_carry_its_sign() {
    for wrong in ["abc", "1.5", "-1", "101"] {
        let (code, _, err) = run(&["ops", "flag", "hedging", wrong], b"");
        assert_eq!(code, 64, "{err}");
        assert!(err.contains("a share is a whole number from 0 to 100"), "{wrong}: {err}");
    }
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{free}");
    for right in ["10%", "+5", "0"] {
        let (code, _, err) = run(&["ops", "flag", "hedging", right, "--url", &url], b"");
        assert_eq!(code, 69, "it is nobody's answer that is missing: {right}: {err}");
    }
}

#[test]
fn an_empty_variable_names_no_settings_file() {
    let output = bsm(&["config"]).env("BSM_CONFIG", "").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = bsm(&["config"]).env("BSM_CONFIG", "no/such.yaml").output().unwrap();
    assert_eq!(output.status.code(), Some(78));
}

#[test]
fn the_rules_of_the_built_in_reviewer_are_published() {
    let (code, out, _) = run(&["review", "--rules"], b"");
    assert_eq!(code, 0);
    assert!(out.lines().count() > 60 && out.contains("critical"), "{out}");
}

#[test]
fn the_agents_under_review_do_not_judge_themselves() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("agents")).unwrap();
    fs::write(dir.path().join("agents/policy.yaml"), "not a policy").unwrap();
    let mut child = bsm(&["review"])
        .current_dir(dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(leaking().as_bytes()).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(2));
}

/// The delivered agents, copied so that they can be broken.
fn copied_agents() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../agents"), &dir.path().join("agents"));
    dir
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{} has no {from}", path.display());
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn the_delivered_agents_are_valid() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let (code, out, err) = run(&["validate", root], b"");
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("0 errors, 0 warnings"), "{out}");
}

#[test]
fn every_mistake_in_every_file_comes_at_once_with_its_place_and_the_fix() {
    let dir = copied_agents();
    let agents = dir.path().join("agents");
    edit(&agents.join("registry.yaml"), "{ auto_start: false", "{ auto_start: true");
    edit(&agents.join("events.yaml"), "security-agent", "secruity-agent");
    edit(&agents.join("policy.yaml"), "then: block_pr", "then: explode");
    edit(&agents.join("definitions/legal-agent.yaml"), "role:", "rolle:");
    let (code, out, _) = run(&["validate", &dir.path().display().to_string()], b"");
    assert_eq!(code, 1, "{out}");
    for part in [
        "registry.yaml:",
        "events.yaml:",
        "policy.yaml:",
        "legal-agent.yaml:",
        "secruity-agent",
        "explode",
        "fix:",
    ] {
        assert!(out.contains(part), "{part} is not in\n{out}");
    }
}

#[test]
fn findings_as_json_have_file_line_column_and_fix() {
    let dir = copied_agents();
    edit(&dir.path().join("agents/registry.yaml"), "{ auto_start: false", "{ auto_start: true");
    let (code, out, _) = run(&["validate", "--json", &dir.path().display().to_string()], b"");
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, json["errors"].as_u64()), (1, Some(1)), "{out}");
    let finding = &json["findings"][0];
    assert!(finding["line"].as_u64().unwrap() > 1 && finding["column"].as_u64().unwrap() > 1, "{finding:#}");
    assert!(!finding["fix"].as_str().unwrap().is_empty());
}

#[test]
fn unknown_fields_are_errors_unless_lenient() {
    let dir = copied_agents();
    edit(&dir.path().join("agents/definitions/legal-agent.yaml"), "role:", "colour: blue\nrole:");
    let path = dir.path().display().to_string();
    assert_eq!(run(&["validate", &path], b"").0, 1);
    let (code, out, _) = run(&["validate", "--lenient", &path], b"");
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("1 warning"), "{out}");
}

#[test]
fn a_folder_without_agents_is_a_mistake_that_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let (code, out, _) = run(&["validate", &dir.path().display().to_string()], b"");
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("registry.yaml"), "{out}");
}

#[test]
fn the_folder_of_agents_may_be_named_itself() {
    let dir = copied_agents();
    let agents = dir.path().join("agents").display().to_string();
    assert_eq!(run(&["validate", &agents], b"").0, 0);
    assert_eq!(run(&["validate", "--agents-dir", &agents], b"").0, 0);
}

#[test]
fn a_file_of_the_folder_stands_for_the_folder() {
    let dir = copied_agents();
    for name in ["registry.yaml", "definitions/legal-agent.yaml", "policy.yaml"] {
        let file = dir.path().join("agents").join(name).display().to_string();
        let (code, out, _) = run(&["validate", &file], b"");
        assert_eq!((code, out.trim()), (0, "0 errors, 0 warnings"), "{name}");
    }
}

#[test]
fn a_folder_of_agents_alone_is_checked_as_such_when_that_is_said() {
    let dir = copied_agents();
    fs::remove_file(dir.path().join("agents/events.yaml")).unwrap();
    let path = dir.path().display().to_string();
    let (code, out, _) = run(&["validate", &path], b"");
    assert!(code == 1 && out.contains("events.yaml: error: the file is missing"), "{out}");
    assert_eq!(run(&["validate", "--agents-only", &path], b"").0, 0);
}

#[test]
fn a_file_that_both_roles_miss_is_told_once() {
    let dir = copied_agents();
    fs::remove_file(dir.path().join("agents/registry.yaml")).unwrap();
    let (_, out, _) = run(&["validate", &dir.path().display().to_string()], b"");
    assert_eq!(out.matches("registry.yaml: error: the file is missing").count(), 1, "{out}");
}

#[test]
fn findings_are_annotations_for_github() {
    let dir = copied_agents();
    edit(&dir.path().join("agents/registry.yaml"), "{ auto_start: false", "{ auto_start: true");
    let (code, out, _) = run(&["validate", "--github", &dir.path().display().to_string()], b"");
    assert_eq!(code, 1);
    let line = out.lines().next().unwrap();
    assert!(line.starts_with("::error file=") && line.contains("agents/registry.yaml,line="), "{out}");
    assert!(line.contains(",title=agents[0].startup.auto_start::no agent starts by itself"), "{out}");
    assert_eq!(run(&["validate", "--github", "--json", "."], b"").0, 64);
}

#[test]
fn the_schemas_are_printed_for_editors() {
    for (args, title) in [
        (&["validate", "--schema"][..], "BSM registry.yaml"),
        (&["validate", "--schema=registry"], "BSM registry.yaml"),
        (&["validate", "--schema=definition"], "BSM definitions/*.yaml"),
    ] {
        let (code, out, err) = run(args, b"");
        let schema: Value = serde_json::from_str(&out).unwrap();
        assert_eq!((code, &schema["title"]), (0, &title.into()), "{err}");
        assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    }
    let (code, _, err) = run(&["validate", "--schema=policy"], b"");
    assert!(code == 64 && err.contains("registry, definition"), "{err}");
}

#[test]
fn an_event_that_no_file_names_is_wrong_usage() {
    let (code, _, err) = run(&["review", "--event", "pull_request.opend"], leaking().as_bytes());
    assert_eq!(code, 64, "{err}");
    assert!(err.contains("pull_request.opened"), "{err}");
}

#[test]
fn a_review_needs_nothing_that_serving_in_production_needs() {
    let mut child = bsm(&["review"])
        .env("NODE_ENV", "production")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(leaking().as_bytes()).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(2));
}

#[test]
fn config_tells_each_value_and_where_it_came_from_and_no_secret() {
    let output = bsm(&["config", "--set", "memory.port=7"])
        .env("PORT", "9001")
        .env("OPENAI_API_KEY", "sk-very-secret")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success());
    for part in ["gateway.port", "9001", "PORT", "command line", "********"] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(!text.contains("sk-very-secret"));
}

#[test]
fn the_models_file_in_force_is_printed_and_every_mistake_in_one_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("models.yaml");
    let print = |extra: &[&str]| {
        let output = bsm(&[&["config", "--models"], extra].concat())
            .env("BSM_MODELS_FILE", &file)
            .env("GROQ_API_KEY", "gsk-very-secret")
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    fs::write(&file, "models:\n  openai/gpt-4o: { price: { output: 11 } }\n").unwrap();
    let (code, text, _) = print(&[]);
    assert_eq!(code, Some(0));
    assert!(text.contains(
        "openai/gpt-4o: { context: 128000, output: 16384, price: { input: 2.5, cached: 1.25, output: 11"
    ));
    assert!(text.contains("#   groq: 1 (GROQ_API_KEY)") && !text.contains("very-secret"), "{text}");
    let json: Value = serde_json::from_str(&print(&["--json"]).1).unwrap();
    assert_eq!(json["models"]["openai/gpt-4o"]["price"]["output"], 11);

    fs::write(&file, "routes:\n  chat_response: { high: [gtp-4o] }\nmodles: {}\n").unwrap();
    let (code, _, mistakes) = print(&[]);
    assert_eq!(code, Some(78));
    assert!(
        mistakes.contains("models.yaml:2:3: error: routes.chat_response: there is no family"),
        "{mistakes}"
    );
    assert!(mistakes.contains("models.yaml:3:1: error: modles"), "{mistakes}");
}

#[test]
fn a_health_check_of_nothing_exits_1() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (code, _, err) = run(&["healthcheck", &format!("http://{free}/healthz")], b"");
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("did not answer"), "{err}");
    assert_eq!(run(&["healthcheck", "nonsense"], b"").0, 64);
}

/// A server on loopback that answers the request of each number with this text, or not at all.
struct Server {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

fn server(answer: fn(usize) -> Option<&'static str>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, asked) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counter = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, counter) = (stream.unwrap(), counter.clone());
            std::thread::spawn(move || talk(stream, &counter, answer));
        }
    });
    Server { address, asked }
}

/// One connection: requests without a body, each of which ends with an empty line. What else comes is read as well: a
/// connection that is closed with something unread in it is reset, and then nobody sees the answer.
fn talk(stream: TcpStream, counter: &AtomicUsize, answer: fn(usize) -> Option<&'static str>) {
    for line in BufReader::new(stream.try_clone().unwrap()).split(b'\n') {
        let Ok(line) = line else { return };
        if line == b"\r"
            && let Some(text) = answer(counter.fetch_add(1, SeqCst))
            && (&stream).write_all(text.as_bytes()).is_err()
        {
            return;
        }
    }
}

const FINE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const OVERLOADED: &str =
    "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 21\r\n\r\n{\"code\":\"OVERLOADED\"}";

fn bench(server: &Server, rate: &str, options: &[&str]) -> (i32, String, String) {
    let url = format!("http://{}/x", server.address);
    let args =
        [&["bench", &url, "--rate", rate, "--duration", "300ms", "--warmup", "0"][..], options].concat();
    run(&args, b"")
}

#[test]
fn a_load_is_sent_at_its_rate_and_its_answers_are_told_apart() {
    let server = server(|number| Some(if number % 2 == 0 { FINE } else { OVERLOADED }));
    let (code, out, err) = bench(&server, "100", &["--json"]);
    assert_eq!(code, 0, "{out}{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    let load = &report["load"];
    assert_eq!([&load["asked"], &load["sent"], &load["answered"], &load["lost"]], [30, 30, 30, 0]);
    assert_eq!(server.asked.load(SeqCst), 30);
    let ends: Vec<_> = load["ends"].as_array().unwrap().iter().collect();
    assert_eq!([&ends[0]["what"], &ends[1]["what"]], ["200", "503 OVERLOADED"]);
    assert_eq!([&ends[0]["calls"], &ends[1]["calls"]], [15, 15]);
    assert!(load["latencyMs"]["p99"].as_f64().unwrap() > 0.0, "{out}");

    let (code, out, err) = bench(&server, "100", &["--pid", &std::process::id().to_string()]);
    assert_eq!(code, 0, "{out}{err}");
    for part in ["asked 30, sent 30", "503 OVERLOADED", "50.0 %", "all sent", "p99.9"] {
        assert!(out.contains(part), "{part} is not in\n{out}");
    }
    assert_eq!(out.contains("The target used"), cfg!(target_os = "linux"), "{out}");
}

#[test]
fn a_load_that_was_not_sent_as_asked_is_reported_and_exits_1_and_one_without_answers_69() {
    let hangs = server(|_| None);
    let (code, out, err) = bench(&hangs, "100", &["--timeout", "100ms"]);
    assert_eq!(code, 69, "{out}{err}");
    assert!(
        out.contains("timed out") && err.contains("none of 30 calls was answered: timed out"),
        "{out}{err}"
    );

    let (code, out, err) = bench(&hangs, "50000", &["--timeout", "1s"]);
    assert_eq!(code, 1, "{out}{err}");
    assert!(
        out.contains("too many calls were in flight") && err.contains("of 15000 calls were not sent"),
        "{out}{err}"
    );
}

#[test]
fn an_overload_is_reported_as_two_figures() {
    let server = server(|_| {
        std::thread::sleep(std::time::Duration::from_millis(5)); // what a call takes: 200 a second at most
        Some(FINE)
    });
    let options = ["--overload", "3", "--connections", "1", "--timeout", "500ms", "--json"];
    let (code, out, err) = bench(&server, "40", &options);
    let report: Value = serde_json::from_str(&out).unwrap();
    let figure = |name: &str| report["overload"][name].as_f64().unwrap();
    assert!((50.0..=200.0).contains(&figure("peak")), "{out}");
    assert!(figure("goodputShare") > 0.3 && figure("p99Ratio") > 2.0, "one connection is a queue: {out}");
    let asked = report["overloaded"]["rate"].as_f64().unwrap();
    assert!((asked - 3.0 * figure("peak")).abs() < 1e-6, "{out}");
    assert!([0, 1].contains(&code), "{err}");
}

#[cfg(unix)]
#[test]
fn an_interrupted_load_ends_at_once_with_the_report_so_far() {
    let server = server(|_| Some(FINE));
    let url = format!("http://{}/", server.address);
    let child = bsm(&["bench", &url, "--duration", "60m"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while server.asked.load(SeqCst) < 3 {
        std::thread::yield_now();
    }
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert_eq!(status.code(), Some(1), "{out}{err}");
    assert!(out.contains("interrupted") && err.contains("interrupted:"), "{out}{err}");
}

#[test]
fn a_load_that_makes_no_sense_is_refused_with_the_reason() {
    const RPC: &str = "grpc://127.0.0.1:1/bsm.registry.v1.RegistryService/ListAgents";
    const URL: &str = "http://127.0.0.1:1/";
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = format!("http://{free}/");
    for (args, code, reason) in [
        (&["127.0.0.1:8080"][..], 64, "http://127.0.0.1:8080/api/agents"),
        (&[URL, "--rate", "0"], 64, "calls a second"),
        (&[URL, "--duration", "0"], 64, "a time above 0"),
        (&[URL, "--overload", "x"], 64, "a factor"),
        (&[URL, "--header", "x"], 64, "a name and a value"),
        (&[URL, "--connections", "0"], 64, "1..=1000"),
        (&[URL, "--pid", "4294967295"], if cfg!(target_os = "linux") { 64 } else { 69 }, "4294967295"),
        (&["http://192.0.2.1/"], 64, "--allow-remote"),
        (
            &[&RPC.replace("ListAgents", "ListAgnets")],
            64,
            "did you mean bsm.registry.v1.RegistryService/ListAgents?",
        ),
        (&[RPC, "--method", "PUT"], 64, "--method is for REST"),
        (&[RPC, "--data", "{\n x"], 65, "line 2 column 2"),
        (&[RPC, "--data", "@no/such/file"], 66, "no/such/file"),
        (&[&nobody], 69, "nobody answers"),
    ] {
        let (exit, _, err) = run(&[&["bench"], args].concat(), b"");
        assert_eq!(exit, code, "{args:?}: {err}");
        assert!(err.contains(reason), "{args:?}: {err}");
    }
}
