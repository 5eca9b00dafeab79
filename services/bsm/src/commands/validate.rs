//! `bsm validate`: every mistake in agents, events and policy at once.

use std::{
    io::{IsTerminal, stdout},
    path::{Path, PathBuf},
};

use bsm_runtime::diagnostic::{Colour, Diagnostic, Severity, Strictness};
use serde_json::json;

use crate::{
    cli::{Options, ValidateArgs},
    exit::Exit,
    out,
};

/// Exits 1 when anything is an error.
pub(crate) fn run(options: &Options, args: &ValidateArgs) -> anyhow::Result<Exit> {
    let dir = options.agents_dir.clone().unwrap_or_else(|| folder(&args.dir));
    let strictness = if args.lenient { Strictness::Lenient } else { Strictness::Strict };
    let (_, mut found) = bsm_registry::load(&dir, strictness);
    found.extend(bsm_orchestrator::validate::check(&dir, strictness));
    found.dedup_by(|a, b| a == b);
    let errors = found.iter().filter(|d| d.severity == Severity::Error).count();
    if args.json {
        let report = json!({"errors": errors, "warnings": found.len() - errors, "findings": found});
        out::line(format_args!("{report:#}"))?;
    } else {
        print(&found, errors)?;
    }
    Ok(if errors == 0 { Exit::Done } else { Exit::Changes })
}

/// The folder's `agents`, or the folder itself when that is what was named.
fn folder(dir: &Path) -> PathBuf {
    let below = dir.join("agents");
    if !below.exists() && dir.join("registry.yaml").exists() { dir.to_owned() } else { below }
}

fn print(found: &[Diagnostic], errors: usize) -> anyhow::Result<()> {
    let colour = if stdout().is_terminal() { Colour::Ansi } else { Colour::Plain };
    for diagnostic in found {
        out::line(diagnostic.render(colour))?;
    }
    let plural = |n: usize, one: &str| if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") };
    out::line(format_args!("{}, {}", plural(errors, "error"), plural(found.len() - errors, "warning")))
}
