//! Settings: read from defaults, a file, the environment and flags, in this order of strength, and checked all
//! at once before any work starts.
//!
//! [`table`] is the one list of what can be set; [`layers`] finds each value and where it came from; this
//! module turns the values into what the services use.

pub mod layers;
mod origin;
mod parse;
mod production;
pub mod table;
mod variables;

use std::{net::IpAddr, path::PathBuf, time::Duration};

use secrecy::SecretString;

pub use layers::{Layers, Source, Value};
use parse::Parser;
pub use variables::Variables;

use crate::{
    admin_token,
    flags::{Flag, Percentages},
    network::Network,
    outside::egress,
    role::Role,
    server::MESSAGE_LIMIT,
};

/// Where the process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// A developer's machine: read and invoke are open to loopback.
    Development,
    /// As production, but the start-up rules of production are not enforced.
    Staging,
    /// Refuses to start unless it is safe to.
    Production,
}

impl Profile {
    /// The name as written in settings and in `startup.allowed_profiles`.
    pub const fn name(self) -> &'static str {
        match self {
            Profile::Development => "development",
            Profile::Staging => "staging",
            Profile::Production => "production",
        }
    }
}

/// When the route `auto` may end at the built-in reviewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfflineUse {
    /// Only while no provider key is configured (the default).
    WithoutKey,
    /// Also when every provider failed.
    Always,
    /// Only when it is asked for by name.
    Never,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// All settings of a process.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the process runs.
    pub profile: Profile,
    /// Where state is kept, one folder per role.
    pub data_dir: PathBuf,
    /// registry.yaml, events.yaml, policy.yaml and definitions/.
    pub agents_dir: PathBuf,
    /// The documents.
    pub knowledge_dir: PathBuf,
    /// The address that servers listen on.
    pub host: IpAddr,
    /// The API port of each role, in the order of [`Role::ALL`]; 0 is any free one.
    pub ports: [u16; 6],
    /// Where each role is found by the others, in the order of [`Role::ALL`].
    pub urls: [String; 6],
    /// What is logged, in tracing's filter syntax.
    pub log_level: String,
    /// How it is logged.
    pub log_format: LogFormat,
    /// Where traces are exported to, over OTLP gRPC; none: nowhere.
    pub otlp_endpoint: Option<String>,
    /// Whether plaintext beyond this machine is accepted in production.
    pub insecure: bool,
    /// Whether gRPC reflection is served.
    pub reflection: bool,
    /// How long draining may take.
    pub grace: Duration,
    /// Characters of an agent's input and of a chat message at most.
    pub max_agent_input: usize,
    /// Clients may chat and read, not run or change things.
    pub mobile_mode: bool,
    /// Only clients of the local network are served.
    pub lan_only: bool,
    /// No provider but `offline`, no agents that reach outside.
    pub safe_mode: bool,
    /// The share of calls under each kind of guard, until changed at run time.
    pub flags: Percentages,
    /// Where breaker transitions are posted to. The whole URL may be a secret.
    pub alerts_url: Option<SecretString>,
    /// The operator's token.
    pub admin_token: Option<SecretString>,
    /// Keys the hashes of the audit logs; `None`: a secret beside each.
    pub audit_key: Option<SecretString>,
    /// The secrets that sign GitHub's deliveries: the present one and, while rotating, the next.
    pub webhook_secrets: Vec<SecretString>,
    /// Origins that browsers may call from, as browsers write them; empty, or `*` alone: any outside production.
    pub cors_origins: Vec<String>,
    /// Who is believed about the address of a client that it passes on.
    pub trusted_proxies: Vec<Network>,
    /// How often clients of the gateway may call.
    pub rate_limit: RateLimitSettings,
    /// Bytes of a request in the form of another API, under `/v1`, at most; no more than [`MOST_FACE_BODY`].
    pub face_body_bytes: u64,
    /// How many calls a service takes on at once.
    pub concurrency: ConcurrencySettings,
    /// Where changes are fetched from.
    pub github: GitHubSettings,
    /// Whom requests may leave the mesh for.
    pub egress: egress::Rules,
    /// The model gateway's.
    pub models: ModelSettings,
    /// The orchestrator's.
    pub orchestrator: OrchestratorSettings,
}

/// Bytes that the largest request under `/v1` may have: it goes on in one message, with its headers beside it.
pub const MOST_FACE_BODY: u64 = MESSAGE_LIMIT as u64 - 64 * 1024;

/// How often one client may call the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimitSettings {
    /// Calls per window; 0: no limit.
    pub max: u32,
    /// The window.
    pub window: Duration,
    /// Calls that may come at once; 0: as many as `max`.
    pub burst: u32,
}

