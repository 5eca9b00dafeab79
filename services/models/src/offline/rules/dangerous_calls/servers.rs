//! Go, Java and its relatives, C#, PHP and Ruby.

use super::BASE;
use crate::offline::language::Language::{CSharp, Go, Java, Php, Ruby};
use crate::offline::rule::Severity::Medium;
use crate::offline::rule::{Check, Rule};

pub(in crate::offline::rules) const RULES: &[Rule] = &[
    Rule {
        id: "go-shell",
        severity: Medium,
        what: "A process is started through a shell",
        suggestion: "Name the program in exec.Command and give each argument on its own.",
        check: Check::strings(
            &[Go],
            r#"\bexec\.Command(?:Context)?\s*\([^)]*"(?:/bin/)?(?:ba)?sh"\s*,\s*"-c""#,
        ),
        ..BASE
    },
    Rule {
        id: "go-unsafe",
        severity: Medium,
        must_fix: &[],
        what: "Go's type system is stepped around",
        suggestion: "Say why it is sound, or use encoding/binary.",
        check: Check::code(&[Go], r"\bunsafe\.(?:Pointer|Slice|String)\b"),
        ..BASE
    },
    Rule {
        id: "go-raw-html",
        severity: Medium,
        what: "Text is put into a page as HTML",
        suggestion: "Pass the plain string and let html/template escape it.",
        check: Check::code(&[Go], r"\btemplate\.(?:HTML|JS|URL|CSS|HTMLAttr)\s*\("),
        ..BASE
    },
    Rule {
        id: "java-exec",
        severity: Medium,
        what: "A process is started from one string",
        suggestion: "Use ProcessBuilder with a list of arguments.",
        check: Check::code(&[Java], r"\bgetRuntime\s*\(\s*\)\s*\.\s*exec\s*\("),
        ..BASE
    },
    Rule {
        id: "java-deserialize",
        what: "Objects are read from bytes, which can run code",
        suggestion: "Use a data format, or an ObjectInputFilter with an allow-list.",
        check: Check::code(
            &[Java, CSharp],
            r"\bnew\s+(?:ObjectInputStream|XMLDecoder|BinaryFormatter|NetDataContractSerializer)\s*\(",
        ),
        ..BASE
    },
    Rule {
        id: "php-dynamic",
        what: "Text is run as code, as a command or as objects",
        suggestion: "Use json_decode for data and escapeshellarg for arguments.",
        check: Check::code(
            &[Php],
            r"(?:^|[^>:\w])(?:eval|unserialize|shell_exec|passthru|system|popen|proc_open)\s*\(",
        ),
        ..BASE
    },
    Rule {
        id: "ruby-dynamic",
        what: "Text is run as code or as objects",
        suggestion: "Use YAML.safe_load or JSON, and public_send with an allow-list.",
        check: Check::code(
            &[Ruby],
            r"\b(?:YAML|Marshal)\.(?:unsafe_)?load\b|(?:^|[^.\w])(?:eval|instance_eval|class_eval)\s*\(",
        ),
        ..BASE
    },
];
