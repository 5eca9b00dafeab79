//! registry.yaml and the definitions meet by id. Pure: texts in, agents and findings out.

use std::{
    collections::{HashMap, HashSet},
    sync::atomic::{AtomicUsize, Ordering},
};

use bsm_runtime::{
    diagnostic::{At, Diagnostic, Findings, Severity},
    yaml::{self, Fields, Path, Text, Value, list_of},
};
use sha2::{Digest, Sha256};

use super::{Agent, Catalog};
use crate::{
    date::Date,
    definition::{self, Definition, Draft},
    files::Files,
    governance::{self, Entry, Governance},
    parallel::in_parallel,
};

/// The entries of registry.yaml, in its order, each id once.
#[derive(Default)]
struct Register {
    entries: Vec<Entry>,
    by_id: HashMap<String, usize>,
}

/// Reads all texts and joins them. There is a catalog unless there is an error.
pub(crate) fn join(files: Files, today: Date) -> (Option<Catalog>, Vec<Diagnostic>) {
    let version = version(&files);
    let Files { mut registry, definitions, mut found } = files;
    let held = Held::default();
    let (register, mut drafts) = std::thread::scope(|scope| {
        let register = scope.spawn(|| register(&mut registry));
        let drafts = in_parallel(definitions, |file| draft(file, &held, today));
        let register = register.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (register, drafts)
    });
    // Of a register with mistakes nobody knows which ids it was meant to have.
    let complete = !registry.is_fatal();

    refuse_duplicates(&mut drafts);
    refuse_undefined(&register, &drafts, &mut registry);
    for (file, draft) in &mut drafts {
        let Some((draft, id)) = draft.as_ref().and_then(|draft| Some((draft, draft.id.as_ref()?))) else {
            continue;
        };
        match register.get(id) {
            Some(entry) => warn_of_differences(draft, entry, file),
            None if complete => warn_of_ungoverned(draft, id, file),
            None => {}
        }
    }

    found.append(&mut registry.into_vec());
    let mut agents = Vec::new();
    for (file, draft) in drafts {
        found.append(&mut file.into_vec());
        agents.extend(draft.and_then(|draft| draft.definition));
    }
    let refused = found.iter().any(|finding| finding.severity == Severity::Error);
    ((!refused).then(|| assemble(agents, register, version)), found)
}

// === reading ===

fn register(registry: &mut Findings) -> Register {
    let Some(root) = yaml::read(registry) else { return Register::default() };
    let Some(mut fields) = Fields::of(&root, &Path::ROOT, registry) else { return Register::default() };
    fields.optional("version", Text);
    if let Some(Value::List(agents)) = fields.node("agents").map(|node| &node.value)
        && agents.is_empty()
    {
        fields.error("agents", "the list is empty", "add an entry for each agent");
    }
    let entries = fields.required("agents", list_of(governance::entry)).unwrap_or_default();
    fields.finish();
    Register::of(entries, registry)
}

fn draft(mut file: Findings, held: &Held, today: Date) -> (Findings, Option<Draft>) {
    let root = yaml::read(&mut file).filter(|root| held.takes(yaml::weight(root), &mut file));
    let draft = root.and_then(|root| definition::definition(&root, &mut file, today));
    (file, draft)
}

/// How much all definitions unfold to, in bytes: each of many may be just small enough.
#[derive(Default)]
struct Held(AtomicUsize);

impl Held {
    /// The most, in bytes.
    const MOST: usize = 256 * 1024 * 1024;

    /// Whether there is room for so much more; reports that there is none.
    fn takes(&self, weight: usize, file: &mut Findings) -> bool {
        let fits = self.0.fetch_add(weight, Ordering::Relaxed).saturating_add(weight) <= Held::MOST;
        if !fits {
            let mib = Held::MOST / (1024 * 1024);
            let message =
                format!("the definitions unfold to more than {mib} MiB together, aliases counted each time");
            file.error(At::FILE, "", message, "use fewer aliases");
        }
        fits
    }
}