/// Between which bounds a service's adaptive limit moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConcurrencySettings {
    /// It never falls below this.
    pub min: usize,
    /// It never rises above this; 0: there is none.
    pub max: usize,
}

/// How GitHub's API is asked.
#[derive(Clone, Debug)]
pub struct GitHubSettings {
    /// Whose eyes it is seen with; without one it is not asked.
    pub token: Option<SecretString>,
    /// Its base URL, without a trailing slash.
    pub url: String,
}

/// Settings of the model gateway.
#[derive(Clone, Debug)]
pub struct ModelSettings {
    /// Keys for the OpenAI wire, in the order they are tried.
    pub openai_keys: Vec<SecretString>,
    /// Where it is spoken; `None`: as the models file says.
    pub openai_base_url: Option<String>,
    /// The model asked for there; `None`: as the models file says.
    pub openai_model: Option<String>,
    /// The model that Perplexity is asked for; `None`: as the models file says.
    pub perplexity_model: Option<String>,
    /// Whether its answers name their sources; `None`: as the models file says.
    pub perplexity_citations: Option<bool>,
    /// Providers, models, prices, limits and routes; `None`: what is built in.
    pub file: Option<PathBuf>,
    /// Whether others are tried when the first choice of the route does not answer.
    pub fallbacks: bool,
    /// Keys and addresses of providers, by the variables that the models file names.
    pub variables: Variables,
    /// What a request without a model means.
    pub default_model: String,
    /// When the route `auto` may end at the built-in reviewer.
    pub offline: OfflineUse,
    /// Budgets of callers, agents and jobs, one rule each.
    pub budgets: Vec<String>,
    /// Days that usage is kept.
    pub usage_days: u32,
    /// One whole call to any provider at most; `None`: as the models file says.
    pub timeout: Option<Duration>,
    /// Making a connection to any provider at most; `None`: as the models file says.
    pub connect_timeout: Option<Duration>,
    /// Answers that are given more than once.
    pub replay: ReplaySettings,
}

/// How much of models' answers is kept, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplaySettings {
    /// Bytes at most.
    pub bytes: usize,
    /// For repeats of a call under its idempotency key.
    pub repeats: Duration,
    /// For whoever asks exactly the same and asked for kept answers.
    pub answers: Duration,
}

/// Settings of the orchestrator.
#[derive(Clone, Debug)]
pub struct OrchestratorSettings {
    /// Jobs that run at once; others queue.
    pub max_jobs: usize,
    /// Days that a job is kept after its end.
    pub keep_days: u32,
}

/// Every mistake in the settings.
#[derive(Debug, thiserror::Error)]
#[error("the settings are not usable:\n{}", .0.iter().map(|p| format!("  - {p}")).collect::<Vec<_>>().join("\n"))]
pub struct Invalid(pub Vec<String>);

impl Settings {
    /// Reads and checks everything.
    ///
    /// # Errors
    /// All mistakes at once, each naming the setting, the value's source and what would be right.
    pub fn from_layers(layers: &Layers) -> Result<Settings, Invalid> {
        let mut p = Parser::new(layers);
        let settings = Settings::parse(&mut p);
        if p.problems.is_empty() { Ok(settings) } else { Err(Invalid(p.problems)) }
    }

    /// Reads and checks everything, and whether these roles may be served with it: what production asks for
    /// concerns who is served, not who reviews a diff on a command line.
    ///
    /// # Errors
    /// All mistakes at once, and every reason why the production profile refuses to start.
    pub fn for_serving(layers: &Layers, roles: &[Role]) -> Result<Settings, Invalid> {
        let mut p = Parser::new(layers);
        let settings = Settings::parse(&mut p);
        let mut problems = p.problems;
        if settings.profile == Profile::Production {
            problems.extend(production::refusals(&settings, roles));
        }
        if problems.is_empty() { Ok(settings) } else { Err(Invalid(problems)) }
    }

    /// What is taken as it is and worth a word at start.
    pub fn warnings(&self) -> Vec<String> {
        self.admin_token
            .iter()
            .filter_map(admin_token::weakness)
            .map(|weakness| weakness.to_string())
            .collect()
    }

    /// The API port of a role.
    pub fn port(&self, role: Role) -> u16 {
        self.ports[role as usize]
    }

    /// Where a role is found.
    pub fn url(&self, role: Role) -> &str {
        &self.urls[role as usize]
    }

