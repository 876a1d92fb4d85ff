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
use std::ops::Range;

use super::count::{Candidates, count};
use super::documents::Documents;
use super::grams::ABSENT;
use super::lexicon::{Lexicon, SKIPPED, Scope, UNKNOWN};
use super::params::{VectoriserParams, VectoriserValidParams};
use super::strings::Strings;
use super::vocabulary::Vocabulary;
use crate::error::Error;
use crate::sparse::SparseMatrix;
use crate::text::{Analyser, Term, Token, char_ngrams, negated, tokenise, tokenise_runs};

/// Tokens looked at together: more at once would take memory and no less time.
const RUN: usize = 1 << 16;

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
            let scope = scope_of(&analyser, form);
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
        let mut lexicon = Lexicon::default();
        for form in documents.forms().iter() {
            self.look_up(form, &mut lexicon);
        }
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
    fn visit_terms(
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
                    if let Some(&column) = self.vocabulary.columns.get(node as usize)
                        && column != ABSENT
                    {
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

fn scope_of(analyser: &Analyser, form: &str) -> Scope {
    match (analyser.opens_negation(form), analyser.ends_negation(form)) {
        (true, _) => Scope::Opens,
        (_, true) => Scope::Ends,
        _ => Scope::None,
    }
}

/// Room for walking over the n-grams of one row.
#[derive(Default)]
struct Walk {
    words: Vec<(usize, u32)>,
    nodes: Vec<u32>,
    pairs: Vec<(u32, u32)>,
    fetched: Vec<(u32, u32, u32)>,
    /// Tokens of the runs before.
    base: usize,
    /// Whether a negation reaches the next token.
    in_scope: bool,
}

impl Walk {
    /// Begins a text.
    fn begin(&mut self) {
        self.words.clear();
        self.base = 0;
        self.in_scope = false;
    }
}

/// Room for counting the terms of one row.
///
/// The two blocks are counted in different ways. Columns of words are many and rarely repeat: they are sorted, and no table of counts has to be
/// fetched for them. Columns of characters are few and repeat often: they are counted in a table, which fits the cache.
struct Scratch {
    words: Vec<u32>,
    /// Columns of words with their counts, in order, of a text so long that `words` would not hold it.
    counted: Vec<(u32, u32)>,
    char_counts: Vec<u32>,
    chars: Vec<u32>,
    walk: Walk,
    columns: Vec<u32>,
    values: Vec<f64>,
    /// 1 + ln(count) of small counts.
    sublinear: Vec<f64>,
}

impl Scratch {
    fn new(vectoriser: &Vectoriser) -> Self {
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
    fn begin(&mut self) {
        self.words.clear();
        self.counted.clear();
        self.walk.begin();
    }

    /// Counts the terms of a run of a text.
    fn feed(&mut self, vectoriser: &Vectoriser, lexicon: &Lexicon, forms: &[u32], last: bool) {
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
    fn finish(&mut self, vectoriser: &Vectoriser, out: &mut SparseMatrix) {
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
    const MOST_TEXT: usize = 64_000_000;

    /// For one thread.
    pub fn new(vectoriser: &'a Vectoriser) -> Self {
        TextVectoriser {
            vectoriser,
            forms: Strings::default(),
            lexicon: Lexicon::default(),
            scratch: Scratch::new(vectoriser),
            tokens: Vec::new(),
            stream: Vec::new(),
            form: String::new(),
        }
    }

    /// Forgets all forms if they are many.
    fn make_room(forms: &mut Strings, lexicon: &mut Lexicon) {
        let many = lexicon.len() > Self::MOST_FORMS || lexicon.gram_total() > Self::MOST_GRAMS;
        if many || forms.text_len() > Self::MOST_TEXT {
            forms.clear();
            lexicon.clear();
        }
    }

    /// Appends the vector of a text to `out`.
    pub fn transform(&mut self, text: &str, out: &mut SparseMatrix) {
        let TextVectoriser { vectoriser, forms, lexicon, scratch, tokens, stream, form } = self;
        tokens.clear();
        scratch.begin();
        tokenise_runs(text, RUN, tokens, |tokens, last| {
            Self::make_room(forms, lexicon);
            stream.clear();
            forms.intern_tokens(text, tokens, form, stream, |form| vectoriser.look_up(form, lexicon));
            tokens.clear();
            scratch.feed(vectoriser, lexicon, stream, last);
        });
        scratch.finish(vectoriser, out);
    }

    /// Every place where a known term stands in the text, in the order of the text.
    pub fn occurrences(&mut self, text: &str) -> Vec<Occurrence> {
        let TextVectoriser { vectoriser, forms, lexicon, scratch, tokens, stream, form } = self;
        Self::make_room(forms, lexicon);
        tokens.clear();
        stream.clear();
        tokenise(text, tokens);
        forms.intern_tokens(text, tokens, form, stream, |form| vectoriser.look_up(form, lexicon));
        let mut found = Vec::new();
        scratch.walk.begin();
        vectoriser.visit_terms(lexicon, stream, true, &mut scratch.walk, |column, first, last| {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::VectoriserParams;
    use crate::text::{AnalyserSettings, NgramRange};
    use linfa::ParamGuard;

    /// A text longer than many runs, with words of the vocabulary and forms enough to be forgotten on the way.
    #[test]
    fn a_text_of_many_runs_has_the_vector_of_the_whole() {
        let known = ["peace talks began", "not war but peace", "the talks were not easy", "war, and no peace"];
        let settings = AnalyserSettings { mark_negation: true, ..Default::default() };
        let params = VectoriserParams::default()
            .analyser(settings)
            .word_ngrams(NgramRange::new(1, 3).ok())
            .char_ngrams(NgramRange::new(2, 3).ok())
            .min_df(crate::features::Frequency::Count(1));
        let corpus: Documents = known.into_iter().collect();
        let vectoriser = Vectoriser::fit(&params.check().unwrap(), &corpus).unwrap();
        let mut long = String::new();
        for i in 0..400_000 {
            long.push_str(known[i * 7 % 4]);
            long.push_str(if i % 5 == 0 { " " } else { ". " });
            if i % 3 == 0 {
                long.push_str(&format!("x{i} "));
            }
        }
        let documents: Documents = [long.as_str()].into_iter().collect();
        assert!(documents.token_count() > 20 * RUN);
        let by_runs = vectoriser.transform_rows(&documents, &[0]);
        let mut texts = TextVectoriser::new(&vectoriser);
        let mut by_text = SparseMatrix::with_cols(vectoriser.width());
        texts.transform(&long, &mut by_text);
        assert_eq!(by_runs, by_text);
        // The places of all terms, which are not looked for in runs, come to the same counts.
        let mut counts = vec![0u32; vectoriser.width()];
        texts.occurrences(&long).iter().for_each(|o| counts[o.column] += 1);
        let words = vectoriser.vocabulary().word_terms();
        let norm = |range: std::ops::Range<usize>| {
            let value = |j: usize| f64::from(vectoriser.idf()[j]) * (1.0 + libm::log(f64::from(counts[j])));
            range.filter(|&j| counts[j] > 0).map(|j| value(j).powi(2)).sum::<f64>().sqrt()
        };
        for (columns, block) in [(0..words, norm(0..words)), (words..counts.len(), norm(words..counts.len()))] {
            for j in columns {
                let value = f64::from(vectoriser.idf()[j]) * (1.0 + libm::log(f64::from(counts[j].max(1)))) / block;
                let found = by_text.row(0).iter().find(|&(column, _)| column == j).map_or(0.0, |(_, v)| f64::from(v));
                assert!((found - if counts[j] > 0 { value } else { 0.0 }).abs() < 1e-6, "{j}");
            }
        }
        assert!(
            counts[..words].iter().map(|&n| n as usize).sum::<usize>() > 2 << 20,
            "the counts were gathered on the way"
        );
    }
}
