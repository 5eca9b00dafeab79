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
    let (mut settings, layers) = settings::read(options)?;
    settings.data_dir = settings::absolute(&settings.data_dir);
    super::block_on(async move {
        let flush = telemetry::init(role.name(), &settings)?;
        let builtin = settings.data_dir.join(role.name()).join("builtin");
        defaults::apply(&mut settings, &layers, Builtin::WhereMissing, &builtin)
            .with_context(|| format!("writing the built-in agents to {}", builtin.display()))?;
        let ended = Mesh::start(&[role], settings).await?.run().await;
        flush.finish().await;
        ended.map(|()| Exit::Done)
    })
}
