//! Bytes in parts: most of a map are its boundaries, which all maps share and none has to copy.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};

use crate::choropleth::geojson::Joined;

/// Bytes that are sent at a time, and at most another part: a small piece is work for the connection, a large one for the
/// memory.
const PIECE: usize = 64 << 10;

/// Text with others' parts in it, if any.
#[derive(Clone)]
pub struct Parts {
    text: Bytes,
    /// Where in the text each of the others' parts belongs.
    ends: Arc<[usize]>,
    others: Arc<[String]>,
    len: usize,
}

impl Parts {
    /// Of all parts.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is nothing to put together.
    pub fn is_whole(&self) -> bool {
        self.ends.is_empty()
    }

    /// In one part, which is made each time where there are several.
    pub fn whole(&self) -> Bytes {
        if self.is_whole() { self.text.clone() } else { self.iter().collect::<Vec<_>>().concat().into() }
    }

    /// To be sent once, and put together on the way.
    pub fn body(&self) -> Body {
        Body::new(Pieces { parts: self.clone(), next: 0, left: self.len() })
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..).map_while(|n| self.get(n))
    }

    /// The nth part: of the text, then of another, by turns.
    fn get(&self, n: usize) -> Option<&[u8]> {
        let before = n / 2;
        if n % 2 == 1 {
            return self.others.get(before).map(String::as_bytes).filter(|_| before < self.ends.len());
        }
        let start = before.checked_sub(1).map_or(Some(0), |last| self.ends.get(last).copied())?;
        let end = self.ends.get(before).copied().unwrap_or(self.text.len());
        self.text.get(start..end)
    }
}

impl From<Bytes> for Parts {
    fn from(whole: Bytes) -> Self {
        Self { len: whole.len(), text: whole, ends: Arc::default(), others: Arc::default() }
    }
}

impl From<Joined> for Parts {
    fn from(Joined { text, ends, areas }: Joined) -> Self {
        let of_areas: usize = areas.iter().take(ends.len()).map(String::len).sum();
        Self { len: text.len() + of_areas, text: text.into(), ends: ends.into(), others: areas }
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
            && let Some(part) = parts.get(*next)
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
        let areas: Vec<String> = (0..100).map(|n| "area ".repeat(n * 4)).collect();
        let text = b"0123456789".repeat(100);
        let joined = Joined { text, ends: (1..=100).map(|n| n * 9).collect(), areas: areas.into() };
        let whole: String =
            (0..100).map(|n| format!("{}{}", &"0123456789".repeat(2)[n * 9 % 10..][..9], joined.areas[n])).collect();
        let parts = Parts::from(joined);
        assert_eq!(parts.whole(), whole + &"0123456789".repeat(10));
        let body = parts.body();
        assert_eq!(http_body::Body::size_hint(&body).exact(), Some(100_000));
        assert_eq!(axum::body::to_bytes(body, usize::MAX).await.unwrap(), parts.whole());
    }

    #[test]
    fn a_whole_is_not_copied() {
        let whole = Bytes::from_static(b"whole");
        let parts = Parts::from(whole.clone());
        assert_eq!((parts.is_whole(), parts.len(), parts.whole().as_ptr()), (true, 5, whole.as_ptr()));
    }
}
