//! From the bytes of a file to UTF-8.
//!
//! Flows in: bytes in some encoding. Flows out: UTF-8 without a byte order mark. Nothing is replaced: bytes that the
//! encoding does not have are an error with their place. Where nobody has named the encoding, a byte order mark tells
//! it; without one, *the first bytes outside ASCII decide*: if they are UTF-8 the file is, and if not it is read as
//! Windows-1252, with a note. This looks at one place only, so it streams, and does not depend on how a pipe cuts its
//! blocks; and since all before that place is ASCII, it is as if the whole had been read so from the start.

use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;

use encoding_rs::{Decoder, DecoderResult, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::input::BUFFER;
use super::read_log::ReadLog;
use crate::error::Error;

/// What encodes a text: named, or to be found out.
///
/// Names are those of the [WHATWG Encoding Standard](https://encoding.spec.whatwg.org/#names-and-labels), as browsers
/// know them: `utf-8`, `utf-16`, `windows-1252`, `latin1` (which by that standard is Windows-1252), `shift_jis` ...
///
/// ```
/// use rapporteur::corpus::Encoding;
/// assert_eq!("latin1".parse::<Encoding>()?.to_string(), "windows-1252");
/// assert_eq!(Encoding::default().to_string(), "auto");
/// assert!("klingon".parse::<Encoding>().is_err());
/// # Ok::<(), rapporteur::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Encoding(Option<&'static encoding_rs::Encoding>);

impl FromStr for Encoding {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        if name == "auto" {
            return Ok(Encoding(None));
        }
        // The standard maps a few dangerous encodings to one that reads nothing.
        match encoding_rs::Encoding::for_label_no_replacement(name.as_bytes()) {
            Some(encoding) => Ok(Encoding(Some(encoding))),
            None => Err(Error::parameter(
                "encoding",
                format!("{name:?}"),
                "auto, utf-8, utf-16, windows-1252 or another name of the WHATWG Encoding Standard",
            )),
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.map_or_else(|| "auto".into(), |encoding| encoding.name().to_ascii_lowercase()))
    }
}

/// A reader of UTF-8 over one of bytes.
pub(super) struct Decoded<R> {
    source: R,
    name: String,
    log: ReadLog,
    state: State,
    /// Bytes read and not yet handed out, from `start` on.
    raw: Vec<u8>,
    start: usize,
    /// UTF-8 made and not yet handed out, from `given` on.
    decoded: Vec<u8>,
    given: usize,
    /// Bytes of the source before `raw[start]`.
    offset: u64,
    /// Line feeds and zeros among them, while all are ASCII.
    lines: u64,
    zeros: bool,
}

enum State {
    /// Nothing is read yet.
    Start(Encoding),
    /// All was ASCII so far, and nobody has named the encoding.
    Ascii,
    /// UTF-8 or what is taken for it: the readers above check it, because they know the line and the column to name.
    Utf8,
    /// Anything else.
    Other(Box<Decoder>),
    /// All is handed out.
    End,
}

impl<R: Read> Decoded<R> {
    pub fn new(source: R, name: &str, encoding: Encoding, log: ReadLog) -> Self {
        Decoded {
            source,
            name: name.to_owned(),
            log,
            state: State::Start(encoding),
            raw: Vec::new(),
            start: 0,
            decoded: Vec::new(),
            given: 0,
            offset: 0,
            lines: 0,
            zeros: false,
        }
    }

