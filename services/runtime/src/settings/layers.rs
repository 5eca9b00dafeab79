//! Finds each setting's value: defaults, then the file, then the environment, then flags.

use std::{collections::BTreeMap, fmt, fs::File, io::Read as _, path::Path};

use super::{
    Variables,
    table::{Kind, SETTINGS, Setting, find},
};
use crate::{
    diagnostic::{Findings, Strictness},
    yaml::{self, Node, Value as Yaml, closest::closest},
};

/// Variables of ours that are not settings: the command line reads them itself, or the compose file does.
const NOT_SETTINGS: [&str; 2] = ["BSM_CONFIG", "BSM_VERSION"];

/// The largest settings file, in bytes: far more than all settings with a comment each.
const MOST_BYTES: u64 = 1024 * 1024;

/// What is told of a file that is a list, a number or a text.
const NO_SETTINGS: &str =
    "a settings file is names with values, such as `log: {level: debug}`; this is something else";

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The table's default.
    Default,
    /// A settings file and the line in it.
    File(String, u32),
    /// An environment variable, or several.
    Env(String),
    /// The command line.
    Flag,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Default => f.write_str("default"),
            Source::File(file, line) => write!(f, "{file}:{line}"),
            Source::Env(name) => write!(f, "{name}"),
            Source::Flag => f.write_str("command line"),
        }
    }
}

/// A value and where it came from. Several secrets are joined by newlines.
#[derive(Clone)]
pub struct Value {
    /// The text as given.
    pub text: String,
    /// Who gave it.
    pub source: Source,
}

/// All values in force, and what is wrong with the layers themselves.
#[derive(Clone, Default)]
pub struct Layers {
    values: BTreeMap<&'static str, Value>,
    /// Mistakes such as unknown keys in the file.
    pub problems: Vec<String>,
    /// The variables of the environment that no setting knows: data files may name them.
    pub variables: Variables,
}

impl Layers {
    /// Reads all layers. `env` looks an environment variable up; an empty variable counts as unset, because
    /// compose files pass those on. `flags` are key and value as given on the command line.
    pub fn read(
        file: Option<&Path>,
        env: impl Fn(&str) -> Option<String>,
        flags: &[(String, String)],
    ) -> Layers {
        let mut layers = Layers::default();
        for setting in SETTINGS {
            layers.put(setting, setting.default.to_owned(), Source::Default);
        }
        if let Some(path) = file {
            layers.read_file(path);
        }
        for setting in SETTINGS {
            layers.read_env(setting, &env);
        }
        for (key, value) in flags {
            match find(key) {
                Some(setting) => layers.put(setting, value.clone(), Source::Flag),
                None => layers.problems.push(format!("--set {key}={value}: {}", unknown(key))),
            }
        }
        layers
    }

    /// The same with the environment for the variables that data files name.
    #[must_use]
    pub fn with_variables(self, variables: Variables) -> Layers {
        Layers { variables, ..self }
    }

    /// Notes variables that look like ours and are not: a name mistyped would otherwise be ignored.
    pub fn check_names(&mut self, names: impl Iterator<Item = String>) {
        let known = |name: &String| {
            SETTINGS.iter().any(|setting| setting.env.contains(&name.as_str()))
                || NOT_SETTINGS.contains(&name.as_str())
                || moves_a_provider(name)
        };
        for name in names.filter(|name| name.starts_with("BSM_") && !known(name)) {
            let all = SETTINGS.iter().flat_map(|setting| setting.env.iter().copied());
            self.problems.push(format!("{name} is not a variable that is read here{}", hint(&name, all)));
        }
    }

