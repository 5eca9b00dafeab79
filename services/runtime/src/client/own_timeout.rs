//! tonic's channel reads the `grpc-timeout` that we send and cuts the call off by itself, with an error that
//! looks like a broken transport. It is the caller's deadline that passed, and nobody's failure.

use std::error::Error;

use tonic::TimeoutExpired;

/// Passes results on, but for tonic's own timeout: that one is left to the deadline layer above, which fires
/// within its margin and tells it rightly. Cancel safe.
pub(super) async fn leave_to_the_deadline<T>(
    result: Result<T, tonic::transport::Error>,
) -> Result<T, tonic::transport::Error> {
    match result {
        Err(err) if is_own_timeout(&err) => std::future::pending().await,
        result => result,
    }
}

fn is_own_timeout(err: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(err);
    while let Some(err) = cause {
        if err.is::<TimeoutExpired>() {
            return true;
        }
        cause = err.source();
    }
    false
}
