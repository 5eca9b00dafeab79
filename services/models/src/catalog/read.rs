//! The file as a whole: its sections, each entry on top of the one that was there before.

use bsm_runtime::diagnostic::Findings;
use bsm_runtime::yaml::{self, Fields, Key, Node, Path, Value};

use super::{Catalog, Routes, budgets, check, family, model, provider, route};

/// In the order in which they are read.
const SECTIONS: [&str; 4] = ["providers", "models", "families", "routes"];

/// The one section that is a list.
const BUDGETS: &str = "budgets";

/// Reads the text of `findings` on top of `base`. `None` if it is no map at all, or entries are missing that must be
/// there; whether it is usable is for the findings to say.
pub(super) fn catalog(base: Option<Catalog>, findings: &mut Findings) -> Option<Catalog> {
    let empty = Catalog {
        providers: Vec::new(),
        models: Vec::new(),
        families: Vec::new(),
        routes: Routes::default(),
        budgets: Vec::new(),
        version: String::new(),
    };
    let mut catalog = base.unwrap_or(empty);
    let root = yaml::read(findings)?;
    if root.value == Value::Null {
        return Some(catalog.sealed()); // an empty file changes nothing
    }
    let mut fields = Fields::of(&root, &Path::ROOT, findings)?;
    for name in SECTIONS {
        fields.node(name);
    }
    fields.node(BUDGETS);
    fields.finish();
    if let Some(node) = root.get(BUDGETS).filter(|node| node.value != Value::Null) {
        catalog.budgets = budgets::read(node, &Path::ROOT.field(BUDGETS), findings).unwrap_or_default();
    }
    for name in SECTIONS {
        let Some(node) = root.get(name).filter(|node| node.value != Value::Null) else { continue };
        let path = Path::ROOT.field(name);
        for entry in entries(node, &path, findings).unwrap_or_default() {
            let path = path.field(&entry.0.text);
            catalog.take(name, entry, &path, findings);
        }
    }
    check::all(&catalog, &root, findings);
    (!findings.is_fatal()).then(|| catalog.sealed())
}

/// The entries of a map; none after reporting that it is no map.
pub(super) fn entries<'a>(
    node: &'a Node,
    path: &Path<'_>,
    findings: &mut Findings,
) -> Option<&'a [(Key, Node)]> {
    let Value::Map(entries) = &node.value else {
        let message = format!("{} stands where a map is needed", node.value);
        findings.error(node.at, path, message, "write its entries as `name: ...`");
        return None;
    };
    Some(entries)
}

// === impl Catalog ===

impl Catalog {
    /// Takes one entry of a section, in the place of the one of the same name or behind all others.
    fn take(&mut self, section: &str, (key, node): &(Key, Node), path: &Path<'_>, findings: &mut Findings) {
        let (entry, name) = ((key, node), key.text.as_str());
        match section {
            "providers" => {
                let at = self.providers.iter().position(|provider| &*provider.name == name);
                let base = at.map(|at| self.providers[at].clone());
                put(&mut self.providers, at, provider::read(entry, path, findings, base.as_ref()));
            }
            "models" => {
                let at = self.models.iter().position(|model| model.name() == name);
                let base = at.map(|at| self.models[at].clone());
                put(&mut self.models, at, model::read(entry, path, findings, base.as_ref()));
            }
            "families" => {
                let at = self.families.iter().position(|family| &*family.name == name);
                let base = at.map(|at| self.families[at].clone());
                put(&mut self.families, at, family::read(entry, path, findings, base.as_ref()));
            }
            _ => {
                let Routes(routes) = &mut self.routes;
                let at = routes.iter().position(|route| &*route.task == name);
                let base = at.map(|at| routes[at].clone());
                put(routes, at, route::read(entry, path, findings, base.as_ref()));
            }
        }
    }
}

fn put<T>(all: &mut Vec<T>, at: Option<usize>, entry: Option<T>) {
    match (at, entry) {
        (_, None) => {}
        (Some(at), Some(entry)) => all[at] = entry,
        (None, Some(entry)) => all.push(entry),
    }
}
