//! Dockerfiles: what an image is built on, and whom it runs as.

use bsm_diff::{Line, LineKind};

use crate::offline::change::{Change, Hit, View};
use crate::offline::language::Language::Docker;

fn dockerfiles<'a>(change: &'a Change<'a>) -> impl Iterator<Item = &'a View<'a>> {
    change.files.iter().filter(|view| view.place.language == Docker)
}

/// The words behind an instruction, if the line is one.
fn instruction<'a>(line: &'a Line, name: &str) -> Option<Vec<&'a str>> {
    let mut words = line.text.split_whitespace();
    let is = words.next().is_some_and(|word| word.eq_ignore_ascii_case(name));
    is.then(|| words.filter(|word| !word.starts_with("--")).collect())
}

/// Added `FROM` lines without a version, stages of the same file excepted.
pub(super) fn unpinned(change: &Change<'_>) -> Vec<Hit> {
    dockerfiles(change).flat_map(|view| unpinned_lines(view)).collect()
}

fn unpinned_lines(view: &View<'_>) -> Vec<Hit> {
    let mut stages = vec!["scratch".to_owned()];
    let mut hits = Vec::new();
    for line in view.file.lines() {
        let Some(words) = instruction(line, "from") else { continue };
        let Some(image) = words.first() else { continue };
        if line.kind == LineKind::Added && !is_pinned(image) && !stages.contains(&image.to_lowercase()) {
            hits.push(view.hit_at(line).with(image.chars().take(100).collect::<String>()));
        }
        stages.extend(words.get(2).map(|stage| stage.to_lowercase()));
    }
    hits
}

/// True with a digest, a variable or a tag other than `latest`.
fn is_pinned(image: &str) -> bool {
    let tag = image.rsplit('/').next().and_then(|name| name.split_once(':')).map(|(_, tag)| tag);
    image.contains('@') || image.contains('$') || tag.is_some_and(|tag| tag != "latest")
}

/// An added `USER root` behind which no other user follows.
pub(super) fn root(change: &Change<'_>) -> Vec<Hit> {
    let last_user = |view: &View<'_>| {
        let line = view
            .file
            .lines()
            .filter(|line| line.kind != LineKind::Removed && instruction(line, "user").is_some())
            .last()?;
        let name = instruction(line, "user")?.first().copied()?.split(':').next()?;
        let added = line.kind == LineKind::Added;
        (added && ["root", "0"].contains(&name)).then(|| view.hit_at(line))
    };
    dockerfiles(change).filter_map(last_user).collect()
}
