//! Interning: every distinct string once, and a number for it.
//!
//! Flows in: strings. Flows out: dense `u32` ids in order of first sight. All strings lie in one buffer, so a million forms are three allocations.

use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;

/// A set of distinct strings, numbered from 0.
///
/// ```
/// use rapporteur::features::Strings;
/// let mut strings = Strings::default();
/// let peace = strings.intern("peace");
/// assert_eq!(strings.intern("peace"), peace);
/// assert_eq!((strings.get(peace), strings.find("war")), ("peace", None));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Strings {
    bytes: String,
    ends: Vec<u32>,
    table: HashTable<Entry>,
    hasher: DefaultHashBuilder,
}

/// Where a string lies, kept in the table: a look-up need not go by way of its number.
#[derive(Debug, Clone, Copy)]
struct Entry {
    id: u32,
    start: u32,
    end: u32,
}

impl Entry {
    #[inline]
    fn of(self, bytes: &str) -> &[u8] {
        &bytes.as_bytes()[self.start as usize..self.end as usize]
    }
}

impl Strings {
    /// The number of a string, given to it now if it is new.
    pub fn intern(&mut self, s: &str) -> u32 {
        let Strings { bytes, ends, table, hasher } = self;
        let hash = hasher.hash_one(s.as_bytes());
        if let Some(entry) = table.find(hash, |entry| entry.of(bytes) == s.as_bytes()) {
            return entry.id;
        }
        let (id, start) = (ends.len() as u32, bytes.len() as u32);
        bytes.push_str(s);
        let end = bytes.len() as u32;
        ends.push(end);
        table.insert_unique(hash, Entry { id, start, end }, |entry| hasher.hash_one(entry.of(bytes)));
        id
    }

    /// The number of a string, if it has one.
    pub fn find(&self, s: &str) -> Option<u32> {
        let hash = self.hasher.hash_one(s.as_bytes());
        self.table.find(hash, |entry| entry.of(&self.bytes) == s.as_bytes()).map(|entry| entry.id)
    }

    /// The string of a number.
    ///
    /// # Panics
    /// If no string has it.
    pub fn get(&self, id: u32) -> &str {
        slice(&self.bytes, &self.ends, id)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes of text held.
    pub fn text_len(&self) -> usize {
        self.bytes.len()
    }

    /// All of them, in order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len() as u32).map(|id| self.get(id))
    }

    /// Forgets all strings and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.table.clear();
    }
}

fn slice<'a>(bytes: &'a str, ends: &[u32], id: u32) -> &'a str {
    let id = id as usize;
    let start = if id == 0 { 0 } else { ends[id - 1] as usize };
    &bytes[start..ends[id] as usize]
}

impl<'a> FromIterator<&'a str> for Strings {
    fn from_iter<I: IntoIterator<Item = &'a str>>(strings: I) -> Self {
        let mut out = Strings::default();
        for s in strings {
            out.intern(s);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_first_sight_and_survive_growth() {
        let mut strings = Strings::default();
        for i in 0..5_000 {
            assert_eq!(strings.intern(&format!("w{i}")), i);
        }
        assert!((0..5_000).all(|i| strings.find(&format!("w{i}")) == Some(i) && strings.get(i) == format!("w{i}")));
        strings.clear();
        assert_eq!((strings.find("w1"), strings.intern("x")), (None, 0));
    }
}
