//! How long it takes to check a folder of 1,000 agents, each as long as the longest of those that come with BSM.
//!
//! `cargo bench -p bsm-registry --bench validate`
//!
//! `bsm validate FOLDER` with the folder that this prints does the same in a process of its own.

use std::{fmt::Write as _, fs, io, path::Path, time::Instant};

use bsm_runtime::diagnostic::Strictness;

const AGENTS: usize = 1_000;
const ROUNDS: usize = 15;
const ENTRY: &str = "architect-agent";

fn main() -> io::Result<()> {
    let dir = tempfile::tempdir()?;
    let bytes = copies(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../agents")), dir.path())?;
    let mut times: Vec<_> = (0..ROUNDS)
        .map(|_| {
            let begin = Instant::now();
            let (catalog, found) = bsm_registry::load(dir.path(), Strictness::Strict);
            assert!(catalog.is_some() && found.is_empty(), "{found:?}");
            begin.elapsed()
        })
        .collect();
    times.sort_unstable();
    println!(
        "{AGENTS} agents, {bytes} bytes: {:.1?} (median of {ROUNDS}; least {:.1?})",
        times[ROUNDS / 2],
        times[0]
    );
    Ok(())
}

/// Writes the agent that comes with BSM so many times, each under an id of its own; says how many bytes that is.
fn copies(agents: &Path, dir: &Path) -> io::Result<usize> {
    let registry = fs::read_to_string(agents.join("registry.yaml"))?;
    let (head, entries) = registry.split_once("agents:\n").ok_or(io::ErrorKind::InvalidData)?;
    let entry = entry(entries);
    let definition = fs::read_to_string(agents.join(format!("definitions/{ENTRY}.yaml")))?;
    fs::create_dir(dir.join("definitions"))?;
    let mut all = format!("{head}agents:\n");
    let mut bytes = 0;
    for number in 0..AGENTS {
        let id = format!("{ENTRY}-{number}");
        let _ = write!(all, "{}", entry.replace(ENTRY, &id)); // a String takes everything
        let text = definition.replace(ENTRY, &id);
        bytes += text.len();
        fs::write(dir.join(format!("definitions/{id}.yaml")), text)?;
    }
    fs::write(dir.join("registry.yaml"), &all)?;
    Ok(bytes + all.len())
}

/// The lines of one entry.
fn entry(entries: &str) -> String {
    let begins = |line: &&str| line.starts_with("  - id: ");
    let from = entries.lines().skip_while(|line| *line != format!("  - id: {ENTRY}"));
    let own: Vec<_> =
        from.enumerate().take_while(|(n, line)| *n == 0 || !begins(line)).map(|(_, line)| line).collect();
    own.join("\n") + "\n"
}
