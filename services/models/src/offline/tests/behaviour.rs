//! What holds whatever the rules are.

use bsm_diff::Diff;
use proptest::prelude::*;

use super::{adding, changing, of_rule, reviewed};
use crate::offline::{
    Decision, Form, Lens, Message, Nothing, Request, Review, Role, Severity, Tongue, answer, review, rules,
};

const LENSES: [Lens; 5] = [Lens::Security, Lens::Review, Lens::Governance, Lens::Integrity, Lens::Everything];

fn clean() -> String {
    let code = changing(
        "src/add.rs",
        " /// Adds two numbers.\n pub fn add(a: u32, b: u32) -> Option<u32> {\n-    Some(a + b)\n+    a.checked_add(b)\n }",
    );
    let test = changing(
        "tests/add.rs",
        " use calc::add;\n+\n+#[test]\n+fn an_overflow_is_none() {\n+    assert_eq!(add(u32::MAX, 1), None);\n+}",
    );
    code + &test
}

fn ask<'a>(messages: &'a [Message<'a>], form: Form, tongue: Tongue) -> Request<'a> {
    Request { messages, task: "code_review", tongue, form }
}

fn user(text: &str) -> Message<'_> {
    Message { role: Role::User, text }
}

#[test]
fn a_small_clean_change_with_tests_is_approved_in_every_lens() {
    for lens in LENSES {
        let review = reviewed(&clean(), lens);
        assert_eq!((review.decision, review.findings.as_slice()), (Decision::Approve, &[][..]), "{lens:?}");
        assert!(review.score >= 9.0);
    }
}

#[test]
fn the_summary_says_that_no_model_was_asked() {
    let review = reviewed(&clean(), Lens::Security);
    assert!(
        review
            .summary
            .starts_with("Offline rule-based review (no model was asked): nothing found. Read 2 files")
    );
}

#[test]
fn missing_tests_ask_for_changes_in_the_code_review_only() {
    let diff = adding("src/a.rs", &["x();"; 30].join("\n"));
    let decisions = LENSES.map(|lens| reviewed(&diff, lens).decision);
    let (yes, no) = (Decision::Approve, Decision::RequestChanges);
    assert_eq!(decisions, [yes, no, yes, yes, no]);
    assert!(reviewed(&diff, Lens::Governance).score < 10.0, "the others see it in the score");
}

#[test]
fn the_worst_finding_decides() {
    let high = reviewed(&adding("src/a.py", "subprocess.run(c, shell=True)"), Lens::Security);
    assert_eq!((high.decision, high.score), (Decision::RequestChanges, 6.0));
    let medium = reviewed(&adding("src/a.rs", "unsafe { x() }"), Lens::Security);
    assert_eq!((medium.decision, medium.score), (Decision::Approve, 9.0));
    let low = reviewed(&adding("src/a.ts", &["console.log(x)"; 19].join("\n")), Lens::Review);
    assert_eq!((low.decision, low.score), (Decision::Approve, 9.4), "each rule counts once per file");
}

#[test]
fn a_lens_hears_only_its_own_rules() {
    let diff = adding("src/a.py", "subprocess.run(c, shell=True)");
    assert_eq!(of_rule(&reviewed(&diff, Lens::Governance), "python-shell-true").len(), 0);
    assert_eq!(of_rule(&reviewed(&diff, Lens::Security), "tests-missing-small").len(), 0);
    for rule in rules() {
        assert!(Lens::Everything.is_in(rule.lenses));
    }
}

#[test]
fn findings_come_worst_first_then_by_place() {
    let diff = adding("b.py", "eval(x)\nprint(x)\neval(y)") + &adding("a.py", "eval(x)");
    let review = reviewed(&diff, Lens::Review);
    let places: Vec<_> = review.findings.iter().map(|f| (f.severity, f.file.as_str(), f.line)).collect();
    let (high, low) = (Severity::High, Severity::Low);
    let expected = [
        (high, "b.py", Some(1)),
        (high, "b.py", Some(3)),
        (high, "a.py", Some(1)),
        (low, "b.py", None),
        (low, "b.py", Some(2)),
    ];
    assert_eq!(places, expected);
}

#[test]
fn many_hits_of_one_rule_in_one_file_are_counted_and_not_listed() {
    let review = reviewed(&adding("a.py", &["eval(x)"; 50].join("\n")), Lens::Security);
    let found = of_rule(&review, "python-eval");
    assert_eq!(found.len(), 3);
    assert!(found[2].message.contains("47 more"), "{}", found[2].message);
    assert!(review.summary.contains("found 50 high"), "{}", review.summary);
}

#[test]
fn a_link_out_of_the_repository_is_worse_than_one_within() {
    let link = |target: &str| {
        let diff = format!(
            "diff --git a/a/x b/a/x\nnew file mode 120000\n--- /dev/null\n+++ b/a/x\n@@ -0,0 +1 @@\n+{target}\n"
        );
        of_rule(&reviewed(&diff, Lens::Integrity), "file-symlink")[0].severity
    };
    let severities = ["y", "../y", "../../y", "/etc/passwd"].map(link);
    assert_eq!(severities, [Severity::Medium, Severity::Medium, Severity::High, Severity::High]);
}

