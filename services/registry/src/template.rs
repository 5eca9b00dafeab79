//! Prompts are templates; a broken one is found when it is read and not when an agent runs.

use std::sync::LazyLock;

use bsm_runtime::{
    diagnostic::{At, Findings},
    yaml::{Node, Value},
};
use minijinja::Environment;

/// What a prompt can show. Anything else would silently show as nothing.
const VARIABLES: [&str; 9] =
    ["agentName", "agentRole", "change", "event", "input", "instructions", "knowledge", "payload", "reviews"];

/// Filters and functions as every prompt has them; making them anew for each prompt would take most of the time.
static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(Environment::new);

/// Reports a template in the field `name` that does not parse, and variables that no prompt has.
pub(crate) fn check(node: &Node, name: &str, findings: &mut Findings) {
    let Value::Text(text) = &node.value else { return };
    if !text.contains(['{', '#']) {
        return; // plain text, as most prompts of small agents are
    }
    let template = match ENVIRONMENT.template_from_str(text) {
        Ok(template) => template,
        Err(error) => {
            let reason = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
            let at = place(node, error.line(), findings);
            let message = format!("this is not a template: {reason}");
            findings.error(at, name, message, "close every `{{ … }}` and `{% … %}`, and end every block");
            return;
        }
    };
    for variable in template.undeclared_variables(false) {
        let global = ENVIRONMENT.globals().any(|(global, _)| global == variable);
        if !global && !VARIABLES.contains(&variable.as_str()) {
            let line = text.lines().position(|line| line.contains(&variable)).map(|index| index + 1);
            let at = place(node, line, findings);
            let message = format!("no prompt has a variable `{variable}`; it would show as nothing");
            findings.warning(at, name, message, format!("use one of {}", VARIABLES.join(", ")));
        }
    }
}

/// Where line `line` of the template stands in the file; its beginning, if the YAML does not say.
fn place(node: &Node, line: Option<usize>, findings: &Findings) -> At {
    let line = line.and_then(|line| u32::try_from(line).ok()).and_then(|line| node.line_of_block(line));
    line.map_or(node.at, |line| findings.start_of_line(line))
}
