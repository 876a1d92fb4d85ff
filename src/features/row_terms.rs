//! The terms of one text: which occur where, and what they come to.
//!
//! Flows in: a text as numbers of forms, run by run, and what the [`Lexicon`] says of each form. Flows out: terms with their places, to whoever asks for evidence, or a row of tf-idf values. A term's tf is its count or 1 + ln(count).
//! Room is kept from one text to the next, and of a long text no more is kept than its different terms.

use super::grams::ABSENT;
use super::lexicon::Lexicon;
use super::vectorise::Vectoriser;
use crate::sparse::SparseMatrix;

/// Tokens looked at together: more at once would take memory and no less time.
pub(super) const RUN: usize = 1 << 16;

/// Room for walking over the n-grams of one row.
#[derive(Default)]
pub(super) struct Walk {
    words: Vec<(usize, u32)>,
    nodes: Vec<u32>,
    pairs: Vec<(u32, u32)>,
    fetched: Vec<(u32, u32)>,
    /// Tokens of the runs before.
    base: usize,
    /// Whether a negation reaches the next token.
    in_scope: bool,
}

impl Walk {
    /// Begins a text.
    pub fn begin(&mut self) {
        self.words.clear();
        self.base = 0;
        self.in_scope = false;
    }
}

impl Vectoriser {
    /// Calls `each` with every term that occurs in the next run of a text: its column, and the first and last token of it. An n-gram is found with the run that
    /// has its last word, or at the latest with the `last` run.
    pub(super) fn visit_terms(
        &self,
        lexicon: &Lexicon,
        forms: &[u32],
        last: bool,
        walk: &mut Walk,
        mut each: impl FnMut(u32, usize, usize),
    ) {
        let base = walk.base;
        if let Some(range) = self.params().word_ngrams {
            let Walk { words, nodes, pairs, fetched, in_scope, .. } = walk;
            words.extend(
                forms
                    .iter()
                    .enumerate()
                    .filter_map(|(place, &form)| lexicon.word(form, in_scope).map(|word| (base + place, word))),
            );
            // Words whose longer n-grams are still to come wait for the next run.
            let starts = if last { words.len() } else { (words.len() + 1).saturating_sub(range.max()) };
            nodes.clear();
            nodes.extend(words[..starts].iter().map(|&(_, word)| word));
            // From n-grams to those one word longer; a node that is not known has no longer one.
            for n in 1..=range.max() {
                if n > 1 {
                    nodes.truncate((words.len() + 1).saturating_sub(n));
                    pairs.clear();
                    pairs.extend(
                        nodes.iter().zip(&words[(n - 1).min(words.len())..]).map(|(&node, &(_, word))| (node, word)),
                    );
                    self.vocabulary().grams.find_all(pairs, fetched, nodes);
                }
                for (i, &node) in nodes.iter().enumerate() {
                    let column = self.vocabulary().terms.column(node);
                    if column != ABSENT {
                        each(column, words[i].0, words[i + n - 1].0);
                    }
                }
            }
            words.drain(..starts);
        }
        if self.params().char_ngrams.is_some() {
            for (place, &form) in forms.iter().enumerate() {
                for &gram in lexicon.grams(form) {
                    each(gram, base + place, base + place);
                }
            }
        }
        walk.base += forms.len();
    }
}

/// Room for counting the terms of one row.
///
/// The two blocks are counted in different ways. Columns of words are many and rarely repeat: they are sorted, and no table of counts has to be
/// fetched for them. Columns of characters are few and repeat often: they are counted in a table, which fits the cache.
pub(super) struct Scratch {
    words: Vec<u32>,
    /// Columns of words with their counts, in order, of a text so long that `words` would not hold it.
    counted: Vec<(u32, u32)>,
    char_counts: Vec<u32>,
    chars: Vec<u32>,
    pub walk: Walk,
    columns: Vec<u32>,
    values: Vec<f64>,
    /// 1 + ln(count) of small counts.
    sublinear: Vec<f64>,
}

