//! ZIPs, honest and not.

use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

use super::End::{Held, SameTables};
use super::{Case, case};
use crate::city::files::{Member, deflate, deflated_zeros, raw_zip, zip, zip_with};
use crate::city::{City, Edition};

/// No file may take more than this, in MB.
const MEMORY: u64 = 300;

pub fn cases() -> Vec<Case> {
    [damaged(), unusual(), names(), liars()].into_iter().flatten().collect()
}

fn damaged() -> Vec<Case> {
    vec![
        case("no byte", Held("empty"), |city| city.set_file(Vec::new())),
        case("a ZIP of nothing", Held("without a CSV"), |city| city.set_file(zip(&[]))),
        case("no ZIP and no CSV", Held(""), |city| city.set_file((0..=255).cycle().take(9999).collect())),
        case("a truncated ZIP", Held("ZIP"), |city| cut(city, |length| length / 2)),
        case("a ZIP without its last byte", Held("ZIP"), |city| cut(city, |length| length - 1)),
        case("a wrong checksum", Held("checksum"), |city| {
            city.change_zip(|csv| raw_zip(&[Member { crc: 17, ..Member::stored(b"SR2025.csv", csv) }]));
        }),
        case("damaged data", Held("damaged"), |city| {
            city.change_zip(|csv| {
                let mut bytes = zip(&[("SR2025.csv", csv)]);
                let middle = bytes.len() / 2;
                bytes[middle..middle + 20].fill(0xaa);
                bytes
            });
        }),
        case("a damaged directory", Held("ZIP"), |city| {
            city.change_zip(|csv| {
                let mut bytes = zip(&[("SR2025.csv", csv)]);
                let directory = memchr::memmem::rfind(&bytes, b"PK\x01\x02").unwrap();
                bytes[directory..directory + 30].fill(0xaa);
                bytes
            });
        }),
        case("a directory elsewhere", Held("ZIP"), |city| {
            city.change_zip(|csv| {
                let mut bytes = zip(&[("SR2025.csv", csv)]);
                let end = bytes.len() - 6;
                bytes[end..end + 4].fill(0xff);
                bytes
            });
        }),
    ]
}

fn unusual() -> Vec<Case> {
    vec![
        case("ZIP64", SameTables, |city| {
            let options = SimpleFileOptions::default().large_file(true);
            city.change_zip(|csv| zip_with(&[("SR2025.csv", csv)], options));
        }),
        case("not compressed", SameTables, |city| {
            let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
            city.change_zip(|csv| zip_with(&[("SR2025.csv", csv)], options));
        }),
        case("a CSV without a ZIP around it", SameTables, |city| city.change_zip(<[u8]>::to_vec)),
        case("encrypted", Held(""), |city| {
            city.change_zip(|csv| raw_zip(&[Member { flags: 1, ..Member::stored(b"SR2025.csv", csv) }]));
        }),
        case("a method that nobody uses", Held(""), |city| {
            city.change_zip(|csv| raw_zip(&[Member { method: 97, ..Member::stored(b"SR2025.csv", csv) }]));
        }),
        case("a ZIP in a ZIP", Held("without a CSV"), |city| {
            city.change_zip(|csv| zip(&[("SR2025.zip", &zip(&[("SR2025.csv", csv)]))]));
        }),
        case("no CSV", Held("without a CSV"), |city| city.change_zip(|csv| zip(&[("SR2025.txt", csv)]))),
        case("two CSVs", Held("2 CSVs"), |city| city.change_zip(|csv| zip(&[("a.csv", csv), ("b.csv", csv)]))),
        case("a readme beside the CSV", SameTables, |city| {
            city.change_zip(|csv| zip(&[("readme.txt", b"Hello"), ("SR2025.csv", csv)]));
        }),
        case("another thing with the ZIP behind it", SameTables, |city| {
            city.change_zip(|csv| [b"PK\x03\x04 no entry".to_vec(), zip(&[("SR2025.csv", csv)])].concat());
        }),
    ]
}

