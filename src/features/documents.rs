//! A corpus as numbers: every token's form, nothing of the text.
//!
//! Flows in: paragraphs, in batches that may be read on any thread. Flows out: [`Documents`], four bytes a token. What the analyser makes of a
//! form is looked up later, per distinct form: so folds, stemmers and n-gram ranges can be tried without reading the text again, and the text need not be kept.

use super::strings::Strings;
use crate::text::{Token, tokenise};

/// Token streams of many paragraphs over one set of forms.
///
/// ```
/// use rapporteur::features::Documents;
/// let documents: Documents = ["Peace, peace!", "War."].into_iter().collect();
/// assert_eq!((documents.len(), documents.forms().len()), (2, 5));
/// assert_eq!(documents.tokens(0).len(), 4);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Documents {
    forms: Strings,
    starts: Vec<usize>,
    tokens: Vec<u32>,
    cut: Vec<Token>,
    form: String,
    /// Forms that are in the batches handed over.
    handed: usize,
}

/// Paragraphs that one thread has analysed, in the numbers that its forms have there; with the forms that are new since its last batch.
#[derive(Debug, Clone, Default)]
pub struct DocumentBatch {
    fresh: Strings,
    starts: Vec<usize>,
    tokens: Vec<u32>,
}

impl Documents {
    /// Adds a paragraph.
    pub fn push(&mut self, text: &str) {
        if self.starts.is_empty() {
            self.starts.push(0);
        }
        self.cut.clear();
        tokenise(text, &mut self.cut);
        self.forms.intern_tokens(text, &self.cut, &mut self.form, &mut self.tokens, |_| {});
        self.starts.push(self.tokens.len());
    }

    /// Adds all paragraphs of another set after these.
    pub fn append(&mut self, other: &Documents) {
        if self.starts.is_empty() {
            self.starts.push(0);
        }
        let base = self.tokens.len();
        let renumbered: Vec<u32> = other.forms.iter().map(|form| self.forms.intern(form)).collect();
        self.tokens.extend(other.tokens.iter().map(|&t| renumbered[t as usize]));
        self.starts.extend(other.starts.iter().skip(1).map(|s| base + s));
    }

    /// Gives the paragraphs away and keeps the forms: the next batch numbers no form anew.
    pub fn hand_over(&mut self) -> DocumentBatch {
        let fresh = self.forms.iter().skip(self.handed).collect();
        self.handed = self.forms.len();
        DocumentBatch { fresh, starts: std::mem::take(&mut self.starts), tokens: std::mem::take(&mut self.tokens) }
    }

    /// Adds the paragraphs of a batch after these. `numbers` says which number each form of that batch's thread has here; batches of a thread come in their order.
    ///
    /// ```
    /// use rapporteur::features::Documents;
    /// let (mut whole, mut thread, mut numbers) = (Documents::default(), Documents::default(), Vec::new());
    /// for text in ["Peace now.", "War or peace?"] {
    ///     thread.push(text);
    ///     whole.append_batch(&thread.hand_over(), &mut numbers);
    /// }
    /// assert_eq!((whole.len(), whole.tokens(1).len()), (2, 4));
    /// ```
    pub fn append_batch(&mut self, batch: &DocumentBatch, numbers: &mut Vec<u32>) {
        if self.starts.is_empty() {
            self.starts.push(0);
        }
        let base = self.tokens.len();
        numbers.extend(batch.fresh.iter().map(|form| self.forms.intern(form)));
        self.tokens.extend(batch.tokens.iter().map(|&t| numbers[t as usize]));
        self.starts.extend(batch.starts.iter().skip(1).map(|s| base + s));
    }

    /// Number of paragraphs.
    pub fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The forms of paragraph `i`, in order.
    pub fn tokens(&self, i: usize) -> &[u32] {
        &self.tokens[self.starts[i]..self.starts[i + 1]]
    }

    /// Number of tokens in all.
    pub fn token_count(&self) -> usize {
        self.tokens.len()
    }

    /// The distinct forms.
    pub fn forms(&self) -> &Strings {
        &self.forms
    }
}

impl<'a> FromIterator<&'a str> for Documents {
    fn from_iter<I: IntoIterator<Item = &'a str>>(texts: I) -> Self {
        let mut out = Documents::default();
        for text in texts {
            out.push(text);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_of_two_threads_equal_pushing() {
        let texts =
            ["The ceasefire holds.", "Holds? The truce!", "", "The ceasefire does not hold!", "Non-proliferation"];
        let whole: Documents = texts.into_iter().collect();
        let mut threads = [(Documents::default(), Vec::new()), (Documents::default(), Vec::new())];
        let mut parts = Documents::default();
        for (i, text) in texts.into_iter().enumerate() {
            let (thread, numbers) = &mut threads[i % 2];
            thread.push(text);
            parts.append_batch(&thread.hand_over(), numbers);
        }
        assert!(parts.forms().iter().eq(whole.forms().iter()));
        assert!((0..5).all(|i| parts.tokens(i) == whole.tokens(i)) && parts.len() == 5);
    }

    #[test]
    fn appending_equals_pushing() {
        let texts = ["The ceasefire holds.", "", "The ceasefire does not hold!", "Non-proliferation"];
        let whole: Documents = texts.into_iter().collect();
        let mut parts: Documents = texts[..2].iter().copied().collect();
        parts.append(&texts[2..].iter().copied().collect());
        assert_eq!(parts.len(), whole.len());
        for i in 0..whole.len() {
            let words = |d: &Documents| d.tokens(i).iter().map(|&t| d.forms().get(t).to_owned()).collect::<Vec<_>>();
            assert_eq!(words(&parts), words(&whole));
        }
    }
}
