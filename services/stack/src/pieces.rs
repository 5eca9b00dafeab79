//! A response body in pieces of a bounded size.
//!
//! HTTP/2 takes a whole frame of a body into its buffer as soon as there is room for one byte. A large answer in one frame
//! is then as good as sent for all who watch its body, while it still waits for its turn on the connection, and so do any
//! number of others. In pieces the body goes on only as the connection takes them, and what it carries, such as a place
//! under a limit, is held until that is done.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

/// Bytes of a piece at most: one frame of HTTP/2, unless a client asks for larger ones. Connections should buffer no more
/// than a few of them for each stream.
pub const PIECE: usize = 16 * 1024;

pin_project! {
    /// A body whose frames of data are no larger than a [`PIECE`].
    #[derive(Debug)]
    pub struct Pieces<B> {
        #[pin]
        inner: B,
        rest: Bytes,
    }
}

impl<B> Pieces<B> {
    /// Cuts the frames of `inner`; nothing is copied.
    pub const fn new(inner: B) -> Self {
        Self { inner, rest: Bytes::new() }
    }
}

impl<B: Body<Data = Bytes>> Body for Pieces<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.project();
        if this.rest.is_empty() {
            match ready!(this.inner.poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => *this.rest = data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                ended => return Poll::Ready(ended),
            }
        }
        let piece = this.rest.split_to(this.rest.len().min(PIECE));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (inner, rest) = (self.inner.size_hint(), self.rest.len() as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower() + rest);
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;

    use super::*;
    use crate::testing::next;

    #[tokio::test]
    async fn a_large_frame_is_handed_out_piece_by_piece_and_ends_with_the_last() {
        let whole = Bytes::from(vec![7; 2 * PIECE + 5]);
        let mut body = Pieces::new(Full::new(whole.clone()));
        let mut sizes = vec![];
        while !body.is_end_stream() {
            assert_eq!(body.size_hint().exact(), Some((whole.len() - sizes.iter().sum::<usize>()) as u64));
            sizes.push(
                next(&mut body).await.expect("a frame").expect("data").into_data().expect("data").len(),
            );
        }
        assert_eq!(sizes, [PIECE, PIECE, 5]);
    }
}
