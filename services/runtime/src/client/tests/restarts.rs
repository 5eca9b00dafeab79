//! Rolling restarts: each server in turn drains, ends and comes back while calls go on. No call fails, and none is
//! processed twice, though none is idempotent.

use std::sync::atomic::AtomicBool;

use tokio::task::JoinSet;

use super::*;

const CALLERS: u32 = 16;
const ROUNDS: u32 = 3;

/// Calls without a pause until told to stop; returns how many were made and what failed.
struct Callers {
    stop: Arc<AtomicBool>,
    running: JoinSet<(u32, Vec<Status>)>,
}

impl Callers {
    fn begin(client: &MemoryServiceClient<Edge>) -> Callers {
        let (stop, next) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let mut running = JoinSet::new();
        for _ in 0..CALLERS {
            let (mut client, stop, next) = (client.clone(), stop.clone(), next.clone());
            running.spawn(async move {
                let (mut made, mut failed) = (0, Vec::new());
                while !stop.load(Relaxed) {
                    made += 1;
                    let answer = client.store_review(review(next.fetch_add(1, Relaxed))).await;
                    failed.extend(answer.err());
                }
                (made, failed)
            });
        }
        Callers { stop, running }
    }

    async fn end(self) -> (u32, Vec<Status>) {
        self.stop.store(true, Relaxed);
        let all = self.running.join_all().await;
        let made = all.iter().map(|(made, _)| made).sum();
        (made, all.into_iter().flat_map(|(_, failed)| failed).collect())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_of_two_servers_fails_no_call_and_repeats_none() {
    let mut servers = [Some(Server::start().await), Some(Server::start().await)];
    let addresses = servers.each_ref().map(|server| server.as_ref().unwrap().address);
    let guards = Guards::default();
    let callers = Callers::begin(&client(&addresses, &guards));
    let mut processed = Vec::new();
    for round in 0..ROUNDS * 2 {
        let server = &mut servers[round as usize % 2];
        until(|| server.as_ref().unwrap().served() > 20).await;
        processed.push(server.as_ref().unwrap().processed.clone());
        *server = Some(server.take().unwrap().restart().await);
    }
    let (made, failed) = callers.end().await;
    processed.extend(servers.into_iter().flatten().map(|server| server.processed));
    assert!(failed.is_empty(), "{} of {made} failed, such as {:?}", failed.len(), failed[0]);
    let tripped: Vec<_> = guards.breakers().into_iter().filter(|b| b.last_transition.is_some()).collect();
    assert!(tripped.is_empty(), "a restart in good order is no outage: {tripped:?}");
    let mut times: HashMap<String, u32> = HashMap::new();
    for processed in processed {
        for (id, count) in processed.lock().unwrap().iter() {
            *times.entry(id.clone()).or_default() += count;
        }
    }
    let twice: Vec<_> = times.iter().filter(|&(_, &count)| count > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
    assert_eq!(times.len(), made as usize);
}
