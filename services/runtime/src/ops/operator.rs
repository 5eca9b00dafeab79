//! Changes that an operator makes to a process: each is told to the audit log before it is made.
//!
//! All are *detached*: once begun they are done on a thread of their own, whether or not the caller still waits.

use bsm_proto::ops::v1::{Breaker, Flag as ShownFlag};
use bsm_stack::breaker;
use serde_json::Value;
use tonic::Request;

use super::{
    error::Error,
    show::{self, MODES, mode_name, state_name},
    transitions::Change,
};
use crate::{
    audit_log::Entry,
    call::Call,
    caller::Caller,
    clock,
    flags::{Flag, Percent},
    process::Process,
};

/// The name that means every cache.
pub const EVERY_CACHE: &str = "all";

/// Somebody who may change a process, in one call.
#[derive(Clone, Debug)]
pub struct Operator {
    process: Process,
    caller: Caller,
    correlation_id: String,
}

/// What the audit log is told of a change.
struct What<'a> {
    action: &'static str,
    target: &'a str,
    old: Value,
    new: Value,
}

/// A change of breakers.
#[derive(Clone, Copy, Debug)]
enum OnBreaker {
    Reset,
    SetMode(breaker::Mode),
}

impl OnBreaker {
    fn what<'a>(self, breaker: &breaker::Breaker, target: &'a str) -> What<'a> {
        let (action, old, new) = match self {
            OnBreaker::Reset => {
                let old = state_name(breaker.snapshot().state);
                ("breaker.reset", old, state_name(breaker::State::Closed))
            }
            OnBreaker::SetMode(mode) => ("breaker.mode", mode_name(breaker.mode()), mode_name(mode)),
        };
        What { action, target, old: old.into(), new: new.into() }
    }

    fn make(self, breaker: &breaker::Breaker) {
        match self {
            OnBreaker::Reset => breaker.reset(),
            OnBreaker::SetMode(mode) => breaker.set_mode(mode),
        }
    }
}

impl Operator {
    /// Whoever sent an rpc that the server stack admitted.
    pub fn of<T>(process: &Process, request: &Request<T>) -> Operator {
        let correlation_id = Call::of(request).correlation_id().to_owned();
        Operator { process: process.clone(), caller: Caller::of(request), correlation_id }
    }

    /// Who that is.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Closes the breakers of that name.
    ///
    /// # Errors
    /// When there is none, all are held open by their mode, or the audit log cannot be written.
    pub async fn reset_breaker(self, name: String) -> Result<Vec<Breaker>, Error> {
        self.on_breakers(name, OnBreaker::Reset).await
    }

    /// Says what the breakers of that name do from now on.
    ///
    /// # Errors
    /// When there is none, there is no such mode, or the audit log cannot be written.
    pub async fn set_breaker_mode(self, name: String, mode: String) -> Result<Vec<Breaker>, Error> {
        let known = MODES.iter().find(|(name, _)| *name == mode);
        let mode = known.map(|(_, mode)| *mode).ok_or(Error::UnknownMode(mode))?;
        self.on_breakers(name, OnBreaker::SetMode(mode)).await
    }

    /// Clears the cache of that name, or all; returns the names of those cleared.
    ///
    /// # Errors
    /// When the audit log cannot be written.
    pub async fn clear_cache(self, name: String) -> Result<Vec<String>, Error> {
        self.detached(move |operator| {
            let mut cleared = Vec::new();
            for cache in operator.process.guards.caches() {
                if name == EVERY_CACHE || name == cache.name() {
                    let what = What {
                        action: "cache.clear",
                        target: cache.name(),
                        old: cache.stats().entries.into(),
                        new: 0.into(),
                    };
                    operator.audited(what, || {
                        cache.clear();
                        Ok(())
                    })?;
                    cleared.push(cache.name().to_owned());
                }
            }
            Ok(cleared)
        })
        .await
    }

    /// Changes a flag; returns it, and what it was.
    ///
    /// # Errors
    /// When there is no such flag or percentage, or it or the audit log cannot be written.
    pub async fn set_flag(self, flag: &str, percent: Option<u32>) -> Result<(ShownFlag, Percent), Error> {
        let flag: Flag = flag.parse()?;
        let percent = percent.and_then(|percent| Percent::new(percent.into())).ok_or(Error::BadPercent)?;
        self.detached(move |operator| {
            let guards = &operator.process.guards;
            let old = guards.flags().get(flag).get();
            let what =
                What { action: "flag.set", target: flag.name(), old: old.into(), new: percent.get().into() };
            let from = operator.audited(what, || guards.set_flag(flag, percent).map_err(Error::NotKept))?;
            if from != percent {
                operator.process.transitions.record(flag.name(), Change::Flag { from, to: percent });
            }
            Ok((show::flag(&operator.process, flag), from))
        })
        .await
    }

    async fn on_breakers(self, name: String, change: OnBreaker) -> Result<Vec<Breaker>, Error> {
        self.detached(move |operator| {
            let found = operator.process.guards.breakers_named(&name);
            if found.is_empty() {
                let known = operator.process.guards.breakers().iter().map(|b| b.name.to_string()).collect();
                return Err(Error::UnknownBreaker { name, known });
            }
            if let OnBreaker::Reset = change
                && found.iter().all(|breaker| breaker.mode() == breaker::Mode::ForcedOpen)
            {
                return Err(Error::ForcedOpen(name));
            }
            for breaker in &found {
                operator.audited(change.what(breaker, &name), || {
                    change.make(breaker);
                    Ok(())
                })?;
            }
            Ok(found.iter().map(|breaker| show::breaker_of(operator.process.role, breaker)).collect())
        })
        .await
    }

    /// Runs to its end on a thread that may wait for the disk.
    async fn detached<T, F>(self, change: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(Operator) -> Result<T, Error> + Send + 'static,
    {
        tokio::task::spawn_blocking(move || change(self)).await.map_err(|_| Error::Lost)?
    }

    /// The line first, then the change: there is no change without a line. A change that fails has two.
    fn audited<T>(&self, what: What<'_>, change: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        let entry = Entry {
            at_ms: clock::unix_ms(),
            role: self.process.role,
            caller: self.caller.clone(),
            correlation_id: self.correlation_id.clone(),
            action: what.action,
            target: what.target.to_owned(),
            old: what.old,
            new: what.new,
            failed: None,
        };
        self.process.audit.append(&entry)?;
        let Caller { actor, address, .. } = &self.caller;
        tracing::info!(
            role = self.process.role.name(), action = entry.action, target = entry.target, actor, address,
            correlation_id = self.correlation_id, old = %entry.old, new = %entry.new, "changed by an operator"
        );
        change().inspect_err(|err| {
            let failed = Some(err.to_string());
            if let Err(err) = self.process.audit.append(&Entry { failed, ..entry }) {
                tracing::error!(error = %err, "the audit log does not say that the change above failed");
            }
        })
    }
}
