//! Makes the providers of a version of the catalog, out of those of the version before where nothing changed.
//!
//! A provider whose entry is the same is the same: its breakers, keys, bulkheads and connections go on. One whose entry
//! changed begins anew, and its guards take the place of the old ones on the lists; calls that are out go on under the
//! old ones.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bsm_runtime::guards::Guards;
use bsm_runtime::settings::Settings;

use super::environment::keys;
use super::{Fleet, file};
use crate::catalog;
use crate::config::{OpenError, Prepared, REVIEWS};
use crate::provider::{Offline, Provider, Remote};
use crate::route::{self, Policy, Standing};

/// Makes fleets, one after the other.
pub struct Builder {
    settings: Arc<Settings>,
    guards: Guards,
    offline: Arc<Offline>,
    /// The providers made last, each with what it was made of.
    last: Mutex<Vec<(catalog::Provider, Arc<Remote>)>>,
}

/// What becomes of one entry of the catalog.
enum Step {
    /// It stays who it is.
    Keep(Arc<Remote>),
    /// It is made; all that can go wrong has been tried.
    Make(Box<Prepared>),
}

// === impl Builder ===

impl Builder {
    /// For a process with these settings; the guards are listed with these.
    #[must_use]
    pub fn new(settings: Arc<Settings>, guards: Guards) -> Builder {
        let offline = Arc::new(Offline::new(guards.bulkhead(Offline::NAME, REVIEWS)));
        Builder { settings, guards, offline, last: Mutex::default() }
    }

    /// The file that is read, if there is one.
    #[must_use]
    pub fn file(&self) -> Option<&PathBuf> {
        self.settings.models.file.as_ref()
    }

    /// Reads the catalog and makes its providers. Blocks on the disk.
    ///
    /// # Errors
    /// Everything that is wrong with the file, or what keeps a provider from being made; then all is as before.
    pub fn build(&self) -> Result<Fleet, OpenError> {
        let (catalog, policy) = (file::effective(&self.settings.models)?, self.policy());
        route::check_default(&policy, &catalog).map_err(OpenError::DefaultModel)?;
        let mut last = self.last();
        let (mut steps, mut missing) = (Vec::new(), Vec::new());
        for entry in &catalog.providers {
            match self.step(entry, &last)? {
                Ok(step) => steps.push((entry.clone(), step)),
                Err(why) => missing.push((Arc::clone(&entry.name), why)),
            }
        }
        // From here on nothing can go wrong.
        let stays = |name: &str| steps.iter().any(|(entry, step)| &*entry.name == name && step.keeps());
        last.iter().filter(|(entry, _)| !stays(&entry.name)).for_each(|(entry, _)| self.unlist(&entry.name));
        *last = steps.into_iter().map(|(entry, step)| (entry, step.take(&self.guards))).collect();
        let remotes = last.iter().map(|(_, remote)| Provider::Remote(Arc::clone(remote)));
        let providers = remotes.chain([Provider::Offline(Arc::clone(&self.offline))]).collect();
        Ok(Fleet::new(catalog, policy, providers, missing))
    }

    /// What becomes of an entry; inside, why its provider cannot be asked at all.
    fn step(
        &self,
        entry: &catalog::Provider,
        last: &[(catalog::Provider, Arc<Remote>)],
    ) -> Result<Result<Step, Standing>, OpenError> {
        if let Some((_, same)) = last.iter().find(|(before, _)| before == entry) {
            return Ok(Ok(Step::Keep(Arc::clone(same))));
        }
        let keys = keys(&self.settings.models, entry);
        Ok(Prepared::new(entry, keys, &self.guards)?.map(|prepared| Step::Make(Box::new(prepared))))
    }

    fn policy(&self) -> Policy {
        let Settings { safe_mode, ref models, .. } = *self.settings;
        let default_model = models.default_model.clone();
        Policy { safe_mode, offline: models.offline, default_model, fallbacks: models.fallbacks }
    }

    /// Takes the guards of a provider off the lists.
    fn unlist(&self, provider: &str) {
        let others = format!("{provider} others");
        self.guards.unlist_all(|name| {
            let of_family = name.strip_prefix(provider).is_some_and(|rest| rest.starts_with('/'));
            name == provider || of_family || name == others
        });
    }

    fn last(&self) -> MutexGuard<'_, Vec<(catalog::Provider, Arc<Remote>)>> {
        // It is replaced as a whole, so a panic elsewhere while it was held does not spoil it.
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Step ===

impl Step {
    fn keeps(&self) -> bool {
        matches!(self, Step::Keep(_))
    }

    fn take(self, guards: &Guards) -> Arc<Remote> {
        match self {
            Step::Keep(remote) => remote,
            Step::Make(prepared) => Arc::new(prepared.remote(guards)),
        }
    }
}
