//! The vectoriser: fitted on a corpus once, then applied to any text.
//!
//! Flows in: [`Documents`], or one text at a time. Flows out: rows of tf-idf values, L2-normalised block by block. Both ways look every form up in a
//! [`Lexicon`] and then run the same [`Scratch::row`], so a paragraph has one vector, alone or among a million.
//!
//! With the same tokens the values are scikit-learn's (`TfidfVectorizer`, `smooth_idf=True`, `norm="l2"`): tf is the count or 1 + ln(count),
//! idf(t) = ln((1 + n) / (1 + df(t))) + 1.

use linfa::dataset::{DatasetBase, Records};
use linfa::traits::{Fit, Transformer};
use rayon::prelude::*;
use std::ops::Range;

use super::count::{Candidates, count};
use super::documents::Documents;
use super::grams::ABSENT;
use super::lexicon::{Lexicon, SKIPPED, UNKNOWN};
use super::params::VectoriserValidParams;
use super::strings::Strings;
use super::vocabulary::Vocabulary;
use crate::error::Error;
use crate::sparse::SparseMatrix;
use crate::text::{Analyser, Term, Token, char_ngrams, negated, normalise, tokenise};

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
        for form in documents.forms().iter() {
            let (mut word, mut in_scope) = (SKIPPED, SKIPPED);
            if params.word_ngrams.is_some()
                && let Term::Word(term) = analyser.term(form)
            {
                word = words.intern(&term);
                in_scope = if params.analyser.mark_negation { words.intern(&negated(&term)) } else { word };
            }
            let scope = (analyser.opens_negation(form), analyser.ends_negation(form));
            lexicon.push(word, in_scope, scope, |out| {
                if let Some(range) = params.char_ngrams {
                    char_ngrams(form, range, |gram| out.push(chars.intern(gram)));
                }
            });
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

    /// A vectoriser from its parts, as a model file holds them; `None` where their sizes differ, or an idf is not above zero (a row of such terms has no direction).
    pub fn from_parts(params: VectoriserValidParams, vocabulary: Vocabulary, idf: Vec<f32>) -> Option<Self> {
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
        let mut lexicon = Lexicon::default();
        for form in documents.forms().iter() {
            self.look_up(form, &mut lexicon);
        }
        let parts: Vec<SparseMatrix> = rows
            .par_chunks(CHUNK)
            .map_init(
                || Scratch::new(self.width()),
                |scratch, rows| {
                    let mut part = SparseMatrix::with_cols(self.width());
                    for &row in rows {
                        scratch.row(self, &lexicon, documents.tokens(row as usize), &mut part);
                    }
                    part
                },
            )
            .collect();
        let nnz = parts.iter().map(SparseMatrix::nnz).sum();
        let mut out = SparseMatrix::with_capacity(self.width(), rows.len(), nnz);
        for part in parts {
            out.append(&part);
        }
        out
    }

    /// Enters what this vectoriser knows of the next form.
    fn look_up(&self, form: &str, lexicon: &mut Lexicon) {
        let find = |term: &str| self.vocabulary.words.find(term).unwrap_or(UNKNOWN);
        let (mut word, mut in_scope) = (SKIPPED, SKIPPED);
        if self.params.word_ngrams.is_some()
            && let Term::Word(term) = self.analyser.term(form)
        {
            word = find(&term);
            in_scope = if self.params.analyser.mark_negation { find(&negated(&term)) } else { word };
        }
        let scope = (self.analyser.opens_negation(form), self.analyser.ends_negation(form));
        let base = self.vocabulary.word_terms() as u32;
        lexicon.push(word, in_scope, scope, |out| {
            if let Some(range) = self.params.char_ngrams {
                char_ngrams(form, range, |gram| out.extend(self.vocabulary.chars.find(gram).map(|g| base + g)));
            }
        });
    }

    /// Calls `each` with every term that occurs: its column, and the first and last token of it.
    fn visit_terms(
        &self,
        lexicon: &Lexicon,
        forms: &[u32],
        words: &mut Vec<(usize, u32)>,
        mut each: impl FnMut(u32, usize, usize),
    ) {
        if let Some(range) = self.params.word_ngrams {
            words.clear();
            words.extend(lexicon.words(forms));
            for i in 0..words.len() {
                let (first, mut node) = words[i];
                if node == UNKNOWN {
                    continue;
                }
                for n in 1..=range.max() {
                    if n > 1 {
                        let Some(&(_, next)) = words.get(i + n - 1).filter(|(_, w)| *w != UNKNOWN) else { break };
                        let Some(longer) = self.vocabulary.grams.find(node, next) else { break };
                        node = longer;
                    }
                    let column = self.vocabulary.columns[node as usize];
                    if column != ABSENT {
                        each(column, first, words[i + n - 1].0);
                    }
                }
            }
        }
        if self.params.char_ngrams.is_some() {
            for (place, &form) in forms.iter().enumerate() {
                for &gram in lexicon.grams(form) {
                    each(gram, place, place);
                }
            }
        }
    }
}

/// Room for counting the terms of one row.
struct Scratch {
    counts: Vec<u32>,
    touched: Vec<u32>,
    words: Vec<(usize, u32)>,
    values: Vec<f64>,
    /// 1 + ln(count) of small counts.
    sublinear: Vec<f64>,
}

