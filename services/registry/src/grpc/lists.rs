//! What is asked about agents, one or many.

use bsm_proto::registry::v1::{
    AdminAgent, GetAgentStatusResponse, ListAgentStatusesResponse, ListAgentsRequest, ListAgentsResponse,
    ListAllAgentsRequest, ListAllAgentsResponse,
};
use bsm_runtime::clock;

use super::{Registry, unknown, wire};
use crate::{
    catalog::Agent,
    error::Error,
    filter::{Asked, Filter},
    lifecycle::State,
};

impl Registry {
    pub(super) fn list(&self, request: ListAgentsRequest) -> Result<ListAgentsResponse, Error> {
        let ListAgentsRequest { mode, context, category, risk, selectable } = request;
        let asked = Asked { mode, context, category, risk, selectable };
        let filter = Filter::read(&asked)?;
        let offered = |agent: &&Agent| agent.governance.as_ref().is_none_or(|g| !g.expose.internal_only);
        let catalog = self.catalogs.current();
        let agents = catalog.agents().iter().filter(offered).filter(|agent| filter.admits(agent));
        let agents: Vec<_> = agents.map(wire::listed).collect();
        let filtered = !filter.is_none();
        let count = filtered.then(|| count(agents.len()));
        Ok(ListAgentsResponse { agents, count, mode: asked.mode, filtered: filtered.then_some(true) })
    }

    pub(super) async fn list_all(
        &self,
        request: ListAllAgentsRequest,
    ) -> Result<ListAllAgentsResponse, Error> {
        let ListAllAgentsRequest { context, category, risk, selectable } = request;
        let filter = Filter::read(&Asked { mode: None, context, category, risk, selectable })?;
        let states = self.states.all().await?;
        let catalog = self.catalogs.current();
        let seen = |agent: &Agent| {
            let registered = agent.governance.is_some();
            let state = states.get(&agent.definition.id).cloned().unwrap_or_default();
            AdminAgent {
                agent: Some(wire::listed(agent)),
                registered,
                state: registered.then(|| wire::state(&state)),
                here: registered.then(|| wire::permission(self.usable_here(agent))),
            }
        };
        let agents: Vec<_> = catalog.agents().iter().filter(|agent| filter.admits(agent)).map(seen).collect();
        Ok(ListAllAgentsResponse { count: count(agents.len()), agents })
    }

    pub(super) async fn statuses(&self, asked: Asked) -> Result<ListAgentStatusesResponse, Error> {
        let filter = Filter::read(&asked)?;
        let states = self.states.all().await?;
        let catalog = self.catalogs.current();
        let listed = catalog.registered().filter(|(_, governance)| filter.admits_governed(governance));
        let agents: Vec<_> = listed
            .map(|(agent, governance)| {
                (states.get(&agent.id).cloned().unwrap_or_default(), agent, governance)
            })
            .collect();
        Ok(ListAgentStatusesResponse {
            timestamp: clock::unix_ms() as f64,
            total_agents: count(agents.len()),
            running_agents: count(agents.iter().filter(|(state, ..)| state.is_running()).count()),
            agents: agents.iter().map(|(state, agent, entry)| wire::summary(agent, entry, state)).collect(),
        })
    }

    pub(super) async fn status(&self, id: &str) -> Result<GetAgentStatusResponse, Error> {
        let catalog = self.catalogs.current();
        let agent = catalog.get(id);
        let governed = agent.and_then(|agent| Some((agent, agent.governance.as_ref()?)));
        let (agent, governance) = governed.ok_or_else(|| unknown(&catalog, id))?;
        let state: State = self.states.all().await?.remove(id).unwrap_or_default();
        Ok(wire::status(&agent.definition, governance, &state, self.usable_here(agent)))
    }
}

fn count(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}
