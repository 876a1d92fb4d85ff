//! With the same tokens our tf-idf is scikit-learn's. `tests/golden/tfidf.py` says how the numbers were made.

use std::collections::BTreeMap;

use linfa::ParamGuard;
use rapporteur::features::{Documents, Frequency, TextVectoriser, Vectoriser, VectoriserParams};
use rapporteur::sparse::{SparseMatrix, SparseRow};
use rapporteur::text::NgramRange;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    fit: Vec<String>,
    held_out: Vec<String>,
    settings: Vec<Setting>,
}

#[derive(Deserialize)]
struct Setting {
    analyzer: String,
    ngram_range: (usize, usize),
    min_df: Frequency,
    max_df: Frequency,
    sublinear_tf: bool,
    terms: Vec<String>,
    idf: Vec<f64>,
    fit_rows: Vec<Vec<(usize, f64)>>,
    held_out_rows: Vec<Vec<(usize, f64)>>,
}

impl Setting {
    fn name(&self) -> String {
        let (low, high) = self.ngram_range;
        let Setting { analyzer, min_df, max_df, sublinear_tf, .. } = self;
        format!("{analyzer} {low}-{high}, min_df {min_df}, max_df {max_df}, sublinear_tf {sublinear_tf}")
    }

    fn range(&self) -> Option<NgramRange> {
        Some(NgramRange::new(self.ngram_range.0, self.ngram_range.1).expect("a range"))
    }

    /// A term as our vocabulary writes it: `_` for a word bound of a character n-gram.
    fn term(&self, column: usize) -> String {
        if self.analyzer == "word" { self.terms[column].clone() } else { self.terms[column].replace(' ', "_") }
    }

    fn fit(&self, documents: &Documents, words: bool, chars: Option<NgramRange>) -> Vectoriser {
        let params = VectoriserParams::default()
            .word_ngrams(self.range().filter(|_| words))
            .char_ngrams(chars)
            .min_df(self.min_df)
            .max_df(self.max_df)
            .sublinear_tf(self.sublinear_tf);
        Vectoriser::fit(&params.check().expect("parameters"), documents).expect("terms")
    }
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden/tfidf.json")).expect("valid JSON")
}

/// A row by term, so that the order of columns does not matter; `block` picks the word block, the character block.
fn ours(vectoriser: &Vectoriser, row: SparseRow<'_>, chars: bool) -> BTreeMap<String, f64> {
    let vocabulary = vectoriser.vocabulary();
    row.iter()
        .filter(|&(j, _)| vocabulary.is_char(j) == chars)
        .map(|(j, value)| (vocabulary.term(j), f64::from(value)))
        .collect()
}

fn compare(what: &str, ours: &BTreeMap<String, f64>, setting: &Setting, theirs: &[(usize, f64)]) {
    assert_eq!(ours.len(), theirs.len(), "{what}: {ours:?}");
    for &(column, value) in theirs {
        let term = setting.term(column);
        let found = ours.get(&term).copied().unwrap_or_else(|| panic!("{what}: no {term:?}"));
        assert!((found - value).abs() < 1e-6, "{what}, {term:?}: {found} here, {value} by scikit-learn");
    }
}

#[test]
fn vectors_equal_scikit_learns() {
    let golden = golden();
    assert_eq!(golden.settings.len(), 14);
    let documents: Documents = golden.fit.iter().map(String::as_str).collect();
    for setting in &golden.settings {
        let name = setting.name();
        let words = setting.analyzer == "word";
        let vectoriser = setting.fit(&documents, words, setting.range().filter(|_| !words));
        let vocabulary = vectoriser.vocabulary();
        let idf: BTreeMap<String, f64> =
            (0..vocabulary.len()).map(|j| (vocabulary.term(j), f64::from(vectoriser.idf()[j]))).collect();
        let all: Vec<(usize, f64)> = setting.idf.iter().copied().enumerate().collect();
        compare(&format!("{name}, idf"), &idf, setting, &all);

        let rows: Vec<u32> = (0..documents.len() as u32).collect();
        let x = vectoriser.transform_rows(&documents, &rows);
        for (i, theirs) in setting.fit_rows.iter().enumerate() {
            compare(&format!("{name}, document {i}"), &ours(&vectoriser, x.row(i), !words), setting, theirs);
        }
        let mut texts = TextVectoriser::new(&vectoriser);
        let mut x = SparseMatrix::with_cols(vectoriser.width());
        golden.held_out.iter().for_each(|text| texts.transform(text, &mut x));
        for (i, theirs) in setting.held_out_rows.iter().enumerate() {
            compare(&format!("{name}, held out {i}"), &ours(&vectoriser, x.row(i), !words), setting, theirs);
        }
    }
}

/// Both blocks at once are what scikit-learn's two vectorisers give side by side, each normalised by itself.
#[test]
fn two_blocks_are_two_vectorisers_side_by_side() {
    let golden = golden();
    let documents: Documents = golden.fit.iter().map(String::as_str).collect();
    let rows: Vec<u32> = (0..documents.len() as u32).collect();
    let mut pairs = 0;
    for words in golden.settings.iter().filter(|s| s.analyzer == "word") {
        for chars in golden.settings.iter().filter(|s| s.analyzer == "char_wb") {
            let same = |s: &Setting| (s.min_df, s.max_df, s.sublinear_tf);
            if same(words) != same(chars) {
                continue;
            }
            pairs += 1;
            let vectoriser = words.fit(&documents, true, chars.range());
            let x = vectoriser.transform_rows(&documents, &rows);
            for i in 0..documents.len() {
                compare(&words.name(), &ours(&vectoriser, x.row(i), false), words, &words.fit_rows[i]);
                compare(&chars.name(), &ours(&vectoriser, x.row(i), true), chars, &chars.fit_rows[i]);
            }
        }
    }
    assert!(pairs >= 4, "{pairs}");
}

#[test]
fn the_character_block_is_as_long_as_its_weight() {
    let documents: Documents = ["The council met.", "The council adopted it."].into_iter().collect();
    let params = |weight: f64| {
        let blocks = VectoriserParams::default().char_ngrams(NgramRange::new(2, 3).ok()).min_df(Frequency::Count(1));
        blocks.char_weight(weight).check().unwrap()
    };
    let fit = |weight: f64| Vectoriser::fit(&params(weight), &documents).unwrap();
    let (plain, heavy) = (fit(1.0), fit(1.5));
    let words = heavy.vocabulary().word_terms();
    for row in [0, 1] {
        let [plain, heavy] = [&plain, &heavy].map(|v| v.transform_rows(&documents, &[row]));
        let length = |chars: bool| -> f64 {
            heavy
                .row(0)
                .iter()
                .filter(|(j, _)| (*j >= words) == chars)
                .map(|(_, x)| f64::from(x).powi(2))
                .sum::<f64>()
                .sqrt()
        };
        assert!((length(false) - 1.0).abs() < 1e-6 && (length(true) - 1.5).abs() < 1e-6);
        for ((j, light), (same, heavy)) in plain.row(0).iter().zip(heavy.row(0).iter()) {
            let factor = if j >= words { 1.5 } else { 1.0 };
            assert!(j == same && (light * factor - heavy).abs() < 1e-6);
        }
    }
}