    /// Reads on until `raw` has `wanted` bytes, or the source ends.
    fn gather(&mut self, wanted: usize) -> io::Result<()> {
        while self.raw.len() - self.start < wanted {
            let mut block = [0; 64];
            match self.source.read(&mut block) {
                Ok(0) => break,
                Ok(read) => self.raw.extend_from_slice(&block[..read]),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    fn skip(&mut self, bytes: usize) {
        self.start += bytes;
        self.offset += bytes as u64;
    }

    /// Looks at the first bytes.
    fn begin(&mut self, encoding: Encoding) -> io::Result<State> {
        self.gather(4)?;
        let head = &self.raw[self.start..];
        if let Some(what) = foreign(head) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        if head.starts_with(b"\xEF\xBB\xBF") {
            self.skip(3);
            return Ok(State::Utf8);
        }
        let utf16 = match *head {
            [0xFF, 0xFE, ..] => Some((UTF_16LE, 2)),
            [0xFE, 0xFF, ..] => Some((UTF_16BE, 2)),
            // Letters of ASCII at the beginning, as RFC 4627 tells the encodings of JSON.
            [a, 0, b, 0, ..] if a != 0 && b != 0 && encoding.0.is_none() => Some((UTF_16LE, 0)),
            [0, a, 0, b, ..] if a != 0 && b != 0 && encoding.0.is_none() => Some((UTF_16BE, 0)),
            _ => None,
        };
        if let Some((utf16, mark)) = utf16 {
            if mark == 0 {
                self.log.note(format!("{} is read as {}, by its first bytes", self.name, utf16.name()));
            }
            self.skip(mark);
            return Ok(State::Other(Box::new(utf16.new_decoder_without_bom_handling())));
        }
        Ok(match encoding.0 {
            None => State::Ascii,
            Some(encoding) if encoding == UTF_8 => State::Utf8,
            Some(encoding) => State::Other(Box::new(encoding.new_decoder_without_bom_handling())),
        })
    }

    /// Decides by the first bytes outside ASCII, which `raw` begins with.
    fn decide(&mut self) -> io::Result<State> {
        self.gather(4)?;
        let head = &self.raw[self.start..];
        let valid = match std::str::from_utf8(head) {
            Ok(_) => true,
            Err(error) => error.valid_up_to() > 0,
        };
        // Zeros and no UTF-8: not a text at all, and not to be made to look like one.
        if valid || self.zeros {
            return Ok(State::Utf8);
        }
        self.log.note(format!(
            "{}, line {}: the first character outside ASCII is not UTF-8, so the file is read as Windows-1252; if it is something else, name it with --encoding",
            self.name,
            self.lines + 1
        ));
        Ok(State::Other(Box::new(WINDOWS_1252.new_decoder_without_bom_handling())))
    }

    /// Hands out what is read already.
    fn give_raw(&mut self, out: &mut [u8]) -> usize {
        let given = out.len().min(self.raw.len() - self.start);
        out[..given].copy_from_slice(&self.raw[self.start..self.start + given]);
        self.skip(given);
        if self.start == self.raw.len() {
            self.raw.clear();
            self.start = 0;
        }
        given
    }

    /// Decodes the next block into `decoded`; empty at the end.
    fn decode(&mut self) -> io::Result<()> {
        let State::Other(decoder) = &mut self.state else { return Ok(()) };
        self.given = 0;
        self.decoded.resize(4 * BUFFER, 0);
        loop {
            let mut last = false;
            if self.start == self.raw.len() {
                self.raw.resize(BUFFER, 0);
                self.start = 0;
                let read = self.source.read(&mut self.raw);
                self.raw.truncate(*read.as_ref().unwrap_or(&0));
                last = read? == 0;
            }
            let before = &self.raw[self.start..];
            let (result, read, written) = decoder.decode_to_utf8_without_replacement(before, &mut self.decoded, last);
            self.start += read;
            self.offset += read as u64;
            if let DecoderResult::Malformed(length, after) = result {
                let at = self.offset.saturating_sub(u64::from(length) + u64::from(after)) + 1;
                let name = decoder.encoding().name();
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("byte {at} is not {name}; save the file as UTF-8, or name its encoding with --encoding"),
                ));
            }
            if written > 0 || last {
                self.decoded.truncate(written);
                if last && result == DecoderResult::InputEmpty {
                    self.state = State::End;
                }
                return Ok(());
            }
        }
    }
}

/// Files that are no text, by how they begin, and what to do.
fn foreign(head: &[u8]) -> Option<&'static str> {
    match *head {
        [b'P', b'K', 3, 4] | [b'P', b'K', 3, 4, ..] => {
            Some("this is a ZIP archive, or a document such as .xlsx or .docx; save it as CSV (UTF-8) or as text")
        }
        [b'%', b'P', b'D', b'F', ..] => Some("this is a PDF; save it as text (pdftotext does it)"),
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] => {
            Some("this is UTF-32, which is not read; save it as UTF-8 (iconv -f UTF-32 -t UTF-8)")
        }
        _ => None,
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            match self.state {
                State::Start(encoding) => self.state = self.begin(encoding)?,
                State::Ascii => {
                    let read = match self.give_raw(out) {
                        0 => self.source.read(out)?,
                        waiting => {
                            self.offset -= waiting as u64;
                            waiting
                        }
                    };
                    let ascii = out[..read].iter().position(|b| !b.is_ascii()).unwrap_or(read);
                    self.offset += ascii as u64;
                    self.lines += memchr::memchr_iter(b'\n', &out[..ascii]).count() as u64;
                    self.zeros |= memchr::memchr(0, &out[..ascii]).is_some();
                    if ascii < read {
                        // What is outside ASCII goes back, before what may wait behind it.
                        self.raw.splice(..self.start, out[ascii..read].iter().copied());
                        self.start = 0;
                        self.state = self.decide()?;
                    }
                    if ascii > 0 || read == 0 {
                        return Ok(ascii);
                    }
                }
                State::Utf8 => {
                    let waiting = self.give_raw(out);
                    return if waiting > 0 { Ok(waiting) } else { self.source.read(out) };
                }
                State::Other(_) | State::End => {
                    if self.given == self.decoded.len() {
                        self.decoded.clear();
                        self.decode()?;
                    }
                    let given = out.len().min(self.decoded.len() - self.given);
                    out[..given].copy_from_slice(&self.decoded[self.given..self.given + given]);
                    self.given += given;
                    return Ok(given);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Hands out at most so many bytes at once.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let n = out.len().min(self.1);
            self.0.read(&mut out[..n])
        }
    }

