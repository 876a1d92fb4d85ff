//! Interning: every distinct string once, and a number for it.
//!
//! Flows in: strings. Flows out: dense `u32` ids in order of first sight. All strings lie in one buffer, so a million forms are three allocations.
//!
//! Nearly all words have sixteen bytes or fewer and are their own key, kept in the table beside the number: a look-up waits for one line of memory
//! and compares two registers. [`Strings::intern_tokens`] goes further: it looks up a whole paragraph before it mends what was not found, so that
//! the processor waits for many lines at once.

use std::hash::{BuildHasher, RandomState};

use super::grams::fold;
use crate::text::{Token, normalise};

/// Bytes of a string that is its own key.
const SHORT: usize = 16;
/// No string has this number.
const NONE: u32 = u32::MAX;

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
    /// At most three quarters full; the length is zero or a power of two. What comes first stands where it is looked for first, and that are the
    /// words of most texts.
    slots: Vec<Slot>,
    hasher: RandomState,
    /// Drawn from `hasher`, so that nobody can write a text whose words all fall into one slot.
    seeds: [u64; 2],
}

/// A string that stands for itself, or the hash of a longer one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key {
    low: u64,
    high: u64,
    len: u32,
}

/// A key and its number, side by side and without a gap.
#[derive(Debug, Clone, Copy)]
struct Slot {
    low: u64,
    high: u64,
    len: u32,
    id: u32,
}

const EMPTY: Slot = Slot { low: 0, high: 0, len: 0, id: NONE };

impl Slot {
    #[inline]
    fn key(self) -> Key {
        Key { low: self.low, high: self.high, len: self.len }
    }
}

impl Key {
    fn of_short(bytes: u128, len: usize) -> Key {
        Key { low: bytes as u64, high: (bytes >> 64) as u64, len: len as u32 }
    }

    /// The key of the form of an ASCII token of at most [`SHORT`] bytes; anything else has none. All sixteen bytes are read, folded to lower case and
    /// looked through at once, without a copy or a loop.
    #[inline]
    fn of_token(text: &[u8], token: &Token) -> Option<Key> {
        const EACH: u128 = u128::MAX / 0xFF;
        let len = token.end - token.start;
        if len > SHORT {
            return None;
        }
        let bytes = match text[token.start..].first_chunk::<SHORT>() {
            Some(chunk) => u128::from_le_bytes(*chunk),
            None => load(&text[token.start..]),
        };
        let bytes = bytes & (u128::MAX >> (8 * (SHORT - len)));
        if bytes & (EACH * 0x80) != 0 {
            return None;
        }
        // The upper bit of each byte tells what a sum says of it: no byte below 0x80 carries into the next.
        let from_a = bytes + EACH * u128::from(0x80 - b'A');
        let beyond_z = bytes + EACH * u128::from(0x80 - b'Z' - 1);
        Some(Key::of_short(bytes | (from_a & !beyond_z & (EACH * 0x80)) >> 2, len))
    }
}

/// At most [`SHORT`] bytes as a number.
fn load(bytes: &[u8]) -> u128 {
    let mut padded = [0; SHORT];
    padded[..bytes.len()].copy_from_slice(bytes);
    u128::from_le_bytes(padded)
}

impl Strings {
    /// An empty set with room for so many strings of so many bytes in all.
    pub fn with_capacity(strings: usize, bytes: usize) -> Self {
        let mut out =
            Strings { bytes: String::with_capacity(bytes), ends: Vec::with_capacity(strings), ..Strings::default() };
        out.resize((strings * 4 / 3 + 1).next_power_of_two());
        out
    }

    fn key(&self, s: &str) -> Key {
        match s.len() {
            0..=SHORT => Key::of_short(load(s.as_bytes()), s.len()),
            len => Key { low: self.hasher.hash_one(s), high: 0, len: len as u32 },
        }
    }

    #[inline]
    fn place(&self, key: Key) -> usize {
        fold(key.low ^ self.seeds[0], key.high ^ self.seeds[1]) as usize & self.slots.len().wrapping_sub(1)
    }

