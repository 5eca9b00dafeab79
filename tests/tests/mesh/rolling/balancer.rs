//! A client with several gateways' addresses. Like a load balancer it moves on from one that takes no more calls, and like
//! a careful one it sends again only what provably was not taken.

use std::{
    error::Error,
    iter,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use bsm_tests::{
    Rest,
    rest::{Answer, try_send},
};
use reqwest::RequestBuilder;

/// The gateways, used in turn.
pub(super) struct Balancer {
    gateways: Vec<Rest>,
    next: AtomicUsize,
    moved: AtomicUsize,
}

impl Balancer {
    pub(super) fn new(urls: Vec<String>) -> Balancer {
        let gateways = urls.iter().map(|url| Rest::http2(url)).collect();
        Balancer { gateways, next: AtomicUsize::new(0), moved: AtomicUsize::new(0) }
    }

    /// How often a call was taken to another gateway.
    pub(super) fn moved(&self) -> usize {
        self.moved.load(Relaxed)
    }

    /// One call.
    ///
    /// # Errors
    /// When no gateway took it, or when one may have, and gave no answer.
    pub(super) async fn call(&self, request: impl Fn(&Rest) -> RequestBuilder) -> Result<Answer, String> {
        let first = self.next.fetch_add(1, Relaxed);
        let mut refused = String::new();
        for tried in 0..self.gateways.len() * 2 {
            let gateway = &self.gateways[(first + tried) % self.gateways.len()];
            match try_send(request(gateway)).await {
                Ok(answer) => return Ok(answer),
                Err(err) if was_not_taken(&err) => refused = told(&err),
                Err(err) => return Err(format!("broken off: {}", told(&err))),
            }
            self.moved.fetch_add(1, Relaxed);
        }
        Err(format!("no gateway takes it: {refused}"))
    }
}

fn causes<'a>(err: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    iter::successors(Some(err), |&err| err.source())
}

fn told(err: &reqwest::Error) -> String {
    causes(err).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Refused, never begun, or beyond the last stream that the server said it would answer.
fn was_not_taken(err: &reqwest::Error) -> bool {
    let nack = |err: &h2::Error| {
        err.is_remote() && (err.is_go_away() && err.reason() == Some(h2::Reason::NO_ERROR))
            || err.is_remote() && err.reason() == Some(h2::Reason::REFUSED_STREAM)
    };
    err.is_connect()
        || causes(err).any(|err| {
            err.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_canceled)
                || err.downcast_ref().is_some_and(nack)
        })
}
