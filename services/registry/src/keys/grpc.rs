//! The wire's face of the keys.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use bsm_proto::registry::v1::{
    ApiKey, CheckKeyRequest, CheckKeyResponse, CreateKeyRequest, CreateKeyResponse, ListKeysRequest,
    ListKeysResponse, RevokeKeyRequest, RevokeKeyResponse, key_service_server::KeyService,
};
use bsm_runtime::{
    api_key::{self, ID_LENGTH, Presented, SECRET_LENGTH},
    audit_log::Entry,
    call::Call,
    caller::Caller,
    clock,
    process::Process,
};
use serde_json::{Value, json};
use tonic::{Request, Response, Status};
use tracing::{error, info};

use super::{
    error::Error,
    rules::{self, Key, Wanted},
    seal::Sealer,
    store::Store,
};

/// Serves the keys of a process. Opened when first used, and again after that failed: a registry whose folder cannot be
/// written still knows its agents.
#[derive(Clone)]
pub(crate) struct Keys {
    process: Process,
    open: Arc<Mutex<Option<Open>>>,
}

struct Open {
    store: Store,
    sealer: Sealer,
}

/// Who asks for a change.
struct Operator {
    caller: Caller,
    correlation_id: String,
}

// === impl Keys ===

impl Keys {
    pub(crate) fn new(process: &Process) -> Keys {
        Keys { process: process.clone(), open: Arc::default() }
    }

    /// Runs to its end on a thread that may wait for the disk, whether or not the caller still waits.
    async fn work<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Keys, &Open) -> Result<T, Error> + Send + 'static,
    {
        let keys = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            let mut open = keys.open.lock().unwrap_or_else(PoisonError::into_inner);
            if open.is_none() {
                let folder = keys.process.shared_folder()?;
                *open = Some(Open { store: Store::open(&folder)?, sealer: Sealer::open(&folder)? });
            }
            work(&keys, open.as_ref().expect("it was opened above"))
        });
        let done = done.await.map_err(|_| Error::CutOff)?;
        done.inspect_err(|err| {
            if let Error::Store(_) | Error::Io(_) | Error::Audit(_) = err {
                let cause = std::error::Error::source(err).map(ToString::to_string);
                error!(error = %err, cause, "the keys are not to be had");
            }
        })
    }

    /// The line first, then the change: there is no change without a line.
    fn audit(&self, operator: &Operator, action: &'static str, key: &Key, old: Value) -> Result<(), Error> {
        let new = json!({"name": key.name, "scopes": key.scopes.words(), "expiresAt": key.expires_at});
        let entry = Entry {
            at_ms: clock::unix_ms(),
            role: self.process.role,
            caller: operator.caller.clone(),
            correlation_id: operator.correlation_id.clone(),
            action,
            target: key.id.clone(),
            old,
            new: if action == REVOKE { Value::Null } else { new },
            failed: None,
        };
        self.process.audit.append(&entry)?;
        let Caller { actor, address, .. } = &operator.caller;
        info!(action, key = key.id, name = key.name, actor, address, "changed by an operator");
        Ok(())
    }

    fn create(
        &self,
        open: &Open,
        wanted: Wanted,
        operator: &Operator,
        now: i64,
    ) -> Result<(Key, String), Error> {
        let (mut random, mut secret) = ([0; ID_LENGTH], [0; SECRET_LENGTH]);
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        getrandom::fill(&mut secret).map_err(io::Error::other)?;
        let text = api_key::text(&api_key::id(random), &secret);
        let Presented { id, proof } = Presented::read(text.as_bytes());
        let key = Key {
            id,
            name: wanted.name,
            scopes: wanted.scopes,
            seal: open.sealer.seal(&proof),
            created_at: now,
            created_by: operator.caller.actor.clone(),
            expires_at: wanted.expires_at,
            revoked_at: None,
        };
        self.audit(operator, CREATE, &key, Value::Null)?;
        open.store.add(&key)?;
        Ok((key, text))
    }

    fn revoke(&self, open: &Open, id: String, operator: &Operator, now: i64) -> Result<Key, Error> {
        let Some(key) = open.store.find(&id)? else {
            return Err(Error::Unknown(id.chars().take(64).collect()));
        };
        if key.revoked_at.is_none() {
            self.audit(operator, REVOKE, &key, json!({"name": key.name, "state": key.state(now)}))?;
            open.store.revoke(&id, now)?;
        }
        open.store.find(&id)?.ok_or(Error::Unknown(id))
    }
}

/// What the audit log is told.
const CREATE: &str = "key.create";
const REVOKE: &str = "key.revoke";

impl Operator {
    fn of<T>(request: &Request<T>) -> Operator {
        let correlation_id = Call::of(request).correlation_id().to_owned();
        Operator { caller: Caller::of(request), correlation_id }
    }
}

#[tonic::async_trait]
impl KeyService for Keys {
    async fn create_key(
        &self,
        request: Request<CreateKeyRequest>,
    ) -> Result<Response<CreateKeyResponse>, Status> {
        let (operator, now) = (Operator::of(&request), clock::unix_ms());
        let wanted = Wanted::check(request.into_inner(), now)?;
        let made = self.work(move |keys, open| keys.create(open, wanted, &operator, now));
        let (key, text) = made.await?;
        Ok(Response::new(CreateKeyResponse { key: Some(shown(key, now)), text }))
    }

    async fn list_keys(&self, _: Request<ListKeysRequest>) -> Result<Response<ListKeysResponse>, Status> {
        let now = clock::unix_ms();
        let keys = self.work(|_, open| Ok(open.store.all()?)).await?;
        let keys = keys.into_iter().map(|key| shown(key, now)).collect();
        Ok(Response::new(ListKeysResponse { keys }))
    }

    async fn revoke_key(
        &self,
        request: Request<RevokeKeyRequest>,
    ) -> Result<Response<RevokeKeyResponse>, Status> {
        let (operator, now) = (Operator::of(&request), clock::unix_ms());
        let id = request.into_inner().id;
        let key = self.work(move |keys, open| keys.revoke(open, id, &operator, now)).await?;
        Ok(Response::new(RevokeKeyResponse { key: Some(shown(key, now)) }))
    }

    async fn check_key(
        &self,
        request: Request<CheckKeyRequest>,
    ) -> Result<Response<CheckKeyResponse>, Status> {
        let CheckKeyRequest { id, proof } = request.into_inner();
        let checked = self.work(move |_, open| {
            let (found, seal) = (open.store.find(&id)?, open.sealer.seal(&proof));
            rules::admit(found.as_ref(), &seal, clock::unix_ms())
        });
        Ok(Response::new(CheckKeyResponse { scopes: checked.await?.words() }))
    }
}

fn shown(key: Key, now: i64) -> ApiKey {
    ApiKey {
        state: key.state(now).to_owned(),
        scopes: key.scopes.words(),
        id: key.id,
        name: key.name,
        created_at: key.created_at as f64,
        created_by: key.created_by,
        expires_at: key.expires_at.map(|at| at as f64),
        revoked_at: key.revoked_at.map(|at| at as f64),
    }
}
