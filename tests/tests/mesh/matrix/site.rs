//! A mesh with one edge that can be spoiled.

use std::{fs, net::SocketAddr, path::Path};

use bsm_testkit::{Provider, Proxy, Reply};
use bsm_tests::{Mesh, Plan, Rest, rest::send};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpStream, task::block_in_place};

use super::{
    edge::{Edge, PROVIDER_SECONDS},
    fault::Fault,
};

const TOKEN: &str = "a-token-of-sixteen";

/// Steps of a job are short here, so that silence costs little, but longer than an answer that comes late.
const STEP: (&str, &str) = ("timeout_seconds: 120, max_attempts: 2", "timeout_seconds: 8, max_attempts: 1");

/// The running mesh. Its provider and its proxy end with the test's runtime.
pub(super) struct Site {
    pub(super) edge: &'static Edge,
    pub(super) rest: Rest,
    pub(super) proxy: Proxy,
    mesh: Mesh,
    target: SocketAddr,
    _provider: Provider,
    _agents: TempDir,
}

impl Site {
    pub(super) async fn start(edge: &'static Edge) -> Site {
        let provider = Provider::start(|_| Reply::review("approve", 9, "Fine.")).await.unwrap();
        let agents = tempfile::tempdir().unwrap();
        copy_agents(agents.path());
        let plan = Plan::new();
        let target = edge.to.map_or(provider.address(), |role| plan.address(role));
        let proxy = Proxy::start(target).await.unwrap();
        let (base_url, plan) = match edge.to {
            Some(role) => (provider.base_url(), plan.via(edge.from, role, &proxy.url())),
            None => (format!("{}/v1", proxy.url()), plan),
        };
        let plan = plan.env(&[
            ("ADMIN_TOKEN", TOKEN),
            ("OPENAI_API_KEY", "sk-test"),
            ("BSM_OPENAI_BASE_URL", &base_url),
            ("BSM_MODEL_TIMEOUT_SECONDS", &PROVIDER_SECONDS.to_string()),
            ("BSM_AGENTS_DIR", &agents.path().display().to_string()),
            ("LOG_LEVEL", "warn,bsm::mesh=info"), // the harness waits for the lines that say who serves
        ]);
        let mesh = block_in_place(|| plan.start());
        Site { edge, rest: mesh.rest(), proxy, mesh, target, _provider: provider, _agents: agents }
    }

    /// Puts the fault in force.
    pub(super) async fn spoil(&mut self, fault: Fault) {
        match (fault, self.edge.to) {
            (Fault::Killed, Some(role)) => block_in_place(|| self.mesh.node(role).kill()),
            _ => self.proxy.set(fault.of_proxy()).await.unwrap(),
        }
        if fault == Fault::Killed {
            self.proxy.cut(); // connections that the proxy holds open for the dead
        }
    }

    /// Ends the fault. When this returns, the callee can be reached.
    pub(super) async fn heal(&mut self, fault: Fault) {
        match (fault, self.edge.to) {
            (Fault::Killed, Some(role)) => block_in_place(|| self.mesh.restart(role)),
            _ => self.proxy.heal().await.unwrap(),
        }
    }

    /// That the fault did something, in words.
    ///
    /// # Errors
    /// That it did not.
    pub(super) async fn fired(&self, fault: Fault) -> Result<String, String> {
        if fault == Fault::Killed {
            let address = if self.edge.to.is_some() { self.target } else { self.proxy.address() };
            return match TcpStream::connect(address).await {
                Err(_) => Ok("nobody listens".to_owned()),
                Ok(_) => Err(format!("somebody listens at {address}")),
            };
        }
        self.proxy.fired().map_err(|err| err.to_string())?;
        let counts = self.proxy.counts();
        Ok(match fault {
            Fault::Resets => format!("{} resets", counts.down.resets + counts.up.resets),
            Fault::BlackHole => format!("{} held", counts.up.held + counts.down.held),
            _ => format!("{} delayed", counts.down.delayed),
        })
    }

    /// The breakers of all processes that can be asked.
    pub(super) async fn breakers(&self) -> Vec<Value> {
        let all = self.rest.get("/api/health/circuit-breakers").await;
        all.json["breakers"].as_array().cloned().unwrap_or_default()
    }

    /// The share of calls that the breaker of the edge lets through, in percent: 0 while it is open. `None` while it
    /// cannot be asked.
    pub(super) async fn admits(&self) -> Option<u64> {
        let breakers = self.breakers().await;
        let its = breakers.iter().filter(|b| b["name"].as_str().is_some_and(|name| self.is_its(name)));
        its.map(|b| b["admitsPercent"].as_u64().unwrap_or_default()).min()
    }

    /// Whether a breaker is one of the edge.
    fn is_its(&self, breaker: &str) -> bool {
        breaker.starts_with(self.edge.breaker) && !breaker.contains("streams")
    }

    /// Empties every cache that can be reached: what is kept would answer where the edge is to be tried.
    pub(super) async fn forget(&self) {
        let request = self.rest.request(Method::POST, "/api/cache/clear").header("x-admin-token", TOKEN);
        send(request.json(&json!({"cache": "all"}))).await;
    }

    /// What an operator would do about circuits that are still open, so that the next fault finds a mesh that is well.
    pub(super) async fn reset(&self) {
        let open = self.breakers().await.into_iter().filter(|b| b["state"] != "CLOSED");
        for name in open.filter_map(|b| {
            b["name"].as_str().map(|name| name.replace('>', "%3E").replace('/', "%2F").replace(' ', "%20"))
        }) {
            let path = format!("/api/admin/breakers/{name}/reset");
            let request = self.rest.request(Method::POST, &path).header("x-admin-token", TOKEN);
            send(request.json(&json!({}))).await;
        }
    }
}

/// The agents of the product, with steps that are given less time.
fn copy_agents(to: &Path) {
    let from = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../agents"));
    for folder in [from.to_owned(), from.join("definitions")] {
        let to = to.join(folder.strip_prefix(from).unwrap());
        fs::create_dir_all(&to).unwrap();
        for file in fs::read_dir(folder).unwrap().map(Result::unwrap).filter(|file| file.path().is_file()) {
            fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }
    let strategies = fs::read_to_string(to.join("events.yaml")).unwrap();
    assert!(strategies.contains(STEP.0), "the strategies no longer say {}", STEP.0);
    fs::write(to.join("events.yaml"), strategies.replace(STEP.0, STEP.1)).unwrap();
}
