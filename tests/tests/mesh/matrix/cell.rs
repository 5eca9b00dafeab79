//! One edge under one fault.

use std::{
    collections::BTreeMap,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use bsm_runtime::role::Role;
use bsm_tests::{
    Rest,
    rest::{Answer, try_send},
};
use reqwest::RequestBuilder;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{
    edge::{Bounds, Patience, Told},
    fault::{ATTEMPT, Fault},
    jobs, reason,
    site::Site,
    table::Row,
};

/// Calls that must be answered while the fault lasts, or the cell proves nothing.
const ENOUGH: usize = 10;
/// How long others may take on a machine that is busy with a dozen meshes; less than it takes to notice silence.
const OTHERS: Duration = Duration::from_secs(4);
const EVERY: Duration = Duration::from_millis(100);
/// For how long a mesh may take to be well before a fault.
const HEALTHY: Duration = Duration::from_secs(20);
/// How long a breaker that has closed takes to let all calls through again, and some time to notice.
const RAMP: Duration = Duration::from_secs(4);
/// Calls that must succeed one after another before an edge is said to be well.
const IN_A_ROW: usize = 5;

/// Spoils the edge, watches, heals it.
pub(super) async fn run(site: &mut Site, fault: Fault) -> Row {
    let (edge, bounds) = (site.edge, site.edge.bounds(fault));
    let mut row = Row::new(edge, fault);
    row.check(heals(site, HEALTHY).await.all.ok_or("not well before the fault".into()));
    site.spoil(fault).await;
    if edge.from == Role::Orchestrator || fault == Fault::Killed {
        site.forget().await; // elsewhere it would only wait for the one that does not answer
    }
    let (stop, answered) = (CancellationToken::new(), Arc::new(AtomicUsize::new(0)));
    let calls = edge.others(fault);
    let others = tokio::spawn(others(site.rest.clone(), calls, answered.clone(), stop.clone()));
    let job = tokio::spawn(jobs::run(site.rest.clone(), edge.job(fault)));
    match bounds.opens {
        Some(within) => break_it(site, fault, within, &mut row).await,
        None => wait_for_it(site, &bounds, &mut row).await,
    }
    row.job = row.check(job.await.unwrap()).unwrap_or_default();
    row.check(contained(site, fault).await);
    row.fired = row.check(site.fired(fault).await).unwrap_or_default();
    row.check(enough(&answered).await);
    stop.cancel();
    others.await.unwrap().into_iter().for_each(|failure| row.wrong(failure));
    row.others = answered.load(Relaxed);
    site.heal(fault).await;
    row.healed = heals(site, bounds.heals + RAMP).await;
    if row.healed.first.is_none_or(|after| after > bounds.heals) {
        row.wrong(format!("no answer {:?} after the fault: {:?}", bounds.heals, row.healed));
    }
    if row.healed.all.is_none() {
        row.wrong(format!("not all calls flow {:?} after the fault", bounds.heals + RAMP));
    }
    site.reset().await; // also what others found out about a callee that was killed
    row
}

/// Calls until the breaker opens. It may open while calls are still out that are being made a second time.
async fn break_it(site: &Site, fault: Fault, within: Duration, row: &mut Row) {
    let began = Instant::now();
    let mut opens = pin!(opens(site, began));
    while row.opened.is_none() && began.elapsed() < within {
        let mut calls = pin!(batch(site));
        let calls = loop {
            tokio::select! {
                calls = &mut calls => break calls,
                after = &mut opens, if row.opened.is_none() => row.opened = Some(after),
            }
        };
        for (answer, took) in &calls {
            row.check(told(site, fault, answer, *took));
            row.note(answer, *took);
        }
        if row.opened.is_none() {
            row.opened = tokio::time::timeout(EVERY * 2, &mut opens).await.ok();
        }
    }
    if row.opened.is_none_or(|after| after > within) {
        row.wrong(format!("the breaker is not open after {within:?}: {:?}", row.opened));
    }
}

/// When the breaker is seen to be open.
async fn opens(site: &Site, began: Instant) -> Duration {
    while site.admits().await != Some(0) {
        tokio::time::sleep(EVERY).await;
    }
    began.elapsed()
}

/// Calls that come late, and that is all.
async fn wait_for_it(site: &Site, bounds: &Bounds, row: &mut Row) {
    for (answer, took) in batch(site).await {
        let fine = answer.code == site.edge.well && took >= ATTEMPT && took <= bounds.told;
        row.check(if fine {
            Ok(())
        } else {
            Err(format!("{} after {took:?}: {}", answer.code, answer.text))
        });
        row.note(&answer, took);
    }
}

async fn batch(site: &Site) -> Vec<(Answer, Duration)> {
    if site.edge.patience == Patience::Shared {
        site.forget().await;
    }
    let mut calls = JoinSet::new();
    for _ in 0..site.edge.at_once {
        calls.spawn(timed((site.edge.call)(&site.rest)));
    }
    calls.join_all().await
}

async fn timed(request: RequestBuilder) -> (Answer, Duration) {
    let began = Instant::now();
    let answer = try_send(request).await.unwrap();
    (answer, began.elapsed())
}

/// Whether the one who called was told rightly, and in time.
fn told(site: &Site, fault: Fault, answer: &Answer, took: Duration) -> Result<(), String> {
    let (expected, bounds) = (site.edge.told, site.edge.bounds(fault));
    let typed = matches!(answer.code, 502..=504) && !["", "INTERNAL"].contains(&reason(answer));
    let answered = answer.code == site.edge.well;
    let fine = match expected {
        // What comes as late as an attempt may take comes before its end now and then.
        Told::Failed if answered => fault == Fault::Slow && took >= ATTEMPT,
        Told::Failed => typed && !answer.text.contains("127.0.0.1"),
        Told::Answered => answered,
    };
    // A call that goes on without the callee may ask it more than once.
    let most = if expected == Told::Answered { bounds.told * 4 } else { bounds.told };
    match fine && took <= most {
        true => Ok(()),
        false => Err(format!(
            "{} after {took:.1?}, expected {expected:?} within {most:?}: {}",
            answer.code, answer.text
        )),
    }
}

/// No breaker is open but those that the fault may open.
async fn contained(site: &Site, fault: Fault) -> Result<(), String> {
    let open = site.breakers().await.into_iter().filter(|b| b["state"] != "CLOSED");
    let names = open.filter_map(|b| b["name"].as_str().map(str::to_owned));
    let strange: Vec<_> = names.filter(|name| !site.edge.may_open(name, fault)).collect();
    if strange.is_empty() { Ok(()) } else { Err(format!("also open: {}", strange.join(", "))) }
}

/// Waits until so many other calls were answered that the cell proves something.
async fn enough(answered: &AtomicUsize) -> Result<(), String> {
    let began = Instant::now();
    while answered.load(Relaxed) < ENOUGH {
        if began.elapsed() > Duration::from_secs(10) {
            return Err(format!("only {} other calls were answered", answered.load(Relaxed)));
        }
        tokio::time::sleep(EVERY).await;
    }
    Ok(())
}

/// Calls what has nothing to do with the fault until told to stop; what was not answered, and how often.
async fn others(
    rest: Rest,
    calls: Vec<fn(&Rest) -> RequestBuilder>,
    answered: Arc<AtomicUsize>,
    stop: CancellationToken,
) -> Vec<String> {
    let mut failures = BTreeMap::new();
    for call in calls.iter().cycle() {
        if stop.is_cancelled() {
            break;
        }
        let (answer, took) = timed(call(&rest)).await;
        match answer.code == 200 && took <= OTHERS {
            true => drop(answered.fetch_add(1, Relaxed)),
            false => *failures.entry(failure(&answer, took)).or_insert(0) += 1,
        }
        tokio::time::sleep(EVERY).await;
    }
    failures.into_iter().map(|(what, times)| format!("{times} × {what}")).collect()
}

fn failure(answer: &Answer, took: Duration) -> String {
    match answer.code {
        200 => format!("another call took longer than {OTHERS:?}: {} s", took.as_secs()),
        code => format!("another call was told {code} {}: {}", reason(answer), answer.json["error"]),
    }
}

/// How soon calls are answered again.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Healed {
    /// One of them.
    pub(super) first: Option<Duration>,
    /// All of them: each is answered, and no breaker holds any back.
    pub(super) all: Option<Duration>,
}

/// Calls until all of them flow, or for as long as `within`.
async fn heals(site: &Site, within: Duration) -> Healed {
    let began = Instant::now();
    let (mut healed, mut in_a_row) = (Healed::default(), 0);
    while in_a_row < IN_A_ROW && (in_a_row > 0 || began.elapsed() < within) {
        let (asked, admits) = (began.elapsed(), site.admits().await);
        let (answer, took) = timed((site.edge.call)(&site.rest)).await;
        // A call that goes on without the callee does not tell whether it was reached.
        let reached = site.edge.told == Told::Failed || admits > Some(0);
        let answered = answer.code == site.edge.well && took < ATTEMPT && reached;
        if answered {
            healed.first.get_or_insert(asked);
        }
        in_a_row = if answered && admits == Some(100) { in_a_row + 1 } else { 0 };
        if in_a_row == 1 {
            healed.all = Some(asked);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Healed { all: healed.all.filter(|_| in_a_row == IN_A_ROW), ..healed }
}
