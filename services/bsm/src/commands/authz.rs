//! `bsm authz`: who may call what, as the contract in this binary declares it.

use bsm_gateway::{Authorisation, authorisations};
use comfy_table::{Cell, Row};
use serde_json::{Value, json};

use super::shown;
use crate::{exit::Exit, out};

const HEADER: [&str; 5] = ["rpc", "routes", "right", "over REST", "over gRPC"];

/// Prints the table.
pub(crate) fn run(as_json: bool) -> anyhow::Result<Exit> {
    let rows = authorisations()?;
    let text = match as_json {
        true => format!("{:#}", json!({"rpcs": rows.iter().map(document).collect::<Vec<_>>()})),
        false => shown::table(HEADER.to_vec(), rows.iter().map(row)),
    };
    out::line(text)?;
    Ok(Exit::Done)
}

fn row(row: &Authorisation) -> Row {
    let holders = row.holders();
    let rpc = row.rpc.trim_start_matches("/bsm.");
    let cells = [rpc, &row.routes.join("\n"), holders.scope, holders.rest, holders.grpc];
    Row::from(cells.map(Cell::new))
}

fn document(row: &Authorisation) -> Value {
    let holders = row.holders();
    json!({
        "rpc": row.rpc, "routes": row.routes, "right": holders.scope,
        "overRest": holders.rest, "overGrpc": holders.grpc,
    })
}
