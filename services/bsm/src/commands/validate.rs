//! `bsm validate`: every mistake in agents, events and policy at once.

mod annotation;

use std::{
    io::{IsTerminal, stdout},
    path::{Path, PathBuf},
    thread,
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
    if let Some(of) = args.schema {
        out::line(format_args!("{:#}", bsm_registry::schema::schema(of.into())))?;
        return Ok(Exit::Done);
    }
    let dir = options.agents_dir.clone().unwrap_or_else(|| folder(&args.dir));
    let strictness = if args.lenient { Strictness::Lenient } else { Strictness::Strict };
    let found = findings(&dir, strictness, args.agents_only);
    let errors = found.iter().filter(|d| d.severity == Severity::Error).count();
    if args.json {
        let report = json!({"errors": errors, "warnings": found.len() - errors, "findings": found});
        out::line(format_args!("{report:#}"))?;
    } else {
        let lines = if args.github { annotation::all(&found) } else { rendered(&found) };
        out::line(lines + &counted(&found, errors))?;
    }
    Ok(if errors == 0 { Exit::Done } else { Exit::Changes })
}

/// All that is found: the two roles read their files at the same time, registry.yaml both.
fn findings(dir: &Path, strictness: Strictness, agents_only: bool) -> Vec<Diagnostic> {
    let (mut found, others) = thread::scope(|scope| {
        let others =
            (!agents_only).then(|| scope.spawn(|| bsm_orchestrator::validate::check(dir, strictness)));
        let (catalog, found) = bsm_registry::load(dir, strictness);
        // The process ends soon, and its memory with it: to free a thousand agents one by one would be time for nothing.
        std::mem::forget(catalog);
        let others =
            others.map(|others| others.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        (found, others.unwrap_or_default())
    });
    let new: Vec<_> = others.into_iter().filter(|finding| !found.contains(finding)).collect();
    found.extend(new);
    found
}

/// The folder of agents that is meant: `agents` below the named one, that one itself, or the one that the named file is a
/// part of.
fn folder(named: &Path) -> PathBuf {
    if named.is_file() {
        let around = named.ancestors().skip(1).find(|folder| folder.join("registry.yaml").is_file());
        let around = around.map(|folder| if folder == Path::new("") { Path::new(".") } else { folder });
        return around.unwrap_or(named).to_owned();
    }
    let below = named.join("agents");
    if !below.exists() && named.join("registry.yaml").exists() { named.to_owned() } else { below }
}

fn rendered(found: &[Diagnostic]) -> String {
    let colour = if stdout().is_terminal() { Colour::Ansi } else { Colour::Plain };
    found.iter().map(|finding| finding.render(colour) + "\n").collect()
}

fn counted(found: &[Diagnostic], errors: usize) -> String {
    let plural = |n: usize, one: &str| if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") };
    format!("{}, {}", plural(errors, "error"), plural(found.len() - errors, "warning"))
}