    fn decode(bytes: &[u8], encoding: &str, piece: usize) -> (Result<Vec<u8>, String>, Vec<String>) {
        let log = ReadLog::default();
        let mut out = Vec::new();
        let mut reader = Decoded::new(Pieces(bytes, piece), "a.csv", encoding.parse().unwrap(), log.clone());
        let result = reader.read_to_end(&mut out).map(|_| out).map_err(|e| e.to_string());
        (result, log.notes())
    }

    fn text(bytes: &[u8], encoding: &str) -> (String, usize) {
        let first = decode(bytes, encoding, usize::MAX);
        for piece in [1, 2, 3, 7] {
            assert_eq!(decode(bytes, encoding, piece), first, "{piece}");
        }
        (String::from_utf8(first.0.unwrap()).unwrap(), first.1.len())
    }

    #[test]
    fn the_first_character_outside_ascii_decides() {
        assert_eq!(text("id,café\n".as_bytes(), "auto"), ("id,café\n".into(), 0));
        assert_eq!(text(b"id,text\n1,caf\xE9 \x80\n", "auto"), ("id,text\n1,café €\n".into(), 1));
        assert_eq!(text(b"\xE9", "auto"), ("é".into(), 1));
        assert_eq!(text(b"", "auto"), (String::new(), 0));
        let (_, notes) = decode(b"id\na\n\xE9\n", "auto", 2);
        assert!(notes[0].starts_with("a.csv, line 3: the first character outside ASCII is not UTF-8"), "{notes:?}");
        // UTF-8 that is damaged later is handed on, for the reader above to refuse with its place.
        assert_eq!(decode("é\u{E9}".as_bytes(), "auto", 1).0.unwrap(), "éé".as_bytes());
        assert_eq!(decode(b"\xC3\xA9 \xE9", "auto", 1), (Ok(b"\xC3\xA9 \xE9".to_vec()), vec![]));
        assert_eq!(decode(b"a\0b\xE9", "auto", 1), (Ok(b"a\0b\xE9".to_vec()), vec![]));
    }

