//! `bsm config`: every setting in force and where it came from.

use bsm_runtime::{
    diagnostic::{Findings, Strictness},
    settings::{Settings, Source},
    yaml,
};
use comfy_table::{ContentArrangement, Table, presets::UTF8_FULL_CONDENSED};
use serde_json::{Value, json};

use crate::{
    cli::Options,
    exit::{Exit, Failure},
    out, settings,
};

/// Prints the settings, then says whether they are usable.
pub(crate) fn run(options: &Options, as_json: bool) -> anyhow::Result<Exit> {
    let layers = settings::layers(options);
    if as_json {
        let rows = layers.shown().map(|(setting, value, source)| {
            let row = json!({"value": value, "source": source.to_string(), "env": setting.env, "help": setting.help});
            (setting.key.to_owned(), row)
        });
        out::line(format_args!("{:#}", Value::Object(rows.collect())))?;
    } else {
        let mut table = Table::new();
        table.load_preset(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(["setting", "value", "from", "environment", "meaning"]);
        for (setting, value, source) in layers.shown() {
            let from = if source == Source::Default { "default".to_owned() } else { source.to_string() };
            table.add_row([setting.key, &value, &from, &setting.env.join("\n"), setting.help]);
        }
        out::line(table)?;
    }
    Settings::from_layers(&layers)?;
    Ok(Exit::Done)
}

/// Prints the models file that is in force.
pub(crate) fn models(options: &Options, as_json: bool) -> anyhow::Result<Exit> {
    let (settings, _) = settings::read(options)?;
    let text = bsm_models::fleet::printed(&settings.models)
        .map_err(|problem| Failure::error(Exit::Config, problem.to_string()))?;
    if as_json {
        let root = yaml::read(&mut Findings::new("models.yaml", text, Strictness::Strict));
        let root = root.expect("what is printed can be read; a test does");
        out::line(format_args!("{:#}", root.to_json()))?;
    } else {
        out::line(text.trim_end())?;
    }
    Ok(Exit::Done)
}
