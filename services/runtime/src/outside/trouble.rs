//! Why there is no answer: one reading of the errors of the stack, for all who ask outside servers.

use std::{error::Error, fmt, io, iter, time::Duration};

use bsm_stack::{
    breaker::CircuitOpen, bulkhead::Rejected, deadline::DeadlineExceeded, timeout::AttemptTimedOut,
};

use hyper_util::client::legacy;

use super::{address::NoUrl, egress::Refusal, gate};

/// Why there is no answer. In words without a subject ("could not be reached"), and without addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Not sent: its circuit is open.
    CircuitOpen {
        /// When the next call may go out.
        retry_in: Duration,
    },
    /// Not sent: it holds as many calls as it may, and as many wait.
    Full {
        /// Calls that it may hold.
        in_flight: usize,
        /// Calls that may wait.
        waiting: usize,
    },
    /// Not sent: the deadline passed in the queue.
    Queued,
    /// The deadline of the whole call passed.
    Late,
    /// No head within the time of one attempt.
    Slow {
        /// That time.
        after: Duration,
    },
    /// Not sent: it did not take the connection in time.
    NotAccepted,
    /// Not sent: no connection could be made.
    Unreachable(Option<io::ErrorKind>),
    /// Not sent: its certificate does not show that it is who it should be.
    NotTrusted,
    /// The connection was lost amid the call.
    Broken(Option<io::ErrorKind>),
    /// Not sent: the request is none.
    Malformed,
    /// Not sent: the egress policy keeps it in.
    Refused(Refusal),
}

// === impl Trouble ===

impl Trouble {
    /// Reads an error of [`Outside::ask`](super::Outside::ask) or of a body that came from it.
    pub fn of(error: &(dyn Error + 'static)) -> Trouble {
        if let Some(refusal) = gate::refusal(error) {
            return Trouble::Refused(refusal); // below an error of the client's, if a name was looked up
        }
        let mut causes = iter::successors(Some(error), |&error| error.source());
        causes.find_map(of_one).unwrap_or_else(|| Trouble::Broken(io_kind(error)))
    }
}

fn of_one(error: &(dyn Error + 'static)) -> Option<Trouble> {
    if let Some(CircuitOpen { retry_in, .. }) = error.downcast_ref() {
        return Some(Trouble::CircuitOpen { retry_in: *retry_in });
    }
    if let Some(rejected) = error.downcast_ref::<Rejected>() {
        return Some(match rejected {
            Rejected::Full { max_in_flight, max_queue, .. } => {
                Trouble::Full { in_flight: *max_in_flight, waiting: *max_queue }
            }
            Rejected::Expired { .. } => Trouble::Queued,
        });
    }
    if error.is::<DeadlineExceeded>() {
        return Some(Trouble::Late);
    }
    if let Some(AttemptTimedOut { after }) = error.downcast_ref() {
        return Some(Trouble::Slow { after: *after });
    }
    if error.is::<NoUrl>() {
        return Some(Trouble::Malformed);
    }
    let of_client = error.downcast_ref::<legacy::Error>()?;
    Some(match io_kind(error) {
        Some(io::ErrorKind::TimedOut) if of_client.is_connect() => Trouble::NotAccepted,
        _ if of_client.is_connect() && has_a_wrong_certificate(error) => Trouble::NotTrusted,
        kind if of_client.is_connect() => Trouble::Unreachable(kind),
        kind => Trouble::Broken(kind),
    })
}

fn has_a_wrong_certificate(error: &(dyn Error + 'static)) -> bool {
    let mut causes = iter::successors(Some(error), |&error| below(error));
    causes.any(|cause| matches!(cause.downcast_ref(), Some(rustls::Error::InvalidCertificate(_))))
}

/// What an error was made of. One of I/O holds another error and does not name it as its source.
fn below<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(held) => Some(held),
        None => error.source(),
    }
}

fn io_kind(error: &(dyn Error + 'static)) -> Option<io::ErrorKind> {
    let mut causes = iter::successors(Some(error), |&error| error.source());
    causes.find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind)
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let because = |f: &mut fmt::Formatter<'_>, what: &str, kind: Option<io::ErrorKind>| match kind {
            Some(kind) => write!(f, "{what}: {kind}"),
            None => f.write_str(what),
        };
        match *self {
            Trouble::CircuitOpen { .. } => f.write_str("is not asked while its circuit is open"),
            Trouble::Full { in_flight, waiting } => {
                write!(f, "has {in_flight} calls in flight and {waiting} waiting, which is all it may have")
            }
            Trouble::Queued => f.write_str("had no free slot before the caller's deadline"),
            Trouble::Late => f.write_str("did not answer before the caller's deadline"),
            Trouble::Slow { after } => write!(f, "did not begin its answer within {after:?}"),
            Trouble::NotAccepted => f.write_str("did not accept the connection in time"),
            Trouble::Unreachable(kind) => because(f, "could not be reached", kind),
            Trouble::NotTrusted => f.write_str(
                "showed a certificate that is not trusted; SSL_CERT_FILE names authorities in the place of the machine's",
            ),
            Trouble::Broken(kind) => because(f, "broke the connection off", kind),
            Trouble::Malformed => f.write_str("could not be asked: the request is malformed"),
            Trouble::Refused(refusal) => refusal.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use tower::BoxError;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("gave up")]
    struct Wrapped(#[source] BoxError);

    #[test]
    fn each_trouble_is_found_below_a_wrapper_and_told_without_a_subject() {
        let second = Duration::from_secs(1);
        let open = CircuitOpen { breaker: "openai".into(), retry_in: second, forced: false };
        let full = Rejected::Full { bulkhead: "openai".into(), max_in_flight: 10, max_queue: 5 };
        let rows: [(BoxError, Trouble, &str); 6] = [
            (
                open.into(),
                Trouble::CircuitOpen { retry_in: second },
                "is not asked while its circuit is open",
            ),
            (
                full.into(),
                Trouble::Full { in_flight: 10, waiting: 5 },
                "has 10 calls in flight and 5 waiting, which is all it may have",
            ),
            (
                Rejected::Expired { bulkhead: "openai".into() }.into(),
                Trouble::Queued,
                "had no free slot before the caller's deadline",
            ),
            (
                DeadlineExceeded { given: second }.into(),
                Trouble::Late,
                "did not answer before the caller's deadline",
            ),
            (
                AttemptTimedOut { after: second }.into(),
                Trouble::Slow { after: second },
                "did not begin its answer within 1s",
            ),
            (
                io::Error::from(io::ErrorKind::ConnectionReset).into(),
                Trouble::Broken(Some(io::ErrorKind::ConnectionReset)),
                "broke the connection off: connection reset",
            ),
        ];
        for (error, trouble, words) in rows {
            let found = Trouble::of(&Wrapped(error));
            assert_eq!((found, found.to_string().as_str()), (trouble, words));
        }
    }
}
