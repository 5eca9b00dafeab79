//! The log on a real disk, and what is found of whatever is done to it.

use std::path::Path;

use super::*;

fn entry(target: &str) -> Entry {
    let caller = Caller { actor: "admin".into(), address: "10.0.0.1".into(), via: None };
    Entry {
        at_ms: 1_700_000_000_000,
        role: Role::Models,
        caller,
        correlation_id: "c-1".into(),
        action: "flag.set",
        target: target.into(),
        old: 100.into(),
        new: 10.into(),
        failed: None,
    }
}

#[test]
fn lines_are_appended_and_never_rewritten() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("models/audit.jsonl");
    AuditLog::at(path.clone()).append(&entry("retry")).unwrap();
    let again = AuditLog::at(path.clone());
    again.append(&Entry { failed: Some("the disk is full".into()), ..entry("two\nlines") }).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut first = lines[0].clone();
    assert_eq!(first["mac"].as_str().map(str::len), Some(64));
    first.as_object_mut().unwrap().remove("mac");
    assert_eq!(
        first,
        json!({"seq": 1, "time": 1_700_000_000_000_i64, "role": "models", "actor": "admin", "address": "10.0.0.1",
               "correlationId": "c-1", "action": "flag.set", "target": "retry", "old": 100, "new": 10})
    );
    assert_eq!((lines.len(), &lines[1]["target"]), (2, &json!("two\nlines")), "a name makes no line");
    assert_eq!(lines[1]["failed"], "the disk is full");
}

#[cfg(unix)]
#[test]
fn nobody_but_the_owner_reads_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("models/audit.jsonl");
    AuditLog::at(path.clone()).append(&entry("retry")).unwrap();
    assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_line_that_cannot_be_written_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("models"), "").unwrap();
    let err = AuditLog::at(dir.path().join("models/audit.jsonl")).append(&entry("retry")).unwrap_err();
    assert!(err.to_string().starts_with("cannot append to "), "{err}");
}

/// A log of some lines in a folder of its own.
fn written(lines: usize) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("models/audit.jsonl");
    let log = AuditLog::at(path.clone());
    (0..lines).for_each(|number| log.append(&entry(&format!("target-{number}"))).unwrap());
    (dir, path)
}

fn found(path: &Path) -> Result<u64, Broken> {
    AuditLog::at(path.to_owned()).verify().unwrap().expect("there is a log")
}

/// Numbers by seed: splitmix64.
fn random(seed: &mut u64, below: usize) -> usize {
    *seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *seed;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) % below as u64) as usize
}

/// One change to a log of whole lines, by seed: a byte, or a line dropped, doubled, moved, cut off or put in.
fn changed(text: &[u8], seed: &mut u64) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let (at, other) = (random(seed, lines.len()), random(seed, lines.len()));
    match random(seed, 6) {
        0 => {
            let place = random(seed, lines[at].len());
            let byte = &mut lines[at][place];
            *byte = byte.wrapping_add(1 + random(seed, 255) as u8);
        }
        1 => drop(lines.remove(at)),
        2 => {
            let line = lines[at].clone();
            lines.insert(other, line);
        }
        3 => lines.swap(at, other),
        4 => lines.truncate(at),
        _ => {
            let line = String::from_utf8(lines[at].clone()).unwrap().replace("retry", "again");
            lines.insert(other, line.into_bytes());
        }
    }
    lines.concat()
}

#[test]
fn every_edit_deletion_reordering_and_truncation_is_found() {
    let (_dir, path) = written(20);
    let text = std::fs::read(&path).unwrap();
    assert_eq!(found(&path), Ok(20));
    let (mut seed, mut tried) = (20_260_101, 0);
    while tried < 5_000 {
        let spoilt = changed(&text, &mut seed);
        if spoilt == text {
            continue;
        }
        tried += 1;
        std::fs::write(&path, &spoilt).unwrap();
        // A byte of the last line's end is what a process leaves that was killed: then the line is missing.
        assert!(found(&path).is_err(), "{}", String::from_utf8_lossy(&spoilt));
    }
}

#[test]
fn a_log_that_was_cut_off_or_lost_its_head_says_so() {
    let (_dir, path) = written(3);
    let text = std::fs::read_to_string(&path).unwrap();
    let two: String = text.split_inclusive('\n').take(2).collect();
    std::fs::write(&path, two).unwrap();
    assert_eq!(found(&path), Err(Broken::Cut { found: 2, written: 3 }));
    std::fs::write(&path, text).unwrap();
    std::fs::remove_file(path.with_extension("head")).unwrap();
    assert_eq!(found(&path), Err(Broken::Head));
}

