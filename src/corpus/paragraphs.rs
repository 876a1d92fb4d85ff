//! Paragraphs of plain text.

/// Splits a text at blank lines.
pub fn split_paragraphs(text: &str, _max_words: usize) -> Vec<String> {
    text.split("\n\n").map(str::trim).filter(|p| !p.is_empty()).map(str::to_owned).collect()
}
