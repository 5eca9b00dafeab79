//! Against a mesh: REST through its gateway, gRPC with a service.

use std::{net::Ipv4Addr, time::Duration};

use bsm_runtime::{
    role::Role,
    settings::{Layers, Settings},
};
use clap::Parser as _;

use super::{report::Summary, *};
use crate::{
    cli::{Cli, Command},
    defaults::{self, Builtin},
    mesh::Mesh,
};

async fn mesh(dir: &tempfile::TempDir) -> Mesh {
    let layers = Layers::read(None, |_| None, &[]);
    let mut settings = Settings::from_layers(&layers).unwrap();
    settings.ports = [0; 6];
    settings.host = Ipv4Addr::LOCALHOST.into();
    settings.data_dir = dir.path().join("data");
    settings.rate_limit.max = 0; // a load is what a limit is against
    settings.grace = Duration::from_millis(100);
    defaults::apply(&mut settings, &layers, Builtin::UnlessChosen, dir.path()).unwrap();
    Mesh::start(&Role::ALL, settings).await.unwrap()
}

/// A load of twenty calls, as the command line would have it.
async fn load(url: &str, options: &[&str]) -> Summary {
    let args = [&["bsm", "bench", url, "--rate", "200", "--duration", "100ms", "--warmup", "0"][..], options]
        .concat();
    let Command::Bench(args) = Cli::try_parse_from(args).unwrap().command else { panic!("another command") };
    let place = Place::read(&args.url).unwrap();
    let template = Template::new(&place, &args).unwrap();
    let connections = Connections::new(reach(&place, &args).await.unwrap(), template, 8);
    let plan = Plan { rate: args.rate, warmup: args.warmup, duration: args.duration, timeout: args.timeout };
    Summary::of(&Bench::new(connections, None).run(plan, "load").await.unwrap())
}

fn ends(summary: &Summary) -> Vec<(&str, u64)> {
    summary.ends.iter().map(|end| (end.what.as_str(), end.calls)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_protocol_of_a_mesh_is_spoken_and_its_refusals_are_told_by_reason() {
    let dir = tempfile::tempdir().unwrap();
    let mesh = mesh(&dir).await;
    let (rest, rpc) = (mesh.url(Role::Gateway), mesh.url(Role::Registry).replace("http", "grpc"));
    let rpc = format!("{rpc}/bsm.registry.v1.RegistryService");

    let agents = format!("{rest}/api/agents");
    assert_eq!(ends(&load(&agents, &[]).await), [("200", 20)]);
    assert_eq!(ends(&load(&agents, &["--http2"]).await), [("200", 20)]);
    assert_eq!(ends(&load(&format!("{rest}/nope"), &[]).await), [("404 NOT_FOUND", 20)]);

    let data = ["--data", r#"{"agentId": "security-agent"}"#];
    assert_eq!(ends(&load(&format!("{rpc}/GetAgentStatus"), &data).await), [("OK", 20)]);
    let data = ["--data", r#"{"agentId": "no-such-agent"}"#];
    assert_eq!(
        ends(&load(&format!("{rpc}/GetAgentStatus"), &data).await),
        [("NOT_FOUND AGENT_NOT_FOUND", 20)]
    );
    mesh.stop().await.unwrap();
}