/// A short hash of the names and texts of all files.
fn version(files: &Files) -> String {
    let mut hash = Sha256::new();
    for file in [&files.registry].into_iter().chain(&files.definitions) {
        for part in [file.file(), file.text()] {
            hash.update((part.len() as u64).to_le_bytes()); // so that no two sets of files run together alike
            hash.update(part);
        }
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

// === checking ===

fn refuse_duplicates(drafts: &mut [(Findings, Option<Draft>)]) {
    let mut first: HashMap<String, (String, u32)> = HashMap::new();
    for (file, draft) in drafts {
        let Some((draft, id)) = draft.as_ref().and_then(|draft| Some((draft, draft.id.clone()?))) else {
            continue;
        };
        if let Some((earlier, line)) = first.get(&id) {
            let message = format!("the agent {id} is already defined in {earlier}, line {line}");
            file.error(draft.at, "id", message, "give it another id, or remove one of the two files");
        } else {
            first.insert(id, (file.file().to_owned(), draft.at.line));
        }
    }
}

/// An entry needs a definition. A file that could not be read counts as the definition it is named after.
fn refuse_undefined(register: &Register, drafts: &[(Findings, Option<Draft>)], registry: &mut Findings) {
    let defined: HashSet<&str> = drafts
        .iter()
        .filter_map(|(file, draft)| match draft.as_ref().and_then(|draft| draft.id.as_deref()) {
            Some(id) => Some(id),
            None => std::path::Path::new(file.file()).file_stem()?.to_str(),
        })
        .collect();
    for entry in register.entries.iter().filter(|entry| !defined.contains(entry.id.as_str())) {
        let message = format!("the agent {} has no definition", entry.id);
        let fix = format!("add definitions/{}.yaml, or remove this entry", entry.id);
        registry.error(entry.at, &entry.field, message, fix);
    }
}

fn warn_of_ungoverned(draft: &Draft, id: &str, file: &mut Findings) {
    let message = format!("the agent {id} has no entry in registry.yaml; it is listed but never run");
    file.warning(draft.at, "id", message, "add an entry, or remove this file");
}

/// The registry wins; who reads the definition should not be misled.
fn warn_of_differences(draft: &Draft, entry: &Entry, file: &mut Findings) {
    let Some(governance) = &entry.governance else { return };
    let in_force: HashMap<&str, serde_json::Value> = governance.listed().collect();
    for (name, at, given) in &draft.repeated {
        if !in_force.get(name).is_some_and(|in_force| agrees(given, in_force)) {
            let message = format!("`{name}` differs from registry.yaml, which is in force");
            file.warning(*at, name, message, "remove it here, or make the two alike");
        }
    }
}

/// Whether all that is given is so in force. Lists are sets: their order means nothing here.
fn agrees(given: &serde_json::Value, in_force: &serde_json::Value) -> bool {
    use serde_json::Value::{Array, Object};
    match (given, in_force) {
        (Object(given), Object(in_force)) => given
            .iter()
            .all(|(name, given)| in_force.get(name).is_some_and(|in_force| agrees(given, in_force))),
        (Array(given), Array(in_force)) => {
            given.len() == in_force.len() && given.iter().all(|item| in_force.contains(item))
        }
        _ => given == in_force,
    }
}

// === joining ===

fn assemble(definitions: Vec<Definition>, register: Register, version: String) -> Catalog {
    let ids: Vec<String> = register.entries.iter().map(|entry| entry.id.clone()).collect();
    let mut governed: HashMap<String, Governance> =
        register.entries.into_iter().filter_map(|entry| Some((entry.id, entry.governance?))).collect();
    let agents: Vec<Agent> = definitions
        .into_iter()
        .map(|definition| Agent { governance: governed.remove(&definition.id), definition })
        .collect();
    let by_id: HashMap<String, usize> =
        agents.iter().enumerate().map(|(index, agent)| (agent.definition.id.clone(), index)).collect();
    let registered = ids.iter().filter_map(|id| by_id.get(id).copied()).collect();
    Catalog { agents, by_id, registered, version }
}

// === impl Register ===

impl Register {
    /// Reports ids that are taken; the first entry keeps its id.
    fn of(entries: Vec<Entry>, registry: &mut Findings) -> Self {
        let mut register = Register::default();
        for entry in entries {
            if let Some(first) = register.get(&entry.id) {
                let At { line, .. } = first.at;
                let message = format!("the id {} is taken by the entry at line {line}", entry.id);
                registry.error(entry.at, &entry.field, message, "give this entry another id, or remove it");
                continue;
            }
            register.by_id.insert(entry.id.clone(), register.entries.len());
            register.entries.push(entry);
        }
        register
    }

    fn get(&self, id: &str) -> Option<&Entry> {
        self.by_id.get(id).map(|index| &self.entries[*index])
    }
}

#[cfg(test)]
mod tests {
    use bsm_runtime::diagnostic::Strictness;

    use super::*;

    #[test]
    fn many_definitions_that_each_unfold_to_just_little_enough_are_refused() {
        let (held, mut file) = (Held::default(), Findings::new("x.yaml", "", Strictness::Strict));
        for _ in 0..8 {
            assert!(held.takes(yaml::MOST_WEIGHT, &mut file));
        }
        assert!(!held.takes(1, &mut file));
        let message = "the definitions unfold to more than 256 MiB together, aliases counted each time";
        assert_eq!(file.into_vec()[0].message, message);
    }
}
