//! What training will hold of memory, before it holds it.
//!
//! Flows in: counts of rows, tokens, forms, terms, values and labels, as far as they are known. Flows out: bytes that the process will hold at most, told to a
//! [`Control`], which stops the work or warns of it. The model is the sum of the large tables that stand at the same time, each as long as the code makes it;
//! `docs/reliability.md` compares it with what was held. Where something is not known yet it is guessed high: a forecast may refuse a corpus that would just have
//! fitted, but is not to let one through that does not. Both heads are taken to be at their largest at the same time, and every step that folds may decide to be needed.
//!
//! Three moments come before the large tables: while a corpus is read, before its terms are counted, before the heads are fitted.

use crate::control::Control;
use crate::error::Result;
use crate::features::{Documents, Vectoriser};
use crate::labels::UNLABELLED;
use crate::memory::Bytes;
use crate::text::NgramRange;

use super::heads::{FEW_FOLDS, FOLDS, SAMPLE};
use super::options::{Choice, TrainOptions};
use super::out_of_fold::is_large;
use super::training_set::TrainingSet;

/// The program itself, its threads, batches on their way.
const PROGRAM: f64 = 24e6;
/// A distinct string in a table: its letters, its end, its slot.
const STRING: f64 = 64.0;
/// A term of the vocabulary: a string, or a pair with its node, slot and column; and its idf.
const TERM: f64 = 64.0;
/// An n-gram that is being counted: key and count, in the list so far and in the one that is being made of it and a batch.
const COUNTED: f64 = 28.0;
/// Of the n-grams of two words and more, how many are distinct; fewer in a large corpus.
const DISTINCT: f64 = 0.6;
/// Of the character n-grams of all forms, how many are distinct.
const DISTINCT_CHARS: f64 = 0.4;
/// A column while its factors are made.
const FACTORS: f64 = 32.0;

/// What a user can do about it.
const FEWER_ROWS: &str = "Give fewer rows.";
const SMALLER: &str = "Leave out rare terms (--min-df 2 or more), shorten n-grams (--word-ngrams 1, --char-ngrams 3-4 or none), keep fewer terms (--max-features), or give fewer rows.";

/// Tells of a corpus that is being read.
pub(super) fn expect_reading(texts: &Documents, context: &Documents, control: &Control) -> Result<()> {
    control.expect_memory("reading the corpus", whole(kept(texts) + kept(context)), FEWER_ROWS)
}

/// Tells of counting the terms of some rows; `of` is the number of rows of the final model.
pub(super) fn expect_counting(set: &TrainingSet, of: usize, options: &TrainOptions, control: &Control) -> Result<()> {
    let documents = &set.documents;
    // Terms are counted in texts and context put together.
    let context = set.context.as_ref();
    let both = context.map_or(0.0, |context| kept(documents) + kept(context));
    let share = of as f64 / set.len().max(1) as f64;
    let tokens = (documents.token_count() + context.map_or(0, Documents::token_count)) as f64 * share;
    let forms = documents.forms().len() as f64;
    let of_chars = options.char_ngrams.map_or(0.0, |range| {
        documents.forms().iter().map(|form| grams_of(form.chars().count(), range)).sum::<usize>() as f64
    });
    let lengths = options.word_ngrams.map_or(0, |range| range.max().saturating_sub(1)) as f64;
    let counting =
        forms * (STRING + 16.0) + of_chars * (4.0 + DISTINCT_CHARS * STRING) + tokens * DISTINCT * lengths * COUNTED;
    control.expect_memory("counting the terms", whole(kept_of(set) + both + counting), SMALLER)
}

