//! Any bytes as the last fields of a line: only the three documented commas are put right.
#![no_main]

use libfuzzer_sys::fuzz_target;
use toronto311_fuzz::conservation::{self, HEADER};

const BEFORE: &[u8] = b"2024-05-06 07:08:09.0000000,New,M4C,,,Davenport (09),Noise,";

/// Whether the contract accepts these fields after the type, and whether as a repair.
fn expected(tail: &[u8]) -> (u64, u64) {
    let fields: Vec<_> = tail.split(|byte| *byte == b',').map(|field| field.trim_ascii()).collect();
    match fields[..] {
        [_, _] => (1, 0),
        [b"Parks", b"Forestry & Recreation", _]
        | [b"Environment", b"Climate & Forestry", _]
        | [b"Solid Waste Management Services", b"Transfer", b"Disposal & Operations"] => (1, 1),
        _ => (0, 0),
    }
}

fuzz_target!(|tail: &[u8]| {
    if tail.len() > 4000 || tail.iter().any(|byte| b"\"\n\0".contains(byte)) {
        return;
    }
    let file = [HEADER, b"\n", BEFORE, tail].concat();
    let summary = conservation::check("SR2024.csv", &file).expect("the header is good");
    assert_eq!((summary.accepted, summary.repaired), expected(tail));
});
