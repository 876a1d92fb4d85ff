//! The terms that a vectoriser knows, and their columns.
//!
//! Flows in: words, n-gram nodes, character n-grams, each with its column. Flows out: the column of a term and the term of a column. Columns of
//! the word block come first, then those of the character block; within a block terms of many paragraphs come first, which
//! keeps the weights that are used all the time close together in memory.

use super::grams::{ABSENT, GramTable};
use super::strings::Strings;
use crate::text::NgramRange;

/// The terms of both blocks.
///
/// ```
/// use linfa::ParamGuard;
/// use rapporteur::features::{Documents, Frequency, Vectoriser, VectoriserParams};
/// let documents: Documents = ["peace talks", "peace talks resume"].into_iter().collect();
/// let params = VectoriserParams::default().min_df(Frequency::Count(2)).check()?;
/// let vocabulary = Vectoriser::fit(&params, &documents)?.into_vocabulary();
/// let terms: Vec<String> = (0..vocabulary.len()).map(|j| vocabulary.term(j)).collect();
/// assert_eq!(terms, ["peace", "talks", "peace talks"]);
/// # Ok::<(), rapporteur::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Vocabulary {
    pub(super) words: Strings,
    pub(super) grams: GramTable,
    /// Column of each node, or [`ABSENT`] for a node that only leads to longer ones.
    pub(super) columns: Vec<u32>,
    /// Node of each column of the word block.
    pub(super) nodes: Vec<u32>,
    pub(super) chars: Strings,
}

impl Vocabulary {
    /// A vocabulary from its parts; `None` where they contradict each other.
    ///
    /// `pairs` are the n-gram nodes (see [`GramTable`]); `nodes` names the node of each column of the word block; `chars` are the columns of the
    /// character block.
    pub fn from_parts(words: Strings, pairs: Vec<(u32, u32)>, nodes: Vec<u32>, chars: Strings) -> Option<Self> {
        // No n-gram is longer than the longest: a chain of a million words would be spelt out wherever its term is named.
        let mut lengths = vec![1u8; words.len()];
        for &(prefix, _) in &pairs {
            let length = lengths.get(prefix as usize)? + 1;
            lengths.push(Some(length).filter(|&n| usize::from(n) <= NgramRange::LONGEST)?);
        }
        let grams = GramTable::new(words.len(), pairs)?;
        let mut columns = vec![ABSENT; grams.len()];
        for (j, &node) in nodes.iter().enumerate() {
            let column = columns.get_mut(node as usize).filter(|c| **c == ABSENT)?;
            *column = j as u32;
        }
        nodes.len().checked_add(chars.len()).filter(|&n| n < ABSENT as usize)?;
        Some(Vocabulary { words, grams, columns, nodes, chars })
    }

    /// Number of terms: the width of a row.
    pub fn len(&self) -> usize {
        self.nodes.len() + self.chars.len()
    }

    /// True when there is no term.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of terms in the word block; the columns from there on are the character block.
    pub fn word_terms(&self) -> usize {
        self.nodes.len()
    }

    /// True when a column is of the character block.
    pub fn is_char(&self, column: usize) -> bool {
        column >= self.nodes.len()
    }

    /// The term of a column: words with a space between, or a character n-gram with `_` for a word bound.
    ///
    /// # Panics
    /// If the column does not exist.
    pub fn term(&self, column: usize) -> String {
        match self.nodes.get(column) {
            Some(&node) => {
                let words = self.grams.words_of(node);
                words.iter().map(|&w| self.words.get(w)).collect::<Vec<_>>().join(" ")
            }
            None => self.chars.get((column - self.nodes.len()) as u32).replace(' ', "_"),
        }
    }

    /// Words, in order of their nodes.
    pub fn words(&self) -> &Strings {
        &self.words
    }

    /// N-grams of two words and more.
    pub fn grams(&self) -> &GramTable {
        &self.grams
    }

    /// The node of each column of the word block.
    pub fn nodes(&self) -> &[u32] {
        &self.nodes
    }

    /// Character n-grams, in order of their columns.
    pub fn chars(&self) -> &Strings {
        &self.chars
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever asked for the names of a chain's terms took time by the square of its length.
    #[test]
    fn a_chain_of_n_grams_without_end_is_refused() {
        let of_length = |n: u32| {
            let words: Strings = ["a", "b"].into_iter().collect();
            let pairs = (0..n - 1).map(|i| (if i == 0 { 0 } else { i + 1 }, 1)).collect();
            Vocabulary::from_parts(words, pairs, vec![n], Strings::default())
        };
        let longest = of_length(NgramRange::LONGEST as u32).unwrap();
        assert_eq!(longest.term(0), "a b b b b b b b");
        assert!(of_length(NgramRange::LONGEST as u32 + 1).is_none());
    }
}
