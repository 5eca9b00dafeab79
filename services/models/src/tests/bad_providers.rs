//! Everything that the scripted provider does wrong, as a caller sees it: which status, which reason, how long at most.
//!
//! The same rows stand in `docs/bad-providers.md`; the test fails when they do not. The HTTP status beside them is the
//! gateway's affair, which holds the document to it.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use bsm_testkit::reply::Garble;
use bsm_testkit::{Provider, Reply};
use futures_util::future::join_all;
use tonic::Status;

use super::*;

/// The document, up to its table and from its end on.
const DOCUMENT: &str = include_str!("../../../../docs/bad-providers.md");

/// The time of one attempt in this test; the default is longer.
const ATTEMPT: Duration = Duration::from_secs(3);

/// What a machine that does other things as well may take for what takes no time.
const SLACK: Duration = Duration::from_secs(30);

const KEY: &str = "sk-canary-of-the-table";

/// How an answer is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Whole,
    Stream,
}

/// How long a caller waits at most, beside what the network takes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum AtMost {
    /// As long as the provider takes to say it.
    Moment,
    /// Two more attempts, after pauses that double from 100 ms to 1 s.
    Retries,
    /// As long as the provider asks, if that is 2 s or less, and for two more attempts.
    Asked,
    /// The time of one attempt.
    Attempt,
    /// The longest silence amid a stream: a third of that.
    Silence,
}

