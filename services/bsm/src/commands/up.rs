//! `bsm up`: the whole mesh in one process.

use std::time::Instant;

use anyhow::Context;
use bsm_runtime::{folder::Folder, role::Role, telemetry};
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};

use crate::{
    cli::Options,
    defaults::{self, Builtin},
    exit::Exit,
    mesh::{Mesh, reachable},
    out, settings,
};

/// Runs until a signal.
pub(crate) fn run(options: &Options) -> anyhow::Result<Exit> {
    let began = Instant::now();
    let (mut settings, layers) = settings::read_for(options, &Role::ALL)?;
    super::block_on(async move {
        let flush = telemetry::init("up", &settings)?;
        settings::warn(&settings);
        // One lock for all roles: a second mesh on the same data is refused as a whole, before ports are.
        let data = Folder::open(&settings::absolute(&settings.data_dir))?;
        settings.data_dir = data.path().to_owned();
        let builtin = data.path().join("builtin");
        defaults::apply(&mut settings, &layers, Builtin::WhereMissing, &builtin)
            .with_context(|| format!("writing the built-in agents to {}", builtin.display()))?;
        let mesh = Mesh::start(&Role::ALL, settings).await?;
        print(&mesh, began)?;
        let ended = mesh.run().await;
        flush.finish().await;
        ended.map(|()| Exit::Done)
    })
}

fn print(mesh: &Mesh, began: Instant) -> anyhow::Result<()> {
    out::line(table(mesh))?;
    let (took, data) = (began.elapsed().as_millis(), mesh.settings.data_dir.display());
    out::line(format_args!("Ready in {took} ms. State is in {data}."))?;
    out::line(format_args!("Try: curl {}/api/health/detailed", mesh.url(Role::Gateway)))?;
    out::line("Ctrl-C drains and stops.")
}

fn table(mesh: &Mesh) -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED).set_header(["role", "speaks", "API", "metrics and health"]);
    for part in &mesh.parts {
        let role = part.process.role;
        let speaks = if role == Role::Gateway { "REST, SSE, gRPC" } else { "gRPC" };
        let api = format!("http://{}", reachable(part.api));
        table.add_row([role.name(), speaks, &api, &format!("http://{}/metrics", reachable(part.ops))]);
    }
    table
}
