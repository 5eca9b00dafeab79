//! One rpc and the way to whoever serves it, whatever its messages are.

use std::sync::Arc;

use bsm_runtime::{client::Edge, server::MESSAGE_LIMIT};
use prost_reflect::DynamicMessage;
use tonic::{Request, Response, Status, Streaming, client::Grpc};

use super::codec::DynamicCodec;
use crate::routes::Rpc;

/// One rpc and the way to it.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    pub(crate) edge: Edge,
    pub(crate) rpc: Arc<Rpc>,
}

impl Way {
    /// Calls it once. Cancelled with the future.
    pub(crate) async fn ask(
        self,
        request: Request<DynamicMessage>,
    ) -> Result<Response<DynamicMessage>, Status> {
        let (mut client, codec) = self.ready().await?;
        client.unary(request, self.rpc.path.clone(), codec).await
    }

    pub(crate) async fn stream(
        self,
        request: Request<DynamicMessage>,
    ) -> Result<Response<Streaming<DynamicMessage>>, Status> {
        let (mut client, codec) = self.ready().await?;
        client.server_streaming(request, self.rpc.path.clone(), codec).await
    }

    async fn ready(&self) -> Result<(Grpc<Edge>, DynamicCodec), Status> {
        let client = Grpc::new(self.edge.clone()).max_decoding_message_size(MESSAGE_LIMIT);
        let mut client = client.max_encoding_message_size(MESSAGE_LIMIT);
        client.ready().await?;
        Ok((client, DynamicCodec { output: self.rpc.output.clone() }))
    }
}
