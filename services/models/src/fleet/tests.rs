//! From a file and an environment to providers, and from one file to the next.

use std::fs;
use std::path::PathBuf;

use bsm_runtime::settings::{Settings, Variables};
use tempfile::TempDir;

use super::*;
use crate::ask::Hints;
use crate::gateway::Gateway;
use crate::testing::{Script, Scripted, ask, caller, process, settings};

mod budgets;
mod reloaded;

/// A models file, and settings that name it; nobody has a key but those that are set.
struct File {
    dir: TempDir,
    variables: Vec<(String, String)>,
}

impl File {
    fn with(text: &str) -> File {
        let file = File { dir: tempfile::tempdir().unwrap(), variables: Vec::new() };
        file.write(text);
        file
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("models.yaml")
    }

    fn write(&self, text: &str) {
        fs::write(self.path(), text).unwrap();
    }

    fn variable(mut self, name: &str, value: &str) -> File {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    fn settings(&self) -> Settings {
        let mut settings = settings("http://127.0.0.1:1/v1", &[]);
        settings.models.file = Some(self.path());
        settings.models.variables = self.variables.iter().cloned().collect::<Variables>();
        settings
    }

    fn builder(&self) -> (Builder, Process) {
        let process = process(self.settings());
        (Builder::new(Arc::clone(&process.settings), process.guards.clone()), process)
    }

    fn fleet(&self) -> Fleet {
        self.builder().0.build().unwrap()
    }

    fn refusal(&self) -> String {
        self.builder().0.build().unwrap_err().to_string()
    }
}

/// A server that wants a key, and one that wants none.
const TWO: &str = "providers:
  paid: { wire: openai, base_url: 'http://127.0.0.1:1', model: m, keys: [PAID_ONE, PAID_TWO] }
  ours: { wire: openai, base_url: 'http://127.0.0.1:1', model: m, local: true }
";

/// Who can be asked, the built-in reviewer aside.
fn names(fleet: &Fleet) -> Vec<&str> {
    fleet
        .providers()
        .iter()
        .map(|provider| &**provider.name())
        .filter(|name| *name != route::OFFLINE)
        .collect()
}

#[test]
fn a_provider_is_there_once_its_variables_are_set_and_a_local_one_without_any() {
    assert_eq!(names(&File::with(TWO).fleet()), ["ours"]);
    let set = File::with(TWO).variable("PAID_TWO", "sk-two").variable("GROQ_API_KEY", "gsk").fleet();
    assert_eq!(names(&set), ["groq", "paid", "ours"]);
    assert_eq!(set.provider("paid").unwrap().keys().configured, 1);
}

#[test]
fn a_variable_that_is_set_and_holds_no_key_is_told_by_its_name() {
    let file =
        File::with(TWO).variable("PAID_ONE", "").variable("PAID_TWO", " \n").variable("OPENAI_API_KEY", " ");
    let (settings, fleet) = (file.settings(), file.fleet());
    assert_eq!(names(&fleet), ["ours"]);
    let blank = blank_keys(&settings.models.variables, fleet.catalog());
    assert_eq!(blank.join(", "), "OPENAI_API_KEY, PAID_ONE, PAID_TWO");
    assert!(blank_keys(&Variables::default(), fleet.catalog()).is_empty());
}

#[test]
fn openais_keys_are_named_by_the_variables_that_hold_them() {
    let file = File::with(TWO).variable("OPENAI_BSM_KEY", "sk-one").variable("OPENAI_API_KEY", "sk-two ");
    let mut settings = file.settings();
    settings.models.openai_keys = ["sk-two", "sk-one", "sk-of-a-file"].map(Into::into).to_vec();
    let fleet = file.fleet();
    let keys = environment::keys(&settings.models, fleet.catalog().provider("openai").unwrap());
    let variables: Vec<&str> = keys.iter().map(|key| &*key.variable).collect();
    assert_eq!(variables, ["OPENAI_API_KEY", "OPENAI_BSM_KEY", ""]);
}

#[test]
fn who_is_missing_is_told_the_variable_to_set_the_key_first() {
    let standing = |fleet: &Fleet, name: &str| fleet.landscape().standing(name, "").to_string();
    let fleet = File::with(TWO).fleet();
    assert_eq!(standing(&fleet, "openai"), "it has no key; set OPENAI_API_KEY");
    assert_eq!(standing(&fleet, "anthropic"), "it has no key; set ANTHROPIC_KEY");
    assert_eq!(standing(&fleet, "paid"), "it has no key; set PAID_ONE");
    let azure = File::with(TWO).variable("AZURE_OPENAI_KEY", "k");
    assert_eq!(standing(&azure.fleet(), "azure"), "it has no address; set AZURE_OPENAI_ENDPOINT");
    let azure = azure.variable("AZURE_OPENAI_ENDPOINT", "https://x.openai.azure.com");
    assert_eq!(standing(&azure.fleet(), "azure"), "it has no model; set AZURE_OPENAI_DEPLOYMENT");
    let azure = azure.variable("AZURE_OPENAI_DEPLOYMENT", "ours");
    assert_eq!(names(&azure.fleet()), ["azure", "ours"]);
}

#[test]
fn a_variable_moves_a_provider_and_one_that_moves_nobody_is_a_mistake() {
    let moved = File::with(TWO).variable("BSM_PAID_BASE_URL", "https://elsewhere.example/v1/");
    let fleet = moved.fleet();
    assert_eq!(
        fleet.catalog().provider("paid").unwrap().base_url.as_deref(),
        Some("https://elsewhere.example/v1")
    );
    let sentence = File::with(TWO).variable("BSM_PIAD_BASE_URL", "https://x").refusal();
    assert!(
        sentence.starts_with("BSM_PIAD_BASE_URL is set, but there is no such provider; known are"),
        "{sentence}"
    );
    let none =
        File::with(TWO).variable("BSM_PAID_BASE_URL", "elsewhere").variable("PAID_ONE", "sk").refusal();
    assert_eq!(
        none,
        "the base URL of paid does not begin with https:// or http://; put https:// before it, or http:// for a server on this \
         machine or in its own network"
    );
}

#[test]
fn a_file_that_is_wrong_or_missing_is_told_with_all_its_mistakes() {
    let wrong = File::with("providers:\n  ours: { wire: opnai }\nrotues: {}\n");
    let sentence = wrong.refusal();
    assert!(sentence.contains("models.yaml:2:17: error: providers.ours.wire"), "{sentence}");
    assert!(sentence.contains("models.yaml:3:1: error: rotues"), "{sentence}");
    fs::remove_file(wrong.path()).unwrap();
    assert!(wrong.refusal().contains("the file is missing"), "{}", wrong.refusal());
}

#[tokio::test]
async fn keys_are_those_of_the_variables_in_the_order_of_the_file() {
    let provider = Scripted::start([Script::fails(401, ""), Script::says("ok")]).await;
    let file = File::with(TWO)
        .variable("PAID_TWO", "sk-two")
        .variable("PAID_ONE", "sk-one")
        .variable("BSM_PAID_BASE_URL", &provider.url);
    let gateway = Gateway::of(&process(file.settings())).unwrap();
    let answered = gateway.complete(&ask_for("paid"), caller()).await.unwrap();
    assert_eq!((&*answered.provider, answered.attempts.len()), ("paid", 1));
    assert_eq!(provider.keys(), ["sk-one", "sk-two"]);
}

#[test]
fn what_is_in_force_is_printed_with_the_variables_that_hold_keys_and_no_key() {
    let file = File::with(TWO).variable("PAID_TWO", "sk-canary");
    let text = printed(&file.settings().models).unwrap();
    assert!(text.contains("#   paid: 1 (PAID_TWO)") && text.contains("#   anthropic: none"), "{text}");
    assert!(!text.contains("canary"));
    file.write(&text);
    assert_eq!(printed(&file.settings().models).unwrap(), text, "it is a file itself");
}

fn ask_for(model: &str) -> crate::ask::Ask {
    crate::ask::Ask { model: Some(model.to_owned()), ..ask("hi") }
}