fn names() -> Vec<Case> {
    vec![
        case("a name in upper case", SameTables, |city| city.change_zip(|csv| zip(&[("SR2025.CSV", csv)]))),
        case("a name in a folder", SameTables, |city| city.change_zip(|csv| zip(&[("311/data/sr.csv", csv)]))),
        // Names are compared and never used as paths: that nothing is left behind is checked after every case.
        case("a name that climbs out", SameTables, |city| {
            city.change_zip(|csv| raw_zip(&[Member::stored(b"../../../../SR2025.csv", csv)]));
        }),
        case("an absolute name", SameTables, |city| {
            city.change_zip(|csv| raw_zip(&[Member::stored(b"/tmp/toronto311-absolute.csv", csv)]));
        })
        .also(|_| assert!(!std::path::Path::new("/tmp/toronto311-absolute.csv").exists())),
        case("a name that is no text", SameTables, |city| {
            city.change_zip(|csv| raw_zip(&[Member::stored(b"SR\xff\xfe2025.csv", csv)]));
        }),
        case("a name that is a log line", Held("without a CSV"), |city| {
            city.change_zip(|csv| raw_zip(&[Member::stored(b"a\nerror: all is well\x1b[2J", csv)]));
        })
        .also(|seen| assert!(!seen.run.errors[0].contains('\x1b'), "{:?}", seen.run.errors)),
        case("a link in place of the CSV", Held("lacks the column"), |city| {
            let link = Member { mode: 0o120_777, ..Member::stored(b"SR2025.csv", b"/etc/passwd") };
            city.change_zip(|_| raw_zip(&[link]));
        })
        .also(|seen| assert!(!seen.run.stderr.contains("root:"))),
        case("a link beside the CSV", SameTables, |city| {
            let link = Member { mode: 0o120_777, ..Member::stored(b"readme", b"/etc/passwd") };
            city.change_zip(|csv| raw_zip(&[link, Member::stored(b"SR2025.csv", csv)]));
        }),
        case("one name twice", Held("2 CSVs"), |city| {
            let old = Edition::First.csv();
            city.change_zip(|csv| {
                raw_zip(&[Member::stored(b"SR2025.csv", old.as_bytes()), Member::stored(b"SR2025.csv", csv)])
            });
        }),
    ]
}

/// Members that say one size and have another, or share their bytes. Where the one CSV comes out with its checksum,
/// what else is wrong does no harm.
fn liars() -> Vec<Case> {
    vec![
        case("said to be smaller than it is", Held(""), |city| {
            city.change_zip(|csv| {
                let data = deflate(csv);
                let member = Member::stored(b"SR2025.csv", csv);
                raw_zip(&[Member { method: 8, data: &data, inflated: 1000, ..member }])
            });
        }),
        case("said to be larger than it is", SameTables, |city| {
            city.change_zip(|csv| {
                let data = deflate(csv);
                let member = Member::stored(b"SR2025.csv", csv);
                raw_zip(&[Member { method: 8, data: &data, inflated: member.inflated + 1000, ..member }])
            });
        }),
        case("members on top of each other", SameTables, |city| {
            city.change_zip(|csv| {
                let member = Member::stored(b"SR2025.csv", csv);
                raw_zip(&[member.clone(), Member { name: b"readme1.md", offset: Some(0), ..member }])
            });
        }),
        case("a bomb that says so", Held("2147483648"), |city| bomb(city, u32::MAX - 1)).also(|seen| {
            seen.within(20);
            assert!(seen.run.peak_mb < MEMORY, "{:#?}", seen.run);
        }),
        case("a bomb that says it is small", Held(""), |city| bomb(city, 1000)).also(|seen| {
            seen.within(20);
            assert!(seen.run.peak_mb < MEMORY, "{:#?}", seen.run);
        }),
    ]
}

fn cut(city: &City, to: fn(usize) -> usize) {
    city.change_zip(|csv| {
        let mut bytes = zip(&[("SR2025.csv", csv)]);
        bytes.truncate(to(bytes.len()));
        bytes
    });
}

/// 10 GiB in 10 MB: refused long before its end.
fn bomb(city: &City, said: u32) {
    let data = deflated_zeros(10 << 10);
    let member = Member::stored(b"SR2025.csv", &data);
    city.change_zip(|_| raw_zip(&[Member { method: 8, crc: 0, inflated: said, ..member }]));
}