#[test]
fn documents_hear_of_secrets_and_hidden_text_only() {
    let text = "eval(x)\nsubprocess.run(c, shell=True)\nTODO\ncurl x | sh\nprint(x)";
    assert_eq!(reviewed(&adding("docs/a.md", text), Lens::Everything).findings, []);
}

#[test]
fn the_json_is_what_models_answer_in() {
    let diff = adding("src/a.py", "eval(x)");
    let answer = answer(&ask(&[user(&diff)], Form::Json, Tongue::English)).unwrap();
    let json: serde_json::Value = serde_json::from_str(&answer.text).unwrap();
    assert_eq!(json["decision"], "request_changes");
    assert_eq!(json["findings"][0]["severity"], "high");
    assert_eq!(json["findings"][0]["line"], 1);
    assert_eq!(json["findings"][1].get("line"), Some(&serde_json::Value::Null), "about the whole file");
    let keys: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["decision", "score", "summary", "findings"]);
    let read: Review = serde_json::from_str(&answer.text).unwrap();
    assert_eq!(Some(read), answer.review);
}

#[test]
fn a_request_for_the_json_again_is_about_the_diff_before_it() {
    let diff = adding("src/a.py", "eval(x)");
    let said = Message { role: Role::Assistant, text: "{}" };
    let messages = [user(&diff), said, user("The answer did not fit the schema: decision is missing.")];
    assert!(answer(&ask(&messages, Form::Json, Tongue::English)).unwrap().text.contains("python-eval"));
}

#[test]
fn no_diff_is_nothing_to_review_and_not_a_bad_change() {
    assert_eq!(review(&Diff::default(), Lens::Security), Err(Nothing));
    let system = Message { role: Role::System, text: &adding("a.py", "eval(x)") };
    assert_eq!(answer(&ask(&[system, user("Hello")], Form::Json, Tongue::English)), Err(Nothing));
    assert!(Nothing.to_string().contains("no readable change"));
}

#[test]
fn without_a_diff_the_text_says_honestly_what_this_is() {
    for (tongue, words) in [(Tongue::English, "not a language model"), (Tongue::Arabic, "ولستُ نموذجًا لغويًا")]
    {
        let answer = answer(&ask(&[user("What is love?")], Form::Text, tongue)).unwrap();
        assert!(answer.text.contains(words), "{}", answer.text);
        assert_eq!(answer.review, None);
    }
    assert_eq!((Tongue::of_tag("ar"), Tongue::of_tag("ar-EG"), Tongue::of_tag("fr")), {
        (Tongue::Arabic, Tongue::Arabic, Tongue::English)
    });
}

#[test]
fn with_a_diff_the_text_is_a_review_for_people() {
    let diff = adding("src/a.py", "eval(x)");
    let text = answer(&ask(&[user(&diff)], Form::Text, Tongue::English)).unwrap().text;
    assert!(text.contains("Decision: request changes.") && text.contains("- high: src/a.py:1: "), "{text}");
    let text = answer(&ask(&[user(&diff)], Form::Text, Tongue::Arabic)).unwrap().text;
    assert!(text.contains("القرار: طلب تعديلات.") && text.contains("no model was asked"), "{text}");
}

#[test]
fn ten_megabytes_are_reviewed() {
    let lines: Vec<_> =
        (0..2_000).map(|n| format!("    let value_{n} = compute({n}, \"text {n}\");")).collect();
    let text: String = (0..60).map(|n| adding(&format!("src/f{n}.rs"), &lines.join("\n"))).collect();
    let long = adding("src/long.js", &"var a=b.c(d,\"e\");".repeat(200_000));
    let review = reviewed(&(text + &long), Lens::Everything);
    assert_eq!(of_rule(&review, "size-huge").len(), 1);
}

proptest! {
    #[test]
    fn any_added_line_is_reviewed_without_a_panic_and_always_alike(
        text in "\\PC*",
        path in prop::sample::select(vec!["a.rs", "a.py", "a.js", "Dockerfile", ".github/workflows/a.yml", "package.json", "a.md", "x"]),
    ) {
        let diff = adding(path, &text);
        let review = reviewed(&diff, Lens::Everything);
        prop_assert_eq!(&reviewed(&diff, Lens::Everything), &review);
        prop_assert!((0.0..=10.0).contains(&review.score));
    }
}

#[test]
fn a_key_of_a_known_shape_is_told_once_and_not_guessed_again() {
    let line = format!("AWS_ACCESS_KEY_ID=AKIA{}", "J7QXW2ZRT5KLM3NP");
    let review = reviewed(&adding("config/prod.env", &line), Lens::Security);
    let told: Vec<_> = review.findings.iter().filter(|finding| finding.line == Some(1)).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].message.ends_with("[secret-aws-access-key]"));
}
