use super::*;

fn write(root: &Path, name: &str) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, "# x\n").unwrap();
}

fn sources(listing: &Listing) -> Vec<&str> {
    listing.places.iter().map(|place| place.source.as_str()).collect()
}

/// File and message of each finding, the file below `root`.
fn findings(root: &Path, listing: &Listing) -> Vec<String> {
    let base = format!("{}/", root.display());
    listing.findings.iter().map(|d| format!("{}: {}", d.file.replace(&base, ""), d.message)).collect()
}

#[test]
fn documents_below_the_folder_are_listed_in_order_and_hidden_names_are_not() {
    let dir = tempfile::tempdir().unwrap();
    for name in [
        "b.pdf",
        "a/z.txt",
        "a.md",
        "c/d/e.MD",
        "f.yml",
        "g.json",
        "h.html",
        "notes.docx",
        ".git/x.md",
        ".draft.md",
    ] {
        write(dir.path(), name);
    }
    let listing = list(dir.path()).unwrap();
    assert_eq!(sources(&listing), ["a.md", "a/z.txt", "b.pdf", "c/d/e.MD", "f.yml", "g.json", "h.html"]);
    assert!(listing.findings.is_empty(), "{:?}", listing.findings);
}

#[test]
fn a_missing_folder_is_an_error_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(list(&dir.path().join("none")).unwrap_err().kind(), io::ErrorKind::NotFound);
}

#[cfg(unix)]
#[test]
fn links_are_followed_inside_the_folder_only() {
    use std::os::unix::fs::symlink;
    let (dir, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = dir.path();
    write(outside.path(), "secret.md");
    write(root, "real/a.md");
    symlink(root.join("real/a.md"), root.join("b.md")).unwrap();
    symlink(outside.path().join("secret.md"), root.join("c.md")).unwrap();
    symlink(root, root.join("loop")).unwrap();
    symlink("nowhere", root.join("d.md")).unwrap();
    symlink("nowhere", root.join("other.docx")).unwrap();
    let listing = list(root).unwrap();
    assert_eq!(sources(&listing), ["b.md", "real/a.md"]);
    let mut found = findings(root, &listing);
    found.sort();
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!(found[0], "c.md: this link leads out of the folder");
    assert!(found[1].starts_with("d.md: this cannot be read"), "{found:?}");
    assert_eq!(found[2], "loop: links to folders are not followed");
}

#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_refused_and_not_opened() {
    let dir = tempfile::tempdir().unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("pipe.md")).unwrap();
    let listing = list(dir.path()).unwrap();
    assert_eq!(findings(dir.path(), &listing), ["pipe.md: this is not a regular file"]);
}

#[test]
fn folders_nested_too_deep_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &format!("{}ok.md", "d/".repeat(MOST_LEVELS)));
    write(dir.path(), &format!("{}deep.md", "d/".repeat(MOST_LEVELS + 1)));
    let listing = list(dir.path()).unwrap();
    assert_eq!(listing.places.len(), 1);
    assert!(listing.findings[0].message.contains("more than 16 folders deep"));
}

fn place(path: &Path, format: Format) -> Place {
    Place { path: path.to_owned(), source: "a".to_owned(), format }
}

#[test]
fn a_document_as_large_as_its_format_may_be_is_read_and_one_byte_more_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.md");
    for (format, said) in [(Format::Markdown, "1 MiB"), (Format::Pdf, "16 MiB")] {
        let most = format.most_bytes();
        fs::write(&path, vec![b'x'; most as usize]).unwrap();
        let content = read(&place(&path, format)).unwrap().unwrap();
        assert_eq!(content.bytes.len() as u64, most);
        assert!(content.changed_at_ms > 1_600_000_000_000);
        fs::write(&path, vec![b'x'; most as usize + 1]).unwrap();
        let refused = read(&place(&path, format)).unwrap_err().message;
        assert_eq!(refused, format!("the document is larger than {said}"));
    }
}

#[test]
fn a_document_of_a_hundred_megabytes_is_refused_without_being_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.pdf");
    fs::File::create(&path).unwrap().set_len(100 << 20).unwrap(); // takes no room on the disk
    let began = std::time::Instant::now();
    assert!(read(&place(&path, Format::Pdf)).is_err());
    assert!(began.elapsed() < std::time::Duration::from_millis(50), "{:?}", began.elapsed());
}

#[test]
fn a_file_that_is_gone_by_the_time_it_is_read_is_no_mistake() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "a.md");
    let listing = list(dir.path()).unwrap();
    fs::remove_file(&listing.places[0].path).unwrap();
    assert_eq!(read(&listing.places[0]), Ok(None));
}