/// Tells of fitting the heads to these rows, or to `of` like them. Where `values` (of the matrix of all rows) are not known, they are those of the terms.
pub(super) fn expect_fitting(
    set: &TrainingSet,
    (rows, of): (&[u32], usize),
    vectoriser: &Vectoriser,
    (columns, values): (usize, Option<usize>),
    options: &TrainOptions,
    control: &Control,
) -> Result<()> {
    let n = rows.len() as f64;
    // Document frequencies, back from the idf.
    let df: Vec<f64> = vectoriser
        .idf()
        .iter()
        .map(|&idf| ((1.0 + n) / libm::exp(f64::from(idf) - 1.0) - 1.0).round().max(1.0))
        .collect();
    let of_terms: f64 = df.iter().sum();
    let values = values.map_or(of_terms, |n| n as f64);
    let columns = columns as f64;
    // Columns beside the terms have copies as the terms do.
    let copies = copies(&df, set, rows) * (values / of_terms.max(1.0)).max(1.0);
    let count = |numbers: &[u32]| rows.iter().filter(|&&r| numbers[r as usize] != UNLABELLED).count() as f64;
    let (topics, stances) = (set.topics.len(), set.stances.len());
    let topic = if topics > 1 { head(columns, values, count(&set.topic), topics) } else { 0.0 };
    let wide = columns + copies;
    let stance = if stances > 1 {
        // While departures are compared, two sets of copies stand side by side: two columns of each value, and where the copies of each column are.
        let matrices = if options.topic_departure == Choice::Auto && topics > 1 { 2.0 } else { 1.0 };
        matrices * (5.0 * values + 12.0 * columns + copies) + head(wide, 2.0 * values, count(&set.stance), stances)
    } else {
        0.0
    };
    // The matrix grows by doubling from parts that stand beside it, and then the heads stand beside it.
    let fitting = TERM * df.len() as f64 + 8.0 * values + (topic + stance).max(8.0 * values);
    let larger = of as f64 / n.max(1.0);
    control.expect_memory("training", whole(kept_of(set) + fitting * larger), SMALLER)
}

/// Fitting one head: weights, factors and dual variables in every fold of a sample, or once for all rows.
fn head(columns: f64, values: f64, rows: f64, classes: usize) -> f64 {
    let stride = crate::linear::stride_of(classes) as f64;
    let weights = columns * (4.0 * stride + 4.0);
    let per_row = 4.0 * classes as f64 + 32.0;
    let sample = rows.min(SAMPLE as f64);
    let folds = if is_large(sample as usize, classes) { FEW_FOLDS } else { FOLDS } as f64;
    let making_factors = FACTORS * columns + 4.0 * values;
    let in_folds = folds * (weights + sample * per_row) + FACTORS * columns + 4.0 * values * sample / rows.max(1.0);
    let of_all = weights + 4.0 * classes as f64 * columns + rows * per_row + making_factors;
    in_folds.max(of_all)
}

/// How many pairs of a topic and a column there are, if terms knew nothing of topics; those that do have fewer.
fn copies(df: &[f64], set: &TrainingSet, rows: &[u32]) -> f64 {
    let mut counts = vec![0usize; set.topics.len()];
    for &row in rows {
        if let Some(count) = counts.get_mut(set.topic[row as usize] as usize) {
            *count += 1;
        }
    }
    let mut by_df = std::collections::BTreeMap::<u64, usize>::new();
    df.iter().for_each(|&df| *by_df.entry(df as u64).or_default() += 1);
    let n = rows.len().max(1) as f64;
    let expected = |df: u64| -> f64 { counts.iter().map(|&c| 1.0 - (1.0 - c as f64 / n).powf(df as f64)).sum() };
    by_df.into_iter().map(|(df, columns)| columns as f64 * expected(df)).sum()
}

fn kept_of(set: &TrainingSet) -> f64 {
    kept(&set.documents) + set.context.as_ref().map_or(0.0, kept)
}

/// What stands of a corpus that was read: the numbers of its tokens, in lists that grow by doubling, and its forms.
fn kept(documents: &Documents) -> f64 {
    6.0 * documents.token_count() as f64 + 48.0 * documents.len() as f64 + STRING * documents.forms().len() as f64
}

fn whole(tables: f64) -> Bytes {
    Bytes((PROGRAM + tables) as u64)
}

/// Character n-grams of a form of so many letters, with its bounds.
fn grams_of(letters: usize, range: NgramRange) -> usize {
    (range.min()..=range.max()).map(|n| (letters + 3).saturating_sub(n)).sum()
}
