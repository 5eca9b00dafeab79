use super::*;

mod mistakes;

fn read(text: &str) -> Catalog {
    let findings = Findings::new("models.yaml", text, Strictness::Strict);
    Catalog::read(findings).unwrap_or_else(|unusable| panic!("{unusable}")).0
}

#[test]
fn the_built_in_file_is_usable_and_has_every_provider_of_the_contract() {
    let catalog = Catalog::built_in();
    let names: Vec<&str> = catalog.providers.iter().map(|provider| &*provider.name).collect();
    let expected = ["openai", "anthropic", "google", "perplexity", "azure", "groq", "mistral", "cohere"];
    assert_eq!(names, expected);
    let keys: Vec<&str> = catalog.provider("openai").unwrap().keys.iter().map(|key| &**key).collect();
    let expected = [
        "OPENAI_BSM_KEY",
        "OPENAI_BSU_KEY",
        "OPENAI_BRINDER_KEY",
        "OPENAI_LEXNEXUS_KEY",
        "OPENAI_FALLBACK_KEY",
        "OPENAI_API_KEY",
    ];
    assert_eq!(keys, expected);
}

#[test]
fn every_model_that_a_route_may_ask_for_is_priced_with_a_date_and_has_a_context() {
    let catalog = Catalog::built_in();
    for target in catalog.families.iter().flat_map(|family| family.models.items()) {
        let Some(id) = catalog.model_of(target) else { continue }; // Azure's is the operator's
        let model = catalog.model(&target.provider, id).unwrap_or_else(|| panic!("{target} is not listed"));
        assert!(model.context.is_some() && model.price.unwrap().as_of.is_some(), "{target}");
    }
}

#[test]
fn an_empty_section_changes_nothing_and_an_empty_file_may_be_half_an_edit() {
    assert_eq!(read("providers:\nroutes: {}\n"), Catalog::built_in());
    let empty = Findings::new("models.yaml", "# nothing\n", Strictness::Strict);
    assert!(Catalog::read(empty).unwrap_err().to_string().contains("the file is empty"));
}

#[test]
fn what_a_file_does_not_name_stays() {
    let catalog = read(
        "providers:\n  openai: { timeouts: { whole: 60 } }\nmodels:\n  openai/gpt-4o: { price: { output: 11 } }\n",
    );
    let (before, now) = (Catalog::built_in(), &catalog);
    let openai = now.provider("openai").unwrap();
    assert_eq!((openai.timeouts.whole.as_secs(), openai.timeouts.first_token.as_secs()), (60, 30));
    assert_eq!(openai.keys, before.provider("openai").unwrap().keys);
    let price = now.price("openai", "gpt-4o").unwrap();
    assert_eq!((price.input, price.cached, price.output), (2.5, 1.25, 11.0));
    assert_eq!((&now.families, &now.routes), (&before.families, &before.routes));
    assert_ne!(now.version(), before.version());
}

#[test]
fn an_operator_declares_a_server_of_his_own_and_routes_to_it() {
    let catalog = read(
        "providers:
  ollama: { wire: openai, base_url: 'http://10.0.0.7:11434/v1/', model: qwen2.5-coder, local: true }
families:
  at-home: { models: { ollama: 3, openai/gpt-4o-mini: 1 }, strategy: weighted, fallbacks: [gpt-4o] }
routes:
  code_review: { low: [at-home] }
  summary: { strategy: cheapest, among: [at-home, gpt-4o] }
",
    );
    let ollama = catalog.provider("ollama").unwrap();
    assert_eq!(ollama.base_url.as_deref(), Some("http://10.0.0.7:11434/v1"));
    assert!(ollama.local && ollama.keys.is_empty());
    assert_eq!(ollama.override_variable(), "BSM_OLLAMA_BASE_URL");
    let family = catalog.family("at-home").unwrap();
    assert_eq!(family.models.strategy, Strategy::Weighted);
    assert_eq!(family.models.among.iter().map(|(_, weight)| *weight).collect::<Vec<_>>(), [3, 1]);
    let review = catalog.routes.named("code_review").unwrap();
    assert_eq!(review.cells[3].items().map(|name| &**name).collect::<Vec<_>>(), ["at-home"]);
    assert_eq!(review.cells[..3], Catalog::built_in().routes.named("code_review").unwrap().cells[..3]);
    assert_eq!(catalog.routes.named("summary").unwrap().cells[1].strategy, Strategy::Cheapest);
}