impl Scratch {
    fn new(width: usize) -> Self {
        let sublinear = (0..64).map(|c| if c == 0 { 0.0 } else { 1.0 + libm::log(f64::from(c)) }).collect();
        Scratch { counts: vec![0; width], touched: Vec::new(), words: Vec::new(), values: Vec::new(), sublinear }
    }

    /// Appends the vector of a token stream to `out`.
    fn row(&mut self, vectoriser: &Vectoriser, lexicon: &Lexicon, forms: &[u32], out: &mut SparseMatrix) {
        let Scratch { counts, touched, words, values, sublinear } = self;
        vectoriser.visit_terms(lexicon, forms, words, |column, _, _| {
            let count = &mut counts[column as usize];
            if *count == 0 {
                touched.push(column);
            }
            *count += 1;
        });
        touched.sort_unstable();
        values.clear();
        let bound = vectoriser.vocabulary.word_terms() as u32;
        let (mut squares, mut split) = ([0.0f64; 2], touched.len());
        for (i, &column) in touched.iter().enumerate() {
            let count = std::mem::take(&mut counts[column as usize]);
            let tf = match vectoriser.params.sublinear_tf {
                true => sublinear.get(count as usize).copied().unwrap_or_else(|| 1.0 + libm::log(f64::from(count))),
                false => f64::from(count),
            };
            let value = tf * f64::from(vectoriser.idf[column as usize]);
            let block = usize::from(column >= bound);
            if block == 1 {
                split = split.min(i);
            }
            squares[block] += value * value;
            values.push(value);
        }
        let norms = squares.map(f64::sqrt);
        let scaled = values.iter().enumerate().map(|(i, v)| (v / norms[usize::from(i >= split)]) as f32);
        out.push_row(touched.iter().copied().zip(scaled));
        touched.clear();
    }
}

/// A term found in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// The term's column.
    pub column: usize,
    /// Where it stands, in bytes of the text; for a character n-gram the whole word.
    pub place: Range<usize>,
}

/// Applies a vectoriser to texts one by one; each thread has one of its own.
///
/// Forms are remembered from text to text, which makes stemming and look-up nearly free; when there are too many (a stream has no end) it forgets them all and begins anew.
///
/// ```
/// use linfa::ParamGuard;
/// use rapporteur::features::{Documents, TextVectoriser, Vectoriser, VectoriserParams};
/// use rapporteur::sparse::SparseMatrix;
/// let documents: Documents = ["War or peace", "War or truce"].into_iter().collect();
/// let vectoriser = Vectoriser::fit(&VectoriserParams::default().check()?, &documents)?;
/// let mut texts = TextVectoriser::new(&vectoriser);
/// let mut rows = SparseMatrix::with_cols(vectoriser.width());
/// texts.transform("War or peace", &mut rows);
/// assert_eq!(rows, vectoriser.transform_rows(&documents, &[0]));
/// # Ok::<(), rapporteur::Error>(())
/// ```
pub struct TextVectoriser<'a> {
    vectoriser: &'a Vectoriser,
    forms: Strings,
    lexicon: Lexicon,
    scratch: Scratch,
    tokens: Vec<Token>,
    stream: Vec<u32>,
    form: String,
}

impl<'a> TextVectoriser<'a> {
    /// Bounds what is remembered: about 100 MB with character n-grams.
    const MOST_FORMS: usize = 500_000;
    const MOST_GRAMS: usize = 8_000_000;

    /// For one thread.
    pub fn new(vectoriser: &'a Vectoriser) -> Self {
        TextVectoriser {
            vectoriser,
            forms: Strings::default(),
            lexicon: Lexicon::default(),
            scratch: Scratch::new(vectoriser.width()),
            tokens: Vec::new(),
            stream: Vec::new(),
            form: String::new(),
        }
    }

    fn analyse(&mut self, text: &str) {
        if self.lexicon.len() > Self::MOST_FORMS || self.lexicon.gram_total() > Self::MOST_GRAMS {
            self.forms.clear();
            self.lexicon.clear();
        }
        self.tokens.clear();
        self.stream.clear();
        tokenise(text, &mut self.tokens);
        for token in &self.tokens {
            normalise(&text[token.start..token.end], &mut self.form);
            let id = self.forms.intern(&self.form);
            if id as usize == self.lexicon.len() {
                self.vectoriser.look_up(&self.form, &mut self.lexicon);
            }
            self.stream.push(id);
        }
    }

    /// Appends the vector of a text to `out`.
    pub fn transform(&mut self, text: &str, out: &mut SparseMatrix) {
        self.analyse(text);
        self.scratch.row(self.vectoriser, &self.lexicon, &self.stream, out);
    }

    /// Every place where a known term stands in the text, in the order of the text.
    pub fn occurrences(&mut self, text: &str) -> Vec<Occurrence> {
        self.analyse(text);
        let mut found = Vec::new();
        let tokens = &self.tokens;
        self.vectoriser.visit_terms(&self.lexicon, &self.stream, &mut self.scratch.words, |column, first, last| {
            found.push(Occurrence { column: column as usize, place: tokens[first].start..tokens[last].end });
        });
        found
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
