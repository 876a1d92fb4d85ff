//! Word n-grams as numbers.
//!
//! Flows in: words as numbers. Flows out: *nodes*. Nodes 0, 1, 2 ... are the words themselves; every longer n-gram is a node that names the node of its
//! first n-1 words and its last word. So an n-gram costs eight bytes and one look-up whatever its length, no string is ever built, and nothing collides
//! (feature hashing would be as fast and wrong now and then).

/// No node: the n-gram is not in the table.
pub(super) const ABSENT: u32 = u32::MAX;
/// Slots passed over for one pair at most. In a table half full of pairs that nobody chose, a hundred are not seen in ten million.
const MOST_STEPS: usize = 2_048;

/// All n-grams of two words and more that a vocabulary knows, and the table that finds them.
///
/// ```
/// use rapporteur::features::GramTable;
/// // Words 0..3; the pair (0, 2) is node 3, the triple (0, 2, 1) is node 4.
/// let table = GramTable::new(3, vec![(0, 2), (3, 1)]).unwrap();
/// assert_eq!(table.find(0, 2), Some(3));
/// assert_eq!(table.find(2, 0), None);
/// assert_eq!(table.words_of(4), vec![0, 2, 1]);
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GramTable {
    words: u32,
    pairs: Vec<(u32, u32)>,
    /// At most half full; the length is zero or a power of two. A slot holds the place of a pair, from 1 on, and above it as many bits of the pair's hash as there is
    /// room for: of a pair that is not there, one small slot is fetched and no pair. 0 is empty.
    slots: Vec<u32>,
}

impl GramTable {
    /// A table over `words` words, with a node for each pair of an earlier node and a word, numbered from `words` on.
    ///
    /// `None` if a pair names a node that does not come before it, a word that does not exist, repeats another, or if the pairs collide
    /// as no corpus makes them: the hash has no secret, and a table made to collide would be as slow as a list.
    pub fn new(words: usize, pairs: Vec<(u32, u32)>) -> Option<Self> {
        u32::try_from(words.checked_add(pairs.len())?).ok().filter(|&n| n < ABSENT)?;
        let slots = vec![0; (pairs.len() * 2).next_power_of_two().max(2)];
        let mut table = GramTable { words: words as u32, pairs, slots };
        for i in 0..table.pairs.len() {
            let (prefix, word) = table.pairs[i];
            if prefix >= table.words + i as u32 || word >= table.words {
                return None;
            }
            table.insert(i).filter(|&steps| steps <= MOST_STEPS)?;
        }
        Some(table)
    }

    /// Adds more nodes after those there are; the caller vouches that they are new and well formed.
    pub(super) fn extend(&mut self, pairs: &[(u32, u32)]) {
        let known = self.pairs.len();
        self.pairs.extend_from_slice(pairs);
        let grows = self.pairs.len() * 2 > self.slots.len();
        if grows {
            self.slots = vec![0; (self.pairs.len() * 2).next_power_of_two()];
        }
        for i in if grows { 0 } else { known }..self.pairs.len() {
            self.insert(i);
        }
    }

    /// The bits of a hash that a slot holds. What lies above the bits that a place needs is the same for every table of this many slots.
    #[inline]
    fn tag(&self, hash: usize) -> u32 {
        // Places are at most half the number of slots.
        let places = self.slots.len() as u32;
        ((hash >> 32) as u32) & !(places - 1)
    }

    /// Returns how many slots were taken already, or `None` if the pair is there.
    fn insert(&mut self, place: usize) -> Option<usize> {
        let mask = self.slots.len() - 1;
        let (prefix, word) = self.pairs[place];
        let hash = hash(prefix, word);
        let tag = self.tag(hash);
        let mut at = hash & mask;
        let mut steps = 0;
        while self.slots[at] != 0 {
            if self.pair_of(self.slots[at], tag) == Some((prefix, word)) {
                return None;
            }
            at = (at + 1) & mask;
            steps += 1;
        }
        self.slots[at] = tag | (place as u32 + 1);
        Some(steps)
    }

    /// The pair that a slot names, if the slot has this tag.
    #[inline]
    fn pair_of(&self, slot: u32, tag: u32) -> Option<(u32, u32)> {
        let place = (slot ^ tag).wrapping_sub(1);
        self.pairs.get(place as usize).copied()
    }

    /// The node of an n-gram: that of its first words, and its last word.
    #[inline]
    pub fn find(&self, prefix: u32, word: u32) -> Option<u32> {
        let mask = self.slots.len().checked_sub(1)?;
        let hash = hash(prefix, word);
        let tag = self.tag(hash);
        let mut at = hash & mask;
        // The table is at most half full, so an empty slot ends every search.
        loop {
            let slot = self.slots[at];
            if slot == 0 {
                return None;
            }
            if self.pair_of(slot, tag) == Some((prefix, word)) {
                return Some(self.words + (slot ^ tag) - 1);
            }
            at = (at + 1) & mask;
        }
    }

