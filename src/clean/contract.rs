//! The data contract as a table: what a yearly file may hold, and what a break does.
//!
//! [`RULES`] is what people read of it, on the site and in `CONTRACT.md`, which is generated from it; [`Column`] and
//! [`Reason`] are what the code works with, and tests hold the two together. A break that is not listed here is never
//! mended silently: the row goes to quarantine with its reason, and a file without a column that is needed is refused
//! whole.

use serde::{Deserialize, Serialize};

/// The nine columns that are needed, in the order of the City's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Local time at which the request was made.
    CreationDate,
    /// The state at the time of publication.
    Status,
    /// An FSA, or the word `Intersection`.
    Fsa,
    /// First street of an intersection.
    Street1,
    /// Second street of an intersection.
    Street2,
    /// `Name (NN)`.
    Ward,
    /// What was asked for.
    RequestType,
    /// The City division in charge.
    Division,
    /// The part of the division.
    Section,
}

impl Column {
    /// All of them, in the order of the City's files.
    pub const ALL: [Self; 9] = [
        Self::CreationDate,
        Self::Status,
        Self::Fsa,
        Self::Street1,
        Self::Street2,
        Self::Ward,
        Self::RequestType,
        Self::Division,
        Self::Section,
    ];

    /// The names under which it occurs: first the one in the files, then those of the City's documentation.
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Self::CreationDate => &["Creation Date", "Service Request Creation Date and Time"],
            Self::Status => &["Status", "Service Request Status"],
            Self::Fsa => &["First 3 Chars of Postal Code"],
            Self::Street1 => &["Intersection Street 1"],
            Self::Street2 => &["Intersection Street 2"],
            Self::Ward => &["Ward"],
            Self::RequestType => &["Service Request Type", "Request Type"],
            Self::Division => &["Division"],
            Self::Section => &["Section"],
        }
    }
}

/// Why a row is in quarantine. A row has one reason: the first that applies in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The line is longer than 8 KiB.
    Oversized,
    /// The line has a NUL byte.
    BadEncoding,
    /// The header again.
    RepeatedHeader,
    /// A quote opens and does not close.
    BadQuote,
    /// Fewer or more fields than the header, and none of the documented unquoted commas.
    BadWidth,
    /// Not `YYYY-MM-DD HH:MM:SS`, or no such day or time.
    BadDate,
    /// A date in a year before the file's.
    DateOutsideFile,
    /// A date in a year after the file's.
    FutureDate,
    /// No request type.
    BadType,
    /// Neither a ward nor an FSA: the row is on no map.
    NoArea,
}

impl Reason {
    /// All, in the order in which they are looked for.
    pub const ALL: [Self; 10] = [
        Self::Oversized,
        Self::BadEncoding,
        Self::RepeatedHeader,
        Self::BadQuote,
        Self::BadWidth,
        Self::BadDate,
        Self::DateOutsideFile,
        Self::FutureDate,
        Self::BadType,
        Self::NoArea,
    ];

    /// How many times the budget of other reasons this one has.
    pub fn budget_factor(self) -> f64 {
        if self == Self::NoArea { 20.0 } else { 1.0 }
    }

    /// The word in data and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Oversized => "oversized",
            Self::BadEncoding => "bad_encoding",
            Self::RepeatedHeader => "repeated_header",
            Self::BadQuote => "bad_quote",
            Self::BadWidth => "bad_width",
            Self::BadDate => "bad_date",
            Self::DateOutsideFile => "date_outside_file",
            Self::FutureDate => "future_date",
            Self::BadType => "bad_type",
            Self::NoArea => "no_area",
        }
    }
}

/// What a break of a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnBreak {
    /// The file is refused; the last release stays.
    Stop,
    /// The value is put right, and the row counted as repaired where that is more than folding case and blanks.
    Repair,
    /// The row is kept aside, raw, with this reason.
    Quarantine(Reason),
    /// The row is accepted without the value, and it is said in the summary.
    Warn,
}

