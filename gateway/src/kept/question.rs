//! A question whose answer is kept: its rpc and its request, byte by byte.

use std::{sync::Arc, time::Duration};

use bsm_runtime::call::Call;
use bytes::Bytes;
use prost::Message as _;
use prost_reflect::DynamicMessage;
use tonic::{Response as Answered, Status};
use uuid::Uuid;

use super::{Answer, is_failure};
use crate::transcode::Way;

/// What an answer that many wait for may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is asked. Fields are encoded in the order of their numbers, so equal requests are equal bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Question {
    /// The place of the rpc among the ways.
    rpc: usize,
    request: Bytes,
}

impl Question {
    pub(super) fn new(rpc: usize, message: &DynamicMessage) -> Question {
        Question { rpc, request: message.encode_to_vec().into() }
    }

    /// The request without parameters.
    pub(super) fn bare(rpc: usize) -> Question {
        Question { rpc, request: Bytes::new() }
    }

    /// Asks, for whoever waits and under a correlation id of its own: a load serves many requests.
    pub(super) fn put_to(
        self,
        ways: &Arc<[Way]>,
    ) -> impl Future<Output = Result<Answer, Status>> + Send + use<> {
        let way = ways[self.rpc].clone();
        async move {
            let message = DynamicMessage::decode(way.rpc.input.clone(), self.request)
                .map_err(|err| Status::internal(format!("a kept request cannot be read: {err}")))?;
            let call = Call::background(&Uuid::new_v4().to_string()).within(PATIENCE);
            match way.ask(call.request(message)).await {
                Err(status) if is_failure(&status) => Err(status),
                answered => Ok(Arc::new(answered.map(Answered::into_inner))),
            }
        }
    }
}
