//! Any bytes as a date: read as written, or no date; and what another parser takes is taken.
#![no_main]

use jiff::civil::DateTime;
use libfuzzer_sys::fuzz_target;
use toronto311_fuzz::clean::fields;

fuzz_target!(|text: &[u8]| match fields::date(text) {
    Some(date) => assert_eq!(date.strftime("%Y-%m-%d %H:%M:%S").to_string().as_bytes(), &text[..19]),
    None => {
        let is_plain = |(at, byte): (usize, &u8)| match at {
            4 | 7 => *byte == b'-',
            10 => *byte == b' ',
            13 | 16 => *byte == b':',
            _ => byte.is_ascii_digit(),
        };
        // The other parser reads a second of 60 as 59.
        if text.len() == 19 && text.iter().enumerate().all(is_plain) && !text.ends_with(b"60") {
            let text = str::from_utf8(text).expect("it is plain");
            assert!(text.parse::<DateTime>().is_err(), "{text}");
        }
    }
});
