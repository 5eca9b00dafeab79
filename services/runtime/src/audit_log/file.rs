//! The log on disk: one writer at a time, whole lines, synced before they count.
//!
//! ```text
//! audit.jsonl   the lines
//! audit.head    the number and hash of the last one, so that lines cut off at the end are missed
//! audit.secret  the key, where no other is given
//! audit.lock    held while a line is written: processes of one role share the log
//! ```

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

use super::{
    chain::{Key, Link},
    verify::{Broken, Sound, verify},
};
use crate::{clock, folder};

/// What is known of the file since it was read last.
#[derive(Clone, Copy, Debug)]
struct Seen {
    last: Link,
    bytes: u64,
}

/// The log's files, and what was seen of them.
pub(super) struct Log {
    path: PathBuf,
    key: Option<Key>,
    seen: Option<Seen>,
}

// === impl Log ===

impl Log {
    /// The log at `path`. Without a key the one beside it is used, and made if need be.
    pub(super) fn new(path: PathBuf, key: Option<Key>) -> Log {
        Log { path, key, seen: None }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Appends a line; it is on disk when this returns.
    pub(super) fn append(&mut self, entry: Map<String, Value>) -> io::Result<Link> {
        if let Some(folder) = self.path.parent() {
            folder::make(folder)?;
        }
        let lock = open(&self.beside("lock"))?;
        lock.lock()?; // ends with the file
        let (key, is_new) = self.key()?;
        let mut last = self.current(&key)?;
        if last.seq == 0 && !is_new && self.key_is_ours() {
            last = self.tell(&key, last, "audit.missing", "audit.jsonl", &Broken::Gone.to_string())?;
        }
        self.write(&key, last, entry)
    }

    /// Whether the file is as it was written; `Ok(None)` where there is none.
    pub(super) fn verify(&self) -> io::Result<Option<Result<u64, Broken>>> {
        let text = read(&self.path)?;
        if text.is_none() && !self.beside("head").exists() {
            return Ok(self.key_is_ours().then_some(Err(Broken::Gone)));
        }
        let text = text.unwrap_or_default();
        let key = match &self.key {
            Some(key) => key.clone(),
            None => Key::new(fs::read(self.beside("secret"))?),
        };
        let head = self.head()?;
        Ok(Some(verify(&key, self.name(), &text, head.as_deref()).map(|sound| sound.last.seq)))
    }

    /// The last line. Read again where another process has written, or where nothing was read yet.
    fn current(&mut self, key: &Key) -> io::Result<Link> {
        let length = self.path.metadata().map_or(0, |about| about.len());
        if let Some(seen) = self.seen.filter(|seen| seen.bytes == length) {
            return Ok(seen.last);
        }
        let (text, head) = (read(&self.path)?.unwrap_or_default(), self.head()?);
        match verify(key, self.name(), &text, head.as_deref()) {
            Ok(sound) => {
                self.keep(&text, &sound)?;
                Ok(sound.last)
            }
            Err(broken) => self.begin_anew(key, &broken),
        }
    }

    /// Cuts off what a process that was killed left of a line: nobody was told that it was written.
    fn keep(&mut self, text: &[u8], sound: &Sound) -> io::Result<()> {
        if sound.bytes < text.len() {
            open(&self.path)?.set_len(sound.bytes as u64)?;
            tracing::warn!(file = %self.path.display(), bytes = text.len() - sound.bytes, "half a line is cut off");
        }
        self.seen = Some(Seen { last: sound.last, bytes: sound.bytes as u64 });
        Ok(())
    }

    /// Puts a log aside that is not as it was written, and begins another one, which says so.
    fn begin_anew(&mut self, key: &Key, broken: &Broken) -> io::Result<Link> {
        let aside = self.aside();
        fs::rename(&self.path, &aside)?;
        let _ = fs::remove_file(self.beside("head")); // it names a line of the other file
        let name = aside.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let action = if *broken == Broken::Unchained { "audit.chained" } else { "audit.broken" };
        if *broken == Broken::Unchained {
            tracing::info!(kept = name, "the audit log is chained from now on");
        } else {
            tracing::error!(kept = name, problem = %broken, "the audit log is not as it was written; a new one begins");
        }
        self.tell(key, key.genesis(self.name()), action, &name, &broken.to_string())
    }

    /// A line about the log itself.
    fn tell(&mut self, key: &Key, last: Link, action: &str, target: &str, why: &str) -> io::Result<Link> {
        let entry = [
            ("time", clock::unix_ms().into()),
            ("actor", "bsm".into()),
            ("action", action.into()),
            ("target", target.into()),
            ("new", why.into()),
        ];
        let entry = entry.into_iter().map(|(name, value): (&str, Value)| (name.to_owned(), value)).collect();
        self.write(key, last, entry)
    }

    fn write(&mut self, key: &Key, last: Link, entry: Map<String, Value>) -> io::Result<Link> {
        let (line, link) = key.seal(&last, entry);
        let mut file = open(&self.path)?;
        self.seen = None; // until the line is whole
        let before = file.seek(SeekFrom::End(0))?;
        file.write_all(format!("{line}\n").as_bytes())?;
        file.sync_data()?;
        self.put_head(&key.head(&link))?;
        self.seen = Some(Seen { last: link, bytes: before + line.len() as u64 + 1 });
        Ok(link)
    }

    /// Written aside and moved into place, so that it is never half there. After a loss of power it may be an older one,
    /// which fits, too.
    fn put_head(&self, text: &str) -> io::Result<()> {
        let aside = self.beside("head.new");
        let mut file = open(&aside)?;
        file.set_len(0)?;
        file.write_all(text.as_bytes())?;
        fs::rename(&aside, self.beside("head"))
    }

    fn head(&self) -> io::Result<Option<String>> {
        Ok(read(&self.beside("head"))?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// The key, and whether it was made just now.
    fn key(&mut self) -> io::Result<(Key, bool)> {
        if let Some(key) = &self.key {
            return Ok((key.clone(), false));
        }
        let path = self.beside("secret");
        let (bytes, is_new) = match read(&path)? {
            Some(bytes) => (bytes, false),
            None => (make_key(&path)?, true),
        };
        let key = Key::new(bytes);
        self.key = Some(key.clone());
        Ok((key, is_new))
    }

    /// Whether the key is one that was made for this log.
    fn key_is_ours(&self) -> bool {
        self.beside("secret").exists()
    }

    /// Another file of this log: `audit.head` beside `audit.jsonl`.
    fn beside(&self, extension: &str) -> PathBuf {
        self.path.with_extension(extension)
    }

    /// The log's own name: that of its folder, which is the role's.
    fn name(&self) -> &str {
        let folder = self.path.parent().and_then(Path::file_name);
        folder.and_then(|name| name.to_str()).unwrap_or_default()
    }

    /// A name that no file has yet.
    fn aside(&self) -> PathBuf {
        let name = |number: u32| self.path.with_extension(format!("kept-{number}.jsonl"));
        (1..).map(name).find(|path| !path.exists()).expect("there are names enough")
    }
}

/// A key of 32 random bytes, which is on disk before anything is written with it.
fn make_key(path: &Path) -> io::Result<Vec<u8>> {
    let mut key = vec![0; 32];
    getrandom::fill(&mut key).map_err(io::Error::other)?;
    let mut file = open(path)?;
    file.write_all(&key)?;
    file.sync_all()?;
    Ok(key)
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    match File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)) {
        Ok(_) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Nobody but the owner reads it.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
