//! Starts and stops: the rules first, then the state; what is refused is written down.

use bsm_proto::registry::v1::{StartAgentRequest, StartAgentResponse, StopAgentRequest, StopAgentResponse};
use bsm_runtime::{call::Call, caller::Caller, clock};
use tonic::Request;

use super::{Registry, parse, unknown, wire};
use crate::{
    catalog::Catalog,
    error::Error,
    lifecycle::{Action, Asked},
    rules::{self, Asker, Forbidden},
    vocabulary::Context,
};

/// What an agent is started for when the request does not say.
const USUAL: Context = Context::Api;

impl Registry {
    pub(super) async fn start(
        &self,
        request: Request<StartAgentRequest>,
    ) -> Result<StartAgentResponse, Error> {
        let asked = asked(Action::Start, &request, &request.get_ref().agent_id);
        let asker = asker(&request);
        let started = self.try_start(&asked, asker, request.get_ref().context.as_deref()).await;
        self.noted(&asked, started).await
    }

    pub(super) async fn stop(&self, request: Request<StopAgentRequest>) -> Result<StopAgentResponse, Error> {
        let asked = asked(Action::Stop, &request, &request.get_ref().agent_id);
        let stopped = self.try_stop(&asked, asker(&request)).await;
        self.noted(&asked, stopped).await
    }

    /// Stops whatever is running and may not be used any more by the agents in force.
    pub(crate) async fn recheck(&self) -> Result<(), Error> {
        let catalog = self.catalogs.current();
        let verdict = |id: &str, context| match catalog.get(id) {
            Some(agent) => rules::may_use(agent, &self.use_of(context, Asker::Inside)),
            None => Err(Forbidden::Ungoverned),
        };
        self.states.recheck(verdict).await
    }

    async fn try_start(
        &self,
        asked: &Asked,
        asker: Asker,
        context: Option<&str>,
    ) -> Result<StartAgentResponse, Error> {
        let context = context.map(|context| parse("context", context)).transpose()?.unwrap_or(USUAL);
        let catalog = self.catalogs.current();
        let id = &asked.agent;
        let agent = catalog.get(id).ok_or_else(|| unknown(&catalog, id))?;
        rules::may_use(agent, &self.use_of(context, asker))
            .map_err(|rule| Error::Forbidden { agent: id.clone(), rule })?;
        let now = clock::unix_ms();
        let (_, state) = self.states.change(asked, move |state| state.start(context, now)).await?;
        Ok(StartAgentResponse {
            success: true,
            agent_id: id.clone(),
            status: state.name().to_owned(),
            message: format!("Agent {id} is running, for the context {}.", context.name()),
            state: Some(wire::state(&state)),
        })
    }

    async fn try_stop(&self, asked: &Asked, asker: Asker) -> Result<StopAgentResponse, Error> {
        let id = &asked.agent;
        may_stop(&self.catalogs.current(), id, asker)?;
        let now = clock::unix_ms();
        let (old, state) = self.states.change(asked, move |state| state.stop(now)).await?;
        Ok(StopAgentResponse {
            success: true,
            agent_id: id.clone(),
            status: state.name().to_owned(),
            message: format!("Agent {id} is stopped."),
            uptime: old.uptime(now) as f64,
        })
    }

    /// Writes down what was refused. What could not be done for want of a disk has its own lines.
    async fn noted<T>(&self, asked: &Asked, done: Result<T, Error>) -> Result<T, Error> {
        if let Err(
            refusal @ (Error::UnknownWords(_)
            | Error::UnknownAgent { .. }
            | Error::Forbidden { .. }
            | Error::Misfit { .. }),
        ) = &done
        {
            self.states.refused(asked, refusal).await;
        }
        done
    }
}

/// Stopping needs no rule of use: whoever may call this may stop, but for what is not theirs to see.
fn may_stop(catalog: &Catalog, id: &str, asker: Asker) -> Result<(), Error> {
    let governance = catalog.get(id).and_then(|agent| agent.governance.as_ref());
    let governance = governance.ok_or_else(|| unknown(catalog, id))?;
    match (governance.expose.internal_only, asker) {
        (true, Asker::Outside) => Err(Error::Forbidden { agent: id.to_owned(), rule: Forbidden::Internal }),
        (true, Asker::Inside) | (false, _) => Ok(()),
    }
}

fn asked<T>(action: Action, request: &Request<T>, agent: &str) -> Asked {
    Asked {
        agent: agent.to_owned(),
        action,
        caller: Caller::told(request),
        correlation_id: Call::of(request).correlation_id().to_owned(),
    }
}

/// An operator is part of the mesh, once proved.
fn asker<T>(request: &Request<T>) -> Asker {
    if Caller::proved(request).is_some() { Asker::Inside } else { Asker::Outside }
}
