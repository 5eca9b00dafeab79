//! A handler that panics fails its own call, as it does on a connection, where each call is a task of its own.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::Response;
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tonic::{Code, Status, body::Body};

use crate::status::Refusal;

/// The answer, with `staying` kept until it has been read or is not wanted any more.
pub(super) async fn answer(
    answer: impl Future<Output = Response<Body>> + Send,
    staying: TaskTrackerToken,
) -> Response<Body> {
    match AssertUnwindSafe(answer).catch_unwind().await {
        Ok(mut response) => {
            response.extensions_mut().clear(); // the callee's notes
            response.map(|inner| Body::new(Contained { inner, staying: Some(staying) }))
        }
        Err(_) => panicked().into_http(),
    }
}

/// The panic itself is in the log, told by the hook for panics.
fn panicked() -> Status {
    Refusal::new(Code::Internal, "INTERNAL", "the call failed inside the mesh; the log has the cause").into()
}

pin_project! {
    struct Contained {
        #[pin]
        inner: Body,
        staying: Option<TaskTrackerToken>,
    }
}

impl http_body::Body for Contained {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.project();
        if this.staying.is_none() {
            return Poll::Ready(None);
        }
        let inner = this.inner;
        let frame = catch_unwind(AssertUnwindSafe(|| inner.poll_frame(cx)))
            .unwrap_or_else(|_| Poll::Ready(Some(Err(panicked()))));
        if matches!(frame, Poll::Ready(None | Some(Err(_)))) {
            *this.staying = None; // nothing comes after this
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.staying.is_none() || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
