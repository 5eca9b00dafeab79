//! What must hold between the parts of the file: whoever is named is there.
//!
//! The built-in file holds by itself, so a mistake is an operator's, and told at the entry of his file that made it;
//! what he did not write is told of the file as a whole.

use std::collections::HashSet;

use bsm_runtime::diagnostic::{At, Findings};
use bsm_runtime::yaml::{Node, Value, closest};

use super::address::{self, BadAddress};
use super::family::DEFAULT;
use super::route::{OTHER, SEARCH, is_known, known_tasks};
use super::{Catalog, Family, Provider, Route};
use crate::ask::is_task;
use crate::route::{AUTO, OFFLINE};

/// Reports all that does not fit together.
pub(super) fn all(catalog: &Catalog, root: &Node, findings: &mut Findings) {
    let place = Place { root };
    catalog.providers.iter().for_each(|provider| self::provider(provider, place, findings));
    models(catalog, place, findings);
    catalog.families.iter().for_each(|family| self::family(family, catalog, place, findings));
    catalog.routes.0.iter().for_each(|route| self::route(route, catalog, place, findings));
    for (name, there) in [
        (format!("families.{DEFAULT}"), catalog.family(DEFAULT).is_some()),
        (format!("routes.{OTHER}"), catalog.routes.named(OTHER).is_some()),
        (format!("routes.{SEARCH}"), catalog.routes.named(SEARCH).is_some()),
    ] {
        if !there {
            findings.error(At::FILE, name, "this entry is missing", "add it: routes end there");
        }
    }
}

fn provider(provider: &Provider, place: Place<'_>, findings: &mut Findings) {
    let Provider { name, wire, base_url, base_url_variable, model, model_variable, keys, local, .. } =
        provider;
    let mut error = |field: &str, message: &str, fix: &str| {
        let at = place.field("providers", name, field);
        findings.error(at, format_args!("providers.{name}.{field}"), message, fix);
    };
    if base_url.is_none() && base_url_variable.is_none() {
        let fix = "add `base_url`, or `base_url_variable` with the variable that will hold it";
        error("base_url", "nobody says where it is", fix);
    }
    if model.is_none() && model_variable.is_none() {
        let fix = "add `model`, or `model_variable` with the variable that will name it";
        error("model", "nobody says which model it is asked for", fix);
    }
    if keys.is_empty() && !local {
        let fix = "add `keys: [THE_VARIABLE]`, or `local: true` if it wants none";
        error("keys", "no variable is named that holds its key", fix);
    }
    let once: HashSet<_> = keys.iter().collect();
    if once.len() < keys.len() {
        error("keys", "a variable is named twice", "keep one of the two");
    }
    if let Some(base_url) = base_url {
        self::base_url(name, wire, base_url, place, findings);
    }
}

/// An address of the file's. One from the environment takes its place before it is used, and is read then.
fn base_url(name: &str, wire: &str, base_url: &str, place: Place<'_>, findings: &mut Findings) {
    let (at, field) = (place.field("providers", name, "base_url"), format!("providers.{name}.base_url"));
    if let Err(problem) = address::read(wire, base_url) {
        if problem == BadAddress::Credentials {
            findings.conceal(at);
        }
        findings.error(at, &field, format!("the address {problem}"), problem.fix());
    }
    if let Some(path) = address::missing_path(wire, base_url) {
        let message = format!("the address has no path, and servers of this API are usually under {path}");
        let fix = format!("write {base_url}{path} if calls of it are answered with 404");
        findings.warning(at, &field, message, fix);
    }
}

fn models(catalog: &Catalog, place: Place<'_>, findings: &mut Findings) {
    for model in &catalog.models {
        if catalog.provider(&model.provider).is_none() {
            let name = model.name();
            let fix = known(&model.provider, catalog.providers.iter().map(|provider| &*provider.name));
            let message = format!("there is no provider {:?}", &*model.provider);
            findings.error(place.of("models", &name), format_args!("models.{name}"), message, fix);
        }
    }
}

fn family(family: &Family, catalog: &Catalog, place: Place<'_>, findings: &mut Findings) {
    let name = &family.name;
    let at = place.of("families", name);
    if [AUTO, OFFLINE].contains(&&**name) || name.contains('/') || name.trim().is_empty() {
        let message = format!("{:?} cannot be the name of a family", &**name);
        let fix = "choose one without a slash, neither auto nor offline";
        findings.error(at, format_args!("families.{name}"), message, fix);
    }
    for target in family.models.items().filter(|target| catalog.provider(&target.provider).is_none()) {
        let fix = known(&target.provider, catalog.providers.iter().map(|provider| &*provider.name));
        let message = format!("there is no provider {:?}", &*target.provider);
        findings.error(at, format_args!("families.{name}.models"), message, fix);
    }
    for fallback in family.fallbacks.iter().filter(|fallback| catalog.family(fallback).is_none()) {
        let fix = known(fallback, catalog.families.iter().map(|family| &*family.name));
        let message = format!("there is no family {:?}", &**fallback);
        findings.error(at, format_args!("families.{name}.fallbacks"), message, fix);
    }
}

fn route(route: &Route, catalog: &Catalog, place: Place<'_>, findings: &mut Findings) {
    let (task, at) = (&*route.task, place.of("routes", &route.task));
    let field = format!("routes.{task}");
    if !is_task(task) {
        let fix = "write a word of a-z, A-Z, 0-9 and '_', at most 64 characters long";
        findings.error(at, &field, "no request can name this task", fix);
    } else if !is_known(task)
        && let Some(near) = closest(task, known_tasks())
    {
        let message = format!("no agent and no built-in route has the task {task:?}");
        let fix = format!("did you mean {near}? If requests name it as it is here, this is fine");
        findings.warning(at, &field, message, fix);
    }
    let mut told = HashSet::new();
    for name in route.cells.iter().flat_map(|cell| cell.items()) {
        if catalog.family(name).is_none() && told.insert(name) {
            let fix = known(name, catalog.families.iter().map(|family| &*family.name));
            findings.error(at, &field, format!("there is no family {:?}", &**name), fix);
        }
    }
}

fn known<'a>(name: &str, all: impl Iterator<Item = &'a str> + Clone) -> String {
    match closest(name, all.clone()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("known are {}", all.collect::<Vec<_>>().join(", ")),
    }
}

/// Where entries stand in the file.
#[derive(Clone, Copy)]
struct Place<'a> {
    root: &'a Node,
}

// === impl Place ===

impl Place<'_> {
    /// The place of a field's value within an entry; that of the entry if it has none, because it is as it was before.
    fn field(self, section: &str, name: &str, field: &str) -> At {
        let entry = self.root.get(section).and_then(|section| section.get(name));
        let value = entry.and_then(|entry| entry.get(field));
        value.map_or_else(|| self.of(section, name), |value| value.at)
    }

    /// The place of an entry of a section; the file as a whole if it is not in it.
    fn of(self, section: &str, name: &str) -> At {
        let Some(Value::Map(entries)) = self.root.get(section).map(|node| &node.value) else {
            return At::FILE;
        };
        entries.iter().find(|(key, _)| key.text == name).map_or(At::FILE, |(key, _)| key.at)
    }
}
