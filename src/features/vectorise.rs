//! The vectoriser: fitted on a corpus once, then applied to any text.
//!
//! Flows in: [`Documents`], or one text at a time. Flows out: rows of tf-idf values, L2-normalised block by block (the character block to its weight). Both ways look every form up in a
//! [`Lexicon`] and then run the same [`Scratch::row`], so a paragraph has one vector, alone or among a million.
//!
//! With the same tokens the values are scikit-learn's (`TfidfVectorizer`, `smooth_idf=True`, `norm="l2"`): tf is the count or 1 + ln(count),
//! idf(t) = ln((1 + n) / (1 + df(t))) + 1.

use linfa::ParamGuard;
use linfa::dataset::{DatasetBase, Records};
use linfa::traits::{Fit, Transformer};
use rayon::prelude::*;

use super::count::{Candidates, count};
use super::documents::Documents;
use super::grams::ABSENT;
use super::lexicon::{Lexicon, SKIPPED, Scope, UNKNOWN};
use super::params::{VectoriserParams, VectoriserValidParams};
use super::strings::Strings;
use super::vocabulary::Vocabulary;
use crate::error::Error;
use crate::sparse::SparseMatrix;
use crate::text::{Analyser, Term, char_ngrams, negated};

/// Tokens looked at together: more at once would take memory and no less time.
pub(super) const RUN: usize = 1 << 16;

/// A fitted vectoriser: parameters, vocabulary, idf.
///
/// ```
/// use linfa::ParamGuard;
/// use rapporteur::features::{Documents, Vectoriser, VectoriserParams};
/// let documents: Documents =
///     ["The council met.", "The council adopted it.", "Rain fell."].into_iter().collect();
/// let vectoriser = Vectoriser::fit(&VectoriserParams::default().check()?, &documents)?;
/// let x = vectoriser.transform_rows(&documents, &[0, 1, 2]);
/// assert_eq!((x.rows(), x.cols()), (3, 3)); // "the", "council", "the council" occur in two paragraphs
/// assert!((x.row(0).squared_norm() - 1.0).abs() < 1e-6 && x.row(2).is_empty());
/// # Ok::<(), rapporteur::Error>(())
/// ```
pub struct Vectoriser {
    params: VectoriserValidParams,
    analyser: Analyser,
    vocabulary: Vocabulary,
    idf: Vec<f32>,
}

impl Vectoriser {
    /// Learns vocabulary and idf from all paragraphs.
    ///
    /// # Errors
    /// When no term is left.
    pub fn fit(params: &VectoriserValidParams, documents: &Documents) -> Result<Self, Error> {
        let rows: Vec<u32> = (0..documents.len() as u32).collect();
        Self::fit_rows(params, documents, &rows)
    }

