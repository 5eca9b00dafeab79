//! Whatever a job does is told under the ids of the call that submitted its event.

use std::{
    io,
    sync::{Mutex, PoisonError},
};

use tracing::{Dispatch, level_filters::LevelFilter, subscriber::NoSubscriber};
use tracing_subscriber::fmt::MakeWriter;

use super::*;

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Lines of a log.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Log;

    fn make_writer(&'a self) -> Log {
        self.clone()
    }
}

impl Log {
    fn lines(&self) -> Vec<String> {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn every_line_of_a_job_s_work_carries_its_ids_even_when_only_warnings_are_logged() {
    let log = Log::default();
    // Alone, this subscriber would not be asked about spans and events that a test on another thread meets first, and
    // would never see them.
    let _second = Dispatch::new(NoSubscriber::new());
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::WARN)
        .with_writer(log.clone())
        .with_ansi(false)
        .finish();
    let _logged = tracing::subscriber::set_default(subscriber);
    let mesh = Fake::new(|agent, _| match agent {
        "a" => Say::Warn,
        _ => Say::Refuse(Code::NotFound, "MODEL_NOT_FOUND"),
    });
    let running = Running::start(mesh.without(&["knowledge"]));
    let job = running.job(parallel(&["a", "b"])).await;
    let lines = log.lines();
    for part in ["the agents go on with less", "the step failed", "the model thinks aloud"] {
        assert!(lines.iter().any(|line| line.contains(part)), "{part}: {lines:#?}");
    }
    for line in lines {
        assert!(line.contains(&job.id.to_string()) && line.contains("c-1"), "{line}");
    }
}

#[tokio::test]
async fn a_job_s_calls_belong_to_the_trace_and_the_account_that_submitted_it_even_after_a_restart() {
    let first = Running::start(Fake::new(|_, _| Say::Hang));
    let new = NewJob { traceparent: Some(TRACE.into()), caller: "k1".into(), ..new_job(parallel(&["a"])) };
    let id = first.submit(new).await;
    first.happened(id, "step.started", "a").await;
    let dir = first.copied();
    let mesh = Arc::new(Fake::new(|_, _| APPROVE));
    let engine = engine(dir.path(), &mesh, 16);
    engine.recover().await.unwrap();
    let second = Running::run(dir, mesh, engine);
    second.ended(id).await;
    let expected = ("c-1".to_owned(), Some(TRACE.to_owned()));
    assert_eq!(second.mesh.calls(), [expected]);
    let account = ["k1", "a", &id.to_string()].map(str::to_owned);
    assert_eq!(second.mesh.accounts(), [account], "and are charged to who submitted it");
}
