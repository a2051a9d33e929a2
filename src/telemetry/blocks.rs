//! Lines on their way to standard error.

use std::io::{self, Write};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tracing::Metadata;
use tracing_subscriber::fmt::MakeWriter;

use super::REQUEST;

/// Bytes that are written without waiting for more.
const BLOCK: usize = 32 << 10;

/// Longest that a line waits for others.
const WAIT: Duration = Duration::from_millis(100);

/// Lines that are not yet written.
#[derive(Default)]
pub(super) struct Blocks {
    waiting: Mutex<Vec<u8>>,
    /// Told when the first of them comes.
    some: Condvar,
}

impl Blocks {
    /// With a thread of its own, which sleeps while nothing is logged.
    pub(super) fn start() -> &'static Self {
        let blocks: &'static Self = Box::leak(Box::default());
        thread::spawn(|| {
            loop {
                drop(blocks.some.wait_while(blocks.waiting(), |waiting| waiting.is_empty()));
                thread::sleep(WAIT);
                blocks.write();
            }
        });
        blocks
    }

    /// Writes all that waits.
    pub(super) fn write(&self) {
        write(&mut self.waiting());
    }

    fn add(&self, line: &[u8], waits: bool) {
        let mut waiting = self.waiting();
        let first = waiting.is_empty();
        waiting.extend_from_slice(line);
        if !waits || waiting.len() >= BLOCK {
            write(&mut waiting);
        } else if first {
            self.some.notify_one();
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<u8>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write(lines: &mut Vec<u8>) {
    // There is nowhere to say that nothing can be said.
    let _ = io::stderr().write_all(lines);
    lines.clear();
}

/// Takes lines of one kind.
pub(super) struct Lines {
    blocks: &'static Blocks,
    wait: bool,
}

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.blocks.add(line, self.wait);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for &'static Blocks {
    type Writer = Lines;

    fn make_writer(&self) -> Lines {
        Lines { blocks: self, wait: false }
    }

    fn make_writer_for(&self, metadata: &Metadata<'_>) -> Lines {
        Lines { blocks: self, wait: metadata.target() == REQUEST }
    }
}
