//! Physical lines of a file, one at a time, in a buffer that never outgrows [`Lines::LIMIT`].
//!
//! A record is one line: the source never breaks a line inside a quoted field, and a quote that opens and does not
//! close must cost that one record and not all that follow up to the next quote.

use std::io::{self, BufRead, BufReader, Read};

/// Reads lines ended by LF or CR LF; the last one may lack its end.
pub struct Lines<R> {
    reader: BufReader<R>,
    line: Vec<u8>,
    number: u64,
    oversized: bool,
}

impl<R: Read> Lines<R> {
    /// The longest line taken, in bytes. Measured lines are below 400; a longer one than this is not a record.
    pub const LIMIT: usize = 8 * 1024;

    /// Starts before the first line.
    pub fn new(reader: R) -> Self {
        Self { reader: BufReader::with_capacity(256 * 1024, reader), line: Vec::new(), number: 0, oversized: false }
    }

    /// Moves to the next line; `false` at the end of the file.
    pub fn advance(&mut self) -> io::Result<bool> {
        self.line.clear();
        self.oversized = false;
        let mut started = false;
        loop {
            let chunk = self.reader.fill_buf()?;
            if chunk.is_empty() {
                break;
            }
            started = true;
            let end = memchr::memchr(b'\n', chunk);
            let piece = &chunk[..end.unwrap_or(chunk.len())];
            let room = Self::LIMIT - self.line.len();
            self.oversized |= piece.len() > room;
            self.line.extend_from_slice(&piece[..piece.len().min(room)]);
            let used = piece.len() + usize::from(end.is_some());
            self.reader.consume(used);
            if end.is_some() {
                break;
            }
        }
        if self.line.last() == Some(&b'\r') {
            self.line.pop();
        }
        self.number += u64::from(started);
        Ok(started)
    }

    /// The bytes of the line without its end; the first [`Lines::LIMIT`] of them when it is oversized.
    pub fn line(&self) -> &[u8] {
        &self.line
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
}