    /// The value of a setting, or none when it is unset.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(key).filter(|value| !value.text.is_empty())
    }

    /// Every setting with its value as it may be shown: secrets masked.
    pub fn shown(&self) -> impl Iterator<Item = (&'static Setting, String, Source)> {
        SETTINGS.iter().map(|setting| {
            let value = &self.values[setting.key];
            (setting, shown(setting, &value.text), value.source.clone())
        })
    }

    fn put(&mut self, setting: &'static Setting, text: String, source: Source) {
        self.values.insert(setting.key, Value { text, source });
    }

    fn read_env(&mut self, setting: &'static Setting, env: &impl Fn(&str) -> Option<String>) {
        let set = |name: &&'static str| env(name).filter(|v| !v.is_empty()).map(|v| (*name, v));
        let mut found: Vec<_> = setting.env.iter().filter_map(set).collect();
        if setting.kind != Kind::Secrets {
            found.truncate(1);
        }
        if found.is_empty() {
            return;
        }
        let names: Vec<_> = found.iter().map(|(name, _)| *name).collect();
        let texts: Vec<_> = found.iter().map(|(_, text)| text.as_str()).collect();
        self.put(setting, texts.join("\n"), Source::Env(names.join(", ")));
    }

    fn read_file(&mut self, path: &Path) {
        let name = path.display().to_string();
        let text = match read(path) {
            Ok(text) => text,
            Err(problem) => return self.problems.push(format!("{name}: {problem}")),
        };
        let mut findings = Findings::new(&name, &text, Strictness::Strict);
        if let Some(node) = yaml::read(&mut findings) {
            self.take_node(&name, "", &node);
        }
        self.problems.extend(findings.into_vec().iter().map(ToString::to_string));
    }

    fn take_node(&mut self, file: &str, key: &str, node: &Node) {
        let at = (node.at.line, node.at.column);
        match (&node.value, find(key)) {
            (Yaml::Map(fields), None) => {
                for (name, inner) in fields {
                    let joined =
                        if key.is_empty() { name.text.clone() } else { format!("{key}.{}", name.text) };
                    self.take_node(file, &joined, inner);
                }
            }
            (value, Some(setting)) => match scalar(setting, value) {
                Some(text) => self.put(setting, text, Source::File(file.to_owned(), at.0)),
                None => self.problems.push(format!("{file}:{}:{}: {key} must be a plain value", at.0, at.1)),
            },
            (_, None) => {
                let problem = if key.is_empty() { NO_SETTINGS.to_owned() } else { unknown(key) };
                self.problems.push(format!("{file}:{}:{}: {problem}", at.0, at.1));
            }
        }
    }
}

/// Providers are named by the models file, and whoever reads that file knows which there are.
fn moves_a_provider(name: &str) -> bool {
    name.len() > "BSM__BASE_URL".len() && name.ends_with("_BASE_URL")
}

/// The text of a settings file. Pipes are read to their end, whatever comes out of them, but not for ever.
fn read(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let file = File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_string(&mut text));
    file.map_err(|err| format!("the settings file cannot be read: {err}"))?;
    if text.len() as u64 > MOST_BYTES {
        return Err(format!(
            "the settings file is larger than {} KiB, which is the most that is read; is it the right file?",
            MOST_BYTES / 1024
        ));
    }
    Ok(text)
}

fn scalar(setting: &Setting, value: &Yaml) -> Option<String> {
    Some(match value {
        Yaml::Null => String::new(),
        Yaml::Bool(b) => b.to_string(),
        Yaml::Int(n) => n.to_string(),
        Yaml::Float(n) => n.to_string(),
        Yaml::Text(text) => text.clone(),
        Yaml::List(items) => {
            let separator = match setting.kind {
                Kind::List => ",",
                Kind::Secrets => "\n",
                _ => return None,
            };
            let texts: Option<Vec<_>> = items.iter().map(|item| scalar(setting, &item.value)).collect();
            texts?.join(separator)
        }
        Yaml::Map(_) => return None,
    })
}

fn shown(setting: &Setting, text: &str) -> String {
    match (setting.kind, text) {
        (_, "") => "(unset)".to_owned(),
        (Kind::Secrets, text) => text.split('\n').map(|_| "********").collect::<Vec<_>>().join(", "),
        (_, text) => text.to_owned(),
    }
}

fn unknown(key: &str) -> String {
    let hint = hint(key, SETTINGS.iter().map(|setting| setting.key));
    format!("\"{key}\" is not a setting{hint}; `bsm config` lists them all")
}

fn hint<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    closest(name, known).map(|known| format!("; did you mean {known}?")).unwrap_or_default()
}
