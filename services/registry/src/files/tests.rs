use bsm_runtime::diagnostic::Severity;

use super::*;

const REGISTRY: &str = "agents: []\n";

/// A folder `agents` with these files, and what is read from it.
fn files(layout: &[(&str, &str)]) -> Files {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in layout {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    read(&dir.path().join("agents"), Strictness::Strict)
}

fn names(files: &Files) -> Vec<&str> {
    files.definitions.iter().map(|file| file.file().rsplit('/').next().unwrap()).collect()
}

#[test]
fn definitions_come_by_name_without_an_index() {
    let files = files(&[
        ("agents/registry.yaml", REGISTRY),
        ("agents/definitions/b.yaml", "id: b"),
        ("agents/definitions/a.yml", "id: a"),
        ("agents/definitions/.hidden.yaml", ""),
        ("agents/definitions/README.md", ""),
    ]);
    assert_eq!(names(&files), ["a.yml", "b.yaml"]);
    assert!(files.found.is_empty() && !files.registry.is_fatal());
}

#[test]
fn the_index_gives_the_order_and_its_mistakes_have_places() {
    let files = files(&[
        ("agents/registry.yaml", REGISTRY),
        ("agents/definitions/a.yaml", ""),
        ("agents/definitions/b.yaml", ""),
        ("agents/definitions/c.yaml", ""),
        (
            "agents/definitions/index.json",
            "{\n\t\"agents\": [\n\t\t\"c.yaml\", \"../x.yaml\",\n\t\t\"a.yaml\", \"c.yaml\"\n\t]\n}\n",
        ),
    ]);
    assert_eq!(names(&files), ["c.yaml", "a.yaml", "b.yaml"]);
    let seen: Vec<_> =
        files.found.iter().map(|d| (d.line, d.column, d.severity, d.message.as_str())).collect();
    assert_eq!(
        seen,
        [
            (0, 0, Severity::Warning, "\"b.yaml\" is not named; it is listed last"),
            (3, 13, Severity::Error, "there is no file \"../x.yaml\" in this folder"),
            (4, 13, Severity::Error, "\"c.yaml\" is named twice"),
        ]
    );
}

#[test]
fn the_older_layout_is_found() {
    let files = files(&[
        ("agents/registry.yaml", REGISTRY),
        ("data/agents/a.yaml", "id: a"),
        ("data/agents/b.yaml", "id: b"),
        ("data/agents/index.json", r#"{"agents": ["b.yaml", "a.yaml"]}"#),
    ]);
    assert_eq!(names(&files), ["b.yaml", "a.yaml"]);
    assert!(files.found.is_empty(), "{:#?}", files.found);
}

#[test]
fn what_is_missing_is_named() {
    let files = files(&[]);
    assert!(files.registry.is_fatal() && files.definitions.is_empty());
    assert!(files.registry.file().ends_with("agents/registry.yaml"));
    assert_eq!(files.registry.into_vec()[0].message, "the file is missing, and so is its folder");
    assert_eq!(files.found[0].message, "the folder of definitions is missing");
}

#[test]
fn a_folder_without_definitions_and_a_file_instead_of_it_are_named() {
    let empty = files(&[("agents/registry.yaml", REGISTRY), ("agents/definitions/notes.txt", "")]);
    assert_eq!(empty.found[0].message, "the folder holds no definition");
    let file = files(&[("agents/registry.yaml", REGISTRY), ("agents/definitions", "")]);
    assert_eq!(file.found[0].message, "this is a file, not a folder");
}

#[cfg(unix)]
#[test]
fn a_link_is_followed_within_the_folder_and_never_out_of_it() {
    use std::os::unix::fs::symlink;
    let dir = tempfile::tempdir().unwrap();
    let agents = dir.path().join("agents");
    std::fs::create_dir_all(agents.join("definitions/..2026_01_01")).unwrap();
    std::fs::write(dir.path().join("secret.yaml"), "password: x").unwrap();
    std::fs::write(agents.join("registry.yaml"), REGISTRY).unwrap();
    std::fs::write(agents.join("definitions/..2026_01_01/mounted.yaml"), "id: mounted").unwrap();
    let link = |to: &str, name: &str| symlink(to, agents.join("definitions").join(name)).unwrap();
    link("..2026_01_01", "..data");
    link("..data/mounted.yaml", "mounted.yaml");
    link("../../secret.yaml", "out.yaml");
    link("/etc/passwd", "absolute.yaml");
    link("gone", "nowhere.yaml");
    let files = read(&agents, Strictness::Strict);
    assert_eq!(names(&files), ["absolute.yaml", "mounted.yaml", "nowhere.yaml", "out.yaml"]);
    let told = |at: usize| {
        let file = &files.definitions[at];
        let found = file.is_fatal().then(|| format!("{file:?}"));
        assert!(!found.as_ref().is_some_and(|found| found.contains("password")), "{found:?}");
        found.unwrap_or_default()
    };
    assert!(told(0).contains("this is a link that leads out of its folder"));
    assert_eq!((told(1).as_str(), files.definitions[1].text()), ("", "id: mounted"));
    assert!(told(2).contains("the file is missing"));
    assert!(told(3).contains("this is a link that leads out of its folder"));

    std::fs::rename(agents.join("definitions"), dir.path().join("elsewhere")).unwrap();
    symlink("../elsewhere", agents.join("definitions")).unwrap();
    let files = read(&agents, Strictness::Strict);
    assert_eq!(files.found[0].message, "this is a link that leads out of the folder of agents");
    assert!(files.definitions.is_empty());
    symlink(&agents, dir.path().join("link")).unwrap();
    assert!(
        !read(&dir.path().join("link"), Strictness::Strict).registry.is_fatal(),
        "who names a link means it"
    );
}

#[test]
fn more_than_a_machine_should_hold_is_not_read() {
    let mut about = Findings::new("definitions", "", Strictness::Strict);
    let large = || Findings::new("x.yaml", " ".repeat(MOST_BYTES / 2), Strictness::Strict);
    assert_eq!(within_bounds(vec![large(), large()], &mut about).len(), 2);
    assert!(!about.is_fatal());
    assert_eq!(within_bounds(vec![large(), large(), large()], &mut about).len(), 2);
    let message = "the definitions have more than 64 MiB together; not all of them are read";
    assert_eq!(about.into_vec()[0].message, message);
}
