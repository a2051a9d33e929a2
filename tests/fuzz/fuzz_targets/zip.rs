//! Any bytes as a yearly file: refused with a sentence, or every row accounted for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use toronto311_fuzz::conservation;

fuzz_target!(|file: &[u8]| {
    let _ = conservation::check("SR2024.zip", file);
});
