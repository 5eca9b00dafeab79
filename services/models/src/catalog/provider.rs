//! Who is asked: where, in which language, with whose keys.

use std::sync::Arc;

use bsm_runtime::diagnostic::Findings;
use bsm_runtime::yaml::{Bool, Fields, Filled, Key, Node, Path, Read, Text, Value, list_of, one_of};

use super::limits::{self, Limits};
use super::timeouts::{self, Timeouts};
use crate::wire;

/// A provider outside of this process.
#[derive(Clone, Debug, PartialEq)]
pub struct Provider {
    /// What routes and callers call it: 1 to 32 of a-z, 0-9 and '-'.
    pub name: Arc<str>,
    /// What it speaks, by the name of a wire.
    pub wire: Arc<str>,
    /// What its paths are appended to, without a trailing slash; `None` until a variable says it.
    pub base_url: Option<Arc<str>>,
    /// The variable that holds the address, beside `BSM_<NAME>_BASE_URL`.
    pub base_url_variable: Option<Arc<str>>,
    /// The variables that hold its keys, the preferred one first.
    pub keys: Vec<Arc<str>>,
    /// Whether it may be asked without a key, and may have a private address.
    pub local: bool,
    /// The model it is asked for when none is named; `None` until a variable says it.
    pub model: Option<Arc<str>>,
    /// The variable that holds that model.
    pub model_variable: Option<Arc<str>>,
    /// The model it is asked for vectors when none is named; `None`: for none.
    pub embeddings: Option<Arc<str>>,
    /// The version of its API that is asked for, where the wire has one.
    pub api_version: Option<Arc<str>>,
    /// Whether its answers name their sources, where the wire has them. Default: yes.
    pub citations: bool,
    /// How long it may take.
    pub timeouts: Timeouts,
    /// How much it is asked.
    pub limits: Limits,
    /// How much a model family of it is asked, within the limits of the whole.
    pub family_limits: Vec<(Arc<str>, Limits)>,
}

/// What begins the names of bsm's own variables.
const OURS: &str = "BSM_";

// === impl Provider ===

impl Provider {
    /// The variable that moves it elsewhere: `BSM_<NAME>_BASE_URL`.
    #[must_use]
    pub fn override_variable(&self) -> String {
        format!("{OURS}{}_BASE_URL", self.name.to_ascii_uppercase().replace('-', "_"))
    }

    /// The limits that are a family's own.
    #[must_use]
    pub fn limits_of(&self, family: &str) -> Option<Limits> {
        self.family_limits.iter().find(|(name, _)| &**name == family).map(|(_, limits)| *limits)
    }
}

/// The provider under `key`; what is missing is as in `base`.
pub(super) fn read(
    (key, node): (&Key, &Node),
    path: &Path<'_>,
    findings: &mut Findings,
    base: Option<&Provider>,
) -> Option<Provider> {
    let name_is_fit = check_name(key, path, findings);
    let mut fields = Fields::of(node, path, findings)?;
    let words: Vec<(&str, &str)> = wire::names().map(|wire| (wire, wire)).collect();
    let wire = match base {
        Some(base) => fields.optional("wire", one_of(&words)).or(Some(&*base.wire)),
        None => fields.required("wire", one_of(&words)),
    };
    let text =
        |fields: &mut Fields<'_>, name| fields.optional(name, Filled).map(|text: String| Arc::from(text));
    let base_url = text_of(&mut fields, "base_url").map(|url| url.trim_end_matches('/').into());
    let base_url_variable = fields.optional("base_url_variable", Variable);
    let keys = fields.optional("keys", Variables);
    let local = fields.optional("local", Bool);
    let model = text(&mut fields, "model");
    let model_variable = fields.optional("model_variable", Variable);
    let embeddings = text(&mut fields, "embeddings");
    let api_version = text(&mut fields, "api_version");
    let citations = fields.optional("citations", Bool);
    let was = base.map_or_else(Timeouts::default, |base| base.timeouts);
    let timeouts = fields.optional("timeouts", |node: &Node, path: &Path<'_>, findings: &mut Findings| {
        timeouts::read(node, path, findings, was)
    });
    let limits_were = base.map_or_else(Limits::default, |base| base.limits);
    let limits = fields.optional("limits", |node: &Node, path: &Path<'_>, findings: &mut Findings| {
        limits::read(node, path, findings, limits_were)
    });
    let of_provider = limits.unwrap_or(limits_were);
    let family_limits =
        fields.optional("family_limits", |node: &Node, path: &Path<'_>, findings: &mut Findings| {
            families(node, path, findings, Limits { rate: None, ..of_provider })
        });
    fields.finish();
    if !name_is_fit {
        return None;
    }
    Some(Provider {
        name: key.text.as_str().into(),
        wire: wire?.into(),
        base_url: base_url.or_else(|| base?.base_url.clone()),
        base_url_variable: base_url_variable.or_else(|| base?.base_url_variable.clone()),
        keys: keys.or_else(|| Some(base?.keys.clone())).unwrap_or_default(),
        local: local.or(base.map(|base| base.local)).unwrap_or(false),
        model: model.or_else(|| base?.model.clone()),
        model_variable: model_variable.or_else(|| base?.model_variable.clone()),
        embeddings: embeddings.or_else(|| base?.embeddings.clone()),
        api_version: api_version.or_else(|| base?.api_version.clone()),
        citations: citations.or(base.map(|base| base.citations)).unwrap_or(true),
        timeouts: timeouts.unwrap_or(was),
        limits: of_provider,
        family_limits: family_limits.or_else(|| Some(base?.family_limits.clone())).unwrap_or_default(),
    })
}

