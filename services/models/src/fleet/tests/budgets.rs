//! Budgets of the settings over those of the models file.

use super::*;

const OF_FILE: &str = "budgets: [key 60 requests/minute, job 1 usd/day]\n";

fn with_budgets(settings: Settings, lines: &[&str]) -> Settings {
    let mut settings = settings;
    settings.models.budgets = lines.iter().map(|line| (*line).to_owned()).collect();
    settings
}

#[test]
fn a_budget_of_the_settings_stands_in_the_place_of_the_same_in_the_file_and_that_is_told() {
    let file = File::with(OF_FILE);
    let settings = with_budgets(file.settings(), &["key 600 requests/minute"]);
    let catalog = effective(&settings.models).unwrap();
    let in_force: Vec<String> = catalog.budgets.iter().map(ToString::to_string).collect();
    assert_eq!(in_force, ["key 600 requests/minute", "job 1 usd/day"]);
    let printed = printed(&settings.models).unwrap();
    let told = "# the budget \"key 60 requests/minute\" of the models file does not count: models.budgets (BSM_BUDGETS) \
                says \"key 600 requests/minute\"\n";
    assert!(printed.contains(told), "{printed}");
    assert!(
        printed.contains("budgets:\n  - \"key 600 requests/minute\"\n  - \"job 1 usd/day\"\n"),
        "{printed}"
    );
}

#[test]
fn budgets_of_the_settings_that_are_none_or_twice_are_told_where_the_models_file_is_printed() {
    let file = File::with(OF_FILE);
    for (lines, expected) in [
        (
            &["job 1 usd/day", "key ten requests/day"][..],
            "models.budgets (BSM_BUDGETS): number 2: \"key ten requests/day\" is no budget",
        ),
        (
            &["key 1 usd/day", "job 1 usd/day", "key 2 usd/day"],
            "models.budgets (BSM_BUDGETS): number 3, \"key 2 usd/day\", is of the same as number 1, \"key 1 usd/day\"",
        ),
    ] {
        let settings = with_budgets(file.settings(), lines);
        let refused = printed(&settings.models).unwrap_err().to_string();
        assert!(refused.starts_with(expected), "{refused}");
        let process = process(settings);
        let builder = Builder::new(Arc::clone(&process.settings), process.guards.clone());
        assert!(
            builder.build().unwrap_err().to_string().starts_with(expected),
            "and the service does not start"
        );
    }
}
