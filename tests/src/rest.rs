//! A REST client of the gateway.

use std::time::{Duration, Instant};

use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};

/// Longer than any job of these tests takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Less than the gateway keeps a connection on which nothing comes: a request must not meet its end.
const IDLE: Duration = Duration::from_secs(5);

/// A client with the gateway's address.
#[derive(Clone)]
pub struct Rest {
    client: Client,
    base: String,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP code.
    pub code: u16,
    /// The headers.
    pub headers: reqwest::header::HeaderMap,
    /// The body; null if it is not JSON.
    pub json: Value,
    /// The body as text.
    pub text: String,
}

impl Rest {
    /// A client of the gateway at `base`.
    pub fn new(base: &str) -> Rest {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().timeout(PATIENCE).pool_idle_timeout(IDLE).build().unwrap();
        Rest { client, base: base.to_owned() }
    }

    /// The same over HTTP/2 from the first byte on, as between a load balancer and what stands behind it.
    pub fn http2(base: &str) -> Rest {
        let rest = Rest::new(base);
        let client = Client::builder().no_proxy().timeout(PATIENCE).http2_prior_knowledge().build().unwrap();
        Rest { client, ..rest }
    }

    /// A request that can be changed before it is sent with [`send`].
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    /// POST with a JSON body.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::POST, path).json(&body)).await
    }

    /// Submits an event and returns the job's id.
    pub async fn submit(&self, event: &str, payload: Value) -> String {
        let answer = self.post("/api/orchestrator/run", json!({"event": event, "payload": payload})).await;
        assert_eq!(answer.code, 202, "{}", answer.text);
        answer.json["jobId"].as_str().unwrap().to_owned()
    }

    /// Follows the job's events to the end, then returns the job.
    pub async fn finished(&self, job_id: &str) -> Value {
        let events = self.get(&format!("/api/orchestrator/jobs/{job_id}/events")).await;
        assert_eq!(events.code, 200, "{}", events.text);
        let job = self.get(&format!("/api/orchestrator/jobs/{job_id}")).await.json["job"].clone();
        assert_eq!(job["status"], "succeeded", "{job:#}");
        job
    }

    /// Asks for the job until `done`; events are not used, because the orchestrator may be away meanwhile.
    pub async fn until(&self, job_id: &str, what: &str, done: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let answer = self.get(&format!("/api/orchestrator/jobs/{job_id}")).await;
            if done(&answer.json["job"]) {
                return answer.json["job"].clone();
            }
            assert!(began.elapsed() < PATIENCE, "never {what}: {}", answer.text);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Sends a request and reads the whole answer.
pub async fn send(request: RequestBuilder) -> Answer {
    try_send(request).await.unwrap()
}

/// The same for a gateway that may be away.
pub async fn try_send(request: RequestBuilder) -> reqwest::Result<Answer> {
    let response: Response = request.send().await?;
    let (code, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await?;
    Ok(Answer { code, headers, json: serde_json::from_str(&text).unwrap_or_default(), text })
}
