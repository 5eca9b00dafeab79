//! Who may say how important a call is: the one table, for REST and gRPC alike.
//!
//! At the mesh's door anybody may call himself less important than others, and only operators more: were it otherwise,
//! everybody would be critical. Services behind the door believe what they are told.

use bsm_stack::Priority;

/// Who asks at the door, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// Anybody.
    Client,
    /// Somebody who showed the operator's token.
    Operator,
    /// The same, to operate the mesh: an rpc of the scope admin or publish.
    Operating,
}

/// How important a call is that says this of itself.
pub fn judged(claimed: Option<Priority>, asker: Asker) -> Priority {
    match (claimed, asker) {
        (Some(Priority::Batch), _) => Priority::Batch,
        (Some(Priority::Critical), Asker::Client) => Priority::Normal,
        (Some(claimed), _) => claimed,
        (None, Asker::Client | Asker::Operator) => Priority::Normal,
        (None, Asker::Operating) => Priority::Critical, // what mends an overload must get through it
    }
}

#[cfg(test)]
mod tests {
    use bsm_stack::Priority::{Batch, Critical, Normal};

    use super::*;

    #[test]
    fn anybody_may_be_less_important_and_only_operators_more() {
        for (claimed, as_client, as_operator, operating) in [
            (None, Normal, Normal, Critical),
            (Some(Batch), Batch, Batch, Batch),
            (Some(Normal), Normal, Normal, Normal),
            (Some(Critical), Normal, Critical, Critical),
        ] {
            let judged =
                [Asker::Client, Asker::Operator, Asker::Operating].map(|asker| judged(claimed, asker));
            assert_eq!(judged, [as_client, as_operator, operating], "{claimed:?}");
        }
    }
}
