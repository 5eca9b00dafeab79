//! What an error of tonic's channel means to the layers above it.
//!
//! The channel reads the `grpc-timeout` that we send and cuts the call off by itself, with an error that looks like a
//! broken transport: it is the caller's deadline that passed, and nobody's failure. And it tells a connection that
//! could not be made, or that ended before the call was on it, in the same words as one that broke midway; only the
//! former are safe to try again whatever the call.

use std::{error::Error, io, iter};

use bsm_stack::retry::NotSent;
use tonic::{ConnectError, TimeoutExpired};
use tower::BoxError;

/// Passes answers on, and errors as what they mean. An own timeout is left to the deadline layer above, which fires
/// within its margin and tells it rightly. Cancel safe.
pub(super) async fn meaning<T>(result: Result<T, tonic::transport::Error>) -> Result<T, BoxError> {
    match result {
        Ok(answer) => Ok(answer),
        Err(err) if causes(&err).any(|err| err.is::<TimeoutExpired>()) => std::future::pending().await,
        Err(err) if causes(&err).any(is_unsent) => Err(NotSent(err.into()).into()),
        Err(err) => Err(err.into()),
    }
}

/// Whether the peer, or the end of a connection in good order, turned the call away: it is to be made elsewhere, and
/// says nothing against the peer. A connection that could not be made does.
pub(super) fn is_orderly(err: &(dyn Error + 'static)) -> bool {
    causes(err).any(|err| {
        err.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_canceled)
            || err.downcast_ref::<h2::Error>().is_some_and(turned_away)
    })
}

/// Whether nobody took up the connection.
pub(super) fn is_refused(err: &(dyn Error + 'static)) -> bool {
    let is_refused = |err: &io::Error| err.kind() == io::ErrorKind::ConnectionRefused;
    causes(err).any(|err| {
        err.downcast_ref().is_some_and(is_refused)
            || err.downcast_ref().and_then(h2::Error::get_io).is_some_and(is_refused)
    })
}

fn turned_away(err: &h2::Error) -> bool {
    let goes = err.is_go_away() && err.is_remote() && err.reason() == Some(h2::Reason::NO_ERROR);
    goes || err.reason() == Some(h2::Reason::REFUSED_STREAM)
}

/// No connection, or one that ended while the call still waited to be put on it.
fn is_unsent(err: &(dyn Error + 'static)) -> bool {
    err.is::<ConnectError>() || err.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_canceled)
}

fn causes<'a>(err: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    iter::successors(Some(err), |&err| err.source())
}
