//! JSON that is put together of text: of a map and of its table, most is the same in each row or in each answer. Written
//! by `serde` alone, names and constants would be most of the work.

use serde::Serialize;
use serde_json::Result;

/// Text of JSON that grows at its end.
pub struct Text(Vec<u8>);

impl Text {
    /// Empty, with room for as many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// Adds text as it is.
    pub fn put(&mut self, text: &str) -> &mut Self {
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    /// Adds a value.
    pub fn value(&mut self, value: &impl Serialize) -> Result<&mut Self> {
        serde_json::to_writer(&mut self.0, value)?;
        Ok(self)
    }

    /// Adds the members of an object, which has some, behind other members.
    pub fn members(&mut self, object: &impl Serialize) -> Result<&mut Self> {
        let start = self.end();
        self.value(object)?.strip("}");
        // In place of the brace.
        self.0[start] = b',';
        Ok(self)
    }

    /// Removes what has been written last, if it is this.
    pub fn strip(&mut self, end: &str) -> &mut Self {
        let without = self.0.strip_suffix(end.as_bytes()).map_or(self.0.len(), <[u8]>::len);
        self.0.truncate(without);
        self
    }

    /// Where the next text goes: how many bytes have been written.
    pub fn end(&self) -> usize {
        self.0.len()
    }

    /// What has been written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// The members of an object without its braces.
pub fn members(object: &impl Serialize) -> Result<String> {
    let mut json = serde_json::to_string(object)?;
    json.pop();
    json.remove(0);
    Ok(json)
}
