use super::*;

fn refusal(status: u16, code: Value, kind: &str) -> Failure {
    let body =
        json!({"error": {"message": "see https://x.test now", "type": kind, "param": null, "code": code}});
    WIRE.refusal(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), body.to_string().as_bytes())
}

#[test]
fn every_error_answer_has_its_kind() {
    let cases = [
        (401, json!("invalid_api_key"), "invalid_request_error", Kind::Credential),
        (403, json!(null), "permission_error", Kind::Credential),
        (403, json!("model_not_found"), "invalid_request_error", Kind::ModelGone),
        (404, json!("model_not_found"), "invalid_request_error", Kind::ModelGone),
        (404, json!(null), "", Kind::ModelGone),
        (429, json!("rate_limit_exceeded"), "tokens", Kind::Throttled),
        (429, json!("insufficient_quota"), "insufficient_quota", Kind::Quota),
        (429, json!(null), "insufficient_quota", Kind::Quota),
        (429, json!(429), "", Kind::Throttled),
        (400, json!("context_length_exceeded"), "invalid_request_error", Kind::ContextTooLong),
        (400, json!("content_policy_violation"), "invalid_request_error", Kind::ContentPolicy),
        (400, json!(null), "invalid_request_error", Kind::Rejected),
        (413, json!(null), "", Kind::ContextTooLong),
        (422, json!(null), "", Kind::Rejected),
        (408, json!(null), "", Kind::Transient),
        (302, json!(null), "", Kind::Malformed),
        (500, json!(null), "server_error", Kind::Transient),
        (503, json!(null), "", Kind::Transient),
        (529, json!(null), "", Kind::Transient),
    ];
    for (status, code, kind, expected) in cases {
        assert_eq!(refusal(status, code.clone(), kind).kind, expected, "{status} {code} {kind}");
    }
}

#[test]
fn error_answers_that_are_no_error_objects_are_read_by_their_status() {
    for body in ["", "<html>Bad gateway</html>", "null", r#"{"error": "overloaded"}"#, "{\"error\":"] {
        let failure = WIRE.refusal(StatusCode::BAD_GATEWAY, &HeaderMap::new(), body.as_bytes());
        assert_eq!((failure.kind, failure.message.as_str()), (Kind::Transient, "answered 502"), "{body}");
    }
}

#[test]
fn the_providers_words_are_shown_where_they_help_and_never_about_keys() {
    assert_eq!(refusal(400, json!(null), "").message, "answered 400: see now");
    assert_eq!(refusal(401, json!("invalid_api_key"), "").message, "answered 401");
    assert_eq!(refusal(429, json!("insufficient_quota"), "").message, "answered 429");
}

#[test]
fn a_throttled_answer_says_when_to_come_back() {
    let headers: HeaderMap =
        [(http::header::RETRY_AFTER, HeaderValue::from_static("20"))].into_iter().collect();
    let failure = WIRE.refusal(StatusCode::TOO_MANY_REQUESTS, &headers, b"");
    assert_eq!(failure.retry_after, Some(Duration::from_secs(20)));
}

#[test]
fn an_error_object_within_a_success_is_no_answer() {
    let body = json!({"error": {"message": "boom", "code": "insufficient_quota"}}).to_string();
    assert_eq!(WIRE.answer(body.as_bytes()).unwrap_err().kind, Kind::Quota);
}
