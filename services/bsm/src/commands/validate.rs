//! `bsm validate`: every mistake in agents, events and policy at once.

use std::io::{IsTerminal, stdout};

use bsm_runtime::diagnostic::{Colour, Diagnostic, Severity, Strictness};
use serde_json::json;

use crate::{
    cli::ValidateArgs,
    exit::{Exit, Failure},
};

/// Exits 1 when anything is an error.
pub(crate) fn run(args: &ValidateArgs) -> anyhow::Result<Exit> {
    let dir = args.dir.join("agents");
    if !dir.is_dir() {
        let sentence = format!(
            "{} is not a folder; give the folder that holds agents/, such as `bsm validate .`",
            dir.display()
        );
        return Err(Failure::error(Exit::NoInput, sentence));
    }
    let strictness = if args.lenient { Strictness::Lenient } else { Strictness::Strict };
    let (_, mut found) = bsm_registry::load(&dir, strictness);
    found.extend(bsm_orchestrator::validate::check(&dir, strictness));
    found.dedup_by(|a, b| a == b);
    let errors = found.iter().filter(|d| d.severity == Severity::Error).count();
    if args.json {
        let report = json!({"errors": errors, "warnings": found.len() - errors, "findings": found});
        anstream::println!("{report:#}");
    } else {
        print(&found, errors);
    }
    Ok(if errors == 0 { Exit::Done } else { Exit::Changes })
}

fn print(found: &[Diagnostic], errors: usize) {
    let colour = if stdout().is_terminal() { Colour::Ansi } else { Colour::Plain };
    for diagnostic in found {
        anstream::println!("{}", diagnostic.render(colour));
    }
    let plural = |n: usize, one: &str| if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") };
    anstream::println!("{}, {}", plural(errors, "error"), plural(found.len() - errors, "warning"));
}