/// A text that may be missing.
fn text_of(fields: &mut Fields<'_>, name: &'static str) -> Option<String> {
    fields.optional(name, Text).filter(|text| !text.is_empty())
}

fn check_name(key: &Key, path: &Path<'_>, findings: &mut Findings) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let problem = match key.text.as_str() {
        "" => "a provider needs a name",
        crate::route::AUTO | crate::route::OFFLINE => "this word means something else in requests",
        name if name.len() > 32 || !name.chars().all(plain) => {
            "a provider's name is 1 to 32 of a-z, 0-9 and '-'"
        }
        _ => return true,
    };
    findings.error(key.at, path, problem, "give it another name");
    false
}

/// Limits by family.
fn families(
    node: &Node,
    path: &Path<'_>,
    findings: &mut Findings,
    base: Limits,
) -> Option<Vec<(Arc<str>, Limits)>> {
    let mut found = Vec::new();
    for (key, node) in super::read::entries(node, path, findings)? {
        let path = path.field(&key.text);
        let family = crate::family::family(&key.text);
        if family != key.text {
            let message = format!("{:?} is not the name of a model family", key.text);
            findings.error(key.at, path, message, format!("write {family}: without date, version and size"));
        }
        if let Some(limits) = limits::read(node, &path, findings, base) {
            found.push((family.into(), limits));
        }
    }
    Some(found)
}

/// The name of an environment variable that is not bsm's own.
#[derive(Clone, Copy, Debug)]
struct Variable;

/// A list of them.
#[derive(Clone, Copy, Debug)]
struct Variables;

impl Read for Variables {
    type Out = Vec<Arc<str>>;

    fn read(&self, node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<Vec<Arc<str>>> {
        if let Value::List(_) = &node.value {
            return list_of(Variable).read(node, path, findings);
        }
        findings.conceal(node.at); // it may be a key
        let fix = "write the names of the variables that hold the keys: `keys: [OPENAI_API_KEY]`";
        findings.error(node.at, path, "this is not a list", fix);
        None
    }

    fn wanted(&self) -> String {
        "a list of names of environment variables".to_owned()
    }
}

impl Read for Variable {
    type Out = Arc<str>;

    fn read(&self, node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<Arc<str>> {
        let name = Filled.read(node, path, findings)?;
        let fit = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && !name.starts_with(|c: char| c.is_ascii_digit());
        if !fit {
            // It may be the key itself, so neither it nor its line is repeated.
            findings.conceal(node.at);
            let fix = "write the name of the variable, such as OPENAI_API_KEY, and never a key";
            findings.error(node.at, path, "this is not the name of an environment variable", fix);
            return None;
        }
        if name.starts_with(OURS) {
            findings.error(
                node.at,
                path,
                format!("{name} would be a setting of bsm itself"),
                "choose another name",
            );
            return None;
        }
        Some(name.into())
    }

    fn wanted(&self) -> String {
        "the name of an environment variable".to_owned()
    }
}