#[test]
fn weights_without_a_strategy_are_those_of_weighted() {
    let catalog = read(
        "families:
  default: { models: { openai: 3, anthropic: 1 } }
routes:
  code_review: { low: { among: { gpt-4o: 2, claude-sonnet: 1 } } }
",
    );
    assert_eq!(catalog.family("default").unwrap().models.strategy, Strategy::Weighted);
    let low = &catalog.routes.named("code_review").unwrap().cells[3];
    assert_eq!((low.strategy, low.among[0].1), (Strategy::Weighted, 2));
    let back = read("families:\n  default: { models: [openai, anthropic] }\n");
    assert_eq!(back.family("default").unwrap().models.strategy, Strategy::Priority);
}

#[test]
fn budgets_are_lines_and_a_list_takes_the_place_of_the_one_before() {
    let catalog = read("budgets:\n  - key 60 requests/minute\n  - job 0.25 usd/day\n");
    let lines: Vec<_> = catalog.budgets.iter().map(ToString::to_string).collect();
    assert_eq!(lines, ["key 60 requests/minute", "job 0.25 usd/day"]);
    assert_eq!(read(&catalog.to_yaml()).budgets, catalog.budgets);
    assert!(read("budgets:\n").budgets.is_empty());
    let wrong = Findings::new("models.yaml", "budgets:\n  - key many requests/day\n", Strictness::Strict);
    let told = Catalog::read(wrong).unwrap_err().to_string();
    assert!(told.contains("models.yaml:2:5") && told.contains("is no budget"), "{told}");
}

#[test]
fn what_is_printed_gives_the_same_again() {
    let changed = read(
        "providers:
  vllm-1:
    wire: openai
    base_url: https://vllm.example/v1
    model: 'Org/Model: 7'
    keys: [VLLM_KEY]
    citations: false
    limits: { in_flight: 3, rate: { per_minute: 90, burst: 5 } }
    family_limits: { gpt-4o: { in_flight: 2, queue: 0 } }
families:
  '1st': { models: { vllm-1: 0, openai: 7 }, strategy: weighted }
routes:
  summary: { strategy: least_latency, among: [1st, default] }
",
    );
    for catalog in [Catalog::built_in(), changed] {
        let again = read(&catalog.to_yaml());
        assert_eq!(again, catalog);
    }
}

#[test]
fn the_version_stands_for_the_content() {
    assert_eq!(Catalog::built_in().version(), read("# a remark\nroutes: {}\n").version());
    assert_eq!(Catalog::built_in().version().len(), 12);
}

#[test]
fn the_environment_is_stronger_than_the_file() {
    let overrides = Overrides {
        base_urls: vec![("azure".into(), "https://x.openai.azure.com/".into())],
        models: vec![("openai".into(), "gpt-4o-mini".into())],
        citations: vec![("perplexity".into(), false)],
        connect: Some(std::time::Duration::from_secs(1)),
        whole: Some(std::time::Duration::from_secs(90)),
    };
    let catalog = Catalog::built_in().with(&overrides);
    let openai = catalog.provider("openai").unwrap();
    assert_eq!(openai.model.as_deref(), Some("gpt-4o-mini"));
    assert_eq!(catalog.provider("azure").unwrap().base_url.as_deref(), Some("https://x.openai.azure.com"));
    let Timeouts { connect, first_token, between_chunks, whole } = openai.timeouts;
    assert_eq!([connect, first_token, between_chunks, whole].map(|time| time.as_secs()), [1, 90, 30, 90]);
    let gpt_4 = catalog.family("gpt-4").unwrap().models.items().next().unwrap();
    assert_eq!(
        catalog.model_of(gpt_4).map(|id| &**id),
        Some("gpt-4o-mini"),
        "no route asks for another model"
    );
    assert!(!catalog.provider("perplexity").unwrap().citations);
    assert_eq!(Catalog::built_in().with(&Overrides::default()), Catalog::built_in());
}
