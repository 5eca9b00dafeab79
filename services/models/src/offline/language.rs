//! The language of a file, by its name.

/// What a file is written in, as far as rules tell languages apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Language {
    Rust,
    JavaScript,
    Python,
    Go,
    /// Java, Kotlin, Scala, Groovy.
    Java,
    /// C, C++, Objective-C.
    C,
    CSharp,
    Php,
    Ruby,
    Swift,
    Shell,
    Sql,
    Html,
    Yaml,
    Toml,
    Json,
    /// `.env`, `.ini`, `.properties`, `.conf`.
    Settings,
    Docker,
    Terraform,
    Make,
    Other,
}

use Language::*;

/// Languages in which programs are written.
pub(crate) const PROGRAMS: &[Language] = &[Rust, JavaScript, Python, Go, Java, C, CSharp, Php, Ruby, Swift];

/// Programs, and whatever else sets how they talk to the world.
pub(crate) const PROGRAMS_AND_SETTINGS: &[Language] = &[
    Rust, JavaScript, Python, Go, Java, C, CSharp, Php, Ruby, Swift, Shell, Docker, Yaml, Make, Json, Toml,
    Settings,
];

// === impl Language ===

impl Language {
    /// Judges by the lower-case file name.
    pub(crate) fn of_name(name: &str) -> Self {
        if name.starts_with("dockerfile") || name.ends_with(".dockerfile") || name == "containerfile" {
            return Docker;
        }
        if name.starts_with(".env") || name.ends_with(".env") {
            return Settings;
        }
        match name {
            "makefile" | "justfile" | "gnumakefile" => return Make,
            "gemfile" | "rakefile" => return Ruby,
            "jenkinsfile" => return Java,
            ".bashrc" | ".profile" | ".zshrc" => return Shell,
            "cargo.lock" | "poetry.lock" | "pipfile" => return Toml,
            _ => {}
        }
        match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
            "rs" => Rust,
            "js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx" | "vue" | "svelte" => JavaScript,
            "py" | "pyi" | "pyw" => Python,
            "go" => Go,
            "java" | "kt" | "kts" | "scala" | "groovy" | "gradle" => Java,
            "c" | "h" | "cc" | "cpp" | "cxx" | "hpp" | "hh" | "m" | "mm" => C,
            "cs" => CSharp,
            "php" | "phtml" => Php,
            "rb" | "erb" => Ruby,
            "swift" => Swift,
            "sh" | "bash" | "zsh" | "ksh" => Shell,
            "sql" => Sql,
            "html" | "htm" => Html,
            "yml" | "yaml" => Yaml,
            "toml" => Toml,
            "json" | "jsonc" => Json,
            "ini" | "properties" | "conf" | "cfg" => Settings,
            "tf" | "tfvars" | "hcl" => Terraform,
            "mk" => Make,
            _ => Other,
        }
    }

    /// True for languages of programs, scripts and queries: those that a test should cover.
    pub(crate) fn is_code(self) -> bool {
        PROGRAMS.contains(&self) || matches!(self, Shell | Sql)
    }

    /// What begins a comment that runs to the end of the line.
    pub(crate) fn comment(self) -> Option<&'static str> {
        match self {
            Rust | JavaScript | Go | Java | C | CSharp | Php | Swift => Some("//"),
            Python | Ruby | Shell | Yaml | Toml | Settings | Docker | Terraform | Make => Some("#"),
            Sql => Some("--"),
            Html | Json | Other => None,
        }
    }

    /// True where `/* … */` is a comment.
    pub(crate) fn has_block_comments(self) -> bool {
        self.comment() == Some("//") || self == Sql
    }
}
