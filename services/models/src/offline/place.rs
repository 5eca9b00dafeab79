//! Where a line stands: what its path says about the file.

use super::language::Language;

/// What a path says about its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place<'a> {
    /// The path in the repository.
    pub(crate) path: &'a str,
    pub(crate) language: Language,
    /// A test, a fixture or an example of one.
    pub(crate) test: bool,
    /// Prose.
    pub(crate) doc: bool,
    /// Made by a tool: minified, compiled from a schema, vendored.
    pub(crate) generated: bool,
    /// A lock file of a package manager.
    pub(crate) lock: bool,
}

const LOCKS: &[&str] = &[
    "cargo.lock",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
    "poetry.lock",
    "uv.lock",
    "pipfile.lock",
    "go.sum",
    "gemfile.lock",
    "composer.lock",
];
const TEST_FOLDERS: &[&str] = &[
    "test",
    "tests",
    "__tests__",
    "spec",
    "specs",
    "testdata",
    "fixtures",
    "__fixtures__",
    "mocks",
    "__mocks__",
    "e2e",
    "testing",
    "benches",
];
const MADE_FOLDERS: &[&str] = &["node_modules", "vendor", "third_party", "dist", "__pycache__"];
const MADE_NAMES: &[&str] =
    &[".min.js", ".min.css", ".map", ".pb.go", "_pb2.py", "_pb2_grpc.py", ".g.dart", ".pb.cc", ".pb.h"];

// === impl Place ===

impl<'a> Place<'a> {
    /// Judges a path.
    pub(crate) fn of(path: &'a str) -> Self {
        let lower = path.to_lowercase();
        let (folders, name) = lower.rsplit_once('/').unwrap_or(("", &lower));
        let in_folder = |names: &[&str]| folders.split('/').any(|folder| names.contains(&folder));
        Self {
            path,
            language: Language::of_name(name),
            test: in_folder(TEST_FOLDERS) || is_test_name(path.rsplit('/').next().unwrap_or(path), name),
            doc: is_doc_name(name),
            generated: in_folder(MADE_FOLDERS)
                || MADE_NAMES.iter().any(|end| name.ends_with(end))
                || name.contains(".generated."),
            lock: LOCKS.contains(&name),
        }
    }

    /// The lower-case file name.
    pub(crate) fn name(&self) -> String {
        self.path.rsplit('/').next().unwrap_or(self.path).to_lowercase()
    }

    /// True for what nobody wrote by hand, so that only secrets and hidden text matter in it.
    pub(crate) fn machine_made(&self) -> bool {
        self.generated || self.lock
    }

    /// True for handwritten code that a test should cover.
    pub(crate) fn is_source(&self) -> bool {
        self.language.is_code() && !self.test && !self.machine_made()
    }

    /// True for files whose lines are commands or hold them.
    pub(crate) fn holds_commands(&self) -> bool {
        let commands = matches!(self.language, Language::Shell | Language::Docker | Language::Make);
        commands || self.is_pipeline() || self.name() == "package.json"
    }

    /// True for the pipelines of the usual CI systems.
    pub(crate) fn is_pipeline(&self) -> bool {
        let path = self.path.to_lowercase();
        let yaml = self.language == Language::Yaml;
        let folder = [".github/workflows/", ".github/actions/", ".circleci/", ".gitea/workflows/"]
            .iter()
            .any(|folder| path.contains(folder));
        let name = self.name();
        (yaml && folder)
            || [
                ".gitlab-ci.yml",
                "azure-pipelines.yml",
                "bitbucket-pipelines.yml",
                ".travis.yml",
                "jenkinsfile",
            ]
            .contains(&name.as_str())
    }
}

/// `as_written` tells `FooTest.java` from `latest.java`.
fn is_test_name(as_written: &str, lower: &str) -> bool {
    let stem = lower.split_once('.').map_or(lower, |(stem, _)| stem);
    let camel = as_written.split_once('.').map_or(as_written, |(stem, _)| stem);
    stem.starts_with("test_")
        || ["_test", "_tests", "_spec"].iter().any(|end| stem.ends_with(end))
        || [".test.", ".spec.", ".cy."].iter().any(|middle| lower.contains(middle))
        || ["Test", "Tests", "Spec", "IT"].iter().any(|end| camel.len() > end.len() && camel.ends_with(end))
        || ["test", "tests", "conftest"].contains(&stem)
}

fn is_doc_name(name: &str) -> bool {
    let ends = [".md", ".mdx", ".markdown", ".rst", ".adoc", ".org"];
    let plain = name.ends_with(".txt") && !name.contains("requirements") && name != "cmakelists.txt";
    plain || ends.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_known_by_folder_and_by_name() {
        for path in
            ["tests/a.rs", "src/x/tests.rs", "a_test.go", "test_a.py", "a.spec.ts", "src/FooTest.java"]
        {
            assert!(Place::of(path).test, "{path}");
        }
        for path in ["src/latest.rs", "src/contest.py", "src/attest.go", "protest/a.py", "Manifest.java"] {
            assert!(!Place::of(path).test, "{path}");
        }
    }

    #[test]
    fn prose_is_known_by_its_name() {
        assert!(Place::of("README.md").doc && Place::of("docs/notes.txt").doc);
        assert!(!Place::of("requirements.txt").doc && !Place::of("CMakeLists.txt").doc);
    }

    #[test]
    fn what_tools_make_is_no_source() {
        for path in ["Cargo.lock", "web/app.min.js", "node_modules/x/index.js", "api/v1/x.pb.go"] {
            assert!(Place::of(path).machine_made() && !Place::of(path).is_source(), "{path}");
        }
        assert!(Place::of("src/lib.rs").is_source());
    }

    #[test]
    fn pipelines_are_known_by_path() {
        assert!(
            Place::of(".github/workflows/ci.yml").is_pipeline() && Place::of(".gitlab-ci.yml").is_pipeline()
        );
        assert!(!Place::of("deploy/values.yml").is_pipeline());
    }
}
