//! The figures of the service with documents of 4 KB, over gRPC: how long it takes to index them, to open the same
//! folder again, to search, and until a document that was added is found.
//!
//! `cargo bench -p bsm-knowledge --bench figures -- 10000`

use std::{
    error::Error,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use bsm_proto::knowledge::v1::{
    AddDocumentRequest, SearchKnowledgeRequest, knowledge_service_client::KnowledgeServiceClient,
};
use bsm_runtime::{
    drain::Drain,
    metrics::Metrics,
    process::Process,
    role::Role,
    server::{self, Listeners},
    settings::{Layers, Settings},
};
use tokio::net::TcpListener;
use tonic::transport::Channel;

const BYTES: usize = 4096;
const QUERIES: usize = 2_000;
const ADDED: usize = 20;

type Client = KnowledgeServiceClient<Channel>;
type Outcome<T> = Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let count = std::env::args().find_map(|arg| arg.parse().ok()).unwrap_or(10_000);
    let mut words = Words::new();
    let dir = tempfile::tempdir()?;
    for number in 0..count {
        std::fs::write(dir.path().join(format!("doc-{number:06}.md")), words.document(number))?;
    }
    println!("== {count} documents of {BYTES} bytes");
    let (process, _) = timed("opened and indexed", open(dir.path())).await?;
    process.drain.finish().await?;
    let (process, mut client) = timed("opened again", open(dir.path())).await?;
    search(&mut client, &mut words).await?;
    add(&mut client).await?;
    process.drain.finish().await?;
    Ok(())
}

async fn timed<T>(what: &str, work: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    let begin = Instant::now();
    let done = work.await?;
    println!("{what:<36} {:>8.2} s", begin.elapsed().as_secs_f64());
    Ok(done)
}

async fn open(folder: &Path) -> Outcome<(Process, Client)> {
    let state = folder.join(".data").display().to_string();
    let set = [
        ("knowledge_dir".to_owned(), folder.display().to_string()),
        ("data_dir".to_owned(), state),
        ("rate_limit.max".to_owned(), "0".to_owned()),
    ];
    let settings = Settings::from_layers(&Layers::read(None, |_| None, &set))?;
    let drain = Drain::new(settings.grace);
    let process = Process::new(Role::Knowledge, Arc::new(settings), drain, Metrics::default());
    let service = bsm_knowledge::open(&process).await?;
    let listeners = Listeners {
        api: TcpListener::bind("127.0.0.1:0").await?,
        ops: TcpListener::bind("127.0.0.1:0").await?,
    };
    let url = format!("http://{}", listeners.api.local_addr()?);
    server::serve(&process, listeners, service);
    Ok((process, Client::connect(url).await?))
}

/// Questions of one to four words, one after the other; a third of them with a word that no document has as it stands.
async fn search(client: &mut Client, words: &mut Words) -> Outcome<()> {
    let mut times = Vec::with_capacity(QUERIES);
    let mut found = 0;
    for number in 0..QUERIES {
        let ask = SearchKnowledgeRequest { q: words.question(number), limit: Some(10), ..Default::default() };
        let begin = Instant::now();
        let answer = client.search_knowledge(ask).await?.into_inner();
        times.push(begin.elapsed());
        found += usize::from(!answer.results.is_empty());
    }
    times.sort_unstable();
    println!("search, {found} of {QUERIES} questions answered");
    for (name, place) in [("p50", QUERIES / 2), ("p99", QUERIES * 99 / 100), ("most", QUERIES - 1)] {
        println!("  {name:<34} {:>8.2} ms", times[place].as_secs_f64() * 1e3);
    }
    Ok(())
}

/// The longest time from sending a document until a search finds it.
async fn add(client: &mut Client) -> Outcome<()> {
    let mut longest = Duration::ZERO;
    for number in 0..ADDED {
        let word = format!("novelty{number}");
        let begin = Instant::now();
        let text = format!("# Added {number}\n\nThis one has the word {word}.\n");
        let document_id = format!("added-{number}");
        client.add_document(AddDocumentRequest { document_id, text, ..Default::default() }).await?;
        let ask = SearchKnowledgeRequest { q: format!("+{word}"), ..Default::default() };
        while client.search_knowledge(ask.clone()).await?.into_inner().results.is_empty() {}
        longest = longest.max(begin.elapsed());
    }
    println!("an added document is found after at most {:>5.0} ms", longest.as_secs_f64() * 1e3);
    Ok(())
}

/// Words by seed; the n-th is n times as rare as the first.
struct Words {
    all: Vec<String>,
    random: Random,
}

/// Splitmix64.
struct Random(u64);

impl Words {
    fn new() -> Words {
        let mut random = Random(20_260_101);
        let all = (0..20_000).map(|_| word(&mut random)).collect();
        Words { all, random }
    }

    fn next(&mut self) -> &str {
        let share = self.random.next() as f64 / u64::MAX as f64;
        let place = (share * (self.all.len() as f64).ln()).exp() as usize;
        &self.all[place.min(self.all.len() - 1)]
    }

    fn several(&mut self, count: usize) -> String {
        let words: Vec<_> = (0..count).map(|_| self.next().to_owned()).collect();
        words.join(" ")
    }

    /// A title, and a heading at each kilobyte.
    fn document(&mut self, number: usize) -> String {
        let (mut text, mut headings) = (format!("# Document {number}\n"), 0);
        while text.len() < BYTES {
            if text.len() >= headings * 1024 {
                text += &format!("\n## {}\n\n", self.several(3));
                headings += 1;
            }
            text += &format!("{}.\n", self.several(12));
        }
        text
    }

    fn question(&mut self, number: usize) -> String {
        let count = 1 + self.random.below(4);
        let mut question = self.several(count);
        if number.is_multiple_of(3) {
            question += "q"; // no word has one
        }
        question
    }
}

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn letter(&mut self, from: &[u8]) -> char {
        char::from(from[self.below(from.len())])
    }
}

fn word(random: &mut Random) -> String {
    let mut word = String::new();
    for _ in 0..=random.below(4) {
        word.push(random.letter(b"bcdfghklmnprstvw"));
        word.push(random.letter(b"aeiou"));
    }
    word
}
