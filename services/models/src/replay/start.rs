//! How a run begins: the question put to the gateway, or to the cache in front of it.

use std::sync::Arc;

use bsm_runtime::call::Call;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::time::Instant;

use super::event::{Event, Fault, Head};
use super::shelf::Want;
use super::store::{Opened, Source, Store};
use crate::ask::Ask;
use crate::gateway::Gateway;

/// The items of a call.
pub(super) type Events = BoxStream<'static, Result<Event, Fault>>;

/// How an answer is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    Whole,
    Streamed,
}

/// A question that can be put without its caller.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) gateway: Arc<Gateway>,
    pub(super) ask: Ask,
    pub(super) call: Call,
    pub(super) manner: Manner,
}

// === impl Start ===

impl Start {
    /// Asks the gateway.
    pub(super) fn events(self) -> Events {
        let Start { gateway, ask, call, manner } = self;
        let begin = async move {
            Ok::<Events, Fault>(match manner {
                Manner::Whole => {
                    let answered = gateway.complete(&ask, call).await.map_err(Fault::Refused)?;
                    let (head, answer) = Head::of(answered);
                    let rest: Vec<_> = answer.into_pieces().map(Event::Piece).map(Ok).collect();
                    stream::iter([Ok(Event::Began(head))].into_iter().chain(rest)).boxed()
                }
                Manner::Streamed => {
                    let answered = gateway.stream(&ask, call).await.map_err(Fault::Refused)?;
                    let (head, pieces) = Head::of(answered);
                    let rest = pieces.map_ok(Event::Piece).map_err(Fault::Broken);
                    stream::iter([Ok(Event::Began(head))]).chain(rest).boxed()
                }
            })
        };
        stream::once(begin).try_flatten().boxed()
    }

    /// Asks the cache first.
    pub(super) fn events_by_cache(self, store: Arc<Store>, exact: Want) -> Events {
        let begin = async move {
            match store.open(exact, || self.again().events()) {
                Ok(run) => read(run),
                Err(_too_large) => self.events(),
            }
        };
        stream::once(begin).flatten().boxed()
    }

    fn again(&self) -> Start {
        let Start { gateway, ask, call, manner } = self;
        Start { gateway: Arc::clone(gateway), ask: ask.clone(), call: call.clone(), manner: *manner }
    }
}

/// Since when an answer was kept, if it was.
pub(super) fn kept_since(source: Source) -> Option<Instant> {
    match source {
        Source::Kept(age) => Instant::now().checked_sub(age),
        Source::Asked | Source::Joined => None,
    }
}

/// The items of another run. An answer that was kept says since when.
fn read(run: Opened<Event, Fault>) -> Events {
    let kept_since = kept_since(run.source);
    let items = stream::unfold(run, |mut run| async move {
        let item = run.next().await?;
        Some((item.map(|(_, event)| event), run))
    });
    items
        .map_ok(move |event| match event {
            Event::Began(head) => Event::Began(Arc::new(head.kept_since(kept_since))),
            piece @ Event::Piece(_) => piece,
        })
        .boxed()
}