impl OnBreak {
    /// For people.
    pub fn text(self) -> String {
        match self {
            Self::Stop => "stop the file".to_owned(),
            Self::Repair => "repair".to_owned(),
            Self::Quarantine(reason) => format!("quarantine as {}", reason.as_str()),
            Self::Warn => "accept and report".to_owned(),
        }
    }
}

/// One line of the contract.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// What it is about: a column by its name, or the file or line as a whole.
    pub about: &'static str,
    /// What is allowed.
    pub allowed: &'static str,
    /// What else than that does.
    pub on_break: OnBreak,
    /// Why, with what was measured in files of 2010 to 2026.
    pub why: &'static str,
}

const fn rule(about: &'static str, allowed: &'static str, on_break: OnBreak, why: &'static str) -> Rule {
    Rule { about, allowed, on_break, why }
}

/// The contract. Within lines, in the order in which rules are applied: a row has one reason, the first.
#[rustfmt::skip]
pub const RULES: [Rule; 30] = [
    rule("file", "a CSV, or a ZIP with one CSV; at most 2 GiB inflated", OnBreak::Stop,
        "what it is decides its content, not its name: a ZIP was published under a name that ends in .csv"),
    rule("file", "not damaged: complete, with the ZIP's checksum", OnBreak::Stop,
        "half a year looks like a quiet year"),
    rule("header", "the nine columns, in any order, by their names or by those of the City's documentation", OnBreak::Stop,
        "the same nine names in all years seen; the documentation has other ones"),
    rule("header", "a comma between the names", OnBreak::Stop,
        "another separator has never been seen; guessing it would guess at everything"),
    rule("header", "no other columns", OnBreak::Warn,
        "none has been seen; values of a new column are dropped"),
    rule("line", "at most 8 KiB", OnBreak::Quarantine(Reason::Oversized),
        "the longest measured is below 400 bytes; a line ends where it ends, so memory does not grow with it"),
    rule("line", "no NUL", OnBreak::Quarantine(Reason::BadEncoding),
        "none has been seen; a text with NUL was cut or mixed up by someone"),
    rule("line", "not the header again", OnBreak::Quarantine(Reason::RepeatedHeader),
        "none has been seen; it is what joining files leaves behind"),
    rule("line", "quotes that close in the same line", OnBreak::Quarantine(Reason::BadQuote),
        "2010 to 2013 have quotes around all values, later years none; one open quote must not swallow the lines after it"),
    rule("line", "as many fields as the header, or one more where a documented value holds a comma", OnBreak::Quarantine(Reason::BadWidth),
        "from 2021 on values are not quoted: 134,296 lines of 2022 to 2025, 7.5 %, have ten fields"),
    rule("line", "blank lines are no rows", OnBreak::Warn,
        "counted, so that physical lines can be accounted for"),
    rule("Division", "Parks, Forestry & Recreation · Environment, Climate & Forestry: whole", OnBreak::Repair,
        "98,077 rows of 2022 to 2024 and 36,174 of 2025 are published with the comma unquoted"),
    rule("Section", "Transfer, Disposal & Operations of Solid Waste Management Services: whole", OnBreak::Repair,
        "45 rows of 2022 to 2025 are published with the comma unquoted"),
    rule("any text", "UTF-8, or Windows-1252 where it is not", OnBreak::Repair,
        "files to 2024 are UTF-8, 2025 is Latin-1 and 2026 Windows-1252; decided value by value, as one text may be in the other"),
    rule("any text", "single blanks, none around", OnBreak::Repair,
        "street names have double blanks; labels that differ by them are one"),
    rule("Creation Date", "YYYY-MM-DD HH:MM:SS with an optional fraction: a local time that exists", OnBreak::Quarantine(Reason::BadDate),
        "seven digits of fraction in all years; 0 unparseable of 3,027,264 rows"),
    rule("Creation Date", "not before the file's year", OnBreak::Quarantine(Reason::DateOutsideFile),
        "every date of 2010 to 2013 and 2022 to 2025 falls into its file's year"),
    rule("Creation Date", "not after the file's year", OnBreak::Quarantine(Reason::FutureDate),
        "no future dates have been seen"),
    rule("Service Request Type", "a letter or a digit at least", OnBreak::Quarantine(Reason::BadType),
        "never blank in 3,027,264 rows"),
    rule("Service Request Type", "spellings of one label are one type", OnBreak::Repair,
        "14 pairs among 952 labels differ only by case, spacing or punctuation"),
    rule("Service Request Type", "at most 20,000 different ones, with their divisions and sections, in a file", OnBreak::Stop,
        "952 in five years; a file with more has something else in this column"),
    rule("Service Request Type", "a type of the release before", OnBreak::Warn,
        "types come and go; a new one passes through and is reported"),
    rule("Ward", "Name (NN), a pair of the 44-ward or the 25-ward model", OnBreak::Warn,
        "43 of 2,225,151 rows of 2022 to 2026 have no ward; such rows count by their FSA"),
    rule("Ward", "Etobicoke North (01): of the model that most other wards in the file's first 1,000 lines have", OnBreak::Repair,
        "the one pair of name and number that is in both models; 2018 was published with 44 wards first, then with 25. \
         Where no other ward tells, 44 to 2017 and 25 from 2018"),
    rule("First 3 Chars of Postal Code", "M, digit, letter, in either case; or Intersection", OnBreak::Warn,
        "8 % to 16 % of the rows are at an intersection; such rows count by their ward"),
    rule("Ward, First 3 Chars of Postal Code", "at least one of the two", OnBreak::Quarantine(Reason::NoArea),
        "31 of 4,942,184 rows of 2014 to 2025 have neither and are void: they are on no map"),
    rule("Status", "Completed, Closed, Cancelled, In Progress, New, Initiated, Unknown, in their nine spellings", OnBreak::Warn,
        "the words changed at 2022-01-01; an unknown word is accepted as unknown and reported"),
    rule("Intersection Street 1, 2", "any text, or none", OnBreak::Warn,
        "the second is blank on some rows where the first is not"),
    rule("whole row", "equal rows are kept", OnBreak::Warn,
        "about 0.08 % of rows repeat another to the second; without an id they may be two people"),
    rule("file", "each reason for at most 0.1 % of its rows, no_area for 2 %", OnBreak::Stop,
        "more is a change of the source, not bad rows; a setting, and never less than 10 rows. Void rows are a known kind: \
         1.04 % of the forestry rows of 2015"),
];

