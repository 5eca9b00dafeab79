//! The wire's face of the registry: asks the catalog and the rules, and translates.

use bsm_proto::registry::v1::{
    GetAgentStatusRequest, GetAgentStatusResponse, ListAgentStatusesRequest, ListAgentStatusesResponse,
    ListAgentsRequest, ListAgentsResponse, ResolveAgentRequest, ResolveAgentResponse, WatchAgentsRequest,
    WatchAgentsResponse, registry_service_server::RegistryService,
};
use bsm_runtime::{
    clock,
    settings::Profile,
    versions::{Told, Versioned as _, Versions},
};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use crate::{
    catalog::{Agent, Catalog},
    error::Error,
    id,
    lifecycle::State,
    rules::{self, Mobile, Use},
    vocabulary::Context,
};

mod wire;

/// Serves the catalog in force. An answer rests on one: it is taken up once, at the beginning.
#[derive(Debug)]
pub(crate) struct Registry {
    catalogs: Versions<Catalog>,
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
    pub(crate) fn new(catalogs: Versions<Catalog>, here: Here, stopping: CancellationToken) -> Self {
        Self { catalogs, here, stopping }
    }

    fn list(&self, mode: Option<String>) -> Result<ListAgentsResponse, Error> {
        let context = mode.as_deref().map(|mode| parse("mode", mode)).transpose()?;
        let wanted = |agent: &&Agent| match (context, &agent.governance) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(context), Some(governance)) => governance.contexts.contains(&context),
        };
        let catalog = self.catalogs.current();
        let agents: Vec<_> = catalog.agents().iter().filter(wanted).map(wire::listed).collect();
        let count = context.map(|_| u32::try_from(agents.len()).unwrap_or(u32::MAX));
        Ok(ListAgentsResponse { agents, count, mode, filtered: context.map(|_| true) })
    }

    fn statuses(&self) -> ListAgentStatusesResponse {
        let summary = |(agent, entry)| wire::summary(agent, entry, State::default());
        let agents: Vec<_> = self.catalogs.current().registered().map(summary).collect();
        ListAgentStatusesResponse {
            timestamp: clock::unix_ms() as f64,
            total_agents: u32::try_from(agents.len()).unwrap_or(u32::MAX),
            running_agents: 0, // nothing starts an agent yet
            agents,
        }
    }

    fn status(&self, id: &str) -> Result<GetAgentStatusResponse, Error> {
        let catalog = self.catalogs.current();
        let agent = catalog.get(id);
        let governed = agent.and_then(|agent| Some((agent, agent.governance.as_ref()?)));
        let (agent, governance) = governed.ok_or_else(|| unknown(&catalog, id))?;
        Ok(wire::status(&agent.definition, governance, State::default()))
    }

    fn resolve(&self, request: &ResolveAgentRequest) -> Result<ResolveAgentResponse, Error> {
        let id = &request.agent_id;
        let context = parse("context", &request.context)?;
        let catalog = self.catalogs.current();
        let agent = catalog.get(id).ok_or_else(|| unknown(&catalog, id))?;
        rules::may_use(agent, &self.wanted(context, request.mobile))
            .map_err(|rule| Error::Forbidden { agent: id.clone(), rule })?;
        let registry_version = catalog.version().to_owned();
        Ok(ResolveAgentResponse { agent: Some(wire::agent(agent)), registry_version })
    }

    fn wanted(&self, context: Context, mobile: bool) -> Use {
        let Here { profile, safe_mode, mobile_mode } = self.here;
        let mobile = match (mobile, mobile_mode) {
            (true, _) => Mobile::Client,
            (false, true) => Mobile::Admin,
            (false, false) => Mobile::Off,
        };
        Use { profile, context, safe_mode, mobile }
    }
}

fn unknown(catalog: &Catalog, id: &str) -> Error {
    let registered = catalog.registered().map(|(agent, _)| agent.id.as_str());
    Error::UnknownAgent { agent: id.to_owned(), closest: id::closest(id, registered).map(str::to_owned) }
}

fn parse(field: &'static str, name: &str) -> Result<Context, Error> {
    Context::parse(name).ok_or_else(|| Error::UnknownContext { field, given: name.to_owned() })
}

#[tonic::async_trait]
impl RegistryService for Registry {
    type WatchAgentsStream = Told<WatchAgentsResponse>;

    async fn list_agents(
        &self,
        request: Request<ListAgentsRequest>,
    ) -> Result<Response<ListAgentsResponse>, Status> {
        Ok(Response::new(self.list(request.into_inner().mode)?))
    }

    async fn list_agent_statuses(
        &self,
        _request: Request<ListAgentStatusesRequest>,
    ) -> Result<Response<ListAgentStatusesResponse>, Status> {
        Ok(Response::new(self.statuses()))
    }

    async fn get_agent_status(
        &self,
        request: Request<GetAgentStatusRequest>,
    ) -> Result<Response<GetAgentStatusResponse>, Status> {
        Ok(Response::new(self.status(&request.get_ref().agent_id)?))
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