    /// Learns vocabulary and idf from some paragraphs, as a fold needs it.
    ///
    /// # Errors
    /// When no term is left.
    pub fn fit_rows(params: &VectoriserValidParams, documents: &Documents, rows: &[u32]) -> Result<Self, Error> {
        let analyser = Analyser::new(params.analyser.clone());
        let (mut words, mut chars, mut lexicon) = (Strings::default(), Strings::default(), Lexicon::default());
        // Stems on all threads, numbers on one: they follow the order of the forms.
        for forms in chunks_of_forms(documents, FORMS * rayon::current_num_threads()) {
            let terms: Vec<Term<'_>> = match params.word_ngrams {
                Some(_) => forms.par_iter().with_min_len(256).map(|form| analyser.term(form)).collect(),
                None => forms.iter().map(|_| Term::Mark).collect(),
            };
            for (form, term) in forms.into_iter().zip(terms) {
                let (mut word, mut in_scope) = (SKIPPED, SKIPPED);
                if let Term::Word(term) = term {
                    word = words.intern(&term);
                    in_scope = if params.analyser.mark_negation { words.intern(&negated(&term)) } else { word };
                }
                let scope = scope_of(&analyser, form);
                lexicon.push(word, in_scope, scope, |out| {
                    if let Some(range) = params.char_ngrams {
                        char_ngrams(form, range, |gram| out.push(chars.intern(gram)));
                    }
                });
            }
        }
        let counted = count(Candidates { documents, rows, lexicon, words, chars }, params);
        if counted.vocabulary.is_empty() {
            return Err(Error::corpus(
                format!(
                    "no term is left of {} paragraphs (min_df = {}, max_df = {})",
                    rows.len(),
                    params.min_df,
                    params.max_df
                ),
                "lower min_df, raise max_df, or check that the text column holds text",
            ));
        }
        let n = rows.len() as f64;
        let idf = counted.frequencies.iter().map(|&df| (libm::log((1.0 + n) / (1.0 + f64::from(df))) + 1.0) as f32);
        Ok(Vectoriser { params: params.clone(), analyser, idf: idf.collect(), vocabulary: counted.vocabulary })
    }

    /// A vectoriser from its parts, as a model file holds them; `None` where a parameter is out of range, their sizes differ, or an idf is not above zero (a row of such terms has no direction).
    pub fn from_parts(params: VectoriserValidParams, vocabulary: Vocabulary, idf: Vec<f32>) -> Option<Self> {
        let params = VectoriserParams::from(params).check().ok()?;
        let analyser = Analyser::new(params.analyser.clone());
        let sound = idf.len() == vocabulary.len() && idf.iter().all(|&x| x > 0.0);
        sound.then_some(Vectoriser { params, analyser, vocabulary, idf })
    }

    /// Its parameters.
    pub fn params(&self) -> &VectoriserValidParams {
        &self.params
    }

    /// Its terms.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// Its terms alone.
    pub fn into_vocabulary(self) -> Vocabulary {
        self.vocabulary
    }

    /// Inverse document frequency of each column.
    pub fn idf(&self) -> &[f32] {
        &self.idf
    }

    /// Width of the rows it makes.
    pub fn width(&self) -> usize {
        self.idf.len()
    }

    /// The vectors of some paragraphs, in the order given; computed on all threads, the same on any number of them.
    pub fn transform_rows(&self, documents: &Documents, rows: &[u32]) -> SparseMatrix {
        const CHUNK: usize = 2_048;
        /// Parts that wait to be put together: all of them would take as much memory as the whole.
        const PARTS: usize = 8;
        let forms: Vec<Vec<&str>> = chunks_of_forms(documents, FORMS).collect();
        let parts = forms.par_iter().map(|forms| {
            let mut part = Lexicon::default();
            forms.iter().for_each(|form| self.look_up(form, &mut part));
            part
        });
        let parts: Vec<Lexicon> = parts.collect();
        let mut lexicon = Lexicon::default();
        parts.into_iter().for_each(|part| lexicon.append(part));
        let mut out = SparseMatrix::with_capacity(self.width(), rows.len(), 0);
        for rows in rows.chunks(CHUNK * PARTS) {
            let parts: Vec<SparseMatrix> = rows
                .par_chunks(CHUNK)
                .map_init(
                    || Scratch::new(self),
                    |scratch, rows| {
                        let mut part = SparseMatrix::with_cols(self.width());
                        for &row in rows {
                            scratch.row(self, &lexicon, documents.tokens(row as usize), &mut part);
                        }
                        part
                    },
                )
                .collect();
            parts.iter().for_each(|part| out.append(part));
        }
        out.shrink_to_fit();
        out
    }

    /// Enters what this vectoriser knows of the next form.
    pub(super) fn look_up(&self, form: &str, lexicon: &mut Lexicon) {
        let find = |term: &str| self.vocabulary.words.find(term).unwrap_or(UNKNOWN);
        let (mut word, mut in_scope) = (SKIPPED, SKIPPED);
        if self.params.word_ngrams.is_some()
            && let Term::Word(term) = self.analyser.term(form)
        {
            word = find(&term);
            in_scope = if self.params.analyser.mark_negation { find(&negated(&term)) } else { word };
        }
        let scope = scope_of(&self.analyser, form);
        let base = self.vocabulary.word_terms() as u32;
        lexicon.push(word, in_scope, scope, |out| {
            if let Some(range) = self.params.char_ngrams {
                char_ngrams(form, range, |gram| out.extend(self.vocabulary.chars.find(gram).map(|g| base + g)));
            }
        });
    }

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
        if let Some(range) = self.params.word_ngrams {
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
                    self.vocabulary.grams.find_all(pairs, fetched, nodes);
                }
                for (i, &node) in nodes.iter().enumerate() {
                    let column = self.vocabulary.terms.column(node);
                    if column != ABSENT {
                        each(column, words[i].0, words[i + n - 1].0);
                    }
                }
            }
            words.drain(..starts);
        }
        if self.params.char_ngrams.is_some() {
            for (place, &form) in forms.iter().enumerate() {
                for &gram in lexicon.grams(form) {
                    each(gram, base + place, base + place);
                }
            }
        }
        walk.base += forms.len();
    }
}

/// Forms that a task looks at.
const FORMS: usize = 4_096;

/// The distinct forms, so many at a time.
fn chunks_of_forms(documents: &Documents, size: usize) -> impl Iterator<Item = Vec<&str>> {
    let forms = documents.forms();
    (0..forms.len() as u32)
        .step_by(size)
        .map(move |first| (first..(first + size as u32).min(forms.len() as u32)).map(|id| forms.get(id)).collect())
}

fn scope_of(analyser: &Analyser, form: &str) -> Scope {
    match (analyser.opens_negation(form), analyser.ends_negation(form)) {
        (true, _) => Scope::Opens,
        (_, true) => Scope::Ends,
        _ => Scope::None,
    }
}

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
    pub fn new(vectoriser: &Vectoriser) -> Self {
        let vocabulary = &vectoriser.vocabulary;
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
    fn row(&mut self, vectoriser: &Vectoriser, lexicon: &Lexicon, forms: &[u32], out: &mut SparseMatrix) {
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
        let bound = vectoriser.vocabulary.word_terms() as u32;
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
        let bound = vectoriser.vocabulary.word_terms() as u32;
        columns.clear();
        values.clear();
        let mut value_of = |column: u32, count: u32| {
            let tf = match vectoriser.params.sublinear_tf {
                true => sublinear.get(count as usize).copied().unwrap_or_else(|| 1.0 + libm::log(f64::from(count))),
                false => f64::from(count),
            };
            columns.push(column);
            values.push(tf * f64::from(vectoriser.idf[column as usize]));
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
        let norms = [norm(&values[..split]), norm(&values[split..]) / vectoriser.params.char_weight];
        let scaled = values.iter().enumerate().map(|(i, v)| (v / norms[usize::from(i >= split)]) as f32);
        out.push_row(columns.iter().copied().zip(scaled));
    }
}

impl Records for Documents {
    type Elem = u32;

    fn nsamples(&self) -> usize {
        self.len()
    }

    fn nfeatures(&self) -> usize {
        self.forms().len()
    }
}

impl<T> Fit<Documents, T, Error> for VectoriserValidParams {
    type Object = Vectoriser;

    fn fit(&self, dataset: &DatasetBase<Documents, T>) -> Result<Vectoriser, Error> {
        Vectoriser::fit(self, &dataset.records)
    }
}

impl Transformer<&Documents, SparseMatrix> for Vectoriser {
    fn transform(&self, documents: &Documents) -> SparseMatrix {
        let rows: Vec<u32> = (0..documents.len() as u32).collect();
        self.transform_rows(documents, &rows)
    }
}
