//! What an error of tonic's channel means to the layers above it.
//!
//! The channel reads the `grpc-timeout` that we send and cuts the call off by itself, with an error that looks like a
//! broken transport: it is the caller's deadline that passed, and nobody's failure. And it tells a connection that
//! could not be made in the same words as one that broke midway; only the first is safe to try again whatever the call.

use std::{error::Error, iter};

use bsm_stack::retry::NotSent;
use tonic::{ConnectError, TimeoutExpired};
use tower::BoxError;

/// Passes answers on, and errors as what they mean. An own timeout is left to the deadline layer above, which fires
/// within its margin and tells it rightly. Cancel safe.
pub(super) async fn meaning<T>(result: Result<T, tonic::transport::Error>) -> Result<T, BoxError> {
    match result {
        Ok(answer) => Ok(answer),
        Err(err) if caused_by::<TimeoutExpired>(&err) => std::future::pending().await,
        Err(err) if caused_by::<ConnectError>(&err) => Err(NotSent(err.into()).into()),
        Err(err) => Err(err.into()),
    }
}

fn caused_by<E: Error + 'static>(err: &(dyn Error + 'static)) -> bool {
    iter::successors(Some(err), |&err| err.source()).any(|err| err.is::<E>())
}
