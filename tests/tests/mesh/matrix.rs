//! Every edge of the mesh under every fault: what fails says so in time, everything else answers, and all of it heals.
//!
//! Each edge has a mesh of its own whose only spoiled way leads through a fault proxy, so that meshes can be tried side by
//! side and nothing but that edge may suffer. A cell counts only if its fault is proved to have fired and enough other
//! calls were answered meanwhile; the table at the end shows both.

mod cell;
mod edge;
mod fault;
mod jobs;
mod site;
mod table;

use bsm_tests::rest;
use tokio::task::JoinSet;

use edge::{EDGES, Edge};
use fault::Fault;
use site::Site;
use table::Row;

/// Edges whose breaker only time closes again: their faults are tried on meshes of their own, side by side.
const SLOW_TO_HEAL: &str = "openai";

/// What is tried on one mesh, one after another.
fn plans() -> Vec<(&'static Edge, Vec<Fault>)> {
    let split = |edge: &'static Edge| match edge.breaker == SLOW_TO_HEAL {
        true => Fault::ALL.iter().map(|fault| (edge, vec![*fault])).collect(),
        false => vec![(edge, Fault::ALL.to_vec())],
    };
    EDGES.iter().flat_map(split).collect()
}

async fn try_all(edge: &'static Edge, faults: Vec<Fault>) -> Vec<Row> {
    let mut site = Site::start(edge).await;
    let mut rows = Vec::with_capacity(faults.len());
    for fault in faults {
        rows.push(cell::run(&mut site, fault).await);
    }
    rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_to_an_edge_stays_at_that_edge_and_heals_by_itself() {
    let mut running = JoinSet::new();
    for (edge, faults) in plans() {
        running.spawn(try_all(edge, faults));
    }
    let mut rows: Vec<Row> = running.join_all().await.into_iter().flatten().collect();
    rows.sort_by_key(|row| row.order());
    println!("{}", table::render(&rows));
    let problems: Vec<_> = rows.iter().flat_map(Row::problems).collect();
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
    assert_eq!(rows.len(), EDGES.len() * Fault::ALL.len());
}

/// The reason of a failed call.
fn reason(answer: &rest::Answer) -> &str {
    answer.json["code"].as_str().unwrap_or_default()
}
