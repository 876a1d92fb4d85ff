//! What is known of each form: its word, its character n-grams, its part in negation.
//!
//! Flows in: forms, one by one, and the functions that say what they are. Flows out: each property by form number. Fitting and transforming use the same type with
//! other numbers inside: when a vocabulary is fitted a word is a provisional term, later it is a word of the vocabulary.

/// No word: the form is a stop word or a mark; neighbours become adjacent.
pub(super) const SKIPPED: u32 = u32::MAX;
/// A word outside the vocabulary: it breaks n-grams.
pub(super) const UNKNOWN: u32 = u32::MAX - 1;

/// What is known of forms 0, 1, 2 ..., property by property: a pass over a corpus mostly wants the words, and they alone fit the cache.
#[derive(Debug, Clone, Default)]
pub(super) struct Lexicon {
    words: Vec<u32>,
    /// The words when in a negation's scope.
    negated: Vec<u32>,
    scopes: Vec<Scope>,
    /// True once a form opens a scope; until then no scope needs to be followed.
    scoped: bool,
    gram_ends: Vec<u32>,
    grams: Vec<u32>,
}

/// A form's part in negation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    None,
    Opens,
    Ends,
}

impl Lexicon {
    /// Adds what is known of the next form.
    pub fn push(&mut self, word: u32, negated: u32, scope: Scope, grams: impl FnOnce(&mut Vec<u32>)) {
        grams(&mut self.grams);
        self.gram_ends.push(self.grams.len() as u32);
        self.words.push(word);
        self.negated.push(negated);
        self.scopes.push(scope);
        self.scoped |= scope == Scope::Opens;
    }

    /// Adds what another knows of the forms after these.
    pub fn append(&mut self, other: Lexicon) {
        let base = self.grams.len() as u32;
        self.gram_ends.extend(other.gram_ends.iter().map(|end| base + end));
        self.grams.extend(other.grams);
        self.words.extend(other.words);
        self.negated.extend(other.negated);
        self.scopes.extend(other.scopes);
        self.scoped |= other.scoped;
    }

    /// Gives every word the number that `numbers` has for it.
    pub fn renumber_words(&mut self, numbers: &[u32]) {
        for word in self.words.iter_mut().chain(&mut self.negated) {
            if let Some(&number) = numbers.get(*word as usize) {
                *word = number;
            }
        }
    }

    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Character n-grams of a form, with repetitions.
    pub fn grams(&self, form: u32) -> &[u32] {
        let form = form as usize;
        let start = if form == 0 { 0 } else { self.gram_ends[form - 1] };
        &self.grams[start as usize..self.gram_ends[form] as usize]
    }

    pub fn gram_total(&self) -> usize {
        self.grams.len()
    }

    pub fn clear(&mut self) {
        self.words.clear();
        self.negated.clear();
        self.scopes.clear();
        self.gram_ends.clear();
        self.grams.clear();
    }

    /// The words of a token stream, with the place of each in the stream; stop words and marks passed over.
    pub fn words<'a>(&'a self, tokens: &'a [u32]) -> impl Iterator<Item = (usize, u32)> + 'a {
        let mut in_scope = false;
        tokens.iter().enumerate().filter_map(move |(place, &form)| self.word(form, &mut in_scope).map(|w| (place, w)))
    }

    /// The word of a form, unless it has none; `in_scope` says whether a negation before it reaches it, and afterwards whether one reaches the next.
    pub fn word(&self, form: u32, in_scope: &mut bool) -> Option<u32> {
        let form = form as usize;
        let word = if *in_scope { self.negated[form] } else { self.words[form] };
        if self.scoped {
            match self.scopes[form] {
                Scope::Opens => *in_scope = true,
                Scope::Ends => *in_scope = false,
                Scope::None => {}
            }
        }
        (word != SKIPPED).then_some(word)
    }
}
