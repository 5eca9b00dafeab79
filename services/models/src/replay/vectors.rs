//! The same for texts that are turned into vectors: the answer is whole, and the only item of its run.

use std::mem::size_of;
use std::sync::Arc;

use bsm_runtime::call::Call;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, stream};

use super::event::{Fault, Head};
use super::key::{Key, Print};
use super::log::Item;
use super::shelf::Want;
use super::start::kept_since;
use super::store::{Opened, Store};
use super::told::{By, Note, Told};
use super::wishes::{CacheUse, Wishes};
use super::{Refused, Replay, tenant};
use crate::answer::Embedding;
use crate::ask::EmbedAsk;
use crate::error::Error;
use crate::gateway::Gateway;

type Run = Opened<Vectors, Fault>;
type Runs = BoxStream<'static, Result<Vectors, Fault>>;

/// An answer, and who gave it.
#[derive(Clone, Debug)]
struct Vectors {
    head: Arc<Head>,
    embedding: Arc<Embedding>,
}

/// Texts that can be asked about without their caller.
#[derive(Clone)]
struct Texts {
    gateway: Arc<Gateway>,
    ask: Arc<EmbedAsk>,
    call: Call,
}

// === impl Replay ===

impl Replay {
    /// Asks for the vectors of texts. Dropping the future is leaving: it ends the call unless others wait for it, too.
    ///
    /// # Errors
    /// Those of [`Gateway::embed`], and [`Error::Replay`].
    pub async fn embed(&self, ask: EmbedAsk, wishes: Wishes, call: Call) -> Result<Told<Embedding>, Error> {
        if wishes.is_plain() {
            return Ok(Told::plain(self.gateway.embed(&ask, call).await?));
        }
        let ask = Arc::new(ask);
        let texts =
            Texts { gateway: Arc::clone(&self.gateway), ask: Arc::clone(&ask), call: call.detached() };
        let Some((mut run, note)) = self.vectors(texts, &wishes, &call)? else {
            return Ok(Told::plain(self.gateway.embed(&ask, call).await?));
        };
        match run.next().await {
            Some(Ok((_, made))) => Ok(note.tell(&made.head, Embedding::clone(&made.embedding))),
            Some(Err(fault)) => Err(fault.before_any_answer()),
            None => Err(Error::Replay(Refused::Lost)),
        }
    }

    /// A reader of the call that this one is; `None` where it can only be a call of its own.
    fn vectors(&self, texts: Texts, wishes: &Wishes, call: &Call) -> Result<Option<(Run, Note)>, Refused> {
        let (tenant, print) = (tenant(call), Print::of_texts(&texts.ask));
        let want = |key, max_age, fresh| Want { key, print, max_age, fresh, grace: wishes.grace };
        let key = |key: &str| Key::Repeat { tenant: Arc::clone(&tenant), key: key.into() };
        let repeat = wishes.key.as_deref().map(|said| want(key(said), None, false));
        let fresh = wishes.cache == CacheUse::Refresh;
        let exact = want(Key::Exact { tenant: Arc::clone(&tenant), print }, wishes.max_age, fresh);
        if wishes.only_kept {
            let exact = (wishes.cache != CacheUse::Off).then_some(exact);
            return self.store.kept(repeat, exact, wishes.cache).map(Some);
        }
        let (run, by) = match (repeat, wishes.cache) {
            (Some(repeat), CacheUse::Off) => {
                (self.store.open(repeat, || texts.made())?, By::IdempotencyKey(CacheUse::Off))
            }
            (Some(repeat), cache) => {
                let store = Arc::clone(&self.store);
                (self.store.open(repeat, || texts.made_by_cache(store, exact))?, By::IdempotencyKey(cache))
            }
            (None, _) => match self.store.open(exact, || texts.made()) {
                Ok(run) => (run, By::Question),
                Err(_too_large) => return Ok(None),
            },
        };
        let source = run.source;
        Ok(Some((run, Note { source, by, from_start: true })))
    }
}

// === impl Texts ===

impl Texts {
    /// Asks the gateway.
    fn made(self) -> Runs {
        let Texts { gateway, ask, call } = self;
        let begin = async move {
            let (head, embedding) = Head::of(gateway.embed(&ask, call).await.map_err(Fault::Refused)?);
            Ok(Vectors { head, embedding: Arc::new(embedding) })
        };
        stream::once(begin).boxed()
    }

    /// Asks the cache first. An answer that was kept says since when.
    fn made_by_cache(self, store: Arc<Store>, exact: Want) -> Runs {
        let begin = async move {
            let mut run: Run = match store.open(exact, || self.clone().made()) {
                Ok(run) => run,
                Err(_too_large) => return self.made().next().await.unwrap_or(Err(Fault::Lost)),
            };
            let since = kept_since(run.source);
            let (_, made) = run.next().await.unwrap_or(Err(Fault::Lost))?;
            Ok(Vectors { head: Arc::new(made.head.kept_since(since)), ..made })
        };
        stream::once(begin).boxed()
    }
}

// === impl Vectors ===

impl Item for Vectors {
    fn weight(&self) -> usize {
        let numbers: usize = self.embedding.vectors.iter().map(Vec::len).sum();
        let lists = self.embedding.vectors.len() * size_of::<Vec<f32>>();
        size_of::<Self>() + self.head.weight() + lists + numbers * size_of::<f32>()
    }

    fn is_last(&self) -> bool {
        true
    }
}
