//! A change of the whole mesh: the gateway's own part, and the same asked of every service, all at once.

use std::time::Duration;

use bsm_proto::ops::v1::{
    Breaker, ClearCacheRequest, Flag, ResetBreakerRequest, SetBreakerModeRequest, SetFlagRequest, Unreached,
    ops_service_client::OpsServiceClient,
};
use bsm_runtime::{
    call::Call,
    client::Edge,
    ops::{self, Operator},
    role::Role,
    status::reason,
};
use futures_util::future::join_all;
use tonic::{Request, Response, Status};

use super::{Mesh, error::Error};
use crate::status;

/// A service that has not made a change within this is told of as not reached.
const PATIENCE: Duration = Duration::from_secs(5);

/// A change under way.
pub(super) struct Change<'m> {
    mesh: &'m Mesh,
    call: Call,
    operator: Operator,
}

/// What the services said: those that did it, and those that did not.
type Said<T> = (Vec<T>, Vec<Unreached>);

/// What those who were asked answered.
struct Answers<T> {
    given: Vec<T>,
    unreached: Vec<Unreached>,
    /// Somebody's breaker is held open by its mode, so it was not reset.
    held_open: bool,
}

impl<'m> Change<'m> {
    /// A change that this request asks for.
    pub(super) fn of<T>(mesh: &'m Mesh, request: &Request<T>) -> Change<'m> {
        Change { mesh, call: Call::of(request), operator: Operator::of(&mesh.process, request) }
    }

    pub(super) async fn reset(self, name: String) -> Result<Said<Breaker>, Error> {
        let own = self.operator.clone().reset_breaker(name.clone());
        let message = ResetBreakerRequest { name: name.clone() };
        let others = self.ask(message, |mut client, request| async move {
            client.reset_breaker(request).await.map(Response::into_inner)
        });
        let (own, others) = tokio::join!(own, others);
        found(name, own, others.map(|answer| answer.breakers))
    }

    pub(super) async fn set_mode(self, name: String, mode: String) -> Result<Said<Breaker>, Error> {
        let own = self.operator.clone().set_breaker_mode(name.clone(), mode.clone());
        let message = SetBreakerModeRequest { name: name.clone(), mode };
        let others = self.ask(message, |mut client, request| async move {
            client.set_breaker_mode(request).await.map(Response::into_inner)
        });
        let (own, others) = tokio::join!(own, others);
        found(name, own, others.map(|answer| answer.breakers))
    }

    /// Clears the cache of that name, or all, and tells who may still hold it.
    pub(super) async fn clear(self, cache: String) -> Result<Vec<Unreached>, Error> {
        let own = self.operator.clone().clear_cache(cache.clone());
        let message = ClearCacheRequest { cache };
        let others =
            self.ask(message, |mut client, request| async move { client.clear_cache(request).await });
        let (own, others) = tokio::join!(own, others);
        own?;
        Ok(others.unreached)
    }

    /// The gateway's own flag first: a percentage that cannot be, or a disk that is full, changes nothing anywhere.
    pub(super) async fn set_flag(self, flag: String, percent: Option<u32>) -> Result<Said<Flag>, Error> {
        let (own, _) = self.operator.clone().set_flag(&flag, percent).await?;
        let others = self.ask(SetFlagRequest { flag, percent }, |mut client, request| async move {
            client.set_flag(request).await.map(Response::into_inner)
        });
        let Answers { given, unreached, .. } = others.await;
        let flags = given.into_iter().filter_map(|answer| answer.flag).chain([own]);
        Ok((flags.collect(), unreached))
    }

    /// Asks every service in the name of who asked us. A service that has no such breaker is no failure.
    async fn ask<M, T, F>(
        &self,
        message: M,
        ask: impl Fn(OpsServiceClient<Edge>, Request<M>) -> F,
    ) -> Answers<T>
    where
        M: Clone,
        F: Future<Output = Result<T, Status>>,
    {
        let answers = join_all(self.mesh.edges.operations().map(|(role, edge)| {
            let asked = ask(OpsServiceClient::new(edge), self.request(message.clone()));
            async move { (role, asked.await) }
        }));
        let mut answered = Answers { given: Vec::new(), unreached: Vec::new(), held_open: false };
        for (role, answer) in answers.await {
            match answer {
                Ok(answer) => answered.given.push(answer),
                Err(status) => match reason(&status).as_deref() {
                    Some("BREAKER_NOT_FOUND") => {}
                    Some("BREAKER_FORCED_OPEN") => answered.held_open = true,
                    _ => answered.unreached.push(unreached(role, &status)),
                },
            }
        }
        answered
    }

    fn request<M>(&self, message: M) -> Request<M> {
        let mut request = self.call.within(PATIENCE).request(message);
        let token = self.mesh.process.settings.admin_token.as_ref();
        self.operator.caller().forward(token, request.metadata_mut());
        request
    }
}

impl<T> Answers<T> {
    fn map<U>(self, of: impl Fn(T) -> Vec<U>) -> Answers<U> {
        let Answers { given, unreached, held_open } = self;
        Answers { given: given.into_iter().flat_map(of).collect(), unreached, held_open }
    }
}

/// The breakers of the name, or why there are none. That the gateway has none itself means nothing.
fn found(
    name: String,
    own: Result<Vec<Breaker>, ops::Error>,
    others: Answers<Breaker>,
) -> Result<Said<Breaker>, Error> {
    let Answers { given, unreached, mut held_open } = others;
    let own = match own {
        Err(ops::Error::UnknownBreaker { .. }) => Vec::new(),
        Err(ops::Error::ForcedOpen(_)) => {
            held_open = true;
            Vec::new()
        }
        own => own?,
    };
    let breakers: Vec<Breaker> = own.into_iter().chain(given).collect();
    match (breakers.is_empty(), held_open, unreached.is_empty()) {
        (false, ..) => Ok((breakers, unreached)),
        (true, true, _) => Err(ops::Error::ForcedOpen(name).into()),
        (true, false, true) => Err(Error::UnknownBreaker(name)),
        (true, false, false) => {
            let unreached = unreached.into_iter().map(|role| role.service).collect();
            Err(Error::NotReached { name, unreached })
        }
    }
}

/// A role that could not be asked, and why, in words for clients.
pub(super) fn unreached(role: Role, status: &Status) -> Unreached {
    Unreached { service: role.name().to_owned(), error: status::fault(status).message }
}
