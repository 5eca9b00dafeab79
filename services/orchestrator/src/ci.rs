//! What continuous integration says about a change, as far as the event tells.

use std::fmt;

use serde_json::Value;

/// Conclusions under which checks let a change through.
const PASSED: [&str; 3] = ["success", "neutral", "skipped"];
/// Words of checks that have not ended.
const OPEN: [&str; 7] = ["queued", "in_progress", "pending", "waiting", "requested", "expected", "running"];

/// What is known of the checks, with what it is known from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ci {
    /// Green, red, running or unknown.
    pub state: CiState,
    /// How that is known, a sentence without its full stop.
    pub detail: String,
}

/// Green, red, running or unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CiState {
    /// Every check let the change through.
    Success,
    /// A check did not.
    Failure,
    /// A check has not ended.
    Pending,
    /// Nobody can know.
    Unknown,
}

/// Reads what a payload says of its checks: `checks`, a list of `{name, status, conclusion}`, else the
/// `conclusion` and `status` of a check suite.
///
/// One check that failed makes it red and one that is open makes it pending; a word that is not known counts as
/// failed, since it is not known to be green.
#[must_use]
pub fn from_payload(payload: &Value) -> Ci {
    match payload.get("checks") {
        Some(Value::Array(checks)) if !checks.is_empty() => return worst(checks),
        None | Some(Value::Null | Value::Array(_)) => {}
        Some(_) => return unreadable("checks"),
    }
    match word(payload) {
        Ok(Some(word)) => Ci { state: state(word), detail: format!("the check suite says {}", short(word)) },
        Ok(None) => Ci { state: CiState::Unknown, detail: "the event names no checks".to_owned() },
        Err(field) => unreadable(field),
    }
}

/// What is there and cannot be read is not known to be green.
fn unreadable(field: &str) -> Ci {
    Ci { state: CiState::Failure, detail: format!("{field} of the event cannot be read") }
}

/// The check that decides among many.
fn worst(checks: &[Value]) -> Ci {
    let mut deciding = (CiState::Success, "all checks passed".to_owned());
    for check in checks {
        let name = check.get("name").and_then(Value::as_str).unwrap_or("a check");
        let (state, says) = match word(check) {
            Ok(Some(word)) => (state(word), word),
            Ok(None) => (CiState::Pending, "nothing yet"),
            Err(_) => (CiState::Failure, "what cannot be read"),
        };
        if rank(state) > rank(deciding.0) {
            deciding = (state, format!("{} says {}", short(name), short(says)));
        }
    }
    Ci { state: deciding.0, detail: deciding.1 }
}

/// How a check ended, or else how it stands; the field that cannot be read. A check that is not completed stands
/// open whatever conclusion it carries from an earlier run.
fn word(check: &Value) -> Result<Option<&str>, &'static str> {
    let text = |field: &'static str| match check.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
        Some(_) => Err(field),
    };
    let (conclusion, status) = (text("conclusion")?, text("status")?);
    let open = status.filter(|status| state(status) == CiState::Pending);
    Ok(open.or(conclusion).or(status))
}

fn state(word: &str) -> CiState {
    let word = word.to_ascii_lowercase();
    if PASSED.contains(&word.as_str()) {
        CiState::Success
    } else if OPEN.contains(&word.as_str()) {
        CiState::Pending
    } else {
        CiState::Failure
    }
}

const fn rank(state: CiState) -> u8 {
    match state {
        CiState::Success | CiState::Unknown => 0,
        CiState::Pending => 1,
        CiState::Failure => 2,
    }
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}

// === impl CiState ===

impl CiState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Success, Self::Failure, Self::Pending, Self::Unknown];

    /// The spelling in the policy file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Pending => "pending",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for CiState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_without_checks_leaves_them_unknown() {
        for payload in [json!({}), json!(null), json!({"checks": []}), json!({"conclusion": null})] {
            assert_eq!(from_payload(&payload).state, CiState::Unknown, "{payload}");
        }
    }

    #[test]
    fn a_check_suite_is_what_its_conclusion_says() {
        for (payload, expected) in [
            (json!({"conclusion": "success"}), CiState::Success),
            (json!({"conclusion": "neutral"}), CiState::Success),
            (json!({"conclusion": "FAILURE"}), CiState::Failure),
            (json!({"conclusion": "timed_out"}), CiState::Failure),
            (json!({"conclusion": "never seen"}), CiState::Failure),
            (json!({"conclusion": null, "status": "in_progress"}), CiState::Pending),
            (json!({"status": "completed", "conclusion": "success"}), CiState::Success),
        ] {
            assert_eq!(from_payload(&payload).state, expected, "{payload}");
        }
    }

    #[test]
    fn the_worst_check_decides_and_is_named() {
        let check = |name: &str, conclusion: Value| json!({"name": name, "conclusion": conclusion});
        let red = json!({"checks": [check("a", json!("success")), check("b", json!(null)), check("c", json!("failure"))]});
        let ci = from_payload(&red);
        assert_eq!((ci.state, ci.detail.as_str()), (CiState::Failure, "c says failure"));
        let running = json!({"checks": [check("a", json!("success")), check("b", json!(null))]});
        assert_eq!(from_payload(&running).detail, "b says nothing yet");
        let green = json!({"checks": [check("a", json!("success")), check("b", json!("skipped"))]});
        assert_eq!(from_payload(&green).state, CiState::Success);
    }

    #[test]
    fn what_is_there_and_cannot_be_read_is_not_green() {
        for payload in [
            json!({"checks": "failure"}),
            json!({"checks": {"conclusion": "failure"}}),
            json!({"conclusion": 1}),
            json!({"conclusion": ["failure"]}),
            json!({"status": 5}),
            json!({"checks": [{"name": "a", "conclusion": true}]}),
        ] {
            assert_eq!(from_payload(&payload).state, CiState::Failure, "{payload}");
        }
    }

    #[test]
    fn a_check_that_runs_again_is_open_whatever_it_said_before() {
        let payload = json!({"checks": [{"name": "a", "status": "in_progress", "conclusion": "success"}]});
        assert_eq!(from_payload(&payload).state, CiState::Pending);
    }
}
