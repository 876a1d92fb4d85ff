//! The words of UAX #29 as far as ASCII has them, found by a byte scanner.
//!
//! Flows in: a chunk of ASCII without white space. Flows out: where the segment of a place ends. Most text is such chunks, and a table of 128 classes and one byte ahead are all that the standard asks of them.

/// Word_Break classes of UAX #29 as far as ASCII has them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Letter,
    Digit,
    Underscore,
    MidLetter,
    MidBoth,
    MidDigit,
    Other,
}

const CLASSES: [Class; 128] = {
    let mut classes = [Class::Other; 128];
    let mut i = 0;
    while i < 128 {
        classes[i] = match i as u8 {
            b'a'..=b'z' | b'A'..=b'Z' => Class::Letter,
            b'0'..=b'9' => Class::Digit,
            b'_' => Class::Underscore,
            b':' => Class::MidLetter,
            b'.' | b'\'' => Class::MidBoth,
            b',' | b';' => Class::MidDigit,
            _ => Class::Other,
        };
        i += 1;
    }
    classes
};

fn class(byte: u8) -> Class {
    CLASSES[usize::from(byte & 0x7f)]
}

/// The end of the UAX #29 segment that begins at `at` with a letter, digit or underscore; `None` where none of these is there.
pub(super) fn segment_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut previous = class(bytes[at]);
    if !matches!(previous, Class::Letter | Class::Digit | Class::Underscore) {
        return None;
    }
    at += 1;
    while at < bytes.len() {
        let here = class(bytes[at]);
        let next = if at + 1 < bytes.len() { class(bytes[at + 1]) } else { Class::Other };
        match (previous, here) {
            (_, Class::Letter | Class::Digit | Class::Underscore) => previous = here,
            (Class::Letter, Class::MidLetter | Class::MidBoth) if next == Class::Letter => {
                previous = Class::Letter;
                at += 1;
            }
            (Class::Digit, Class::MidDigit | Class::MidBoth) if next == Class::Digit => {
                previous = Class::Digit;
                at += 1;
            }
            _ => break,
        }
        at += 1;
    }
    Some(at)
}