    /// The number of a string, or the slot where it belongs. There must be slots.
    fn probe(&self, key: Key, s: &str) -> Result<u32, usize> {
        let mut at = self.place(key);
        loop {
            let slot = self.slots[at];
            if slot.id == NONE {
                return Err(at);
            }
            if slot.key() == key && (key.len as usize <= SHORT || self.get(slot.id) == s) {
                return Ok(slot.id);
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    fn resize(&mut self, slots: usize) {
        if self.slots.is_empty() {
            self.seeds = [self.hasher.hash_one(0), self.hasher.hash_one(1) | 1];
        }
        let old = std::mem::replace(&mut self.slots, vec![EMPTY; slots.max(16)]);
        for slot in old.into_iter().filter(|slot| slot.id != NONE) {
            let mut at = self.place(slot.key());
            while self.slots[at].id != NONE {
                at = (at + 1) & (self.slots.len() - 1);
            }
            self.slots[at] = slot;
        }
    }

    /// The number of a string, given to it now if it is new.
    pub fn intern(&mut self, s: &str) -> u32 {
        if (self.ends.len() + 1) * 4 > self.slots.len() * 3 {
            self.resize(self.slots.len() * 2);
        }
        let key = self.key(s);
        self.probe(key, s).unwrap_or_else(|at| {
            let id = self.ends.len() as u32;
            self.bytes.push_str(s);
            self.ends.push(self.bytes.len() as u32);
            self.slots[at] = Slot { low: key.low, high: key.high, len: key.len, id };
            id
        })
    }

    /// Appends the number of each token's form to `ids`; `added` is told of every form that is new, in order.
    pub(super) fn intern_tokens(
        &mut self,
        text: &str,
        tokens: &[Token],
        form: &mut String,
        ids: &mut Vec<u32>,
        mut added: impl FnMut(&str),
    ) {
        let first = ids.len();
        if self.slots.is_empty() {
            ids.resize(first + tokens.len(), NONE);
        } else {
            ids.extend(tokens.iter().map(|token| {
                let Some(key) = Key::of_token(text.as_bytes(), token) else { return NONE };
                let slot = self.slots[self.place(key)];
                // An empty slot has the key of no token, and no number.
                if slot.key() == key { slot.id } else { NONE }
            }));
        }
        for (id, token) in ids[first..].iter_mut().zip(tokens).filter(|(id, _)| **id == NONE) {
            normalise(&text[token.start..token.end], form);
            let known = self.len();
            *id = self.intern(form);
            if self.len() > known {
                added(form);
            }
        }
    }

    /// The number of a string, if it has one.
    pub fn find(&self, s: &str) -> Option<u32> {
        if self.slots.is_empty() { None } else { self.probe(self.key(s), s).ok() }
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
        self.slots.fill(EMPTY);
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
    use crate::text::tokenise;
    use proptest::prelude::*;

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

    #[test]
    fn the_empty_string_and_long_ones_have_numbers_too() {
        let mut strings = Strings::default();
        let long = ["a".repeat(SHORT), "a".repeat(SHORT + 1), "a".repeat(1_000), "a\0".to_owned()];
        for round in 0..2 {
            for (id, s) in ["", "a"].into_iter().chain(long.iter().map(String::as_str)).zip(0..) {
                assert_eq!((strings.intern(id), strings.find(id)), (s, Some(s)), "{round}");
            }
        }
    }

    proptest! {
        #[test]
        fn tokens_have_the_numbers_of_their_forms(texts in prop::collection::vec("[ -~\u{0}é’İ]{0,60}", 0..4)) {
            let (mut by_token, mut by_form) = (Strings::default(), Strings::default());
            let mut form = String::new();
            for text in &texts {
                let mut tokens = Vec::new();
                tokenise(text, &mut tokens);
                let (mut ids, mut added) = (Vec::new(), Vec::new());
                let known = by_form.len();
                by_token.intern_tokens(text, &tokens, &mut String::new(), &mut ids, |new| added.push(new.to_owned()));
                let expected: Vec<u32> = tokens
                    .iter()
                    .map(|t| {
                        normalise(&text[t.start..t.end], &mut form);
                        by_form.intern(&form)
                    })
                    .collect();
                prop_assert_eq!(ids, expected);
                prop_assert_eq!(added, by_form.iter().skip(known).map(str::to_owned).collect::<Vec<_>>());
            }
        }
    }
}
