//! The catalog as a file again: what is in force, to be read by people and by us.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use super::choice::Choice;
use super::route::COMPLEXITIES;
use super::{Catalog, Cell, Family, Limits, Model, Provider, Route, Strategy, Timeouts};

/// The text of the file. Writing to a String cannot fail, so results are dropped.
pub(super) fn yaml(catalog: &Catalog) -> String {
    let mut out = String::from("providers:\n");
    catalog.providers.iter().for_each(|each| provider(&mut out, each));
    out.push_str("models:\n");
    catalog.models.iter().for_each(|each| model(&mut out, each));
    out.push_str("families:\n");
    catalog.families.iter().for_each(|each| family(&mut out, each));
    out.push_str("routes:\n");
    catalog.routes.0.iter().for_each(|each| route(&mut out, each));
    if !catalog.budgets.is_empty() {
        out.push_str("budgets:\n");
        for rule in &catalog.budgets {
            let _ = writeln!(out, "  - {}", quoted(&rule.to_string()));
        }
    }
    out
}

fn provider(out: &mut String, provider: &Provider) {
    let _ = writeln!(out, "  {}:\n    wire: {}", provider.name, provider.wire);
    let mut text = |name: &str, value: &Option<Arc<str>>| {
        if let Some(value) = value {
            let _ = writeln!(out, "    {name}: {}", quoted(value));
        }
    };
    text("base_url", &provider.base_url);
    text("base_url_variable", &provider.base_url_variable);
    text("model", &provider.model);
    text("model_variable", &provider.model_variable);
    text("embeddings", &provider.embeddings);
    text("api_version", &provider.api_version);
    let _ = writeln!(out, "    keys: [{}]", provider.keys.join(", "));
    for (name, value, usual) in [("local", provider.local, false), ("citations", provider.citations, true)] {
        if value != usual {
            let _ = writeln!(out, "    {name}: {value}");
        }
    }
    let Timeouts { connect, first_token, between_chunks, whole } = provider.timeouts;
    let seconds = |time: Duration| time.as_secs_f64();
    let _ = writeln!(
        out,
        "    timeouts: {{ connect: {}, first_token: {}, between_chunks: {}, whole: {} }}",
        seconds(connect),
        seconds(first_token),
        seconds(between_chunks),
        seconds(whole)
    );
    let _ = writeln!(out, "    limits: {}", limits(provider.limits));
    if !provider.family_limits.is_empty() {
        out.push_str("    family_limits:\n");
        for (family, of_family) in &provider.family_limits {
            let _ = writeln!(out, "      {}: {}", quoted(family), limits(*of_family));
        }
    }
}

fn limits(limits: Limits) -> String {
    let Limits { bulkhead, rate } = limits;
    let rate =
        rate.map(|rate| format!(", rate: {{ per_minute: {}, burst: {} }}", rate.per_minute, rate.burst));
    let rate = rate.unwrap_or_default();
    format!("{{ in_flight: {}, queue: {}{rate} }}", bulkhead.max_in_flight, bulkhead.max_queue)
}

fn model(out: &mut String, model: &Model) {
    let tokens = |name: &str, count: Option<u64>| count.map(|count| format!("{name}: {count}"));
    let price = model.price.map(|price| {
        let as_of = price.as_of.map(|day| format!(", as_of: {day}")).unwrap_or_default();
        let (input, cached, output) = (price.input, price.cached, price.output);
        format!("price: {{ input: {input}, cached: {cached}, output: {output}{as_of} }}")
    });
    let fields = [tokens("context", model.context), tokens("output", model.output), price];
    let fields: Vec<String> = fields.into_iter().flatten().collect();
    let _ = writeln!(out, "  {}: {{ {} }}", quoted(&model.name()), fields.join(", "));
}

fn family(out: &mut String, family: &Family) {
    let Choice { strategy, among } = &family.models;
    let models: Vec<(String, u32)> =
        among.iter().map(|(target, weight)| (target.to_string(), *weight)).collect();
    let _ = write!(out, "  {}: {{ models: {}", quoted(&family.name), names(*strategy, &models));
    let _ = write!(out, ", strategy: {}", strategy.word());
    let fallbacks: Vec<String> = family.fallbacks.iter().map(|name| quoted(name)).collect();
    let _ = writeln!(out, ", fallbacks: [{}] }}", fallbacks.join(", "));
}

fn route(out: &mut String, route: &Route) {
    if route.is_flat() {
        let _ = writeln!(out, "  {}: {}", quoted(&route.task), cell(&route.cells[0]));
        return;
    }
    let _ = writeln!(out, "  {}:", quoted(&route.task));
    for ((word, _), each) in COMPLEXITIES.iter().zip(&route.cells) {
        let _ = writeln!(out, "    {word}: {}", cell(each));
    }
}

fn cell(cell: &Cell) -> String {
    let among: Vec<(String, u32)> =
        cell.among.iter().map(|(name, weight)| (name.to_string(), *weight)).collect();
    match cell.strategy {
        Strategy::Priority => names(Strategy::Priority, &among),
        strategy => format!("{{ strategy: {}, among: {} }}", strategy.word(), names(strategy, &among)),
    }
}

/// A list; with weights where they count.
fn names(strategy: Strategy, among: &[(String, u32)]) -> String {
    let weighted = strategy == Strategy::Weighted;
    let each = among.iter().map(|(name, weight)| match weighted {
        true => format!("{}: {weight}", quoted(name)),
        false => quoted(name),
    });
    let each = each.collect::<Vec<_>>().join(", ");
    if weighted { format!("{{ {each} }}") } else { format!("[{each}]") }
}

/// Quoted where it must be: anything but plain words.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    let begins_well = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let word = matches!(text, "true" | "false" | "null");
    if begins_well && text.chars().all(plain) && !word {
        return text.to_owned();
    }
    serde_json::Value::from(text).to_string() // a JSON text is a YAML text
}
