//! Texts that share most of their word triples, found without comparing all with all.
//!
//! Flows in: token streams. Flows out: pairs of rows and the Jaccard similarity of their sets of word triples. After Broder 1997, *On the resemblance and containment of
//! documents*: the share of equal minima of random hash functions estimates the Jaccard similarity. Bands of six minima each (Leskovec, Rajaraman and Ullman, *Mining of
//! Massive Datasets*, 3.4) are hashed, and rows that agree in one band are compared exactly. With 20 bands a pair at the threshold of 0.8 is missed once in four hundred times. Only
//! the bands' hashes are kept: 160 bytes a row.

use hashbrown::HashMap;
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use crate::control::Control;
use crate::error::Result;
use crate::features::Documents;

/// Words of a shingle.
const WORDS: usize = 3;
/// Bands, and minima in each.
const BANDS: usize = 20;
const MINIMA: usize = 6;
/// A row is compared with at most so many rows of a band's bucket, so that a corpus of one template does not cost the square of its rows.
const MOST: usize = 64;

/// Token streams as hashes of words: comparable between corpora, which number their forms differently.
pub(super) struct Words<'a> {
    documents: &'a Documents,
    /// Hash of each form; `None` for marks.
    hashes: Vec<Option<u64>>,
}

impl<'a> Words<'a> {
    pub fn new(documents: &'a Documents) -> Self {
        let hash = |form: &str| {
            let digest = *blake3::hash(form.as_bytes()).as_bytes();
            let start = digest.first_chunk::<8>().copied().unwrap_or_default();
            form.chars().any(char::is_alphanumeric).then(|| u64::from_le_bytes(start))
        };
        Words { documents, hashes: documents.forms().iter().map(hash).collect() }
    }

    pub fn len(&self) -> usize {
        self.documents.len()
    }

    /// The words of a row, case and punctuation aside.
    pub fn of(&self, row: usize) -> impl Iterator<Item = u64> + '_ {
        self.documents.tokens(row).iter().filter_map(|&form| self.hashes[form as usize])
    }

    /// One number for all words of a row in their order; `None` without a word. Wide enough that equal numbers mean equal words.
    pub fn identity(&self, row: usize) -> Option<u128> {
        let (mut a, mut b, mut any) = (0u64, 0u64, false);
        for word in self.of(row) {
            a = mix(a ^ word);
            b = mix(b.rotate_left(17).wrapping_add(word) ^ 0x9E37_79B9_7F4A_7C15);
            any = true;
        }
        any.then_some(u128::from(a) << 64 | u128::from(b))
    }

    /// The row's word triples, sorted and distinct; all its words as one where they are fewer than three.
    pub fn shingles(&self, row: usize) -> Vec<u64> {
        let words: Vec<u64> = self.of(row).collect();
        let join = |words: &[u64]| words.iter().fold(0, |hash, &word| mix(hash ^ word));
        let mut shingles: Vec<u64> = if words.len() < WORDS && !words.is_empty() {
            vec![join(&words)]
        } else {
            words.windows(WORDS).map(join).collect()
        };
        shingles.sort_unstable();
        shingles.dedup();
        shingles
    }
}

/// The finaliser of splitmix64: every bit of the input moves every bit of the output.
fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// Shared members over members of either; both sorted.
pub(super) fn jaccard(a: &[u64], b: &[u64]) -> f64 {
    let (mut i, mut j, mut shared) = (0, 0, 0usize);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        shared += usize::from(x == y);
        i += usize::from(x <= y);
        j += usize::from(y <= x);
    }
    let either = a.len() + b.len() - shared;
    if either == 0 { 0.0 } else { shared as f64 / either as f64 }
}

/// The hash of each band of each row.
pub(super) struct Signatures(Vec<[u64; BANDS]>);

