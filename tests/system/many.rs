//! Many things at once, but not too many.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};

/// Does something with all items, several at a time; returns what panicked, with its name.
pub fn for_all<T: Sync>(items: &[T], work: impl Fn(&T) + Sync, name: impl Fn(&T) -> String + Sync) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    let worker = || {
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            let _slot = Slot::take();
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| work(item))) {
                failures.lock().unwrap().push(format!("\n--- {}: {}", name(item), text_of(&*panic)));
            }
        }
    };
    std::thread::scope(|scope| (0..SLOTS).for_each(|_| drop(scope.spawn(worker))));
    failures.into_inner().unwrap()
}

fn text_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

/// Most cases wait for a timeout most of the time; more of them at once than this and they would wait for each other,
/// which looks like a stalled source.
const SLOTS: usize = 6;

/// The right to run a case: there are so many for all tests together.
pub struct Slot;

static TAKEN: (Mutex<usize>, Condvar) = (Mutex::new(0), Condvar::new());

impl Slot {
    pub fn take() -> Self {
        let free = TAKEN.1.wait_while(TAKEN.0.lock().unwrap(), |taken| *taken == SLOTS);
        *free.unwrap() += 1;
        Self
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        *TAKEN.0.lock().unwrap() -= 1;
        TAKEN.1.notify_one();
    }
}
