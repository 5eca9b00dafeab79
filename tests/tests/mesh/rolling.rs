//! Every process of a mesh with two of each is ended and started again, one after another, under load: nobody notices.
//!
//! Stores are not replicated: each memory and each orchestrator keeps its own folder. So nothing here looks for what was
//! written before; what is promised is that reads are answered and submits are taken (and on a disk) all the time.
//!
//! `cargo test --release --workspace rolling -- --nocapture` on a quiet machine gives the figures; a build that is not
//! optimised is given fewer calls, for it is the calls in flight and not the load that matter here.

mod balancer;
mod load;

use std::time::{Duration, Instant};

use bsm_runtime::role::Role;
use bsm_testkit::{Provider, Reply};
use bsm_tests::Plan;
use tokio::task::block_in_place;

use balancer::Balancer;
use load::Load;

const REPLICAS: usize = 2;
/// Calls a second.
const RATE: u32 = if cfg!(debug_assertions) { 40 } else { 200 };
/// Calls that are made while a process is away.
const AWAY: usize = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_of_everything_loses_no_call() {
    let answer = "one two three four five six";
    let provider = Provider::start(|_| Reply::Says(answer.to_owned()).every(Duration::from_millis(20)));
    let provider = provider.await.unwrap();
    let plan = Plan::new().replicas(REPLICAS).env(&[
        ("OPENAI_API_KEY", "sk-test"),
        ("BSM_OPENAI_BASE_URL", &provider.base_url()),
        ("LOG_LEVEL", "warn,bsm::mesh=info"), // the harness waits for the lines that say who serves
    ]);
    let mut mesh = block_in_place(|| plan.start());
    let gateways = (0..REPLICAS).map(|replica| mesh.url_of(Role::Gateway, replica)).collect();
    let load = Load::start(Balancer::new(gateways), RATE);
    load.reaches(RATE as usize).await;

    let began = Instant::now();
    for role in Role::ALL {
        for replica in 0..REPLICAS {
            let (before, began) = (load.asked(), Instant::now());
            let (status, drained) = block_in_place(|| mesh.replica(role, replica).terminate());
            assert!(status.success(), "{role}: {status}");
            load.reaches(load.asked() + AWAY).await; // half of them go to the gateway that is away, when it is one
            block_in_place(|| mesh.restart_replica(role, replica));
            load.reaches(load.asked() + RATE as usize / 2).await; // the other one may go only once this one is used
            let calls = load.asked() - before;
            println!(
                "rolling restart, {role} {replica}: drained in {drained:.1?}, serves after {:.1?}, {calls} calls",
                began.elapsed()
            );
        }
    }
    let took = began.elapsed();
    let report = load.stop().await;
    println!("rolling restart of {} processes in {took:.1?}:\n{report}", Role::ALL.len() * REPLICAS);
    assert!(report.failures.is_empty(), "{report}");
    assert!(
        report.calls() as f64 >= f64::from(RATE) * took.as_secs_f64() * 0.9,
        "the load was kept up: {report}"
    );
    assert!(report.moved >= REPLICAS, "no call met a gateway that was away: this proves little\n{report}");
}
