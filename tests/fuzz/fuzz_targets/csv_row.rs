//! Any bytes below a good header: every row accounted for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use toronto311_fuzz::conservation::{self, HEADER};

fuzz_target!(|body: &[u8]| {
    let file = [HEADER, b"\n", body].concat();
    assert!(conservation::check("SR2024.csv", &file).is_ok());
});
