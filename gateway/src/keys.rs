//! API keys that clients present: asked of the registry, and believed for well under a second.
//!
//! What the registry says is kept for [`FRESH`], and for as long again while it is asked anew; after that callers wait
//! for its word. So a busy key costs a few questions a second, and one that was revoked opens nothing a second later.
//! When the registry cannot be asked, nobody gets in with a key: it might be one that was revoked.

mod proved;

use std::{sync::Arc, time::Duration};

use bsm_proto::api::v1::Scope;
use bsm_proto::registry::v1::{CheckKeyRequest, key_service_client::KeyServiceClient};
use bsm_runtime::{
    api_key::Presented,
    call::{Call, account::Sees},
    client::Edge,
};
use bsm_stack::cache::{Cache, Config, LoadError};
use http::StatusCode;
use tonic::{Code, Status};
use uuid::Uuid;

pub(crate) use self::proved::Proved;
use crate::{fault::Fault, status};

/// How long an answer counts without a new question.
const FRESH: Duration = Duration::from_millis(350);

/// Keys whose answers are kept at once: the wrong ones too, so that they are asked once.
const MOST: usize = 8_192;

/// One question at most.
const PATIENCE: Duration = Duration::from_secs(5);

/// The keys that clients present.
#[derive(Clone)]
pub(crate) struct Keys {
    verdicts: Cache<Presented, Verdict, Status>,
    proved: Proved,
}

/// What a key may do, or that it is not valid: that is an answer, too.
type Verdict = Result<Arc<[String]>, NotValid>;

#[derive(Clone, Copy, Debug)]
struct NotValid;

// === impl Keys ===

impl Keys {
    pub(crate) fn new(registry: Edge) -> Keys {
        let config = Config {
            capacity: MOST,
            max_stale: FRESH,
            max_stale_on_error: Duration::ZERO,
            remember_failure: Duration::from_millis(100),
            ..Config::with_ttl(FRESH)
        };
        let verdicts = Cache::new("keys", config, move |key| ask(registry.clone(), key));
        Keys { verdicts, proved: Proved::default() }
    }

    /// Those that were valid when they were last asked about.
    pub(crate) fn proved(&self) -> Proved {
        self.proved.clone()
    }

    /// Whose usage a key shows, if it is valid and has this scope; `invalid` makes the refusal of one that is not valid.
    ///
    /// # Errors
    /// 401 when it is not valid, whatever is wrong with it; 403 when it lacks the scope; 503 when nobody can say.
    pub(crate) async fn admit(
        &self,
        key: &Presented,
        scope: Scope,
        invalid: impl Fn() -> Fault,
    ) -> Result<Sees, Fault> {
        let verdict = self.verdicts.get(key).await.map_err(|err| unknown(&err))?.value;
        let scopes = verdict.map_err(|NotValid| {
            self.proved.forget(key);
            invalid()
        })?;
        self.proved.note(key);
        let has = |word: &str| scopes.iter().any(|scope| scope == word);
        match word(scope) {
            Some(word) if has(word) => Ok(if has(ADMIN) { Sees::All } else { Sees::Own }),
            Some(word) => Err(lacks(word, &scopes)),
            None => Err(invalid()),
        }
    }
}

/// The scope of keys that administer.
const ADMIN: &str = "admin";

/// The scope's word, for those that a key can have.
const fn word(scope: Scope) -> Option<&'static str> {
    match scope {
        Scope::Read => Some("read"),
        Scope::Invoke => Some("invoke"),
        Scope::Publish => Some("publish"),
        Scope::Admin => Some(ADMIN),
        Scope::Open | Scope::Internal | Scope::Unspecified => None,
    }
}

async fn ask(registry: Edge, key: Presented) -> Result<Verdict, Status> {
    let call = Call::background(&Uuid::new_v4().to_string()).within(PATIENCE);
    let question = CheckKeyRequest { id: key.id, proof: key.proof.to_vec() };
    match KeyServiceClient::new(registry).check_key(call.request(question)).await {
        Ok(answer) => Ok(Ok(answer.into_inner().scopes.into())),
        Err(status) if status.code() == Code::Unauthenticated => Ok(Err(NotValid)),
        Err(status) => Err(status),
    }
}

fn lacks(scope: &str, has: &[String]) -> Fault {
    let message = format!("This key does not have the scope \"{scope}\"; it has {}.", has.join(", "));
    let hint =
        format!("Scopes of a key never change: make another with `bsm keys create NAME --scope {scope}`.");
    Fault::new(StatusCode::FORBIDDEN, "SCOPE_MISSING", message).extra("hint", hint.into())
}

fn unknown(err: &LoadError<Status>) -> Fault {
    match err {
        LoadError::Failed(status) => status::fault(status),
        LoadError::Lost => Fault::internal(),
    }
}
