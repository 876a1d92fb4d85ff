//! The terms that a vectoriser knows, and their columns.
//!
//! Flows in: words, n-gram nodes, character n-grams, each with its column. Flows out: the column of a term and the term of a column. Columns of
//! the word block come first, then those of the character block. Words come before pairs, pairs before triples; among terms of a length those of many paragraphs come first, which
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
    pub(super) terms: WordTerms,
    pub(super) chars: Strings,
}

/// Which nodes are terms of the word block: mostly all of them, column by node, and then nothing needs be kept or looked up.
#[derive(Debug, Clone, Default)]
pub(super) struct WordTerms {
    len: usize,
    /// Column of each node, or [`ABSENT`] for a node that only leads to longer ones; empty where each node is the column of its number.
    columns: Vec<u32>,
    /// Node of each column, unless these are its own number.
    nodes: Vec<u32>,
}

impl WordTerms {
    /// The nodes of the columns, in order, of so many nodes in all; `None` if one is none or named twice.
    pub fn new(nodes: Vec<u32>, of: usize) -> Option<Self> {
        let len = nodes.len();
        if len == of && nodes.iter().zip(0..).all(|(&node, column)| node == column) {
            return Some(Self::all(len));
        }
        let mut columns = vec![ABSENT; of];
        for (&node, column) in nodes.iter().zip(0..) {
            *columns.get_mut(node as usize).filter(|c| **c == ABSENT)? = column;
        }
        Some(WordTerms { len, columns, nodes })
    }

    /// All nodes, in their order.
    pub fn all(len: usize) -> Self {
        WordTerms { len, columns: Vec::new(), nodes: Vec::new() }
    }

    /// The column of a node, or [`ABSENT`]; of a node that is none, too.
    #[inline]
    pub fn column(&self, node: u32) -> u32 {
        if self.columns.is_empty() {
            return if (node as usize) < self.len { node } else { ABSENT };
        }
        self.columns.get(node as usize).copied().unwrap_or(ABSENT)
    }

    fn node(&self, column: usize) -> Option<u32> {
        if self.nodes.is_empty() {
            (column < self.len).then_some(column as u32)
        } else {
            self.nodes.get(column).copied()
        }
    }
}

impl Vocabulary {
    /// A vocabulary from its parts; `None` where they contradict each other.
    ///
    /// `pairs` are the n-gram nodes (see [`GramTable`]); `nodes` names the node of each column of the word block, `None` for all in their order; `chars` are the columns of the
    /// character block.
    pub fn from_parts(words: Strings, pairs: Vec<(u32, u32)>, nodes: Option<Vec<u32>>, chars: Strings) -> Option<Self> {
        // No n-gram is longer than the longest: a chain of a million words would be spelt out wherever its term is named.
        let mut lengths = vec![1u8; words.len()];
        for &(prefix, _) in &pairs {
            let length = lengths.get(prefix as usize)? + 1;
            lengths.push(Some(length).filter(|&n| usize::from(n) <= NgramRange::LONGEST)?);
        }
        let grams = GramTable::new(words.len(), pairs)?;
        let terms = match nodes {
            None => WordTerms::all(grams.len()),
            Some(nodes) => WordTerms::new(nodes, grams.len())?,
        };
        terms.len.checked_add(chars.len()).filter(|&n| n < ABSENT as usize)?;
        Some(Vocabulary { words, grams, terms, chars })
    }

    /// Number of terms: the width of a row.
    pub fn len(&self) -> usize {
        self.terms.len + self.chars.len()
    }

    /// True when there is no term.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of terms in the word block; the columns from there on are the character block.
    pub fn word_terms(&self) -> usize {
        self.terms.len
    }

    /// True when a column is of the character block.
    pub fn is_char(&self, column: usize) -> bool {
        column >= self.terms.len
    }

    /// The term of a column: words with a space between, or a character n-gram with `_` for a word bound.
    ///
    /// # Panics
    /// If the column does not exist.
    pub fn term(&self, column: usize) -> String {
        match self.terms.node(column) {
            Some(node) => {
                let words = self.grams.words_of(node);
                words.iter().map(|&w| self.words.get(w)).collect::<Vec<_>>().join(" ")
            }
            None => self.chars.get((column - self.terms.len) as u32).replace(' ', "_"),
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

    /// The node of each column of the word block; `None` where these are all nodes in their order.
    pub fn nodes(&self) -> Option<&[u32]> {
        (self.terms.len != self.grams.len() || !self.terms.nodes.is_empty()).then_some(&self.terms.nodes)
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
            Vocabulary::from_parts(words, pairs, Some(vec![n]), Strings::default())
        };
        let longest = of_length(NgramRange::LONGEST as u32).unwrap();
        assert_eq!(longest.term(0), "a b b b b b b b");
        assert!(of_length(NgramRange::LONGEST as u32 + 1).is_none());
    }
}
