//! Signatures, shapes and mapping, as tables.

use http::HeaderValue;
use secrecy::SecretString;
use serde_json::json;

use super::*;
use signature::Problem;

const SECRET: &str = "a-secret-of-16-b";
const NEXT: &str = "the-next-secret-x";
const BODY: &[u8] = br#"{"zen":"Keep it logically awesome."}"#;
/// HMAC-SHA-256 of `BODY` under the two secrets, computed elsewhere.
const SIGNED: &str = "sha256=45f79a08b8fb76bafcc10f685c257b83a5dd1de76fb27afd1daf702cb9a7248b";
const SIGNED_NEXT: &str = "sha256=a5e44dd4ec6ac27ecd40137815b42ce71efe4030f9295bf03155821587e3bcc8";

fn secrets(texts: &[&str]) -> Secrets {
    Secrets::new(&texts.iter().map(|text| SecretString::from(*text)).collect::<Vec<_>>())
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn verify(secrets: &Secrets, signatures: &[&str], body: &[u8]) -> Result<(), Problem> {
    let pairs: Vec<_> = signatures.iter().map(|signature| ("x-hub-signature-256", *signature)).collect();
    let claim = secrets.claim(&headers(&pairs))?;
    secrets.verify(&claim, body)
}

#[test]
fn exactly_one_right_signature_under_one_of_the_secrets_is_taken() {
    let both = secrets(&[SECRET, NEXT]);
    let upper = SIGNED.to_ascii_uppercase().replace("SHA256", "sha256");
    let other = SIGNED.replace(&SIGNED[20..22], if &SIGNED[20..22] == "00" { "11" } else { "00" });
    for (signatures, outcome) in [
        (&[SIGNED][..], Ok(())),
        (&[SIGNED_NEXT], Ok(())),
        (&[upper.as_str()], Ok(())),
        (&[], Err(Problem::NotOneSignature)),
        (&[SIGNED, SIGNED], Err(Problem::NotOneSignature)),
        (&[other.as_str()], Err(Problem::Mismatch)),
        (&[&SIGNED[7..]], Err(Problem::Malformed)),
        (&[&SIGNED[..70]], Err(Problem::Malformed)),
        (&[&SIGNED.replace("sha256=", "sha1=")], Err(Problem::Malformed)),
        (&[&format!("{SIGNED}00")], Err(Problem::Malformed)),
        (&[&format!("sha256={}", "g".repeat(64))], Err(Problem::Malformed)),
        (&["sha256="], Err(Problem::Malformed)),
        (&[""], Err(Problem::Malformed)),
    ] {
        assert_eq!(verify(&both, signatures, BODY), outcome, "{signatures:?}");
    }
    assert_eq!(verify(&both, &[SIGNED], b"{}"), Err(Problem::Mismatch), "another body");
    assert_eq!(verify(&secrets(&[NEXT]), &[SIGNED], BODY), Err(Problem::Mismatch), "a retired secret");
}

#[test]
fn no_secret_or_a_short_one_refuses_everything() {
    for (texts, problem) in [
        (&[][..], Problem::NoSecret),
        (&[""], Problem::ShortSecret),
        (&["fifteen-chars-x"], Problem::ShortSecret),
        (&[SECRET, "short"], Problem::ShortSecret),
    ] {
        assert_eq!(verify(&secrets(texts), &[SIGNED], BODY), Err(problem), "{texts:?}");
    }
}

fn delivered(event: &str, body: &Value) -> Result<(Delivery, Mapped), (u16, String)> {
    let headers = headers(&[
        ("content-type", "application/json"),
        ("x-github-event", event),
        ("x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"),
    ]);
    let fault = |fault: Fault| (fault.status.as_u16(), fault.code.into_owned());
    let (delivery, content) = delivery::read(&headers, body.to_string().as_bytes()).map_err(fault)?;
    let mapped = mapping::map(&delivery.event, content).map_err(fault)?;
    Ok((delivery, mapped))
}

fn pull_request() -> Value {
    json!({
        "action": "opened",
        "number": 12,
        "pull_request": {
            "number": 12, "title": "Add a thing", "body": null, "draft": false, "diff_url": "https://x/12.diff",
            "user": {"login": "octocat"}, "head": {"ref": "topic", "sha": "abc"}, "base": {"ref": "main"},
            "changed_files": 2, "additions": 30, "deletions": 4
        },
        "repository": {"full_name": "o/r"}
    })
}

fn event(name: &str, payload: Value) -> Mapped {
    Mapped::Event { name: name.to_owned(), payload }
}

#[test]
fn events_are_named_and_mapped_as_the_contract_says() {
    let suite = json!({"head_sha": "abc", "status": "completed", "conclusion": "success",
        "pull_requests": [{"number": 3}, {"number": 4}]});
    let push =
        json!({"ref": "refs/heads/main", "commits": [{"id": "1"}], "pusher": {"name": "p"}, "forced": true});
    for (kind, body, mapped) in [
        ("ping", json!({"zen": "x"}), Mapped::Ping),
        (
            "pull_request",
            pull_request(),
            event(
                "pull_request.opened",
                json!({"prNumber": 12, "title": "Add a thing", "author": "octocat", "branch": "topic",
                    "baseBranch": "main", "headSha": "abc", "filesChanged": 2, "additions": 30, "deletions": 4,
                    "diffUrl": "https://x/12.diff", "repo": "o/r", "isDraft": false}),
            ),
        ),
        (
            "check_suite",
            json!({"action": "completed", "check_suite": suite}),
            event(
                "check_suite.completed",
                json!({"commit": "abc", "status": "completed", "conclusion": "success", "prNumbers": [3, 4]}),
            ),
        ),
        (
            "push",
            push,
            event(
                "push",
                json!({"ref": "refs/heads/main", "commits": [{"id": "1"}], "pusher": "p", "forced": true}),
            ),
        ),
        (
            "star",
            json!({"action": "created", "n": 1}),
            event("star.created", json!({"action": "created", "n": 1})),
        ),
    ] {
        assert_eq!(delivered(kind, &body).unwrap().1, mapped, "{kind}");
    }
}

#[test]
fn a_draft_is_skipped() {
    let mut body = pull_request();
    body["pull_request"]["draft"] = true.into();
    assert_eq!(delivered("pull_request", &body).unwrap().1, Mapped::Skipped("Draft PR"));
}

#[test]
fn a_diff_is_kept_from_either_place_and_bounded() {
    for at in ["/diff", "/pull_request/diff"] {
        let mut body = pull_request();
        let (parent, name) = at.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap()[name] = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n".into();
        let Mapped::Event { payload, .. } = delivered("pull_request", &body).unwrap().1 else { panic!() };
        assert!(payload["diff"].as_str().unwrap().contains("+b"), "{at}");
        assert_eq!(payload.get("diffTruncated"), None);
    }
    let file = |name: &str, lines: usize| {
        format!(
            "--- a/{name}\n+++ b/{name}\n@@ -0,0 +1,{lines} @@\n{}",
            "+0123456789012345678\n".repeat(lines)
        )
    };
    let mut body = pull_request();
    body["diff"] = (file("small", 3) + &file("large", 150_000)).into();
    let Mapped::Event { payload, .. } = delivered("pull_request", &body).unwrap().1 else { panic!() };
    assert!(payload["diff"].as_str().unwrap().len() <= 2 * 1024 * 1024);
    assert_eq!((&payload["diffTruncated"], &payload["diffLeftOut"]), (&json!(true), &json!(["large"])));
}

#[test]
fn a_payload_too_large_for_a_message_names_what_is_left_out() {
    let body = json!({"action": "created", "big": vec![1; 300_000], "small": "kept"});
    let Mapped::Event { payload, .. } = delivered("star", &body).unwrap().1 else { panic!() };
    assert_eq!(payload, json!({"action": "created", "small": "kept", "payloadLeftOut": ["big"]}));
}

#[test]
fn the_event_type_is_held_against_the_body() {
    for (kind, body, code) in [
        ("foo", pull_request(), "EVENT_MISMATCH"),
        ("pull_request", json!({"action": "opened"}), "EVENT_MISMATCH"),
        ("pull_request", json!({"pull_request": []}), "EVENT_MISMATCH"),
        ("check_suite", pull_request(), "EVENT_MISMATCH"),
        ("push", json!({"ref": "x"}), "EVENT_MISMATCH"),
        ("pull_request.opened", pull_request(), "INVALID_EVENT"),
        ("Pull_Request", pull_request(), "INVALID_EVENT"),
        ("star", json!({"action": 5}), "INVALID_EVENT"),
        ("star", json!({"action": "a b"}), "INVALID_EVENT"),
        ("star", json!([]), "INVALID_PAYLOAD"),
    ] {
        assert_eq!(delivered(kind, &body).unwrap_err(), (400, code.to_owned()), "{kind} {body}");
    }
    let no_event = headers(&[("content-type", "application/json")]);
    assert!(delivery::read(&no_event, b"{}").is_err());
    let form = headers(&[("content-type", "application/x-www-form-urlencoded"), ("x-github-event", "ping")]);
    assert_eq!(delivery::read(&form, b"{}").unwrap_err().status, 415);
}

#[test]
fn a_delivery_is_known_again_by_its_id_and_by_its_body() {
    let (delivery, _) = delivered("ping", &json!({})).unwrap();
    assert_eq!(delivery.idempotency_key(), "github:72d3162e-cc78-11e3-81ab-4c9367dc0958");
    let hash = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"; // SHA-256 of {}
    assert_eq!(delivery.context()["bodyHash"], hash);
    let without = headers(&[("content-type", "application/json"), ("x-github-event", "ping")]);
    let (delivery, _) = delivery::read(&without, b"{}").unwrap();
    assert_eq!(delivery.idempotency_key(), format!("github:sha256:{hash}"));
}
