//! What a layer's refusal is on the wire: the one table from layer errors to [`Status`].
//!
//! It is needed because tonic turns an error it does not know into UNKNOWN, and its own timeout into CANCELLED.

use std::{error::Error, time::Duration};

use bsm_stack::{
    balance::NoEndpoint, breaker::CircuitOpen, bulkhead, concurrency::Overloaded, deadline::DeadlineExceeded,
    rate_limit, timeout::AttemptTimedOut,
};
use tonic::{Code, Status};

use crate::status::Refusal;

/// How long a caller may well wait before it tries a full bulkhead or an overloaded process again.
const FULL_RETRY: Duration = Duration::from_secs(1);

/// Reasons of calls that a guard has turned away. Metrics count them; a line for each would be a flood of its own.
const TURNED_AWAY: [&str; 4] = ["BULKHEAD_FULL", "CIRCUIT_OPEN", "OVERLOADED", "RATE_LIMITED"];

/// Whether a reason says that a guard turned the call away, as opposed to that it failed.
pub fn is_turned_away(reason: &str) -> bool {
    TURNED_AWAY.contains(&reason)
}

/// The status of an error that a layer or the transport gave.
pub fn status_of(err: &(dyn Error + 'static)) -> Status {
    let mut cause = Some(err);
    while let Some(err) = cause {
        if let Some(refusal) = refusal(err) {
            return refusal.into();
        }
        if let Some(status) = err.downcast_ref::<Status>() {
            return status.clone();
        }
        cause = err.source();
    }
    Refusal::new(Code::Internal, "INTERNAL", "the call failed inside the mesh; the log has the cause").into()
}

fn open_sentence(open: &CircuitOpen) -> String {
    let CircuitOpen { breaker, retry_in, forced } = open;
    if *forced {
        return format!("an operator holds the circuit {breaker} open until its mode is set to normal again");
    }
    format!("the circuit {breaker} is open; the next call goes out in {} s", retry_in.as_secs_f64().ceil())
}

fn refusal(err: &(dyn Error + 'static)) -> Option<Refusal> {
    if let Some(open) = err.downcast_ref::<CircuitOpen>() {
        let refusal = Refusal::new(Code::Unavailable, "CIRCUIT_OPEN", open_sentence(open));
        return Some(refusal.metadata("breaker", &*open.breaker).retry_after(open.retry_in));
    }
    if let Some(rejected) = err.downcast_ref::<bulkhead::Rejected>() {
        return Some(match rejected {
            bulkhead::Rejected::Full { .. } => {
                Refusal::new(Code::Unavailable, "BULKHEAD_FULL", rejected.to_string()).retry_after(FULL_RETRY)
            }
            bulkhead::Rejected::Expired { .. } => {
                Refusal::new(Code::DeadlineExceeded, "QUEUED_TOO_LONG", rejected.to_string())
            }
        });
    }
    if let Some(overloaded) = err.downcast_ref::<Overloaded>() {
        let refusal = Refusal::new(Code::Unavailable, "OVERLOADED", overloaded.to_string());
        return Some(refusal.retry_after(FULL_RETRY));
    }
    if let Some(refused) = err.downcast_ref::<rate_limit::Refused>() {
        let wait = refused.retry_after.as_secs_f64().ceil();
        let message = format!("too many calls from this client; the next one may come in {wait} s");
        let refusal = Refusal::new(Code::ResourceExhausted, "RATE_LIMITED", message);
        return Some(refusal.retry_after(refused.retry_after));
    }
    if err.is::<DeadlineExceeded>() {
        return Some(Refusal::new(Code::DeadlineExceeded, "DEADLINE_EXCEEDED", err.to_string()));
    }
    if err.is::<AttemptTimedOut>() {
        return Some(Refusal::new(Code::DeadlineExceeded, "ATTEMPT_TIMEOUT", err.to_string()));
    }
    // Connecting failed, or the connection was lost: the texts may hold addresses, so they stay in the log.
    let lost = err.is::<NoEndpoint>() || err.is::<tonic::transport::Error>() || err.is::<hyper::Error>();
    lost.then(|| {
        Refusal::new(Code::Unavailable, "UNREACHABLE", "the service cannot be reached at the moment")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::reason;

    #[test]
    fn a_circuit_that_is_held_open_names_no_time_at_which_it_will_let_calls_through() {
        let open = CircuitOpen { breaker: "models".into(), retry_in: Duration::from_secs(3), forced: true };
        assert_eq!(
            status_of(&open).message(),
            "an operator holds the circuit models open until its mode is set to normal again"
        );
        let open = CircuitOpen { forced: false, ..open };
        assert_eq!(status_of(&open).message(), "the circuit models is open; the next call goes out in 3 s");
    }

    #[test]
    fn each_refusal_has_its_code_and_reason() {
        let open = CircuitOpen { breaker: "models".into(), retry_in: Duration::from_secs(3), forced: false };
        let full = bulkhead::Rejected::Full { bulkhead: "x".into(), max_in_flight: 1, max_queue: 0 };
        let overloaded =
            Overloaded { limiter: "x".into(), priority: bsm_stack::Priority::Batch, in_flight: 6, room: 6 };
        let second = Duration::from_secs(1);
        let limited = rate_limit::Refused { limit: 1, retry_after: second, reset: second };
        let rows: [(&(dyn Error + 'static), Code, &str); 7] = [
            (&overloaded, Code::Unavailable, "OVERLOADED"),
            (&limited, Code::ResourceExhausted, "RATE_LIMITED"),
            (&open, Code::Unavailable, "CIRCUIT_OPEN"),
            (&full, Code::Unavailable, "BULKHEAD_FULL"),
            (&DeadlineExceeded { given: Duration::ZERO }, Code::DeadlineExceeded, "DEADLINE_EXCEEDED"),
            (&AttemptTimedOut { after: Duration::ZERO }, Code::DeadlineExceeded, "ATTEMPT_TIMEOUT"),
            (&std::fmt::Error, Code::Internal, "INTERNAL"),
        ];
        for (err, code, name) in rows {
            let status = status_of(err);
            assert_eq!((status.code(), reason(&status).as_deref()), (code, Some(name)));
        }
        for refusal in [&overloaded as &(dyn Error + 'static), &limited] {
            let said = crate::status::retry_after(&status_of(refusal));
            assert_eq!(said, Some(second), "whoever is turned away hears when to come back");
        }
    }

    #[test]
    fn a_refusal_is_found_below_a_wrapper() {
        #[derive(Debug, thiserror::Error)]
        #[error("wrapped")]
        struct Wrapper(#[source] DeadlineExceeded);
        let status = status_of(&Wrapper(DeadlineExceeded { given: Duration::from_secs(1) }));
        assert_eq!(status.code(), Code::DeadlineExceeded);
    }
}
