//! From plain text to the paragraphs a reader would see.
//!
//! Flows in: the text of a file, however it was laid out. Flows out: paragraphs, each one line of single-spaced text.
//! Four shapes occur in transcripts and in what is copied from web pages and PDF files, often mixed: blank lines
//! between paragraphs, a paragraph a line, hard-wrapped lines, and one endless line. No option tells them apart,
//! because people who have a folder of speeches do not know which they have: [`layout`] finds out from the lengths of
//! the lines and from whether sentences run on over their ends.
//!
//! Nothing disappears but white space, hyphens at line ends that are mended ([`hyphens`]) and lone page numbers
//! ([`lines`]). Every step is linear in the text.

mod hyphens;
mod layout;
mod lines;
mod sentences;

use hyphens::{Joint, Mender};
use layout::Layout;
use lines::lines_of;

/// Words in a paragraph at most, where a text has no paragraphs of its own.
pub const DEFAULT_MAX_WORDS: usize = 250;

/// Cuts a plain text into paragraphs.
///
/// Lines that were wrapped are joined, paragraphs are told by blank lines, short last lines, indentation, list marks or
/// speakers' names, whichever the text has. A text that is one endless paragraph is cut at sentence ends into pieces of
/// at most `max_words` words, as equal as sentences allow; a sentence longer than that is cut between words. Paragraphs
/// that the text marks itself are a reader's paragraphs even when somewhat longer: of a text that has several, only
/// those of more than twice `max_words` are cut. A Chinese or Japanese character counts as a word. `max_words` of 0
/// means 1.
///
/// ```
/// use rapporteur::corpus::{DEFAULT_MAX_WORDS, split_paragraphs};
/// let page = "The Council must act, and inter-\nnational law must be kept\n7\n\nby all.\n\nWe thank you.\n";
/// assert_eq!(
///     split_paragraphs(page, DEFAULT_MAX_WORDS),
///     ["The Council must act, and international law must be kept by all.", "We thank you."]
/// );
/// assert_eq!(split_paragraphs("One. Two three. Four.", 3), ["One. Two three.", "Four."]);
/// ```
pub fn split_paragraphs(text: &str, max_words: usize) -> Vec<String> {
    let max_words = max_words.max(1);
    let paragraphs = join_lines(text);
    let longest_kept = if paragraphs.len() > 1 { max_words.saturating_mul(2) } else { max_words };
    let mut pieces = Vec::with_capacity(paragraphs.len());
    for paragraph in paragraphs {
        if sentences::count_words(&paragraph) <= longest_kept {
            pieces.push(paragraph);
        } else {
            sentences::cut(&paragraph, max_words, &mut pieces);
        }
    }
    pieces
}

/// Joins the lines of each paragraph.
fn join_lines(text: &str) -> Vec<String> {
    let lines = lines_of(text);
    let layout = Layout::of(&lines);
    let mender = Mender::of(&lines);
    let mut paragraphs = Vec::new();
    let mut open = String::new();
    for (i, line) in lines.iter().enumerate() {
        if let Some(before) = i.checked_sub(1).map(|b| &lines[b]) {
            if layout.parts(before, line, lines.get(i + 1)) {
                paragraphs.push(std::mem::take(&mut open));
            } else {
                match mender.joint(before.text, line.text) {
                    Joint::Space => open.push(' '),
                    Joint::Nothing => {}
                    Joint::Mended => {
                        open.pop();
                    }
                }
            }
        }
        push_single_spaced(&mut open, line.text);
    }
    if !open.is_empty() {
        paragraphs.push(open);
    }
    paragraphs
}

fn push_single_spaced(out: &mut String, text: &str) {
    for (i, word) in text.split(lines::is_space).filter(|w| !w.is_empty()).enumerate() {
        if i > 0 {
            out.push(' ');
        }
        out.push_str(word);
    }
}

#[cfg(test)]
mod tests;
