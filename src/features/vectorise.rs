//! The vectoriser: fitted on a corpus once, then applied to any text.
//!
//! Flows in: [`Documents`], or one text at a time. Flows out: rows of tf-idf values, L2-normalised block by block (the character block to its weight). Both ways look every form up in a
//! [`Lexicon`] and then run the same [`Scratch`], so a paragraph has one vector, alone or among a million.
//!
//! With the same tokens the values are scikit-learn's (`TfidfVectorizer`, `smooth_idf=True`, `norm="l2"`): idf(t) = ln((1 + n) / (1 + df(t))) + 1, and tf is what [`Scratch`] makes of a count.

use linfa::ParamGuard;
use linfa::dataset::{DatasetBase, Records};
use linfa::traits::{Fit, Transformer};
use rayon::prelude::*;

use super::count::{Candidates, count};
use super::documents::Documents;
use super::lexicon::{Lexicon, SKIPPED, Scope, UNKNOWN};
use super::params::{VectoriserParams, VectoriserValidParams};
use super::row_terms::Scratch;
use super::strings::Strings;
use super::vocabulary::Vocabulary;
use crate::error::Error;
use crate::sparse::SparseMatrix;
use crate::text::{Analyser, Term, char_ngrams, negated};

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