    fn parse(p: &mut Parser<'_>) -> Settings {
        let profile = p.one_of("profile", parse::PROFILES, Profile::Development);
        let ports = Role::ALL.map(|role| p.port(&format!("{role}.port")));
        Settings {
            profile,
            data_dir: p.text("data_dir").into(),
            agents_dir: p.text("agents_dir").into(),
            knowledge_dir: p.text("knowledge_dir").into(),
            host: p.address("host"),
            ports,
            urls: Role::ALL.map(|role| p.urls_of(role, ports[role as usize])),
            log_level: p.log_filter("log.level"),
            log_format: p.one_of("log.format", parse::LOG_FORMATS, LogFormat::Auto),
            otlp_endpoint: p.optional_url("otlp.endpoint"),
            insecure: p.flag("insecure").unwrap_or(false),
            reflection: p.flag("reflection").unwrap_or(profile != Profile::Production),
            grace: p.seconds("grace_seconds", 0.1, 60.0),
            max_agent_input: p.number("max_agent_input", 1, 1_000_000) as usize,
            mobile_mode: p.flag("mobile_mode").unwrap_or(false),
            lan_only: p.flag("lan_only").unwrap_or(false),
            safe_mode: p.flag("safe_mode").unwrap_or(false),
            flags: Flag::ALL.map(|flag| p.percent(&format!("flags.{flag}"))),
            alerts_url: p.secret_url("alerts.url"),
            admin_token: p.admin_token("admin_token"),
            audit_key: p.secrets("audit.key").into_iter().next(),
            webhook_secrets: p.secrets("webhook_secret"),
            cors_origins: p.origins("cors_origins"),
            trusted_proxies: p.networks("trusted_proxies"),
            rate_limit: RateLimitSettings::parse(p),
            face_body_bytes: p.number("face_body_bytes", 1_024, MOST_FACE_BODY),
            concurrency: ConcurrencySettings::parse(p),
            github: GitHubSettings {
                token: p.secrets("github.token").into_iter().next(),
                url: p.optional_url("github.url").unwrap_or_default().trim_end_matches('/').to_owned(),
            },
            egress: egress::Rules {
                policy: p.one_of("egress.policy", parse::EGRESS_POLICIES, egress::Policy::DenyByDefault),
                allowed: p.allowed_hosts("egress.allowed_hosts"),
            },
            models: ModelSettings::parse(p),
            orchestrator: OrchestratorSettings {
                max_jobs: p.number("orchestrator.max_jobs", 1, 1_000) as usize,
                keep_days: p.number("orchestrator.keep_days", 1, 3_650) as u32,
            },
        }
    }
}

impl RateLimitSettings {
    fn parse(p: &mut Parser<'_>) -> RateLimitSettings {
        let max = p.number("rate_limit.max", 0, 1_000_000);
        let window = Duration::from_millis(p.number("rate_limit.window_ms", 1_000, 86_400_000));
        let burst = p.number("rate_limit.burst", 0, 1_000_000);
        p.at_most(("rate_limit.burst", burst), ("rate_limit.max", max));
        RateLimitSettings { max: max as u32, window, burst: burst as u32 }
    }
}

impl ConcurrencySettings {
    fn parse(p: &mut Parser<'_>) -> ConcurrencySettings {
        let min = p.number("concurrency.min", 1, 1_024);
        let max = p.number("concurrency.max", 0, 1_024);
        p.at_most(("concurrency.min", min), ("concurrency.max", max));
        ConcurrencySettings { min: min as usize, max: max as usize }
    }
}

impl ModelSettings {
    fn parse(p: &mut Parser<'_>) -> ModelSettings {
        ModelSettings {
            openai_keys: p.secrets("models.openai.keys"),
            openai_base_url: p.optional_url("models.openai.base_url"),
            openai_model: p.optional_text("models.openai.model"),
            perplexity_model: p.optional_text("models.perplexity.model"),
            perplexity_citations: p.flag("models.perplexity.citations"),
            file: p.optional_text("models.file").map(PathBuf::from),
            fallbacks: p.flag("models.fallbacks").unwrap_or(true),
            variables: p.variables(),
            default_model: p.text("models.default"),
            offline: p.one_of("models.offline", parse::OFFLINE_USES, OfflineUse::WithoutKey),
            budgets: p.list("models.budgets"),
            usage_days: p.number("models.usage_days", 1, 3_650) as u32,
            timeout: p.optional_seconds("models.timeout_seconds", 0.01, 600.0),
            connect_timeout: p.optional_seconds("models.connect_timeout_seconds", 0.01, 60.0),
            replay: ReplaySettings::parse(p),
        }
    }
}

impl ReplaySettings {
    fn parse(p: &mut Parser<'_>) -> ReplaySettings {
        ReplaySettings {
            bytes: p.number("models.replay_bytes", 65_536, 17_179_869_184) as usize,
            repeats: p.seconds("models.replay_seconds", 1.0, 604_800.0),
            answers: p.seconds("models.cache_seconds", 1.0, 604_800.0),
        }
    }
}

#[cfg(test)]
mod tests;
