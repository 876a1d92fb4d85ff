//! What is known of each form: its word, its character n-grams, its part in negation.
//!
//! Flows in: forms, one by one, and the functions that say what they are. Flows out: [`FormInfo`] by form number. Fitting and transforming use the same type with
//! other numbers inside: when a vocabulary is fitted a word is a provisional term, later it is a word of the vocabulary.

/// No word: the form is a stop word or a mark; neighbours become adjacent.
pub(super) const SKIPPED: u32 = u32::MAX;
/// A word outside the vocabulary: it breaks n-grams.
pub(super) const UNKNOWN: u32 = u32::MAX - 1;

/// What is known of a form.
#[derive(Debug, Clone, Copy)]
pub(super) struct FormInfo {
    pub word: u32,
    /// Its word when in a negation's scope.
    pub negated: u32,
    pub opens_negation: bool,
    pub ends_negation: bool,
    grams: (u32, u32),
}

/// [`FormInfo`] of forms 0, 1, 2 ...
#[derive(Debug, Clone, Default)]
pub(super) struct Lexicon {
    infos: Vec<FormInfo>,
    grams: Vec<u32>,
}

impl Lexicon {
    /// Adds what is known of the next form.
    pub fn push(&mut self, word: u32, negated: u32, (opens, ends): (bool, bool), grams: impl FnOnce(&mut Vec<u32>)) {
        let start = self.grams.len() as u32;
        grams(&mut self.grams);
        let range = (start, self.grams.len() as u32);
        self.infos.push(FormInfo { word, negated, opens_negation: opens, ends_negation: ends, grams: range });
    }

    /// Gives every word the number that `numbers` has for it.
    pub fn renumber_words(&mut self, numbers: &[u32]) {
        for info in &mut self.infos {
            for word in [&mut info.word, &mut info.negated] {
                if let Some(&number) = numbers.get(*word as usize) {
                    *word = number;
                }
            }
        }
    }

    pub fn len(&self) -> usize {
        self.infos.len()
    }

    /// Character n-grams of a form, with repetitions.
    pub fn grams(&self, form: u32) -> &[u32] {
        let (start, end) = self.infos[form as usize].grams;
        &self.grams[start as usize..end as usize]
    }

    pub fn gram_total(&self) -> usize {
        self.grams.len()
    }

    pub fn clear(&mut self) {
        self.infos.clear();
        self.grams.clear();
    }

    /// The words of a token stream, with the place of each in the stream; stop words and marks passed over.
    pub fn words<'a>(&'a self, tokens: &'a [u32]) -> impl Iterator<Item = (usize, u32)> + 'a {
        let mut in_scope = false;
        tokens.iter().enumerate().filter_map(move |(place, &form)| {
            let info = self.infos[form as usize];
            let word = if in_scope { info.negated } else { info.word };
            if info.opens_negation {
                in_scope = true;
            } else if info.ends_negation {
                in_scope = false;
            }
            (word != SKIPPED).then_some((place, word))
        })
    }
}