    /// Replaces each pair of a node and the word after it by the node of both, or by [`ABSENT`].
    ///
    /// All first slots are fetched before any is looked at: the table of a large vocabulary does not fit the cache, and this way the processor waits for many
    /// slots at once and not for one after the other.
    pub(super) fn find_all(&self, pairs: &[(u32, u32)], fetched: &mut Vec<(u32, u32)>, out: &mut Vec<u32>) {
        out.clear();
        fetched.clear();
        let Some(mask) = self.slots.len().checked_sub(1) else {
            out.resize(pairs.len(), ABSENT);
            return;
        };
        let nodes = self.len() as u32;
        fetched.extend(pairs.iter().map(|&(prefix, word)| {
            let hash = hash(prefix, word);
            // Of what is no node nothing is known: no line of memory is fetched for it, but one that is there.
            let at = if prefix < nodes && word < self.words { hash & mask } else { 0 };
            (self.slots[at], self.tag(hash))
        }));
        out.extend(pairs.iter().zip(fetched.iter()).map(|(&(prefix, word), &(slot, tag))| {
            if slot == 0 {
                return ABSENT;
            }
            match self.pair_of(slot, tag) == Some((prefix, word)) {
                true => self.words + (slot ^ tag) - 1,
                false if prefix >= nodes || word >= self.words => ABSENT,
                false => self.find(prefix, word).unwrap_or(ABSENT),
            }
        }));
    }

    /// Number of nodes, words included.
    pub fn len(&self) -> usize {
        self.words as usize + self.pairs.len()
    }

    /// True when there is no node.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The pairs, in order of their nodes.
    pub fn pairs(&self) -> &[(u32, u32)] {
        &self.pairs
    }

    /// The words of a node, first to last.
    ///
    /// # Panics
    /// If the node does not exist.
    pub fn words_of(&self, mut node: u32) -> Vec<u32> {
        let mut words = Vec::new();
        while node >= self.words {
            let (prefix, word) = self.pairs[(node - self.words) as usize];
            words.push(word);
            node = prefix;
        }
        words.push(node);
        words.reverse();
        words
    }
}

/// A multiplicative hash with fixed constants: the table's layout is the same everywhere.
#[inline]
pub(super) fn hash(prefix: u32, word: u32) -> usize {
    let key = (u64::from(prefix) << 32 | u64::from(word)).wrapping_add(0x9E37_79B9_7F4A_7C15);
    fold(key, 0x9FB2_1C65_1E98_DF25) as usize
}

/// Both halves of a product, one on the other.
#[inline]
pub(super) fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product >> 64) as u64 ^ product as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Loading took time by the square of the pairs.
    #[test]
    fn a_table_made_to_collide_is_refused() {
        let wanted = 4 * MOST_STEPS;
        let mask = (wanted * 2).next_power_of_two() - 1;
        let words = 10_000u32;
        let all = (0..words).flat_map(|a| (0..words).map(move |b| (a, b)));
        let bad: Vec<(u32, u32)> = all.filter(|&(a, b)| hash(a, b) & mask < 4).take(wanted).collect();
        assert_eq!(bad.len(), wanted);
        assert!(GramTable::new(words as usize, bad).is_none());
        let mut random = 1u64;
        let mut honest = std::collections::BTreeSet::new();
        while honest.len() < 300_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            honest.insert(((random >> 40) as u32 % 5_000, (random >> 20) as u32 % 5_000));
        }
        assert!(GramTable::new(5_000, honest.into_iter().collect()).is_some());
    }

    #[test]
    fn tables_grow_and_refuse_nonsense() {
        let pairs: Vec<(u32, u32)> = (0..100).flat_map(|a| (0..100).map(move |b| (a, b))).collect();
        let mut table = GramTable::new(100, pairs[..10].to_vec()).unwrap();
        table.extend(&pairs[10..]);
        assert_eq!(Some(&table), GramTable::new(100, pairs.clone()).as_ref());
        assert!(pairs.iter().zip(100..).all(|(&(a, b), node)| table.find(a, b) == Some(node)));
        assert_eq!(table.find(100, 0), None);
        assert!(GramTable::new(2, vec![(2, 0)]).is_none(), "a node cannot be its own prefix");
        assert!(GramTable::new(2, vec![(0, 2)]).is_none(), "a word must exist");
        assert!(GramTable::new(2, vec![(0, 1), (0, 1)]).is_none(), "pairs are distinct");
        assert_eq!(GramTable::default().find(0, 0), None);
    }
}
