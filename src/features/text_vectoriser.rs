//! Texts one by one, as classifying meets them: no corpus is kept.
//!
//! Flows in: a [`Vectoriser`] and texts. Flows out: the vector of each, the same as it has in a corpus, and where its terms stand. A text of any length is
//! looked at in runs of tokens, so that it takes little memory.

use std::ops::Range;

use super::lexicon::Lexicon;
use super::row_terms::{RUN, Scratch};
use super::strings::Strings;
use super::vectorise::Vectoriser;
use crate::sparse::SparseMatrix;
use crate::text::{Token, tokenise, tokenise_runs};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::{Documents, VectoriserParams};
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
