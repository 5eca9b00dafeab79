//! Everything that can be set: the one table behind the file, the environment, `--set` and `bsm config`.

/// What a setting's text must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text, a path or one of a few words.
    Text,
    /// A whole number.
    Number,
    /// Seconds, with a fraction if need be.
    Seconds,
    /// true, false, 1, 0, yes, no, on, off.
    Flag,
    /// A share of calls: true, false, or a percentage such as 25%.
    Percent,
    /// An http or https URL.
    Url,
    /// Texts separated by commas.
    List,
    /// Secrets: never printed. With several variables, each that is set gives one.
    Secrets,
}

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name in the file and for `--set`.
    pub key: &'static str,
    /// The environment variables that set it, the strongest first.
    pub env: &'static [&'static str],
    /// Its value when nothing sets it; empty: unset.
    pub default: &'static str,
    /// What its text must be.
    pub kind: Kind,
    /// What it means.
    pub help: &'static str,
}

const fn row(
    key: &'static str,
    env: &'static [&'static str],
    default: &'static str,
    kind: Kind,
    help: &'static str,
) -> Setting {
    Setting { key, env, default, kind, help }
}

const OPENAI_KEYS: &[&str] = &[
    "OPENAI_BSM_KEY",
    "OPENAI_BSU_KEY",
    "OPENAI_BRINDER_KEY",
    "OPENAI_LEXNEXUS_KEY",
    "OPENAI_FALLBACK_KEY",
    "OPENAI_API_KEY",
];

