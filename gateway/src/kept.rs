//! Answers that are the same for everybody: kept for a while, and still there when their service is not.
//!
//! Which rpcs those are is one table. Nothing else of the gateway knows that an answer was not asked for just now, but
//! for one thing: an answer that is older than it should be says so in its headers ([`mark`]).

mod question;
mod watch;

use std::{collections::HashMap, sync::Arc, time::Duration};

use bsm_runtime::{client::BadUrl, process::Process, status};
use bsm_stack::cache::{Cache, Config, LoadError};
use http::{HeaderMap, HeaderValue, header};
use prost_reflect::DynamicMessage;
use tonic::{Code, Status};

use crate::{
    routes::{Rpc, Table},
    transcode::Way,
    upstream::Upstreams,
};
use question::Question;

/// Says that an answer is older than it should be.
const STALE: &str = "x-bsm-stale";

/// The caches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shelf {
    /// What the registry says of its agents.
    Registry,
    /// Documents.
    Knowledge,
    /// Models and providers.
    Providers,
}

/// Whether an answer is loaded before anybody asks, so that it is known should its service be away by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ahead {
    /// It is: the answer to the request without parameters.
    Yes,
    No,
}

/// What is kept, and where. Only reads whose answer depends on nothing but the request: not on who asks, because the
/// gate decides about that before anybody gets here, and not on anything that the watch of the shelf does not tell: what
/// an agent is doing is asked each time.
const KEPT: [(&str, Shelf, Ahead); 5] = [
    ("/bsm.registry.v1.RegistryService/ListAgents", Shelf::Registry, Ahead::Yes),
    ("/bsm.knowledge.v1.KnowledgeService/ListDocuments", Shelf::Knowledge, Ahead::Yes),
    ("/bsm.knowledge.v1.KnowledgeService/GetDocument", Shelf::Knowledge, Ahead::No),
    ("/bsm.models.v1.ModelService/ListModels", Shelf::Providers, Ahead::Yes),
    ("/bsm.models.v1.ModelService/ListProviders", Shelf::Providers, Ahead::Yes),
];

/// Changes that come through here, and where they show. Who makes one is not to read afterwards what was before it; the
/// watch would tell a moment later.
const CHANGED_BY: [(&str, Shelf); 3] = [
    ("/bsm.knowledge.v1.KnowledgeService/AddDocument", Shelf::Knowledge),
    ("/bsm.knowledge.v1.KnowledgeService/ReplaceDocument", Shelf::Knowledge),
    ("/bsm.knowledge.v1.KnowledgeService/DeleteDocument", Shelf::Knowledge),
];

/// An answer, or a refusal for good: that one is no failed load, for which an older answer would stand in.
type Answer = Arc<Result<DynamicMessage, Status>>;

type Answers = Cache<Question, Answer, Status>;

/// The answers that are kept.
pub(crate) struct Kept {
    /// In the order of [`Shelf::ALL`].
    shelves: [Answers; 3],
    /// Which rpc is kept where, and its number in questions.
    places: HashMap<String, (Shelf, usize)>,
}

/// An answer, and its age if it is older than it should be.
pub(crate) struct Told {
    pub(crate) message: DynamicMessage,
    pub(crate) stale: Option<Duration>,
}

// === impl Shelf ===

impl Shelf {
    const ALL: [Shelf; 3] = [Shelf::Registry, Shelf::Knowledge, Shelf::Providers];

    const fn name(self) -> &'static str {
        match self {
            Shelf::Registry => "registry",
            Shelf::Knowledge => "knowledge",
            Shelf::Providers => "providers",
        }
    }

    /// Watches make changes seen at once; these bounds are for when there is none. A stale answer is served at once,
    /// marked, while it is asked for again; the last number is for how long it is served although that fails.
    const fn config(self) -> Config {
        let (capacity, ttl, max_stale_on_error) = match self {
            Shelf::Registry => (256, 900, 3600),
            Shelf::Knowledge => (64, 600, 24 * 3600), // an answer may be 4 MiB
            Shelf::Providers => (16, 5, 300),         // keys cool down and come back without a word
        };
        let max_stale_on_error = Duration::from_secs(max_stale_on_error);
        Config { capacity, max_stale_on_error, ..Config::with_ttl(Duration::from_secs(ttl)) }
    }
}

// === impl Kept ===

impl Kept {
    /// Nothing yet. Follows the services until the process drains; what is to be there ahead is loaded as soon as they
    /// can be reached.
    pub(crate) fn open(process: &Process, routes: &Table, upstreams: &Upstreams) -> Result<Kept, BadUrl> {
        let ways = ways(routes, upstreams);
        let shelves = Shelf::ALL.map(|shelf| {
            let ways = Arc::clone(&ways);
            let load = move |question: Question| question.put_to(&ways);
            process.guards.cache(Cache::new(shelf.name(), shelf.config(), load))
        });
        let place = |(number, way): (usize, &Way)| {
            let (path, shelf, _) = row(&way.rpc)?;
            Some(((*path).to_owned(), (*shelf, number)))
        };
        let kept = Kept { shelves, places: ways.iter().enumerate().filter_map(place).collect() };
        watch::start(process, &kept)?;
        Ok(kept)
    }