#[test]
fn the_log_of_one_role_cannot_stand_in_for_that_of_another() {
    let (dir, path) = written(3);
    let other = dir.path().join("gateway");
    std::fs::create_dir(&other).unwrap();
    for extension in ["jsonl", "head", "secret"] {
        std::fs::copy(path.with_extension(extension), other.join("audit").with_extension(extension)).unwrap();
    }
    assert!(matches!(found(&other.join("audit.jsonl")), Err(Broken::Line { line: 1, .. })));
}

#[test]
fn what_a_killed_process_left_of_a_line_is_cut_off_and_nothing_else() {
    let (_dir, path) = written(3);
    let text = std::fs::read(&path).unwrap();
    for left in 1..40 {
        let torn = [&text[..], &b"{\"seq\":4,\"time\":1,\"role\":\"models\",\"actor\""[..left]].concat();
        std::fs::write(&path, torn).unwrap();
        assert_eq!(found(&path), Ok(3), "{left} bytes");
    }
    AuditLog::at(path.clone()).append(&entry("next")).unwrap();
    assert_eq!(found(&path), Ok(4));
}

#[test]
fn a_line_that_is_there_before_the_head_knows_of_it_is_no_damage() {
    let (_dir, path) = written(3);
    let head = std::fs::read(path.with_extension("head")).unwrap();
    AuditLog::at(path.clone()).append(&entry("last")).unwrap();
    std::fs::write(path.with_extension("head"), head).unwrap(); // as after a kill between the two
    assert_eq!(found(&path), Ok(4));
}

#[test]
fn a_log_that_is_not_as_it_was_written_is_put_aside_and_the_new_one_says_so() {
    let (dir, path) = written(3);
    let spoilt = std::fs::read_to_string(&path).unwrap().replace("target-1", "target-x");
    std::fs::write(&path, &spoilt).unwrap();
    AuditLog::at(path.clone()).append(&entry("next")).unwrap();
    assert_eq!(std::fs::read_to_string(dir.path().join("models/audit.kept-1.jsonl")).unwrap(), spoilt);
    let text = std::fs::read_to_string(&path).unwrap();
    let first: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!((&first["action"], &first["target"]), (&json!("audit.broken"), &json!("audit.kept-1.jsonl")));
    assert!(first["new"].as_str().unwrap().starts_with("line 2: its hash does not fit"), "{first}");
    assert_eq!(found(&path), Ok(2));
}

#[test]
fn the_lines_of_an_older_version_are_kept_aside() {
    let (dir, path) = written(0);
    std::fs::create_dir(dir.path().join("models")).unwrap();
    std::fs::write(&path, "{\"time\":1,\"action\":\"flag.set\"}\n").unwrap();
    assert_eq!(found_with_key(&path), Err(Broken::Unchained));
    AuditLog::at(path.clone()).append(&entry("next")).unwrap();
    assert!(dir.path().join("models/audit.kept-1.jsonl").exists());
    assert_eq!(found(&path), Ok(2));
}

fn found_with_key(path: &Path) -> Result<u64, Broken> {
    let key = SecretString::from("a key of the operator's");
    AuditLog::keyed(path.to_owned(), Some(&key)).verify().unwrap().expect("there is a log")
}

#[test]
fn a_log_that_was_removed_is_missed() {
    let (_dir, path) = written(3);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(found(&path), Err(Broken::Cut { found: 0, written: 3 }));
    std::fs::remove_file(path.with_extension("head")).unwrap();
    assert_eq!(found(&path), Err(Broken::Gone));
    AuditLog::at(path.clone()).append(&entry("next")).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.lines().next().unwrap().contains("\"action\":\"audit.missing\""), "{text}");
}

#[test]
fn another_key_verifies_nothing() {
    let (_dir, path) = written(3);
    assert!(matches!(found_with_key(&path), Err(Broken::Line { line: 1, .. })));
}

#[test]
fn sixty_four_writers_and_two_processes_lose_no_line_and_break_no_chain() {
    let (_dir, path) = written(0);
    let logs = [AuditLog::at(path.clone()), AuditLog::at(path.clone())];
    std::thread::scope(|scope| {
        for writer in 0..64 {
            let log = &logs[writer % 2];
            scope.spawn(move || (0..5).for_each(|n| log.append(&entry(&format!("{writer}/{n}"))).unwrap()));
        }
    });
    assert_eq!(found(&path), Ok(320));
    let text = std::fs::read_to_string(&path).unwrap();
    for writer in 0..64 {
        let own = format!("\"target\":\"{writer}/");
        assert_eq!(text.matches(&own).count(), 5, "{writer}");
    }
}
