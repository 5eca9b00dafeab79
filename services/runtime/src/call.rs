//! Who asks, on whose behalf and until when: what every hop hands on to the next.

use std::{sync::Arc, time::Duration};

pub use bsm_stack::Priority;
use bsm_stack::{deadline::Deadline, priority::PRIORITY, retry::Upstream};
use http::{HeaderMap, HeaderName, HeaderValue};
use tonic::Request;
use uuid::Uuid;

use self::account::{Account, Sees};
use crate::trace;

pub mod account;

/// The header and metadata key of the correlation id.
pub const CORRELATION_HEADER: HeaderName = HeaderName::from_static("x-correlation-id");

/// One call as its handler sees it. Handlers pass it on explicitly; nothing is taken from thread or task state
/// but the current span.
#[derive(Clone, Debug)]
pub struct Call {
    correlation_id: Arc<str>,
    deadline: Option<Deadline>,
    traceparent: Option<HeaderValue>,
    priority: Priority,
    /// Somebody above tries again what fails, so nothing below does: retries at every hop would multiply.
    retried_above: bool,
    account: Account,
}

/// Whether a text may serve as a correlation id: 1 to 64 of `[A-Za-z0-9._-]`.
pub fn is_correlation_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

impl Call {
    /// A call that begins here, with the caller's correlation id if it gave a good one, else a new one, and as important
    /// as the caller says: whoever is at the mesh's door judges that first.
    pub fn from_headers(headers: &HeaderMap) -> Call {
        let given = headers.get(CORRELATION_HEADER).and_then(|value| value.to_str().ok());
        let id = given.filter(|id| is_correlation_id(id));
        Call {
            correlation_id: id.map_or_else(|| Uuid::new_v4().to_string().into(), Arc::from),
            deadline: None,
            traceparent: headers.get(trace::TRACEPARENT).cloned(),
            priority: Priority::from_headers(headers).unwrap_or_default(),
            retried_above: Upstream::from_headers(headers).is_some(),
            account: Account::default(),
        }
    }

    /// The same for a call that another process of the mesh hands on: on the account that it names. The gateway, whose
    /// callers are strangers, never reads that.
    pub fn handed_on(headers: &HeaderMap) -> Call {
        Call { account: Account::from_headers(headers), ..Call::from_headers(headers) }
    }

    /// The call that a handler serves. Outside of the server stack, a new one.
    pub fn of<T>(request: &Request<T>) -> Call {
        let deadline = request.extensions().get::<Deadline>().copied();
        let priority = request.extensions().get::<Priority>().copied(); // as the server stack judged it
        let call = request.extensions().get::<Call>().cloned();
        let call = call.unwrap_or_else(|| Call::background(&Uuid::new_v4().to_string()));
        Call { deadline: deadline.or(call.deadline), priority: priority.unwrap_or(call.priority), ..call }
    }

    /// Work that outlives its caller, under the caller's correlation id. Of normal importance, whatever the caller's was.
    pub fn background(correlation_id: &str) -> Call {
        Call {
            correlation_id: correlation_id.into(),
            deadline: None,
            traceparent: None,
            priority: Priority::Normal,
            retried_above: false,
            account: Account::default(),
        }
    }

    /// Work that goes on for a call that ended long ago, under its correlation id and in its trace.
    pub fn resumed(correlation_id: &str, traceparent: Option<&str>) -> Call {
        let traceparent = traceparent.and_then(|text| HeaderValue::from_str(text).ok());
        Call { traceparent, ..Call::background(correlation_id) }
    }

    /// The trace that this belongs to, to be kept with work that outlives the call: that of the current span when
    /// traces are exported, else the caller's.
    pub fn traceparent(&self) -> Option<String> {
        let parent = trace::current_traceparent().or_else(|| self.traceparent.clone())?;
        parent.to_str().ok().map(str::to_owned)
    }

    /// The id that ties together what belongs to one cause.
    pub fn correlation_id(&self) -> &str {
        &self.correlation_id
    }

    /// When the caller stops waiting, if it said so.
    pub fn deadline(&self) -> Option<Deadline> {
        self.deadline
    }

    /// How important it is.
    pub fn priority(&self) -> Priority {
        self.priority
    }

    /// Who is charged for it: the id of an API key, or [`account::ADMIN`], [`account::GITHUB`], [`account::ANONYMOUS`].
    pub fn caller(&self) -> &str {
        self.account.caller()
    }

    /// Whose usage and budgets the caller may look at.
    pub fn sees(&self) -> Sees {
        self.account.sees()
    }

    /// The agent that asks, if one does.
    pub fn agent(&self) -> Option<&str> {
        self.account.agent()
    }

    /// The job that it belongs to, if it belongs to one.
    pub fn job(&self) -> Option<&str> {
        self.account.job()
    }

    /// The same call, charged to this caller; to nobody known when that is no name ([`account::is_name`]).
    pub fn with_caller(&self, caller: &str) -> Call {
        Call { account: self.account.clone().with_caller(caller), ..self.clone() }
    }

    /// The same call, by a caller who may look at so much.
    pub fn seeing(&self, sees: Sees) -> Call {
        Call { account: self.account.clone().seeing(sees), ..self.clone() }
    }

    /// The same call, asked by this agent.
    pub fn with_agent(&self, agent: &str) -> Call {
        Call { account: self.account.clone().with_agent(agent), ..self.clone() }
    }

    /// The same call, as a part of this job.
    pub fn with_job(&self, job: &str) -> Call {
        Call { account: self.account.clone().with_job(job), ..self.clone() }
    }

    /// The same call, so important.
    pub fn with_priority(&self, priority: Priority) -> Call {
        Call { priority, ..self.clone() }
    }

