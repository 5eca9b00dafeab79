//! `bsm serve <role>`: one service, as containers run it.

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
pub(crate) fn run(options: &Options, role: Role) -> anyhow::Result<Exit> {
    let (mut settings, layers) = settings::read_for(options, &[role])?;
    settings.data_dir = settings::absolute(&settings.data_dir);
    super::block_on(async move {
        let flush = telemetry::init(role.name(), &settings)?;
        settings::warn(&settings);
        // Not below the data folder: whether this process may write there is found out when the role opens.
        let builtin = tempfile::tempdir().context("making a folder for the built-in agents")?;
        defaults::apply(&mut settings, &layers, Builtin::WhereMissing, builtin.path())
            .with_context(|| format!("writing the built-in agents to {}", builtin.path().display()))?;
        let ended = Mesh::start(&[role], settings).await?.run().await;
        flush.finish().await;
        ended.map(|()| Exit::Done)
    })
}
