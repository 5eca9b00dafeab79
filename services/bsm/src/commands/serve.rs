//! `bsm serve <role>`: one service, as containers run it, or some of them in one process.

use anyhow::Context;
use bsm_runtime::{role::Role, telemetry};

use crate::{
    cli::Options,
    defaults::{self, Builtin},
    exit::Exit,
    mesh::Mesh,
    settings,
};

/// Runs until a signal.
pub(crate) fn run(options: &Options, roles: Vec<Role>) -> anyhow::Result<Exit> {
    let roles = in_order(roles);
    let (mut settings, layers) = settings::read_for(options, &roles)?;
    settings.data_dir = settings::absolute(&settings.data_dir);
    super::block_on(async move {
        let flush = telemetry::init(&name(&roles), &settings)?;
        settings::warn(&settings);
        // Not below the data folder: whether this process may write there is found out when the role opens.
        let builtin = tempfile::tempdir().context("making a folder for the built-in agents")?;
        defaults::apply(&mut settings, &layers, Builtin::WhereMissing, builtin.path())
            .with_context(|| format!("writing the built-in agents to {}", builtin.path().display()))?;
        let ended = Mesh::start(&roles, settings).await?.run().await;
        flush.finish().await;
        ended.map(|()| Exit::Done)
    })
}

/// A role comes after those it calls; one that is named twice is served once.
fn in_order(mut roles: Vec<Role>) -> Vec<Role> {
    roles.sort_unstable();
    roles.dedup();
    roles
}

/// What the process is called in traces, such as `registry+gateway`.
fn name(roles: &[Role]) -> String {
    let names: Vec<_> = roles.iter().map(|role| role.name()).collect();
    names.join("+")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_opened_once_and_after_those_it_calls() {
        let roles = in_order(vec![Role::Gateway, Role::Models, Role::Gateway, Role::Registry]);
        assert_eq!(roles, [Role::Registry, Role::Models, Role::Gateway]);
        assert_eq!(name(&roles), "registry+models+gateway");
    }
}
