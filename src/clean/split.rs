//! One line into fields: RFC 4180 quoting within the line, without copying.

use std::borrow::Cow;
use std::ops::Range;

/// A quote that opens and does not close, or is followed by something other than a comma.
#[derive(Debug, PartialEq, Eq)]
pub struct BadQuote;

/// Where the fields of the last line split lie in it; kept from line to line so that nothing is allocated.
#[derive(Default)]
pub struct Fields {
    spans: Vec<Span>,
}

#[derive(Clone)]
struct Span {
    range: Range<usize>,
    /// Holds doubled quotes that stand for one.
    escaped: bool,
}

impl Fields {
    /// How many fields the line has.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// The field at an index without its quotes and with no blanks around; empty when there is none.
    #[inline]
    pub fn get<'a>(&self, line: &'a [u8], index: usize) -> Cow<'a, [u8]> {
        let Some(span) = self.spans.get(index) else { return Cow::Borrowed(&[]) };
        let bytes = line[span.range.clone()].trim_ascii();
        if span.escaped { Cow::Owned(undouble(bytes)) } else { Cow::Borrowed(bytes) }
    }

    /// The bytes of the line from the start of one field to the end of a later one, commas included.
    pub fn joined<'a>(&self, line: &'a [u8], first: usize, last: usize) -> &'a [u8] {
        match (self.spans.get(first), self.spans.get(last)) {
            (Some(a), Some(b)) => line[a.range.start..b.range.end].trim_ascii(),
            _ => &[],
        }
    }

    /// Finds the fields of a line.
    pub fn split(&mut self, line: &[u8]) -> Result<(), BadQuote> {
        self.spans.clear();
        if memchr::memchr(b'"', line).is_none() {
            self.split_plain(line);
            return Ok(());
        }
        let mut at = 0;
        loop {
            let (range, escaped, end) = if line.get(at) == Some(&b'"') {
                quoted(line, at)?
            } else {
                let end = memchr::memchr(b',', &line[at..]).map_or(line.len(), |n| at + n);
                (at..end, false, end)
            };
            self.spans.push(Span { range, escaped });
            if end == line.len() {
                return Ok(());
            }
            at = end + 1;
        }
    }

    fn split_plain(&mut self, line: &[u8]) {
        let mut start = 0;
        for comma in memchr::memchr_iter(b',', line) {
            self.spans.push(Span { range: start..comma, escaped: false });
            start = comma + 1;
        }
        self.spans.push(Span { range: start..line.len(), escaped: false });
    }
}

/// The quoted field that opens at `at`: what is inside, whether it has doubled quotes, and where the field ends.
fn quoted(line: &[u8], at: usize) -> Result<(Range<usize>, bool, usize), BadQuote> {
    let start = at + 1;
    let mut escaped = false;
    let mut from = start;
    loop {
        let quote = from + memchr::memchr(b'"', &line[from..]).ok_or(BadQuote)?;
        match line.get(quote + 1) {
            Some(b'"') => {
                escaped = true;
                from = quote + 2;
            }
            Some(b',') | None => return Ok((start..quote, escaped, quote + 1)),
            Some(_) => return Err(BadQuote),
        }
    }
}

fn undouble(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut after_quote = false;
    for &byte in bytes {
        if byte == b'"' && after_quote {
            after_quote = false;
            continue;
        }
        after_quote = byte == b'"';
        out.push(byte);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str) -> Result<Vec<String>, BadQuote> {
        let mut fields = Fields::default();
        fields.split(line.as_bytes())?;
        let text = |i| String::from_utf8(fields.get(line.as_bytes(), i).into_owned()).unwrap();
        Ok((0..fields.len()).map(text).collect())
    }

    #[test]
    fn quoted_and_plain_fields_may_mix() {
        assert_eq!(split("a,b,,c").unwrap(), ["a", "b", "", "c"]);
        assert_eq!(split(r#""a","b, c",d"#).unwrap(), ["a", "b, c", "d"]);
        assert_eq!(split(r#""say ""hi""",x,"#).unwrap(), [r#"say "hi""#, "x", ""]);
        assert_eq!(split(r#"O"Connor,x"#).unwrap(), [r#"O"Connor"#, "x"]);
        assert_eq!(split("").unwrap(), [""]);
    }

    #[test]
    fn a_quote_that_does_not_close_is_refused() {
        for line in [r#"a,"b,c"#, r#""a"b,c"#, r#"""#] {
            assert_eq!(split(line), Err(BadQuote), "{line}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_rfc_4180_writes_is_read_back(values in proptest::collection::vec("[a-c,\" ]{0,6}", 1..12)) {
            let line = values.iter().map(|v| format!("\"{}\"", v.replace('"', "\"\""))).collect::<Vec<_>>().join(",");
            let trimmed: Vec<_> = values.iter().map(|v| v.trim().to_owned()).collect();
            proptest::prop_assert_eq!(split(&line).unwrap(), trimmed);
        }
    }
}
