//! The keys of one provider, shared by the calls that use them.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrecy::SecretString;
use tokio::time::Instant;

use super::{KeyLine, KeyPool, NamedKey, NoKey, Ticket};
use crate::failure::Failure;

/// The keys of one provider. Clones share them.
#[derive(Clone)]
pub struct Ring(Arc<Mutex<KeyPool>>);

/// A key for one call, chosen when the call goes out: whoever has waited in a queue goes out with the key that is best
/// then. Clones share the choice. When the last is dropped unsettled, because the caller left or nothing was sent, it
/// says nothing about the key.
#[derive(Clone)]
pub struct Lent(Arc<Use>);

struct Use {
    ring: Ring,
    chosen: Mutex<Chosen>,
}

#[derive(Default)]
enum Chosen {
    #[default]
    NotYet,
    Out(Ticket, SecretString),
    Settled(SecretString),
}

// === impl Ring ===

impl Ring {
    /// The keys, the preferred one first.
    #[must_use]
    pub fn new(keys: Vec<NamedKey>) -> Self {
        Self(Arc::new(Mutex::new(KeyPool::new(keys))))
    }

    /// A key for one call, if there is one now; which one is decided when it is first asked for.
    ///
    /// # Errors
    /// [`NoKey`] if there is none.
    pub fn lend(&self) -> Result<Lent, NoKey> {
        self.usable()?;
        Ok(Lent(Arc::new(Use { ring: self.clone(), chosen: Mutex::default() })))
    }

    /// Whether a key could be used now.
    ///
    /// # Errors
    /// [`NoKey`] if not.
    pub fn usable(&self) -> Result<(), NoKey> {
        self.pool().usable(Instant::now())
    }

    /// Whether a call that loses its key would find another one that nothing is held against.
    #[must_use]
    pub fn has_others(&self) -> bool {
        self.pool().ready(Instant::now()) > 1
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pool().len()
    }

    /// Whether no key is configured.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pool().is_empty()
    }

    /// What each key is doing; never the key.
    #[must_use]
    pub fn lines(&self) -> Vec<KeyLine> {
        self.pool().lines(Instant::now())
    }

    fn pool(&self) -> MutexGuard<'_, KeyPool> {
        // The pool is never left half-changed, so a panic elsewhere while it was held does not spoil it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pool().fmt(f)
    }
}

// === impl Lent ===

impl Lent {
    /// The key: chosen now, or the one that was before.
    ///
    /// # Errors
    /// [`NoKey`] if there is none any more.
    pub fn secret(&self) -> Result<SecretString, NoKey> {
        let mut chosen = self.chosen();
        if let Some(secret) = chosen.secret() {
            return Ok(secret.clone());
        }
        let (ticket, secret) = self.0.ring.pool().pick(Instant::now())?;
        *chosen = Chosen::Out(ticket, secret.clone());
        Ok(secret)
    }

    /// The same if it was chosen.
    #[must_use]
    pub fn used(&self) -> Option<SecretString> {
        self.chosen().secret().cloned()
    }

    /// Tells that the provider has let it in, whatever comes of the answer.
    pub fn accepted(&self) {
        if let Chosen::Out(ticket, _) = &mut *self.chosen() {
            *ticket = self.0.ring.pool().accepted(*ticket);
        }
    }

    /// Tells what its use ended in; `None` is a success. Only the first word counts, and none if it was never used.
    pub fn settle(&self, failure: Option<&Failure>) {
        let mut chosen = self.chosen();
        if let Chosen::Out(ticket, secret) = &*chosen {
            self.0.ring.pool().settle(*ticket, failure, Instant::now());
            *chosen = Chosen::Settled(secret.clone());
        }
    }

    fn chosen(&self) -> MutexGuard<'_, Chosen> {
        self.0.chosen.lock().unwrap_or_else(PoisonError::into_inner) // as the pool
    }
}

impl fmt::Debug for Lent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lent").finish_non_exhaustive()
    }
}

// === impl Use ===

impl Drop for Use {
    fn drop(&mut self) {
        let chosen = self.chosen.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Chosen::Out(ticket, _) = chosen {
            self.ring.pool().give_back(*ticket, Instant::now());
        }
    }
}

// === impl Chosen ===

impl Chosen {
    fn secret(&self) -> Option<&SecretString> {
        match self {
            Chosen::NotYet => None,
            Chosen::Out(_, secret) | Chosen::Settled(secret) => Some(secret),
        }
    }
}
