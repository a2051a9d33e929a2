//! Physical lines of a file, one at a time, lent from a buffer that does not grow.
//!
//! A record is one line: the source never breaks a line inside a quoted field, and a quote that opens and does not
//! close must cost that one record and not all that follow up to the next quote.

use std::io::{self, Read};
use std::ops::Range;

const BUFFER: usize = 256 * 1024;

/// Reads lines ended by LF or CR LF; the last one may lack its end.
pub struct Lines<R> {
    reader: R,
    buffer: Vec<u8>,
    /// The part of the buffer that is read and not yet handed out.
    unread: Range<usize>,
    /// The part that is the current line.
    line: Range<usize>,
    number: u64,
    oversized: bool,
}

impl<R: Read> Lines<R> {
    /// The longest line taken, in bytes. Measured lines are below 400; a longer one than this is not a record.
    pub const LIMIT: usize = 8 * 1024;

    /// Starts before the first line.
    pub fn new(reader: R) -> Self {
        Self { reader, buffer: vec![0; BUFFER], unread: 0..0, line: 0..0, number: 0, oversized: false }
    }

    /// Moves to the next line; `false` at the end of the file.
    pub fn advance(&mut self) -> io::Result<bool> {
        self.line = 0..0;
        self.oversized = false;
        // Bytes at the start of what is unread that are known to hold no end of a line.
        let mut searched = 0;
        let length = loop {
            let end = memchr::memchr(b'\n', &self.buffer[self.unread.start + searched..self.unread.end]);
            if let Some(end) = end {
                break searched + end;
            }
            // Of an endless line, one byte too many is kept: enough to know.
            self.unread.end = self.unread.end.min(self.unread.start + Self::LIMIT + 1);
            searched = self.unread.len();
            if !self.read_on()? {
                break searched;
            }
        };
        if self.unread.is_empty() {
            return Ok(false);
        }
        self.take(length);
        Ok(true)
    }

    /// Adds to what is unread; `false` when there is no more.
    fn read_on(&mut self) -> io::Result<bool> {
        self.buffer.copy_within(self.unread.clone(), 0);
        self.unread = 0..self.unread.len();
        let n = self.reader.read(&mut self.buffer[self.unread.end..])?;
        self.unread.end += n;
        Ok(n > 0)
    }

    fn take(&mut self, length: usize) {
        let start = self.unread.start;
        self.unread.start = (start + length + 1).min(self.unread.end);
        self.oversized = length > Self::LIMIT;
        self.line = start..start + length.min(Self::LIMIT);
        if self.line().last() == Some(&b'\r') {
            self.line.end -= 1;
        }
        self.number += 1;
    }

    /// The bytes of the line without its end; the first [`Lines::LIMIT`] of them when it is oversized.
    pub fn line(&self) -> &[u8] {
        &self.buffer[self.line.clone()]
    }

    /// The number of the line as an editor shows it: the header is line 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Whether the line was longer than [`Lines::LIMIT`] and was cut.
    pub fn oversized(&self) -> bool {
        self.oversized
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Vec<(u64, Vec<u8>, bool)> {
        let mut lines = Lines::new(text);
        let mut all = Vec::new();
        while lines.advance().unwrap() {
            all.push((lines.number(), lines.line().to_vec(), lines.oversized()));
        }
        all
    }

    #[test]
    fn lf_crlf_and_a_missing_last_end_are_the_same_lines() {
        let expected = vec![(1, b"a".to_vec(), false), (2, Vec::new(), false), (3, b"b".to_vec(), false)];
        for text in ["a\n\nb\n", "a\r\n\r\nb\r\n", "a\n\nb"] {
            assert_eq!(read(text.as_bytes()), expected, "{text:?}");
        }
        assert_eq!(read(b""), vec![]);
    }

    #[test]
    fn an_endless_line_is_cut_and_the_next_is_whole() {
        let mut text = vec![b'x'; 1 << 20];
        text.extend_from_slice(b"\nnext\n");
        let lines = read(&text);
        assert_eq!((lines[0].1.len(), lines[0].2), (Lines::<&[u8]>::LIMIT, true));
        assert_eq!(lines[1], (2, b"next".to_vec(), false));
    }

    #[test]
    fn a_line_is_oversized_from_the_first_byte_above_the_limit() {
        let limit = Lines::<&[u8]>::LIMIT;
        for (length, oversized) in [(limit, false), (limit + 1, true)] {
            for end in ["", "\n"] {
                let text = "x".repeat(length) + end;
                assert_eq!(read(text.as_bytes()), [(1, vec![b'x'; limit], oversized)], "{length} {end:?}");
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn lines_are_the_same_however_they_lie_in_the_buffer(lengths in proptest::collection::vec(0..9000usize, 0..100)) {
            let lines: Vec<Vec<u8>> = lengths.iter().map(|&length| vec![b'x'; length]).collect();
            let text = lines.iter().flat_map(|line| line.iter().copied().chain([b'\n'])).collect::<Vec<_>>();
            let read: Vec<_> = read(&text).into_iter().map(|(_, line, _)| line.len()).collect();
            let expected: Vec<_> = lengths.iter().map(|&length| length.min(Lines::<&[u8]>::LIMIT)).collect();
            proptest::prop_assert_eq!(read, expected);
        }
    }
}
