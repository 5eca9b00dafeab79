//! Edits of real files, each waited for until it is in force or refused.

use std::{fs, path::Path};

use super::*;
use crate::{
    drain::Drain,
    metrics::Metrics,
    role::Role,
    settings::{Layers, Settings},
};

/// Longer than any event takes, the poll included.
const SOON: Duration = Duration::from_secs(30);

struct Text(String);

impl Versioned for Text {
    fn version(&self) -> &str {
        &self.0
    }
}

#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("{0}")]
    Bad(String),
    #[error(transparent)]
    CutOff(#[from] JoinError),
}

/// One file, which must begin with "ok".
fn source(folder: &Path) -> Source<Text, Problem> {
    let file = folder.join("text");
    let read = move || match fs::read_to_string(&file) {
        Ok(text) if text.starts_with("ok") => Ok(Text(text)),
        Ok(text) => Err(Problem::Bad(format!("{text} is not ok"))),
        Err(err) => Err(Problem::Bad(err.to_string())),
    };
    Source { name: "texts", places: vec![folder.to_owned()], read: Box::new(read) }
}

fn process() -> Process {
    let settings = Settings::from_layers(&Layers::read(None, |_| None, &[])).unwrap();
    let drain = Drain::new(settings.grace);
    Process::new(Role::Registry, settings.into(), drain, Metrics::default())
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(SOON, waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
}

#[tokio::test]
async fn a_good_edit_is_in_force_soon_and_a_bad_one_leaves_the_last_good_one() {
    let (dir, process) = (tempfile::tempdir().unwrap(), process());
    let write = |text: &str| fs::write(dir.path().join("text"), text).unwrap();
    write("ok 1");
    let texts = open(&process, source(dir.path())).await.unwrap();
    assert_eq!(texts.current().0, "ok 1");

    write("ok 2");
    until("the edit is in force", || texts.current().0 == "ok 2").await;
    write("nonsense");
    until("the bad edit is told", || !process.degraded.notes().is_empty()).await;
    assert_eq!(texts.current().0, "ok 2");
    let notes = process.degraded.notes().concat();
    assert!(notes.contains("texts were edited and are not usable") && !notes.contains('/'), "{notes}");

    write("ok 3");
    until("the mended file is in force", || texts.current().0 == "ok 3").await;
    assert_eq!(process.degraded.notes(), Vec::<String>::new());
    let page = process.metrics.render();
    assert!(page.contains("bsm_reload_failures_total{what=\"texts\"} 1"), "{page}");
    assert!(page.contains("bsm_reloads_total{what=\"texts\"} 2"), "{page}");
    process.drain.finish().await.unwrap();
}

#[tokio::test]
async fn a_single_file_is_followed_through_every_way_of_writing_it() {
    let (dir, process) = (tempfile::tempdir().unwrap(), process());
    let file = dir.path().join("text");
    fs::write(&file, "ok 1").unwrap();
    let alone = Source { places: vec![file.clone()], ..source(dir.path()) };
    let texts = open(&process, alone).await.unwrap();
    fs::write(&file, "ok 2").unwrap();
    until("the edit is in force", || texts.current().0 == "ok 2").await;
    fs::write(dir.path().join("text.new"), "ok 3").unwrap();
    fs::rename(dir.path().join("text.new"), &file).unwrap();
    until("another file in its place is in force", || texts.current().0 == "ok 3").await;
    fs::remove_file(&file).unwrap();
    until("a file that is gone is told", || !process.degraded.notes().is_empty()).await;
    assert_eq!(texts.current().0, "ok 3");
    fs::write(&file, "ok 4").unwrap();
    until("it is back", || texts.current().0 == "ok 4").await;
    assert_eq!(process.degraded.notes(), Vec::<String>::new());
    process.drain.finish().await.unwrap();
}

#[tokio::test]
async fn a_folder_in_the_place_of_another_is_read_and_listened_to() {
    let (dir, process) = (tempfile::tempdir().unwrap(), process());
    let folder = dir.path().join("live");
    let make = |path: &Path, text: &str| {
        fs::create_dir(path).unwrap();
        fs::write(path.join("text"), text).unwrap();
    };
    make(&folder, "ok 1");
    let texts = open(&process, source(&folder)).await.unwrap();
    make(&dir.path().join("new"), "ok 2");
    fs::rename(&folder, dir.path().join("old")).unwrap();
    fs::rename(dir.path().join("new"), &folder).unwrap();
    until("the new folder is in force", || texts.current().0 == "ok 2").await;
    fs::write(folder.join("text"), "ok 3").unwrap();
    until("edits in it are noticed", || texts.current().0 == "ok 3").await;
    process.drain.finish().await.unwrap();
}

#[tokio::test]
async fn what_is_not_usable_at_the_start_does_not_open() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("text"), "nonsense").unwrap();
    let refused = open(&process(), source(dir.path())).await.err().unwrap();
    assert_eq!(refused.to_string(), "nonsense is not ok");
}