impl Signatures {
    /// Of the rows named, in their order.
    pub fn of(words: &Words<'_>, rows: &[usize]) -> Signatures {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1997);
        let functions: Vec<(u64, u64)> = (0..BANDS * MINIMA).map(|_| (rng.next_u64() | 1, rng.next_u64())).collect();
        let signature = |&row: &usize| {
            let mut minima = [u64::MAX; BANDS * MINIMA];
            for shingle in words.shingles(row) {
                for (least, &(a, b)) in minima.iter_mut().zip(&functions) {
                    *least = (*least).min(shingle.wrapping_mul(a).wrapping_add(b));
                }
            }
            let mut bands = [0; BANDS];
            for (band, minima) in bands.iter_mut().zip(minima.chunks_exact(MINIMA)) {
                *band = minima.iter().fold(0, |hash, &least| mix(hash ^ least));
            }
            bands
        };
        Signatures(rows.par_iter().map(signature).collect())
    }
}

/// For each of `rows` (places in both slices) its most similar row among `earlier`, where that reaches `least`.
///
/// With `same`, both sides are the same rows and only those before a row count.
pub(super) fn most_similar(
    (words, rows, bands): (&Words<'_>, &[usize], &Signatures),
    (others, earlier, other_bands): (&Words<'_>, &[usize], &Signatures),
    same: bool,
    least: f64,
    control: &Control,
) -> Result<Vec<Option<(usize, f64)>>> {
    let mut best: Vec<Option<(usize, f64)>> = vec![None; rows.len()];
    for band in 0..BANDS {
        control.check()?;
        let mut buckets: HashMap<u64, Vec<u32>> = HashMap::new();
        for (place, bands) in other_bands.0.iter().enumerate() {
            buckets.entry(bands[band]).or_default().push(place as u32);
        }
        best.par_iter_mut().enumerate().for_each(|(place, best)| {
            let Some(bucket) = buckets.get(&bands.0[place][band]) else { return };
            let candidates = bucket.iter().map(|&c| c as usize).take_while(|&c| !same || c < place).take(MOST);
            let mut own = None;
            for candidate in candidates {
                if best.is_some_and(|(found, _)| found == candidate) {
                    continue;
                }
                let own = own.get_or_insert_with(|| words.shingles(rows[place]));
                let likeness = jaccard(own, &others.shingles(earlier[candidate]));
                if likeness >= least && best.is_none_or(|(found, most)| (likeness, found) > (most, candidate)) {
                    *best = Some((candidate, likeness));
                }
            }
        });
    }
    Ok(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(text: &str) -> String {
        text.split(' ').enumerate().map(|(i, word)| format!("{word}{i} ")).collect()
    }

    #[test]
    fn near_texts_are_found_and_far_ones_are_not() {
        let long = numbered(&["word"; 60].join(" "));
        let close = long.replace("word30", "other");
        let half = long.replace("word1", "other").replace("word2", "else").replace("word3", "third");
        let documents: Documents =
            [long.as_str(), "Something else entirely, said once.", &close, &half].into_iter().collect();
        let (words, rows) = (Words::new(&documents), [0, 1, 2, 3]);
        let bands = Signatures::of(&words, &rows);
        let side = (&words, &rows[..], &bands);
        let found = most_similar(side, side, true, 0.8, &Control::default()).unwrap();
        // 58 triples each, of which the changed word is in three.
        assert_eq!(found, [None, None, Some((0, 55.0 / 61.0)), None]);
    }

    #[test]
    fn case_and_punctuation_do_not_tell_texts_apart_and_order_does() {
        let documents: Documents =
            ["Lift it, now!", "lift IT now", "now lift it", "...", "is it"].into_iter().collect();
        let words = Words::new(&documents);
        assert_eq!(words.identity(0), words.identity(1));
        assert_ne!(words.identity(0), words.identity(2));
        assert_eq!((words.identity(3), words.shingles(3).len(), words.shingles(4).len()), (None, 0, 1));
    }

    #[test]
    fn jaccard_is_shared_over_either() {
        assert_eq!(jaccard(&[1, 2, 3], &[2, 3, 4]), 0.5);
        assert_eq!((jaccard(&[], &[]), jaccard(&[1], &[])), (0.0, 0.0));
    }
}
