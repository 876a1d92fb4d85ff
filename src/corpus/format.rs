//! What a file is: CSV, TSV, JSON Lines or plain text, and what separates its cells.
//!
//! Flows in: an option, a name, the first line. Flows out: [`Format`] and the delimiter. The option wins over the name
//! and the name over the content, so that a guess is made only where nobody has said anything.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// Format of an input.
///
/// ```
/// use rapporteur::corpus::Format;
/// assert_eq!(Format::of_name("speeches.jsonl.zst"), Some(Format::Jsonl));
/// assert_eq!(Format::of_name("speeches"), None);
/// assert_eq!("text".parse::<Format>()?.to_string(), "text");
/// # Ok::<(), rapporteur::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Cells separated by commas (or what [`Delimiter`] says), as in RFC 4180, under a header.
    Csv,
    /// The same, separated by tabs.
    Tsv,
    /// A JSON object a line.
    Jsonl,
    /// Prose.
    Text,
}

impl Format {
    /// Format by the ending of a file name, `.gz` and `.zst` taken off; `None` for an ending that says nothing.
    pub fn of_name(name: &str) -> Option<Format> {
        let name = name.to_ascii_lowercase();
        let name = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(&name);
        let (stem, ending) = name.rsplit_once('.')?;
        match ending {
            _ if stem.is_empty() || stem.ends_with('/') => None,
            "csv" => Some(Format::Csv),
            "tsv" | "tab" => Some(Format::Tsv),
            "jsonl" | "ndjson" | "json" => Some(Format::Jsonl),
            "txt" | "text" | "md" => Some(Format::Text),
            _ => None,
        }
    }

    /// Format by the first bytes: JSON Lines begins with an object; a CSV file's first line has a delimiter and one of
    /// the columns that the caller looks for; the rest is prose.
    ///
    /// An array of objects counts as JSON Lines, whose reader says how to mend it.
    pub fn of_content(start: &[u8], columns: &[String], delimiter: Delimiter) -> Format {
        let text = String::from_utf8_lossy(start);
        let text = text.trim_start();
        let object = text.strip_prefix('[').map_or(text, str::trim_start);
        if object.strip_prefix('{').is_some_and(|rest| rest.trim_start().starts_with(['"', '}'])) {
            return Format::Jsonl;
        }
        let header = header_line(text.as_bytes());
        let byte = delimiter.resolve(header);
        let cells = cells(header, byte);
        let known = |cell: &[u8]| columns.iter().any(|c| c.as_bytes() == cell);
        if cells.len() > 1 && cells.iter().any(|cell| known(cell)) { Format::Csv } else { Format::Text }
    }
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "csv" => Ok(Format::Csv),
            "tsv" => Ok(Format::Tsv),
            "jsonl" => Ok(Format::Jsonl),
            "text" => Ok(Format::Text),
            _ => Err(Error::parameter("format", format!("{name:?}"), "csv, tsv, jsonl or text")),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Csv => "csv",
            Format::Tsv => "tsv",
            Format::Jsonl => "jsonl",
            Format::Text => "text",
        })
    }
}

/// What separates the cells of a CSV file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Delimiter {
    /// Whichever of `,` `;` tab `|` is most frequent in the header outside quotes.
    #[default]
    Auto,
    /// This byte.
    Byte(u8),
}

/// Delimiters that [`Delimiter::Auto`] looks for; the first wins a tie.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

impl Delimiter {
    /// The byte itself, given the start of the file.
    ///
    /// ```
    /// use rapporteur::corpus::Delimiter;
    /// assert_eq!(Delimiter::Auto.resolve(b"\"id, as filed\";text;topic\n"), b';');
    /// ```
    pub fn resolve(self, start: &[u8]) -> u8 {
        if let Delimiter::Byte(byte) = self {
            return byte;
        }
        let mut best = (0, b',');
        let header = header_line(start);
        for delimiter in DELIMITERS {
            let count = outside_quotes(header).filter(|&(_, b)| b == delimiter).count();
            if count > best.0 {
                best = (count, delimiter);
            }
        }
        best.1
    }
}

impl FromStr for Delimiter {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "auto" => Ok(Delimiter::Auto),
            "tab" | "\\t" | "\t" => Ok(Delimiter::Byte(b'\t')),
            "," | ";" | "|" => Ok(Delimiter::Byte(name.as_bytes()[0])),
            _ => Err(Error::parameter("delimiter", format!("{name:?}"), "auto, a comma, a semicolon, a bar or tab")),
        }
    }
}

