//! Bytes in parts: most of a map are its boundaries, which all maps share and none has to copy.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};

/// Bytes that are sent at a time, and at most another part: a small piece is work for the connection, a large one for the
/// memory.
const PIECE: usize = 32 << 10;

/// One or more parts.
#[derive(Clone)]
pub struct Parts(Arc<[Bytes]>);

impl Parts {
    /// Of all parts.
    pub fn len(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }

    /// Whether there is nothing to put together.
    pub fn is_whole(&self) -> bool {
        self.0.len() == 1
    }

    /// In one part, which is made each time where there are several.
    pub fn whole(&self) -> Bytes {
        match &*self.0 {
            [whole] => whole.clone(),
            parts => parts.concat().into(),
        }
    }

    /// To be sent once, and put together on the way.
    pub fn body(&self) -> Body {
        Body::new(Pieces { parts: self.clone(), next: 0, left: self.len() })
    }
}

impl From<Bytes> for Parts {
    fn from(whole: Bytes) -> Self {
        Self(Arc::new([whole]))
    }
}

impl From<Vec<Bytes>> for Parts {
    fn from(parts: Vec<Bytes>) -> Self {
        Self(parts.into())
    }
}

struct Pieces {
    parts: Parts,
    /// The part that comes next.
    next: usize,
    /// Bytes that are left.
    left: usize,
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Self { parts, next, left } = &mut *self;
        let mut piece = Vec::with_capacity((*left).min(2 * PIECE));
        while piece.len() < PIECE
            && let Some(part) = parts.0.get(*next)
        {
            piece.extend_from_slice(part);
            *next += 1;
        }
        *left -= piece.len();
        Poll::Ready((!piece.is_empty()).then(|| Ok(Frame::data(piece.into()))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_sent_in_pieces_is_the_whole() {
        let parts: Vec<Bytes> = (0..200u8).map(|n| vec![n; usize::from(n) * 10].into()).collect();
        let parts = Parts::from(parts);
        let body = parts.body();
        assert_eq!(http_body::Body::size_hint(&body).exact(), Some(199_000));
        assert_eq!(axum::body::to_bytes(body, usize::MAX).await.unwrap(), parts.whole());
    }
}