/// Every setting, in the order in which `bsm config` prints them.
#[rustfmt::skip] // one line each reads as the table it is
pub const SETTINGS: &[Setting] = &[
    row("profile", &["BSM_PROFILE", "NODE_ENV"], "development", Kind::Text, "development, staging or production"),
    row("data_dir", &["BSM_DATA_DIR"], "./data", Kind::Text, "where state is kept, one folder per role"),
    row("agents_dir", &["BSM_AGENTS_DIR"], "./agents", Kind::Text, "registry.yaml, events.yaml, policy.yaml, definitions/"),
    row("knowledge_dir", &["BSM_KNOWLEDGE_DIR"], "./knowledge", Kind::Text, "the documents for reviewers"),
    row("host", &["BSM_HOST"], "127.0.0.1", Kind::Text, "the address servers listen on"),
    row("registry.port", &["BSM_REGISTRY_PORT"], "50051", Kind::Number, "gRPC; metrics 1000 above; 0 is any free port"),
    row("registry.url", &["BSM_REGISTRY_URL"], "", Kind::Url, "where others find it, one or several with commas between; default: this machine, its port"),
    row("knowledge.port", &["BSM_KNOWLEDGE_PORT"], "50052", Kind::Number, "as above"),
    row("knowledge.url", &["BSM_KNOWLEDGE_URL"], "", Kind::Url, "as above"),
    row("memory.port", &["BSM_MEMORY_PORT"], "50053", Kind::Number, "as above"),
    row("memory.url", &["BSM_MEMORY_URL"], "", Kind::Url, "as above"),
    row("models.port", &["BSM_MODELS_PORT"], "50054", Kind::Number, "as above"),
    row("models.url", &["BSM_MODELS_URL"], "", Kind::Url, "as above"),
    row("orchestrator.port", &["BSM_ORCHESTRATOR_PORT"], "50055", Kind::Number, "as above"),
    row("orchestrator.url", &["BSM_ORCHESTRATOR_URL"], "", Kind::Url, "as above"),
    row("gateway.port", &["BSM_GATEWAY_PORT", "PORT"], "8080", Kind::Number, "REST; metrics 1000 above; 0 is any free port"),
    row("gateway.url", &["BSM_GATEWAY_URL"], "", Kind::Url, "where clients find it"),
    row("log.level", &["BSM_LOG", "LOG_LEVEL"], "info", Kind::Text, "error, warn, info, debug, trace, or a filter such as info,bsm_models=debug"),
    row("log.format", &["BSM_LOG_FORMAT"], "auto", Kind::Text, "auto (text on a terminal, else json), text or json"),
    row("otlp.endpoint", &["OTEL_EXPORTER_OTLP_ENDPOINT"], "", Kind::Url, "export traces there over OTLP gRPC"),
    row("reflection", &["BSM_REFLECTION"], "", Kind::Flag, "serve gRPC reflection; default: yes outside production"),
    row("insecure", &["BSM_INSECURE"], "", Kind::Flag, "allow plaintext on a non-loopback address in production"),
    row("grace_seconds", &["BSM_GRACE_SECONDS"], "9", Kind::Seconds, "draining takes at most this long (0.1 to 60)"),
    row("max_agent_input", &["MAX_AGENT_INPUT_LENGTH"], "4000", Kind::Number, "characters of an input at most (1 to 1000000)"),
    row("mobile_mode", &["MOBILE_MODE"], "false", Kind::Flag, "clients may chat and read only"),
    row("lan_only", &["LAN_ONLY"], "false", Kind::Flag, "serve clients of the local network only"),
    row("safe_mode", &["SAFE_MODE"], "false", Kind::Flag, "no provider but offline, no agents that reach outside"),
    row("flags.circuit_breaker", &["CIRCUIT_BREAKER_ENABLED"], "true", Kind::Percent, "calls that breakers refuse and judge: true, false or a share such as 25%"),
    row("flags.cache_stampede_protection", &["CACHE_STAMPEDE_PROTECTION"], "true", Kind::Percent, "callers of a cold key share one load: true or false; a share above 0 means true"),
    row("flags.bulkhead", &["BSM_FLAG_BULKHEAD"], "true", Kind::Percent, "calls that take a slot of a bulkhead"),
    row("flags.retry", &["BSM_FLAG_RETRY"], "true", Kind::Percent, "calls that may be tried again"),
    row("flags.hedging", &["BSM_FLAG_HEDGING"], "true", Kind::Percent, "slow reads that may get a second attempt"),
    row("alerts.url", &["BSM_ALERT_WEBHOOK_URL"], "", Kind::Secrets, "post breaker transitions there as JSON; a URL, masked because such URLs hold keys"),
    row("audit.key", &["BSM_AUDIT_KEY"], "", Kind::Secrets, "the key of the audit logs' hashes; empty: one beside each log"),
    row("admin_token", &["ADMIN_TOKEN"], "", Kind::Secrets, "the operator's token"),
    row("webhook_secret", &["GITHUB_WEBHOOK_SECRET", "GITHUB_WEBHOOK_SECRET_NEXT"], "", Kind::Secrets, "signs GitHub's deliveries; the second while rotating"),
    row("github.token", &["GITHUB_TOKEN"], "", Kind::Secrets, "fetches the diff of a pull request whose event carries none; reading is all it must allow"),
    row("github.url", &["BSM_GITHUB_URL"], "https://api.github.com", Kind::Url, "GitHub's API, or that of an Enterprise server"),
    row("egress.policy", &["EGRESS_POLICY"], "deny_by_default", Kind::Text, "deny_by_default (only hosts that are listed below, or else named by these settings) or allow_all"),
    row("egress.allowed_hosts", &["EGRESS_ALLOWED_HOSTS"], "", Kind::List, "hosts that may be asked outside of the mesh: api.openai.com, *.openai.com; and networks that names may lead to: 10.0.0.0/8"),
    row("cors_origins", &["CORS_ORIGINS"], "", Kind::List, "origins browsers may call from: https://app.example.com; empty or *: any outside production"),
    row("trusted_proxies", &["BSM_TRUSTED_PROXIES"], "", Kind::List, "proxies whose X-Forwarded-For says who the client is: addresses or networks such as 10.0.0.0/8"),
    row("rate_limit.max", &["RATE_LIMIT_MAX"], "100", Kind::Number, "calls per window of one client of the gateway: of an API key, of an operator at an address, else of an address (0 to 1000000; 0: no limit)"),
    row("rate_limit.window_ms", &["RATE_LIMIT_WINDOW_MS"], "900000", Kind::Number, "the window, in ms (1000 to 86400000)"),
    row("rate_limit.burst", &["BSM_RATE_LIMIT_BURST"], "0", Kind::Number, "calls that may come at once (at most rate_limit.max; 0: as many)"),
    row("face_body_bytes", &["BSM_FACE_BODY_BYTES"], "4128768", Kind::Number, "bytes of a request under /v1 at most (1024 to 4128768, which is 4 MiB, what services take of one another, less 64 KiB for what goes beside the body); elsewhere it is 1 MiB, for webhooks 25 MiB"),
    row("concurrency.min", &["BSM_CONCURRENCY_MIN"], "16", Kind::Number, "calls that a service takes on at once however slow it is (1 to 1024, at most concurrency.max)"),
    row("concurrency.max", &["BSM_CONCURRENCY_MAX"], "1024", Kind::Number, "calls that a service takes on at once at most; in between it finds out by itself (0 to 1024; 0: no such limit)"),
    row("models.file", &["BSM_MODELS_FILE"], "", Kind::Text, "providers, models, prices, limits and routes; changes and adds to what is built in, and is read again when it is edited; `bsm config --models` prints the result"),
    row("models.default", &["DEFAULT_MODEL"], "auto", Kind::Text, "what a request without a model means: auto, a family, a provider, or provider/model"),
    row("models.fallbacks", &["FALLBACK_ENABLED"], "true", Kind::Flag, "others are tried when the first choice of the route does not answer"),
    row("models.openai.keys", OPENAI_KEYS, "", Kind::Secrets, "keys for the OpenAI wire, tried in this order"),
    row("models.openai.base_url", &["BSM_OPENAI_BASE_URL"], "", Kind::Url, "any server that speaks the OpenAI wire; default: as the models file says. BSM_<NAME>_BASE_URL moves every other provider likewise"),
    row("models.openai.model", &["OPENAI_MODEL"], "", Kind::Text, "the model that openai is asked for, by all routes; default: as the models file says"),
    row("models.perplexity.model", &["PERPLEXITY_MODEL"], "", Kind::Text, "the same for perplexity"),
    row("models.perplexity.citations", &["PERPLEXITY_CITATIONS"], "", Kind::Flag, "its answers name their sources; default: as the models file says"),
    row("models.offline", &["BSM_OFFLINE"], "without_key", Kind::Text, "when auto ends at the built-in reviewer: without_key, always or never"),
    row("models.timeout_seconds", &["BSM_MODEL_TIMEOUT_SECONDS"], "", Kind::Seconds, "one call to any provider at most (0.01 to 600); default: as the models file says"),
    row("models.connect_timeout_seconds", &["BSM_MODEL_CONNECT_TIMEOUT_SECONDS"], "", Kind::Seconds, "connecting to any provider at most (0.01 to 60); default: as the models file says"),
    row("models.budgets", &["BSM_BUDGETS"], "", Kind::List, "what callers, agents and jobs may ask of models: key 60 requests/minute, agent reviewer 50000 tokens/day, job 0.25 usd/day; each stands in the place of the same in the models file"),
    row("models.usage_days", &["BSM_USAGE_DAYS"], "90", Kind::Number, "days that the usage of models is kept (1 to 3650)"),
    row("models.replay_bytes", &["BSM_MODEL_REPLAY_BYTES"], "67108864", Kind::Number, "bytes of answers that are kept for repeats of a call, for who asks the same and for resumed streams (65536 to 17179869184)"),
    row("models.replay_seconds", &["BSM_MODEL_REPLAY_SECONDS"], "86400", Kind::Seconds, "how long a call can be repeated under its idempotency key (1 to 604800)"),
    row("models.cache_seconds", &["BSM_MODEL_CACHE_SECONDS"], "3600", Kind::Seconds, "how long an answer is good for who asks exactly the same and asked for kept answers (1 to 604800)"),
    row("orchestrator.max_jobs", &["BSM_MAX_JOBS"], "16", Kind::Number, "jobs that run at once (1 to 1000)"),
    row("orchestrator.keep_days", &["BSM_KEEP_DAYS"], "90", Kind::Number, "days that a job is kept after its end; decisions stay (1 to 3650)"),
];

/// The setting of that name.
pub fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}
