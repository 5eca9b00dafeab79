//! The wire's face of the registry: asks the catalog and the rules, and translates.

use bsm_proto::registry::v1::{
    GetAgentStatusRequest, GetAgentStatusResponse, ListAgentStatusesRequest, ListAgentStatusesResponse,
    ListAgentsRequest, ListAgentsResponse, ListAllAgentsRequest, ListAllAgentsResponse, ResolveAgentRequest,
    ResolveAgentResponse, StartAgentRequest, StartAgentResponse, StopAgentRequest, StopAgentResponse,
    WatchAgentsRequest, WatchAgentsResponse, registry_service_server::RegistryService,
};
use bsm_runtime::{
    settings::Profile,
    versions::{Told, Versioned as _, Versions},
};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use crate::{
    catalog::{Agent, Catalog},
    error::Error,
    filter::Asked,
    id,
    lifecycle::States,
    rules::{self, Approved, Asker, Forbidden, Mobile, Use},
    vocabulary::Context,
};

mod changes;
mod lists;
mod wire;

/// Nobody can give an approval yet, so none is ever held.
const APPROVED: Approved = Approved::No;

/// Serves the catalog in force. An answer rests on one: it is taken up once, at the beginning. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Registry {
    catalogs: Versions<Catalog>,
    states: States,
    here: Here,
    stopping: CancellationToken,
}

/// What the rules must know of the process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Here {
    pub(crate) profile: Profile,
    pub(crate) safe_mode: bool,
    pub(crate) mobile_mode: bool,
}

// === impl Registry ===

impl Registry {
    /// Watches end with `stopping`.
    pub(crate) fn new(
        catalogs: Versions<Catalog>,
        states: States,
        here: Here,
        stopping: CancellationToken,
    ) -> Self {
        Self { catalogs, states, here, stopping }
    }

    fn resolve(&self, request: &ResolveAgentRequest) -> Result<ResolveAgentResponse, Error> {
        let id = &request.agent_id;
        let context = parse("context", &request.context)?;
        let catalog = self.catalogs.current();
        let agent = catalog.get(id).ok_or_else(|| unknown(&catalog, id))?;
        rules::may_use(agent, &self.wanted(context, request))
            .map_err(|rule| Error::Forbidden { agent: id.clone(), rule })?;
        let registry_version = catalog.version().to_owned();
        Ok(ResolveAgentResponse { agent: Some(wire::agent(agent)), registry_version })
    }

    fn wanted(&self, context: Context, request: &ResolveAgentRequest) -> Use {
        let asker = if request.outside { Asker::Outside } else { Asker::Inside };
        let mobile = match (request.mobile, self.here.mobile_mode) {
            (true, _) => Mobile::Client,
            (false, true) => Mobile::Admin,
            (false, false) => Mobile::Off,
        };
        Use { mobile, ..self.use_of(context, asker) }
    }

    /// A use in this process, by the mesh or by a client of it.
    fn use_of(&self, context: Context, asker: Asker) -> Use {
        let Here { profile, safe_mode, mobile_mode } = self.here;
        let mobile = match (mobile_mode || context == Context::Mobile, asker) {
            (false, _) => Mobile::Off,
            (true, Asker::Inside) => Mobile::Admin,
            (true, Asker::Outside) => Mobile::Client,
        };
        Use { profile, context, safe_mode, mobile, asker, approved: APPROVED }
    }

    /// Whether anybody may use the agent here and now in a context that its entry allows: that one is the caller's
    /// choice, the rest is not.
    fn usable_here(&self, agent: &Agent) -> Result<(), Forbidden> {
        let allowed = agent.governance.as_ref().and_then(|governance| governance.contexts.first());
        let wanted = self.use_of(*allowed.ok_or(Forbidden::Ungoverned)?, Asker::Inside);
        let mobile = if self.here.mobile_mode { Mobile::Client } else { Mobile::Off };
        rules::may_use(agent, &Use { mobile, ..wanted })
    }
}

fn unknown(catalog: &Catalog, id: &str) -> Error {
    let registered = catalog.registered().map(|(agent, _)| agent.id.as_str());
    Error::UnknownAgent {
        agent: id.chars().take(64).collect(),
        closest: id::closest(id, registered).map(str::to_owned),
    }
}

fn parse(field: &'static str, name: &str) -> Result<Context, Error> {
    Context::parse(name).ok_or_else(|| Error::unknown_context(field, name))
}

#[tonic::async_trait]
impl RegistryService for Registry {
    type WatchAgentsStream = Told<WatchAgentsResponse>;

    async fn list_agents(
        &self,
        request: Request<ListAgentsRequest>,
    ) -> Result<Response<ListAgentsResponse>, Status> {
        Ok(Response::new(self.list(request.into_inner())?))
    }

    async fn list_all_agents(
        &self,
        request: Request<ListAllAgentsRequest>,
    ) -> Result<Response<ListAllAgentsResponse>, Status> {
        Ok(Response::new(self.list_all(request.into_inner()).await?))
    }

    async fn list_agent_statuses(
        &self,
        request: Request<ListAgentStatusesRequest>,
    ) -> Result<Response<ListAgentStatusesResponse>, Status> {
        let ListAgentStatusesRequest { context, category, risk, selectable } = request.into_inner();
        let asked = Asked { mode: None, context, category, risk, selectable };
        Ok(Response::new(self.statuses(asked).await?))
    }

    async fn get_agent_status(
        &self,
        request: Request<GetAgentStatusRequest>,
    ) -> Result<Response<GetAgentStatusResponse>, Status> {
        Ok(Response::new(self.status(&request.get_ref().agent_id).await?))
    }

    async fn start_agent(
        &self,
        request: Request<StartAgentRequest>,
    ) -> Result<Response<StartAgentResponse>, Status> {
        Ok(Response::new(self.start(request).await?))
    }

    async fn stop_agent(
        &self,
        request: Request<StopAgentRequest>,
    ) -> Result<Response<StopAgentResponse>, Status> {
        Ok(Response::new(self.stop(request).await?))
    }

    async fn resolve_agent(
        &self,
        request: Request<ResolveAgentRequest>,
    ) -> Result<Response<ResolveAgentResponse>, Status> {
        Ok(Response::new(self.resolve(request.get_ref())?))
    }

    async fn watch_agents(
        &self,
        request: Request<WatchAgentsRequest>,
    ) -> Result<Response<Told<WatchAgentsResponse>>, Status> {
        let last = request.into_inner().last_version;
        Ok(Response::new(self.catalogs.follow(last, wire::in_force, self.stopping.clone())))
    }
}

#[cfg(test)]
mod tests;
