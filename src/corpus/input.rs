//! Opening what is to be read.
//!
//! Flows in: a path, or `-` for standard input. Flows out: [`Input`], a buffered stream of UTF-8 bytes without a byte
//! order mark. Compression is told by the first bytes and not by the name, because pipes have no name and names lie;
//! the encoding is found out by [`super::encoding`]. All of it streams. Whether UTF-8 really is UTF-8 is for the
//! readers above to check: they know the line and the column to name.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};

use super::encoding::{Decoded, Encoding};
use super::read_log::ReadLog;
use crate::error::{Error, Place, Result};

/// Size of the buffers between the system and a reader.
pub(super) const BUFFER: usize = 1 << 16;
/// How far [`Input::peek`] looks at most.
const PEEK_LIMIT: usize = 1 << 20;

/// A file or standard input, decompressed and decoded.
///
/// ```
/// use rapporteur::corpus::Input;
/// use std::io::Read;
/// let mut input = Input::from_reader("memory", &b"\xEF\xBB\xBFid,text\n"[..])?;
/// let mut text = String::new();
/// input.read_to_string(&mut text).map_err(|e| rapporteur::Error::io("read", input.name(), e))?;
/// assert_eq!(text, "id,text\n");
/// # Ok::<(), rapporteur::Error>(())
/// ```
pub struct Input {
    name: String,
    source: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Input {
    /// Opens a file, or standard input for `-`.
    ///
    /// # Errors
    /// When the file is missing, unreadable or a directory.
    pub fn open(path: &str) -> Result<Input> {
        Input::open_encoded(path, Encoding::default(), &ReadLog::default())
    }

    /// As [`Input::open`], in an encoding; the log hears of one that had to be guessed.
    pub(super) fn open_encoded(path: &str, encoding: Encoding, log: &ReadLog) -> Result<Input> {
        if path == "-" {
            return Input::decoding("standard input", io::stdin(), encoding, log);
        }
        let file = File::open(path).map_err(|e| Error::io("open", path, e))?;
        if file.metadata().is_ok_and(|m| m.is_dir()) {
            return Err(Error::input(
                Place::file(path),
                "this is a directory, expected a file",
                format!("name the files in it, for example {}/*.csv", path.trim_end_matches('/')),
            ));
        }
        Input::decoding(path, file, encoding, log)
    }

    /// Wraps any reader; `name` is what errors will call it.
    ///
    /// # Errors
    /// When the first bytes cannot be read.
    pub fn from_reader(name: impl Into<String>, reader: impl Read + Send + 'static) -> Result<Input> {
        Input::decoding(name, reader, Encoding::default(), &ReadLog::default())
    }

    /// As [`Input::from_reader`], in an encoding.
    pub(super) fn decoding(
        name: impl Into<String>,
        reader: impl Read + Send + 'static,
        encoding: Encoding,
        log: &ReadLog,
    ) -> Result<Input> {
        let name = name.into();
        let mut reader = Counted { reader, log: log.clone() };
        let mut head = Vec::with_capacity(4);
        reader.by_ref().take(4).read_to_end(&mut head).map_err(|e| Error::io("read", &name, e))?;
        let gzip = head.starts_with(&[0x1f, 0x8b]);
        // The second form is a skippable frame, with which `pzstd` and seekable archives begin.
        let zstd =
            head == [0x28, 0xb5, 0x2f, 0xfd] || (head.len() == 4 && head[0] >> 4 == 5 && head[1..] == *b"\x2a\x4d\x18");
        let whole = Cursor::new(head).chain(reader);
        let plain: Box<dyn Read + Send> = if gzip {
            let decoder = flate2::bufread::MultiGzDecoder::new(BufReader::with_capacity(BUFFER, whole));
            Box::new(Decompressed { decoder, kind: "gzip" })
        } else if zstd {
            let decoder = zstd::stream::read::Decoder::new(whole).map_err(|e| Error::io("read", &name, e))?;
            Box::new(Decompressed { decoder, kind: "zstd" })
        } else {
            Box::new(whole)
        };
        let decoded = Decoded::new(plain, &name, encoding, log.clone());
        Ok(Input { name, source: Box::new(decoded), buffer: vec![0; BUFFER], start: 0, end: 0 })
    }

    /// The file as the user gave it, or `standard input`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Looks ahead without consuming: reads on until `enough` is content, the input ends or a mebibyte is seen.
    ///
    /// # Errors
    /// When reading fails.
    pub fn peek(&mut self, enough: impl Fn(&[u8]) -> bool) -> Result<&[u8]> {
        loop {
            if self.end - self.start >= PEEK_LIMIT || enough(&self.buffer[self.start..self.end]) {
                break;
            }
            if self.end == self.buffer.len() {
                self.buffer.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
                if self.end == self.buffer.len() {
                    self.buffer.resize(self.buffer.len() * 2, 0);
                }
            }
            match self.source.read(&mut self.buffer[self.end..]) {
                Ok(0) => break,
                Ok(read) => self.end += read,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(Error::io("read", &self.name, e)),
            }
        }
        Ok(&self.buffer[self.start..self.end])
    }
}

impl Read for Input {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        // A reader with a buffer as big as ours is served without a copy.
        if self.start == self.end && out.len() >= BUFFER {
            return self.source.read(out);
        }
        let waiting = self.fill_buf()?;
        let given = waiting.len().min(out.len());
        out[..given].copy_from_slice(&waiting[..given]);
        self.consume(given);
        Ok(given)
    }
}

