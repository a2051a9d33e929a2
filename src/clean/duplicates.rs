//! Rows that repeat another row of the same second, byte for byte. They are kept, and counted.

use std::collections::HashSet;

use jiff::civil::DateTime;

/// Distinct rows of one second that are remembered; the busiest second measured has far fewer.
const REMEMBERED: usize = 10_000;

/// Compares each row with those before it that have the same second. The City's files are ordered by time, so these are
/// all rows that can be equal, and memory does not grow with the file.
#[derive(Default)]
pub struct Duplicates {
    second: DateTime,
    first: Vec<u8>,
    others: HashSet<Vec<u8>>,
    /// Rows that are equal to an earlier one.
    pub surplus: u64,
}

impl Duplicates {
    /// Takes the next accepted row.
    pub fn see(&mut self, created: DateTime, line: &[u8]) {
        if created != self.second || self.first.is_empty() {
            self.second = created;
            self.first.clear();
            self.first.extend_from_slice(line);
            self.others.clear();
        } else if line == self.first || self.others.contains(line) {
            self.surplus += 1;
        } else if self.others.len() < REMEMBERED {
            self.others.insert(line.to_vec());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_rows_of_one_second_are_surplus_whatever_lies_between() {
        let mut duplicates = Duplicates::default();
        let second: DateTime = "2024-01-01T00:00:01".parse().unwrap();
        for line in ["a", "b", "a", "b", "b"] {
            duplicates.see(second, line.as_bytes());
        }
        duplicates.see("2024-01-01T00:00:02".parse().unwrap(), b"a");
        assert_eq!(duplicates.surplus, 3);
    }
}