/// The contract as Markdown: the text of `CONTRACT.md`.
pub fn markdown() -> String {
    let mut text =
        "# Data contract\n\nGenerated by `toronto311 contract` from the table in `contract.rs`; do not edit.\n\n\
                    | about | allowed | otherwise | why |\n|--|--|--|--|\n"
            .to_owned();
    for Rule { about, allowed, on_break, why } in RULES {
        text.push_str(&format!("| {about} | {allowed} | {} | {why} |\n", on_break.text()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_rule_in_the_order_of_application() {
        let of_rules: Vec<_> = RULES
            .iter()
            .filter_map(|rule| match rule.on_break {
                OnBreak::Quarantine(reason) => Some(reason),
                _ => None,
            })
            .collect();
        assert_eq!(of_rules, Reason::ALL);
        for reason in Reason::ALL {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        }
    }

    #[test]
    fn every_column_has_a_rule() {
        for column in Column::ALL {
            let name = column.names()[0].trim_end_matches(" 1").trim_end_matches(" 2");
            assert!(RULES.iter().any(|rule| rule.about.contains(name)), "{name}");
        }
    }

    #[test]
    fn the_document_is_generated() {
        assert_eq!(markdown(), include_str!("CONTRACT.md"), "run `toronto311 contract > src/clean/CONTRACT.md`");
    }
}