impl BufRead for Input {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
            self.end = self.source.read(&mut self.buffer)?;
        }
        Ok(&self.buffer[self.start..self.end])
    }

    fn consume(&mut self, amount: usize) {
        self.start = (self.start + amount).min(self.end);
    }
}

/// Tells the log of the bytes that go by.
struct Counted<R> {
    reader: R,
    log: ReadLog,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(buffer)?;
        self.log.count_bytes(n);
        Ok(n)
    }
}

/// Says of a decompressor's error what it means; the system's own errors pass unchanged.
struct Decompressed<R> {
    decoder: R,
    kind: &'static str,
}

impl<R: Read> Read for Decompressed<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.decoder.read(out).map_err(|e| {
            if e.raw_os_error().is_some() || e.kind() == io::ErrorKind::Interrupted {
                return e;
            }
            io::Error::new(
                e.kind(),
                format!("its {} data is damaged or cut short ({e}); copy or make it anew", self.kind),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn read(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        Input::from_reader("x", Cursor::new(bytes.to_vec())).unwrap().read_to_end(&mut out)?;
        Ok(out)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn decompresses_every_member() {
        let mut gz = gzip(b"id,te");
        gz.extend(gzip(b"xt\n"));
        assert_eq!(read(&gz).unwrap(), b"id,text\n");
        let mut zst = zstd::encode_all(&b"id,te"[..], 1).unwrap();
        zst.extend(zstd::encode_all(&b"xt\n"[..], 1).unwrap());
        assert_eq!(read(&zst).unwrap(), b"id,text\n");
        let mut skippable = b"\x50\x2a\x4d\x18\x02\x00\x00\x00ab".to_vec();
        skippable.extend(zst);
        assert_eq!(read(&skippable).unwrap(), b"id,text\n");
    }

    #[test]
    fn damaged_compression_is_named() {
        let whole = gzip(&(0..200_000u32).flat_map(u32::to_le_bytes).collect::<Vec<_>>());
        let error = read(&whole[..whole.len() / 2]).unwrap_err().to_string();
        assert!(error.contains("gzip data is damaged or cut short"), "{error}");
        let whole = zstd::encode_all(&b"id,text\n"[..], 1).unwrap();
        let error = read(&whole[..whole.len() - 3]).unwrap_err().to_string();
        assert!(error.contains("zstd data is damaged or cut short"), "{error}");
    }

    #[test]
    fn decodes_what_was_compressed() {
        let little: Vec<u8> = "\u{FEFF}идея,text\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(read(&gzip(&little)).unwrap(), "идея,text\n".as_bytes());
        assert_eq!(read(&zstd::encode_all(&b"caf\xE9"[..], 1).unwrap()).unwrap(), "café".as_bytes());
    }

    #[test]
    fn short_inputs_pass_unchanged() {
        for bytes in [&b""[..], b"a", b"ab", b"\x1f", b"abc"] {
            assert_eq!(read(bytes).unwrap(), bytes);
        }
    }

    #[test]
    fn directories_and_missing_files_are_told_apart() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().to_str().unwrap();
        let error = Input::open(path).err().unwrap().to_string();
        assert!(error.contains("this is a directory"), "{error}");
        let error = Input::open(&format!("{path}/absent.csv")).err().unwrap().to_string();
        assert!(error.starts_with("cannot open") && error.contains("absent.csv"), "{error}");
    }

    /// Gives one byte at a time, as a slow pipe might.
    struct Slow(Cursor<Vec<u8>>);

    impl Read for Slow {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let one = out.len().min(1);
            self.0.read(&mut out[..one])
        }
    }

    #[test]
    fn peeking_consumes_nothing_and_waits_for_slow_pipes() {
        let bytes = [b"x".repeat(100_000), b"\nrest".to_vec()].concat();
        let mut input = Input::from_reader("x", Slow(Cursor::new(bytes.clone()))).unwrap();
        assert!(input.peek(|seen| seen.contains(&b'\n')).unwrap().ends_with(b"x\n"));
        let mut all = Vec::new();
        input.read_to_end(&mut all).unwrap();
        assert_eq!(all, bytes);
    }
}
