use super::*;

fn refusal(status: u16, body: &Value) -> Failure {
    WIRE.refusal(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), body.to_string().as_bytes())
}

fn error(code: u16, status: &str, message: &str, details: Value) -> Value {
    json!({"error": {"code": code, "message": message, "status": status, "details": details}})
}

#[test]
fn every_error_answer_has_its_kind() {
    let invalid_key = json!([{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}]);
    let long = "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).";
    let cases = [
        (400, "INVALID_ARGUMENT", "Invalid value at 'contents'", json!([]), Kind::Rejected),
        (
            400,
            "INVALID_ARGUMENT",
            "API key not valid. Please pass a valid API key.",
            invalid_key,
            Kind::Credential,
        ),
        (400, "INVALID_ARGUMENT", "API key expired. Please renew the API key.", json!([]), Kind::Credential),
        (400, "INVALID_ARGUMENT", long, json!([]), Kind::ContextTooLong),
        (
            400,
            "FAILED_PRECONDITION",
            "User location is not supported for the API use.",
            json!([]),
            Kind::Rejected,
        ),
        (401, "UNAUTHENTICATED", "", json!([]), Kind::Credential),
        (403, "PERMISSION_DENIED", "", json!([]), Kind::Credential),
        (404, "NOT_FOUND", "models/gemini-9 is not found for API version v1beta", json!([]), Kind::ModelGone),
        (429, "RESOURCE_EXHAUSTED", "You exceeded your current quota", json!([]), Kind::Throttled),
        (500, "INTERNAL", "An internal error has occurred.", json!([]), Kind::Transient),
        (503, "UNAVAILABLE", "The model is overloaded. Please try again later.", json!([]), Kind::Transient),
        (504, "DEADLINE_EXCEEDED", "", json!([]), Kind::Transient),
    ];
    for (code, status, message, details, expected) in cases {
        let failure = refusal(code, &error(code, status, message, details));
        assert_eq!(failure.kind, expected, "{status} {message}");
    }
    for body in ["", "<html>", "null", "[]", "{}", r#"{"error": "x"}"#] {
        let failure = WIRE.refusal(StatusCode::BAD_GATEWAY, &HeaderMap::new(), body.as_bytes());
        assert_eq!((failure.kind, failure.message.as_str()), (Kind::Transient, "answered 502"), "{body}");
    }
}

fn quota(id: &str) -> Value {
    json!([{"@type": "type.googleapis.com/google.rpc.QuotaFailure",
            "violations": [{"quotaMetric": "generativelanguage.googleapis.com/requests", "quotaId": id, "quotaValue": "10"}]},
           {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"}])
}

#[test]
fn a_quota_of_the_day_is_used_up_and_one_of_the_minute_comes_back_when_it_is_said() {
    let of =
        |id| refusal(429, &error(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota", quota(id)));
    let minute = of("GenerateRequestsPerMinutePerProjectPerModel-FreeTier");
    assert_eq!((minute.kind, minute.retry_after), (Kind::Throttled, Some(Duration::from_millis(34_500))));
    assert_eq!(of("GenerateRequestsPerDayPerProjectPerModel-FreeTier").kind, Kind::Quota);
}

#[test]
fn an_error_is_read_within_a_list_and_within_a_success() {
    let unavailable = error(503, "UNAVAILABLE", "overloaded", json!([]));
    assert_eq!(
        refusal(429, &json!([error(429, "RESOURCE_EXHAUSTED", "", quota("PerDay"))])).kind,
        Kind::Quota
    );
    assert_eq!(WIRE.answer(unavailable.to_string().as_bytes()).unwrap_err().kind, Kind::Transient);
    let event = format!("data: {}\n\n", error(429, "RESOURCE_EXHAUSTED", "", quota("PerMinute")));
    let failure = WIRE.pieces().push(event.as_bytes()).unwrap_err();
    assert_eq!((failure.kind, failure.retry_after), (Kind::Throttled, Some(Duration::from_millis(34_500))));
}