    /// The answer to a question of a kind that is kept; `None` for others, which have to be asked.
    pub(crate) async fn ask(&self, rpc: &Rpc, message: &DynamicMessage) -> Option<Result<Told, Status>> {
        let (shelf, rpc) = *self.places.get(rpc.path.path())?;
        let (answers, question) = (self.shelf(shelf), Question::new(rpc, message));
        Some(match answers.get(&question).await {
            Ok(got) => match &*got.value {
                Ok(message) => Ok(Told { message: message.clone(), stale: got.stale }),
                Err(refusal) => {
                    answers.invalidate(&question); // not kept, and no older answer stands in for it later
                    Err(refusal.clone())
                }
            },
            Err(failure) => Err(match &*failure {
                LoadError::Failed(status) => status.clone(),
                LoadError::Lost => Status::new(Code::Internal, failure.to_string()),
            }),
        })
    }

    /// Forgets what an rpc that succeeded may have changed.
    pub(crate) fn changed_by(&self, rpc: &Rpc) {
        if let Some((_, shelf)) = CHANGED_BY.iter().find(|(path, _)| *path == rpc.path.path()) {
            self.shelf(*shelf).clear();
        }
    }

    fn shelf(&self, shelf: Shelf) -> &Answers {
        &self.shelves[shelf as usize]
    }

    /// What is to be there before anybody asks.
    fn ahead(&self, of: Shelf) -> Vec<Question> {
        let rows = KEPT.iter().filter(|(_, shelf, ahead)| *shelf == of && *ahead == Ahead::Yes);
        rows.filter_map(|(path, _, _)| Some(Question::bare(self.places.get(*path)?.1))).collect()
    }
}

/// The row of an rpc in the table.
fn row(rpc: &Rpc) -> Option<&'static (&'static str, Shelf, Ahead)> {
    KEPT.iter().find(|(path, _, _)| *path == rpc.path.path())
}

/// The ways to all that is kept, each once.
fn ways(routes: &Table, upstreams: &Upstreams) -> Arc<[Way]> {
    let mut ways = Vec::<Way>::new();
    for rpc in routes.rpcs().filter(|rpc| row(rpc).is_some()) {
        let known = ways.iter().any(|way| way.rpc.path == rpc.path);
        ways.extend(upstreams.of(rpc).filter(|_| !known).map(|edge| Way { edge, rpc: Arc::clone(rpc) }));
    }
    ways.into()
}

/// Says of an answer how old it is, in the words of HTTP: `Age` in seconds, `Warning` 110 for "stale", and, because
/// newer caches drop that one, a header of our own.
pub(crate) fn mark(headers: &mut HeaderMap, age: Duration) {
    headers.insert(header::AGE, age.as_secs().into());
    headers.insert(header::WARNING, HeaderValue::from_static("110 bsm \"Response is Stale\""));
    headers.insert(STALE, HeaderValue::from_static("true"));
}

/// Whether an older answer may stand in for this failure.
fn is_failure(status: &Status) -> bool {
    status::may_pass(status.code())
}

#[cfg(test)]
mod tests {
    use bsm_proto::api::v1::Scope;

    use super::*;

    #[test]
    fn what_is_kept_is_read_by_one_rpc_each_and_open_to_all_who_may_read() {
        let table = Table::read(bsm_proto::DESCRIPTORS).unwrap();
        for (path, shelf, _) in KEPT {
            let rpc = table.rpcs().find(|rpc| rpc.path.path() == path).unwrap_or_else(|| panic!("{path}"));
            let declared = bsm_runtime::scopes::Scopes::of_the_contract().rpc(path).unwrap();
            assert!(declared.idempotent && !declared.streams, "{path} is a read");
            assert!(matches!(rpc.scope, Scope::Open | Scope::Read), "{path} is the same for all");
            assert_eq!(Shelf::ALL[shelf as usize], shelf);
        }
    }

    #[test]
    fn what_changes_an_answer_is_an_rpc_of_the_contract_and_no_read() {
        let table = Table::read(bsm_proto::DESCRIPTORS).unwrap();
        for (path, _) in CHANGED_BY {
            let rpc = table.rpcs().find(|rpc| rpc.path.path() == path).unwrap_or_else(|| panic!("{path}"));
            assert!(matches!(rpc.scope, Scope::Publish | Scope::Admin), "{path}");
        }
    }

    #[test]
    fn a_stale_answer_says_so_in_the_words_of_http() {
        let mut headers = HeaderMap::new();
        mark(&mut headers, Duration::from_millis(90_500));
        assert_eq!(
            (&headers["age"], &headers["x-bsm-stale"]),
            (&"90".parse().unwrap(), &"true".parse().unwrap())
        );
        assert!(headers["warning"].to_str().unwrap().starts_with("110 "));
    }
}