    /// The same call with a deadline: the earlier one, if it has one already.
    pub fn with_deadline(&self, deadline: Deadline) -> Call {
        let deadline = self.deadline.map_or(deadline, |own| own.earlier(deadline));
        Call { deadline: Some(deadline), ..self.clone() }
    }

    /// The same call without its deadline: work that goes on for others when this caller has gone.
    pub fn detached(&self) -> Call {
        Call { deadline: None, ..self.clone() }
    }

    /// The same call, to end within `budget` from now.
    pub fn within(&self, budget: Duration) -> Call {
        self.with_deadline(Deadline::after(budget))
    }

    /// A request to another service, carrying all this.
    pub fn request<M>(&self, message: M) -> Request<M> {
        let mut request = Request::new(message);
        self.write(&mut request);
        request
    }

    /// Tells the stack toward a server outside of the mesh what it must know of this call. None of it is sent: the
    /// deadline and who retries bound the call, the id decides which guards it runs under.
    pub fn mark<B>(&self, request: &mut http::Request<B>) {
        if let Some(deadline) = self.deadline {
            request.extensions_mut().insert(deadline);
        }
        if self.retried_above {
            request.extensions_mut().insert(Upstream);
        }
        if let Ok(value) = HeaderValue::from_str(&self.correlation_id) {
            request.headers_mut().insert(CORRELATION_HEADER, value);
        }
    }

    /// Puts all this on a request made elsewhere.
    pub fn write<M>(&self, request: &mut Request<M>) {
        if let Some(deadline) = self.deadline {
            request.extensions_mut().insert(deadline); // the client stack turns it into grpc-timeout
        }
        if self.retried_above {
            request.extensions_mut().insert(Upstream);
        }
        let headers = request.metadata_mut().as_mut();
        headers.insert(PRIORITY, HeaderValue::from_static(self.priority.as_str()));
        self.account.write(headers);
        // An id made elsewhere than from headers might not be a header; it then stays in the logs only.
        if let Ok(value) = HeaderValue::from_str(&self.correlation_id) {
            headers.insert(CORRELATION_HEADER, value);
        }
        if let Some(parent) = trace::current_traceparent().or_else(|| self.traceparent.clone()) {
            headers.insert(trace::TRACEPARENT, parent);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_correlation_id_is_replaced_and_a_good_one_kept() {
        for bad in ["", "a b", "ü", &"x".repeat(65), "a/b"] {
            assert!(!is_correlation_id(bad), "{bad}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(CORRELATION_HEADER, HeaderValue::from_static("pr-12.a_B"));
        assert_eq!(Call::from_headers(&headers).correlation_id(), "pr-12.a_B");
        headers.insert(CORRELATION_HEADER, HeaderValue::from_static("no good"));
        assert_eq!(Call::from_headers(&headers).correlation_id().len(), 36);
    }

    #[test]
    fn what_is_tried_again_above_is_not_below() {
        let mut headers = HeaderMap::new();
        assert!(Call::from_headers(&headers).request(()).extensions().get::<Upstream>().is_none());
        headers.insert(bsm_stack::retry::RETRIES, HeaderValue::from_static("0"));
        assert!(Call::from_headers(&headers).request(()).extensions().get::<Upstream>().is_some());
    }

    #[test]
    fn importance_goes_from_hop_to_hop_as_the_stack_judged_it() {
        let mut headers = HeaderMap::new();
        headers.insert(PRIORITY, HeaderValue::from_static("critical"));
        let claims = Call::from_headers(&headers);
        assert_eq!(claims.request(()).metadata().get("x-bsm-priority").unwrap(), "critical");
        let mut request = claims.request(());
        request.extensions_mut().insert(claims);
        request.extensions_mut().insert(Priority::Batch);
        assert_eq!(Call::of(&request).request(()).metadata().get("x-bsm-priority").unwrap(), "batch");
        assert_eq!(Call::background("c").priority(), Priority::Normal);
    }

    #[test]
    fn the_account_goes_from_hop_to_hop_and_is_never_read_from_strangers() {
        let call =
            Call::background("c").with_caller("k1").with_agent("a").with_job("j").seeing(account::Sees::Own);
        let headers = call.request(()).into_parts().0.into_headers();
        let handed_on = Call::handed_on(&headers);
        assert_eq!((handed_on.caller(), handed_on.agent(), handed_on.job()), ("k1", Some("a"), Some("j")));
        let stranger = Call::from_headers(&headers);
        assert_eq!((stranger.caller(), stranger.agent(), stranger.job()), (account::ANONYMOUS, None, None));
        assert_eq!((handed_on.sees(), stranger.sees()), (account::Sees::Own, account::Sees::All));
        assert_eq!(call.with_caller("no name\n").caller(), account::ANONYMOUS);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_carries_the_id_the_deadline_and_the_trace() {
        let mut headers = HeaderMap::new();
        headers.insert(CORRELATION_HEADER, HeaderValue::from_static("abc"));
        headers.insert(trace::TRACEPARENT, HeaderValue::from_static("00-aa-bb-01"));
        let call = Call::from_headers(&headers).within(Duration::from_secs(9)).within(Duration::from_secs(3));
        let request = call.request(());
        assert_eq!(request.metadata().get("x-correlation-id").unwrap(), "abc");
        assert_eq!(request.metadata().get("traceparent").unwrap(), "00-aa-bb-01");
        let left = request.extensions().get::<Deadline>().unwrap().remaining(tokio::time::Instant::now());
        assert_eq!(left, Duration::from_secs(3), "the earlier deadline wins");
    }
}