impl Scratch {
    /// For the texts of one thread.
    pub fn new(vectoriser: &Vectoriser) -> Self {
        let vocabulary = vectoriser.vocabulary();
        Scratch {
            words: Vec::new(),
            counted: Vec::new(),
            char_counts: vec![0; vocabulary.len() - vocabulary.word_terms()],
            chars: Vec::new(),
            walk: Walk::default(),
            columns: Vec::new(),
            values: Vec::new(),
            sublinear: (0..64).map(|c| if c == 0 { 0.0 } else { 1.0 + libm::log(f64::from(c)) }).collect(),
        }
    }

    /// Appends the vector of a token stream to `out`.
    pub fn row(&mut self, vectoriser: &Vectoriser, lexicon: &Lexicon, forms: &[u32], out: &mut SparseMatrix) {
        self.begin();
        let mut runs = forms.chunks(RUN).peekable();
        while let Some(run) = runs.next() {
            self.feed(vectoriser, lexicon, run, runs.peek().is_none());
        }
        self.finish(vectoriser, out);
    }

    /// Begins a text.
    pub fn begin(&mut self) {
        self.words.clear();
        self.counted.clear();
        self.walk.begin();
    }

    /// Counts the terms of a run of a text.
    pub fn feed(&mut self, vectoriser: &Vectoriser, lexicon: &Lexicon, forms: &[u32], last: bool) {
        const MOST_WORDS: usize = 1 << 20;
        let Scratch { words, char_counts, chars, walk, .. } = self;
        let bound = vectoriser.vocabulary().word_terms() as u32;
        vectoriser.visit_terms(lexicon, forms, last, walk, |column, _, _| match column.checked_sub(bound) {
            None => words.push(column),
            Some(gram) => {
                let count = &mut char_counts[gram as usize];
                if *count == 0 {
                    chars.push(gram);
                }
                *count += 1;
            }
        });
        if self.words.len() > MOST_WORDS {
            self.gather();
        }
    }

    /// Puts `words` to what is counted.
    fn gather(&mut self) {
        self.words.sort_unstable();
        let runs = self.words.chunk_by(|a, b| a == b).map(|run| (run[0], run.len() as u32));
        let mut all: Vec<(u32, u32)> = std::mem::take(&mut self.counted).into_iter().chain(runs).collect();
        all.sort_unstable();
        all.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            kept.1 += if same { next.1 } else { 0 };
            same
        });
        self.counted = all;
        self.words.clear();
    }

    /// Appends the vector of the text to `out`.
    pub fn finish(&mut self, vectoriser: &Vectoriser, out: &mut SparseMatrix) {
        if !self.counted.is_empty() {
            self.gather();
        }
        let Scratch { words, counted, char_counts, chars, columns, values, sublinear, .. } = self;
        let bound = vectoriser.vocabulary().word_terms() as u32;
        columns.clear();
        values.clear();
        let mut value_of = |column: u32, count: u32| {
            let tf = match vectoriser.params().sublinear_tf {
                true => sublinear.get(count as usize).copied().unwrap_or_else(|| 1.0 + libm::log(f64::from(count))),
                false => f64::from(count),
            };
            columns.push(column);
            values.push(tf * f64::from(vectoriser.idf()[column as usize]));
        };
        words.sort_unstable();
        for run in words.chunk_by(|a, b| a == b) {
            value_of(run[0], run.len() as u32);
        }
        for &(column, count) in counted.iter() {
            value_of(column, count);
        }
        chars.sort_unstable();
        for gram in chars.drain(..) {
            value_of(bound + gram, std::mem::take(&mut char_counts[gram as usize]));
        }
        let split = columns.partition_point(|&c| c < bound);
        let norm = |block: &[f64]| block.iter().map(|v| v * v).sum::<f64>().sqrt();
        let norms = [norm(&values[..split]), norm(&values[split..]) / vectoriser.params().char_weight];
        let scaled = values.iter().enumerate().map(|(i, v)| (v / norms[usize::from(i >= split)]) as f32);
        out.push_row(columns.iter().copied().zip(scaled));
    }
}
