//! The documents that were added, read from where they are kept.

use std::{collections::BTreeMap, sync::Arc};

use tracing::error;

use crate::{
    document::Document,
    store::{Revision, Store},
};

/// Makes `known` what is kept; reads those only that are not known as they are kept. Blocks.
///
/// Answers with those that cannot be read any more, because this release takes them for unusable, and their hashes.
pub(super) fn read(
    store: &Store,
    known: &mut BTreeMap<String, Arc<Document>>,
) -> rusqlite::Result<BTreeMap<String, String>> {
    let kept = store.revisions()?;
    known.retain(|id, document| kept.get(id) == Some(&revision(document)));
    let mut unread = BTreeMap::new();
    for (id, revision) in kept {
        if known.contains_key(&id) {
            continue;
        }
        let Some(draft) = store.draft(&id)? else { continue };
        match draft.read(revision.added_at_ms, &revision.added_by) {
            Ok(document) => drop(known.insert(id, Arc::new(document))),
            Err(error) => {
                error!(document = id, %error, "an added document cannot be read and is left out");
                unread.insert(id, revision.hash);
            }
        }
    }
    Ok(unread)
}

fn revision(document: &Document) -> Revision {
    Revision {
        hash: document.hash.clone(),
        added_at_ms: document.provenance.added_at_ms,
        added_by: document.provenance.added_by.clone(),
    }
}