    #[test]
    fn a_byte_order_mark_tells_and_goes() {
        for (text, mark) in [("идея, 👍\n", true), ("id,text\n1,идея\n", true), ("id,text\n1,идея\n", false)]
        {
            let units = mark.then_some(0xFEFF).into_iter().chain(text.encode_utf16());
            let little: Vec<u8> = units.clone().flat_map(u16::to_le_bytes).collect();
            let big: Vec<u8> = units.flat_map(u16::to_be_bytes).collect();
            assert_eq!(super::tests::text(&little, "auto"), (text.into(), usize::from(!mark)));
            assert_eq!(super::tests::text(&big, "auto"), (text.into(), usize::from(!mark)));
        }
        assert_eq!(text(b"\xEF\xBB\xBFid", "auto"), ("id".into(), 0));
        assert_eq!(text(b"\xEF\xBB\xBFid", "windows-1252"), ("id".into(), 0));
    }

    #[test]
    fn named_encodings_are_strict() {
        assert_eq!(text(b"caf\xE9", "latin1"), ("café".into(), 0));
        assert_eq!(text(b"\x93\xFA\x96\x7B", "shift_jis"), ("日本".into(), 0));
        assert_eq!(text(b"a\0\xE9\0", "utf-16"), ("aé".into(), 0));
        assert_eq!(decode(b"caf\xE9", "utf-8", 3).0.unwrap(), b"caf\xE9");
        for piece in [1, 100] {
            let said = decode(b"a\0\x00\xD8b\0", "utf-16le", piece).0.unwrap_err();
            assert!(said.starts_with("byte 3 is not UTF-16LE; save the file as UTF-8, or name"), "{said}");
            assert!(decode(b"a\0b", "utf-16", piece).0.is_err(), "half a unit");
            assert!(decode(b"ab\x81\x20", "euc-kr", piece).0.unwrap_err().contains("byte 3 is not EUC-KR"));
        }
    }

    #[test]
    fn what_is_no_text_is_named() {
        for (bytes, part) in [
            (&b"PK\x03\x04\x14\0\x06\0"[..], ".xlsx"),
            (b"%PDF-1.7\n", "pdftotext"),
            (b"\xFF\xFE\0\0i\0\0\0", "UTF-32"),
        ] {
            assert!(decode(bytes, "auto", 1).0.unwrap_err().contains(part));
        }
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(bytes in prop::collection::vec(prop_oneof![0u8..128, any::<u8>()], 0..60), piece in 1usize..9) {
            for encoding in ["auto", "utf-8", "utf-16", "windows-1252", "gb18030"] {
                let whole = decode(&bytes, encoding, usize::MAX);
                prop_assert_eq!(&whole, &decode(&bytes, encoding, piece));
                if encoding == "windows-1252" && !bytes.starts_with(b"\xEF\xBB\xBF") && whole.0.is_ok() {
                    prop_assert!(std::str::from_utf8(whole.0.as_ref().unwrap()).is_ok());
                }
            }
        }

        #[test]
        fn what_encoding_rs_encodes_is_read_back(text in "\\PC{1,40}") {
            for encoding in [encoding_rs::SHIFT_JIS, encoding_rs::GB18030, encoding_rs::WINDOWS_1251] {
                let (bytes, _, lost) = encoding.encode(&text);
                let foreign = foreign(&bytes).is_some() || bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF");
                if !lost && !foreign && !bytes.starts_with(b"\xEF\xBB\xBF") {
                    let (read, _) = decode(&bytes, encoding.name(), 5);
                    prop_assert_eq!(String::from_utf8(read.unwrap()).unwrap(), encoding.decode_without_bom_handling(&bytes).0);
                }
            }
        }
    }
}
