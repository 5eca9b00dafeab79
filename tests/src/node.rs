//! One `bsm` process: started, watched through its log, ended by signal.

use std::{
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use bsm_runtime::role::Role;
use serde_json::Value;

/// Longer than any start takes on a busy machine; a start that takes longer has failed.
const START: Duration = Duration::from_secs(30);

/// The binary under test: built by the same `cargo test --workspace` that runs this.
pub fn binary() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let dir = test.parent().and_then(Path::parent).unwrap();
    let binary = dir.join(format!("bsm{}", std::env::consts::EXE_SUFFIX));
    assert!(binary.exists(), "{} is not built; run `cargo test --workspace`", binary.display());
    binary
}

/// A command that sees none of the caller's settings.
pub fn command() -> Command {
    let mut command = Command::new(binary());
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    command
}

/// A running process. Dropping it kills it.
pub struct Node {
    child: Child,
    log: Arc<Mutex<String>>,
    /// They end when the process has.
    readers: Vec<JoinHandle<()>>,
    /// Behind a lock, so that tasks of several threads may hold a node.
    serving: Mutex<Receiver<(Role, String, String)>>,
}

impl Node {
    /// Starts `bsm` with arguments and environment; its log is kept as JSON lines.
    pub fn start(args: &[&str], env: &[(&str, &str)]) -> Node {
        let mut command = command();
        command.args(args).env("BSM_LOG_FORMAT", "json").envs(env.iter().copied());
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (told, serving) = mpsc::channel();
        let log = Arc::new(Mutex::new(String::new()));
        let (stderr, stdout) = (child.stderr.take().unwrap(), child.stdout.take().unwrap());
        let (lines, output) = (log.clone(), log.clone());
        let reads_lines = thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if let Some(found) = serving_line(&line) {
                    let _ = told.send(found);
                }
                lines.lock().unwrap().extend([line.as_str(), "\n"]);
            }
        });
        let reads_output = thread::spawn(move || {
            let mut stdout = BufReader::new(stdout);
            let mut chunk = [0; 1024];
            while let Ok(n @ 1..) = stdout.read(&mut chunk) {
                output.lock().unwrap().push_str(&String::from_utf8_lossy(&chunk[..n]));
            }
        });
        Node { child, log, readers: vec![reads_lines, reads_output], serving: Mutex::new(serving) }
    }

    /// Waits until the next role serves: its API address and its ops address.
    pub fn serving(&self) -> (Role, String, String) {
        match self.serving.lock().unwrap().recv_timeout(START) {
            Ok(found) => found,
            Err(_) => panic!("the process serves nothing more; its log:\n{}", self.log()),
        }
    }

    /// All that the process wrote so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// kill -9, and gone when this returns.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// SIGTERM; returns how it ended and how long that took.
    pub fn terminate(&mut self) -> (ExitStatus, Duration) {
        let began = Instant::now();
        let sent = Command::new("kill").args(["-TERM", &self.id().to_string()]).status().unwrap();
        assert!(sent.success());
        (self.wait(), began.elapsed())
    }

    /// Waits for the end, and for all that was written before it.
    pub fn wait(&mut self) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                self.readers.drain(..).for_each(|reader| reader.join().unwrap());
                return status;
            }
            assert!(began.elapsed() < START, "the process does not end; its log:\n{}", self.log());
            thread::park_timeout(Duration::from_millis(5));
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

fn serving_line(line: &str) -> Option<(Role, String, String)> {
    let line: Value = serde_json::from_str(line).ok()?;
    if line["message"] != "serving" {
        return None;
    }
    let text = |key: &str| line[key].as_str().map(str::to_owned);
    Some((text("role")?.parse().ok()?, text("api")?, text("ops")?))
}
