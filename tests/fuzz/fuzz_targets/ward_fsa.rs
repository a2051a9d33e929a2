//! Any bytes as a ward and as an FSA: what is read is what is written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use toronto311_fuzz::clean::{fields, wards};
use toronto311_fuzz::domain::WardModel;

fuzz_target!(|text: &[u8]| {
    if let Some(fsa) = fields::fsa(text) {
        assert_eq!(fsa.to_string().as_bytes(), text.to_ascii_uppercase());
        assert!(text[1].is_ascii_digit());
    }
    let text = String::from_utf8_lossy(text);
    for of_file in [WardModel::Wards44, WardModel::Wards25] {
        if let Some(ward) = wards::parse(&text, of_file) {
            let (name, number) = text.rsplit_once('(').expect("a ward has a number");
            assert!(name.trim().len() >= "Davenport".len());
            assert_eq!(number.trim().trim_end_matches(')').trim().parse(), Ok(ward.number()));
            assert!(ward.number() <= ward.model().count());
        }
    }
});
