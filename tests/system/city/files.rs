//! Yearly files as the City makes them, small, and ZIPs as nobody should make them.

use std::io::Write;
use std::ops::RangeInclusive;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use zip::write::SimpleFileOptions;

pub const HEADER: &str = "Creation Date,Status,First 3 Chars of Postal Code,Intersection Street 1,\
                          Intersection Street 2,Ward,Service Request Type,Division,Section";

/// Enough that half a month is more than the volume guard overlooks.
const ROWS_A_DAY: usize = 4;

/// What follows the date. Two hold the commas that the City leaves unquoted, one is at an intersection, one has no
/// ward.
const KINDS: [&str; 7] = [
    "Completed,M4C,,,Beaches-East York (19),Noise,Municipal Licensing & Standards,By-Law Enforcement",
    "In Progress,M5V,,,Spadina-Fort York (10),Pothole,Transportation Services,Road Operations",
    "New,Intersection,Leslie St,Finch Ave E,Don Valley North (17),Tree Pruning,Parks, Forestry & Recreation,Forestry",
    "Completed,M1B,,,Scarborough-Rouge Park (25),Bin: Missed,Solid Waste Management Services,Collections",
    "Closed,M9W,,,Etobicoke North (01),Station,Solid Waste Management Services,Transfer, Disposal & Operations",
    "Cancelled,M6H,,,Davenport (09),Noise,Municipal Licensing & Standards,By-Law Enforcement",
    "Completed,M4C,,,,CaféTO Complaint,Transportation Services,Road Operations",
];

/// A year's CSV: the same rows for the same months.
pub fn csv(year: u16, months: RangeInclusive<i8>) -> String {
    let mut csv = format!("{HEADER}\n");
    for month in months {
        let first = jiff::civil::date(year.cast_signed(), month, 1);
        for day in 1..=first.days_in_month() {
            for n in 0..ROWS_A_DAY {
                let kind = KINDS[(usize::from(day.unsigned_abs()) * ROWS_A_DAY + n * n) % KINDS.len()];
                csv.push_str(&format!("{year}-{month:02}-{day:02} {:02}:{:02}:00.0000000,{kind}\n", 7 + n * 4, day));
            }
        }
    }
    csv
}

/// A ZIP with members, as any archiver makes it.
pub fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    zip_with(members, SimpleFileOptions::default())
}

pub fn zip_with(members: &[(&str, &[u8])], options: SimpleFileOptions) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    // A date of its own, or the bytes would depend on the day.
    let options = options.last_modified_time(zip::DateTime::default());
    for (name, bytes) in members {
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Raw DEFLATE.
pub fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Raw DEFLATE of so many MiB of zeros, without making them: one MiB, flushed to a byte's end, over and over.
pub fn deflated_zeros(mib: usize) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&vec![0; 1 << 20]).unwrap();
    encoder.flush().unwrap();
    let piece = encoder.get_ref().clone();
    let mut all = piece.repeat(mib);
    // An empty last block.
    all.extend_from_slice(&[0x03, 0x00]);
    all
}

/// A member of a ZIP with everything that a liar may say about it.
#[derive(Clone)]
pub struct Member<'a> {
    pub name: &'a [u8],
    pub flags: u16,
    /// 0 stored, 8 deflated.
    pub method: u16,
    pub crc: u32,
    /// As it is in the file.
    pub data: &'a [u8],
    /// What it is said to inflate to.
    pub inflated: u32,
    /// Unix type and permissions.
    pub mode: u16,
    /// Where its local header is said to be; where it is, if not given.
    pub offset: Option<u32>,
}

impl<'a> Member<'a> {
    /// Stored, and true in all.
    pub fn stored(name: &'a [u8], data: &'a [u8]) -> Self {
        let mut crc = flate2::Crc::new();
        crc.update(data);
        let inflated = u32::try_from(data.len()).unwrap();
        Self { name, flags: 0, method: 0, crc: crc.sum(), data, inflated, mode: 0o100_644, offset: None }
    }
}

/// A ZIP written by hand.
pub fn raw_zip(members: &[Member<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut directory = Vec::new();
    for member in members {
        let offset = member.offset.unwrap_or(u32::try_from(out.len()).unwrap());
        out.extend_from_slice(b"PK\x03\x04");
        out.extend_from_slice(&common(member));
        out.extend_from_slice(member.name);
        out.extend_from_slice(member.data);
        directory.extend_from_slice(b"PK\x01\x02\x14\x03");
        directory.extend_from_slice(&common(member));
        // No comment, first disk, no internal attributes.
        directory.extend_from_slice(&[0; 6]);
        directory.extend_from_slice(&(u32::from(member.mode) << 16).to_le_bytes());
        directory.extend_from_slice(&offset.to_le_bytes());
        directory.extend_from_slice(member.name);
    }
    let count = u16::try_from(members.len()).unwrap().to_le_bytes();
    let (start, size) = (u32::try_from(out.len()).unwrap(), u32::try_from(directory.len()).unwrap());
    out.extend_from_slice(&directory);
    out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    out.extend_from_slice(&[count, count].concat());
    out.extend_from_slice(&[size.to_le_bytes(), start.to_le_bytes()].concat());
    out.extend_from_slice(&[0, 0]);
    out
}

/// What the local header and the directory both say: version to the lengths of name and extra field.
fn common(member: &Member<'_>) -> Vec<u8> {
    let size = u32::try_from(member.data.len()).unwrap();
    let name = u16::try_from(member.name.len()).unwrap();
    let mut bytes = Vec::new();
    [20, member.flags, member.method, 0, 0x21].iter().for_each(|n: &u16| bytes.extend_from_slice(&n.to_le_bytes()));
    [member.crc, size, member.inflated].iter().for_each(|n| bytes.extend_from_slice(&n.to_le_bytes()));
    [name, 0].iter().for_each(|n| bytes.extend_from_slice(&n.to_le_bytes()));
    bytes
}