/// What the caller gets.
#[derive(Clone, Copy, Debug)]
enum Gets {
    /// The answer.
    Answer,
    /// An error instead of an answer.
    Error(Code, &'static str),
    /// The beginning of an answer, and an error that ends it.
    Midway(Code, &'static str),
}

use AtMost::{Asked, Attempt, Moment, Retries, Silence};
use Gets::{Answer, Error, Midway};
use Way::{Stream, Whole};

struct Row {
    does: &'static str,
    reply: Reply,
    ways: &'static [Way],
    gets: Gets,
    at_most: AtMost,
}

const BOTH: &[Way] = &[Whole, Stream];
const UNAVAILABLE: Gets = Error(Code::Unavailable, "UPSTREAM_ERROR");
const MALFORMED: Gets = Error(Code::Unavailable, "UPSTREAM_MALFORMED");
const TIMEOUT: Gets = Error(Code::DeadlineExceeded, "UPSTREAM_TIMEOUT");
const THROTTLED: Gets = Error(Code::ResourceExhausted, "UPSTREAM_THROTTLED");
const CREDENTIAL: Gets = Error(Code::Unavailable, "CREDENTIAL_REFUSED");
const REJECTED: Gets = Error(Code::InvalidArgument, "UPSTREAM_REJECTED");

fn says() -> Reply {
    Reply::Says("one two three four five".to_owned())
}

fn row(does: &'static str, reply: Reply, ways: &'static [Way], gets: Gets, at_most: AtMost) -> Row {
    Row { does, reply, ways, gets, at_most }
}

fn refuses(status: u16, code: &str) -> Reply {
    Reply::Refuses(status, code.to_owned())
}

fn raw(kind: &'static str, body: &str) -> Reply {
    Reply::Raw(kind, body.to_owned())
}

fn rows() -> Vec<Row> {
    let second = Duration::from_secs(1);
    let garbled = |garble| says().garble(1, garble).every(second / 10);
    vec![
        row("answers", says(), BOTH, Answer, Moment),
        row("leaves the usage out", says().without_usage(), BOTH, Answer, Moment),
        row("accepts the connection and never answers", Reply::Hangs, BOTH, TIMEOUT, Attempt),
        row("sends its headers and nothing more", says().hang_after(0), BOTH, TIMEOUT, Attempt),
        row("hangs amid a whole answer", says().cut(20).hang_after(2), &[Whole], TIMEOUT, Attempt),
        row(
            "hangs after two chunks of a stream",
            says().hang_after(2),
            &[Stream],
            Midway(Code::DeadlineExceeded, "UPSTREAM_TIMEOUT"),
            Silence,
        ),
        row("sends one byte a second", says().cut(1).every(second), BOTH, TIMEOUT, Attempt),
        row("resets the connection instead of answering", Reply::Resets, BOTH, UNAVAILABLE, Moment),
        row("resets amid a whole answer", says().cut(20).reset_after(2), &[Whole], UNAVAILABLE, Moment),
        row(
            "resets amid a stream",
            says().every(second / 10).reset_after(2),
            &[Stream],
            Midway(Code::Unavailable, "UPSTREAM_ERROR"),
            Moment,
        ),
        row(
            "closes the connection amid a whole answer",
            says().cut(20).close_after(2),
            &[Whole],
            UNAVAILABLE,
            Moment,
        ),
        row(
            "closes the connection amid a stream",
            says().every(second / 10).close_after(2),
            &[Stream],
            Midway(Code::Unavailable, "UPSTREAM_ERROR"),
            Moment,
        ),
        row(
            "ends a stream before its end",
            says().end_after(2),
            &[Stream],
            Midway(Code::Unavailable, "UPSTREAM_ERROR"),
            Moment,
        ),
        row(
            "sends JSON that is cut short, with 200",
            says().cut(40).end_after(1),
            &[Whole],
            MALFORMED,
            Moment,
        ),
        row("sends an HTML page, with 200", Reply::html(), BOTH, MALFORMED, Moment),
        row("sends an empty body, with 200", raw("application/json", ""), BOTH, MALFORMED, Moment),
        row("sends other JSON, with 200", raw("application/json", "[1]"), BOTH, MALFORMED, Moment),
        row("sends plain words, with 200", raw("text/plain", "all is well"), &[Whole], MALFORMED, Moment),
        row(
            "sends plain words instead of a stream",
            raw("text/plain", "all is well"),
            &[Stream],
            UNAVAILABLE,
            Moment,
        ),
        row(
            "sends an error object, with 200",
            raw("application/json", r#"{"error":{"message":"no","type":"server_error","code":null}}"#),
            BOTH,
            UNAVAILABLE,
            Moment,
        ),
        row("sends 10 GB", Reply::Endless(10_000_000_000), BOTH, MALFORMED, Moment),
        row(
            "puts half an event into a stream",
            garbled(Garble::HalfJson),
            &[Stream],
            Midway(Code::Unavailable, "UPSTREAM_MALFORMED"),
            Moment,
        ),
        row(
            "puts a page of HTML into a stream",
            garbled(Garble::Html),
            &[Stream],
            Midway(Code::Unavailable, "UPSTREAM_MALFORMED"),
            Moment,
        ),
        row(
            "puts JSON that is no event into a stream",
            garbled(Garble::NoField),
            &[Stream],
            Midway(Code::Unavailable, "UPSTREAM_MALFORMED"),
            Moment,
        ),
        row(
            "puts bytes that are not UTF-8 into a stream",
            garbled(Garble::NotUtf8),
            &[Stream],
            Answer,
            Moment,
        ),
        row(
            "leaves out the end of an event",
            garbled(Garble::Unended),
            &[Stream],
            Midway(Code::Unavailable, "UPSTREAM_MALFORMED"),
            Moment,
        ),
        row(
            "sends an event of 2 MB",
            garbled(Garble::Huge(2_000_000)),
            &[Stream],
            Midway(Code::Unavailable, "UPSTREAM_MALFORMED"),
            Moment,
        ),
        row("sends an event twice", garbled(Garble::Twice), &[Stream], Answer, Moment),
        row(
            "puts an error into a stream",
            garbled(Garble::Error),
            &[Stream],
            Midway(Code::Unavailable, "UPSTREAM_ERROR"),
            Moment,
        ),
        row("answers 429", Reply::Fails(429), BOTH, THROTTLED, Moment),
        row("answers 429, `Retry-After: 1`", Reply::throttled("1"), BOTH, THROTTLED, Asked),
        row("answers 429, `Retry-After: 20`", Reply::throttled("20"), BOTH, THROTTLED, Moment),
        row("answers 429, `Retry-After: 999999`", Reply::throttled("999999"), BOTH, THROTTLED, Moment),
        row(
            "answers 429, `Retry-After:` a date",
            Reply::throttled("Wed, 21 Oct 2099 07:28:00 GMT"),
            BOTH,
            THROTTLED,
            Moment,
        ),
        row("answers 429, `Retry-After: soon`", Reply::throttled("soon"), BOTH, THROTTLED, Moment),
        row(
            "answers 429, quota used up",
            refuses(429, "insufficient_quota"),
            BOTH,
            Error(Code::ResourceExhausted, "QUOTA_EXHAUSTED"),
            Moment,
        ),
        row("answers 401", Reply::Fails(401), BOTH, CREDENTIAL, Moment),
        row("answers 403", Reply::Fails(403), BOTH, CREDENTIAL, Moment),
        row("answers 400", Reply::Fails(400), BOTH, REJECTED, Moment),
        row("answers 422", Reply::Fails(422), BOTH, REJECTED, Moment),
        row(
            "answers 400, context too long",
            refuses(400, "context_length_exceeded"),
            BOTH,
            Error(Code::InvalidArgument, "CONTEXT_TOO_LONG"),
            Moment,
        ),
        row(
            "answers 400, content policy",
            refuses(400, "content_policy_violation"),
            BOTH,
            Error(Code::InvalidArgument, "CONTENT_POLICY"),
            Moment,
        ),
        row("answers 404", Reply::Fails(404), BOTH, Error(Code::NotFound, "MODEL_NOT_FOUND"), Moment),
        row("answers 408", Reply::Fails(408), BOTH, UNAVAILABLE, Retries),
        row("answers 500", Reply::Fails(500), BOTH, UNAVAILABLE, Retries),
        row("answers 502", Reply::Fails(502), BOTH, UNAVAILABLE, Retries),
        row("answers 503", Reply::Fails(503), BOTH, UNAVAILABLE, Retries),
        row("answers 504", Reply::Fails(504), BOTH, UNAVAILABLE, Moment),
        row("answers 529", Reply::Fails(529), BOTH, UNAVAILABLE, Retries),
        row(
            "redirects (307)",
            Reply::Fails(307).header("location", "http://127.0.0.1:1/"),
            BOTH,
            UNAVAILABLE,
            Moment,
        ),
    ]
}

/// What a caller saw, and how long it took.
struct Seen {
    output: String,
    end: Result<(), Status>,
    took: Duration,
}

async fn ask(client: &mut ModelServiceClient<Channel>, way: Way) -> Seen {
    let began = Instant::now();
    let mut output = String::new();
    let end = match way {
        Whole => client.complete(v1::CompleteRequest { prompt: prompt("hi") }).await.map(|answer| {
            output = answer.into_inner().output;
        }),
        Stream => read(client, &mut output).await,
    };
    Seen { output, end, took: began.elapsed() }
}

async fn read(client: &mut ModelServiceClient<Channel>, output: &mut String) -> Result<(), Status> {
    let request = v1::StreamCompleteRequest { prompt: prompt("hi"), ..Default::default() };
    let mut stream = client.stream_complete(request).await?.into_inner();
    while let Some(piece) = stream.message().await? {
        output.push_str(&piece.delta);
    }
    Ok(())
}

// === impl AtMost ===

impl AtMost {
    fn longest(self) -> Duration {
        match self {
            Moment => Duration::ZERO,
            Retries => Duration::from_secs(2),
            Asked => Duration::from_secs(4),
            Attempt => ATTEMPT,
            Silence => ATTEMPT / 3,
        }
    }

    /// How long an attempt may take: long where nobody should wait for its end, however busy the machine.
    fn attempt(self) -> Duration {
        match self {
            Attempt | Silence => ATTEMPT,
            Moment | Retries | Asked => SLACK * 2,
        }
    }

    /// The time that cannot have been too short, because it was waited for.
    fn shortest(self) -> Duration {
        match self {
            Moment | Retries | Asked => Duration::ZERO,
            Attempt => ATTEMPT / 2,
            Silence => ATTEMPT / 6,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Moment => "at once",
            Retries => "3 attempts, 2 s of pauses",
            Asked => "3 attempts, the pauses asked for",
            Attempt => "one attempt",
            Silence => "the silence allowed",
        }
    }
}

// === impl Row ===

impl Row {
    /// What is wrong with what the caller saw.
    fn problem(&self, way: Way, seen: &Seen) -> Option<String> {
        let met = match (self.gets, &seen.end) {
            (Answer, Ok(())) => !seen.output.is_empty(),
            (Error(code, reason), Err(status)) => seen.output.is_empty() && is(status, code, reason),
            (Midway(code, reason), Err(status)) => !seen.output.is_empty() && is(status, code, reason),
            _ => false,
        };
        let (longest, shortest) = (self.at_most.longest() + SLACK, self.at_most.shortest());
        let in_time = (shortest..longest).contains(&seen.took);
        let told = || match &seen.end {
            Ok(()) => "an answer".to_owned(),
            Err(status) => format!("{:?} {:?}: {}", status.code(), status::reason(status), status.message()),
        };
        let Row { does, gets, at_most, .. } = self;
        (!met || !in_time).then(|| {
            let output = seen.output.chars().take(40).collect::<String>();
            format!(
                "{does} ({way:?}): {gets:?} {at_most:?}, but {output:?} and {} after {:?}",
                told(),
                seen.took
            )
        })
    }

    fn told(&self) -> String {
        let Row { does, ways, gets, at_most, .. } = self;
        let ways = match ways {
            [Whole] => "whole",
            [Stream] => "streamed",
            _ => "both",
        };
        let gets = match gets {
            Answer => "the answer".to_owned(),
            Error(code, reason) => format!("{} `{reason}`", name(*code)),
            Midway(code, reason) => format!("what came, then {} `{reason}`", name(*code)),
        };
        format!("| {does} | {ways} | {gets} | {} |", at_most.words())
    }
}

fn is(status: &Status, code: Code, reason: &str) -> bool {
    status.code() == code && status::reason(status).as_deref() == Some(reason)
}

fn name(code: Code) -> &'static str {
    bsm_stack::classify::GRPC[code as usize].name
}

/// Sees to it that one row, asked in one way, is as the table says; returns all that a caller or an operator saw.
async fn check(row: &Row, way: Way) -> (Option<String>, String) {
    let reply = row.reply.clone();
    let provider = Provider::start(move |_| reply.clone()).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut settings = settings(&provider.base_url(), &[KEY]);
    settings.models.timeout = Some(row.at_most.attempt());
    let (mut client, process) = served_in(dir.path(), settings).await;
    let seen = tokio::time::timeout(SLACK * 3, ask(&mut client, way)).await;
    let seen = seen.unwrap_or_else(|_| panic!("{} ({way:?}): the caller waits for ever", row.does));
    assert_eq!(provider.asked()[0].key.as_deref(), Some(KEY), "the canary flew");
    let listed = client.list_providers(v1::ListProvidersRequest {}).await.unwrap().into_inner();
    let keys = client.get_key_status(v1::GetKeyStatusRequest {}).await.unwrap().into_inner();
    let operator = bsm_runtime::ops::snapshot(&process);
    let shown = format!(
        "{} {:?} {listed:?} {keys:?} {operator:?} {}",
        seen.output,
        seen.end,
        process.metrics.render()
    );
    process.drain.begin();
    (row.problem(way, &seen), shown)
}

#[tokio::test]
async fn every_fault_of_a_provider_has_its_status_reason_and_bound_and_shows_no_key() {
    let (log, _guards) = logged();
    let rows = rows();
    let calls = rows.iter().flat_map(|row| row.ways.iter().map(move |way| check(row, *way)));
    let (problems, shown): (Vec<_>, Vec<_>) = join_all(calls).await.into_iter().unzip();
    let problems: Vec<String> = problems.into_iter().flatten().collect();
    assert!(problems.is_empty(), "{} differ:\n{}", problems.len(), problems.join("\n"));
    let log = log.text();
    assert!(log.contains("TRACE") && log.contains("attempt failed"), "the log is on");
    assert!(!log.contains("canary"), "{}", around(&log));
    for shown in shown {
        assert!(!shown.contains("canary"), "{}", around(&shown));
    }
}

#[test]
fn the_document_has_the_rows_of_the_test() {
    let mut table =
        String::from("| The provider… | asked for | the caller gets | after at most |\n|---|---|---|---|\n");
    for row in rows() {
        writeln!(table, "{}", row.told()).unwrap();
    }
    let document: String = DOCUMENT.lines().map(|line| without_http(line) + "\n").collect();
    assert!(
        document.contains(&table),
        "docs/bad-providers.md should hold, beside the HTTP status:\n\n{table}"
    );
}

/// A line of the document without its fourth of five columns, if it has as many.
fn without_http(line: &str) -> String {
    let mut cells: Vec<&str> = line.split('|').collect();
    if cells.len() == 7 {
        cells.remove(4);
    }
    cells.join("|")
}

/// Where the canary is, so that a failure does not print megabytes.
fn around(text: &str) -> String {
    let at = text.find("canary").unwrap_or_default();
    String::from_utf8_lossy(&text.as_bytes()[at.saturating_sub(300)..(at + 100).min(text.len())]).into_owned()
}