/// The bytes outside double quotes, with their places.
fn outside_quotes(bytes: &[u8]) -> impl Iterator<Item = (usize, u8)> + '_ {
    let mut quoted = false;
    bytes.iter().copied().enumerate().filter(move |&(_, byte)| {
        if byte == b'"' {
            quoted = !quoted;
        }
        !quoted && byte != b'"'
    })
}

/// The end of the first line that is not blank, a line end in quotes not counting; `None` when it is not yet in sight.
pub(super) fn header_end(start: &[u8]) -> Option<usize> {
    let blank = blank_lines(start);
    outside_quotes(&start[blank..]).find(|&(_, b)| b == b'\n' || b == b'\r').map(|(at, _)| blank + at)
}

/// The first line that is not blank.
fn header_line(start: &[u8]) -> &[u8] {
    let end = header_end(start).unwrap_or(start.len());
    &start[blank_lines(start).min(end)..end]
}

fn blank_lines(start: &[u8]) -> usize {
    start.iter().take_while(|b| matches!(b, b'\n' | b'\r')).count()
}

/// Cells of a header, trimmed and without their quotes: enough to recognise a name, not a CSV reader.
fn cells(header: &[u8], delimiter: u8) -> Vec<&[u8]> {
    let cuts = outside_quotes(header).filter(|&(_, b)| b == delimiter).map(|(at, _)| at).chain([header.len()]);
    let mut from = 0;
    cuts.map(|at| {
        let cell = header[from..at].trim_ascii();
        from = at + 1;
        cell.strip_prefix(b"\"").and_then(|c| c.strip_suffix(b"\"")).unwrap_or(cell).trim_ascii()
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_format() {
        let of = Format::of_name;
        assert_eq!(of("a/b.CSV"), Some(Format::Csv));
        assert_eq!(of("b.tsv.gz"), Some(Format::Tsv));
        assert_eq!(of("b.ndjson"), Some(Format::Jsonl));
        assert_eq!(of("README.md"), Some(Format::Text));
        assert_eq!((of("-"), of("b.gz"), of("dir.csv/b"), of(".csv"), of("a/.csv")), (None, None, None, None, None));
    }

    #[test]
    fn content_tells_the_format() {
        let columns = ["text".to_owned()];
        let of = |start: &str| Format::of_content(start.as_bytes(), &columns, Delimiter::Auto);
        assert_eq!(of("\n {\"text\": 1}\n"), Format::Jsonl);
        assert_eq!(of("[\n  {\"text\": 1}]"), Format::Jsonl);
        assert_eq!(of("{the braces of} prose"), Format::Text);
        assert_eq!(of("id,text\n1,a"), Format::Csv);
        assert_eq!(of("\r\n\"id\nx\"; \"text\" \r\n"), Format::Csv);
        assert_eq!(of("Dear friends, text\n"), Format::Csv);
        assert_eq!(of("Mr. President, the text of the resolution\n"), Format::Text);
        assert_eq!(of("text\nprose"), Format::Text);
        assert_eq!(of(""), Format::Text);
    }

    #[test]
    fn sniffs_only_outside_quotes() {
        let sniff = |header: &str| Delimiter::Auto.resolve(header.as_bytes());
        assert_eq!(sniff("a,b;c\nd;e;f;g"), b',');
        assert_eq!(sniff("\"a,b,c\nd,\"\"e,\";f\n"), b';');
        assert_eq!(sniff("a\tb"), b'\t');
        assert_eq!(sniff("a|b|c"), b'|');
        assert_eq!(sniff("text"), b',');
        assert_eq!(Delimiter::Byte(b'|').resolve(b"a,b"), b'|');
    }

    #[test]
    fn options_parse() {
        assert_eq!("tab".parse::<Delimiter>().unwrap(), Delimiter::Byte(b'\t'));
        assert_eq!("|".parse::<Delimiter>().unwrap(), Delimiter::Byte(b'|'));
        assert!("::".parse::<Delimiter>().is_err());
        let error = "xlsx".parse::<Format>().unwrap_err().to_string();
        assert_eq!(error, "format is \"xlsx\", expected csv, tsv, jsonl or text");
    }
}
