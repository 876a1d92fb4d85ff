//! Output that survives a kill: what is done is kept, and the next run goes on from there.
//!
//! Flows in: blocks of bytes, and after each a [`Mark`] of how far the input was read. Flows out: `OUT.partial`, which
//! grows, and at the end takes the place of `OUT`. Beside it lies a journal: a line for each block, with the length and
//! the BLAKE3 digest of all that is written so far. A kill leaves the last block, or the last line, cut short; opening
//! hashes the partial file and goes back to the last line that is true of it. So nothing has to be synced to the disk
//! in between, and a partial file that somebody changed is not believed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::input::BUFFER;
use super::output::behind_links;
use crate::error::{Error, Place, Result};

/// How far a run has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// Rows of the input that are done.
    pub rows: u64,
    /// A digest of these rows.
    pub input: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    bytes: u64,
    blake3: String,
    mark: Mark,
}

#[derive(Serialize, Deserialize)]
struct Begun {
    run: String,
}

/// A file that is written over several runs.
///
/// ```
/// use rapporteur::corpus::{Mark, Resumable};
/// # let directory = tempfile::tempdir().unwrap();
/// # let path = directory.path().join("labels.csv").display().to_string();
/// let (mut first, done) = Resumable::open(&path, "model and options")?;
/// assert_eq!(done, None);
/// first.write_block(b"text,topic\n", &Mark { rows: 0, input: "a".into() })?;
/// drop(first); // killed
/// let (mut second, done) = Resumable::open(&path, "model and options")?;
/// assert_eq!(done, Some(Mark { rows: 0, input: "a".into() }));
/// second.write_block(b"We agree.,peace\n", &Mark { rows: 1, input: "b".into() })?;
/// second.finish()?;
/// assert_eq!(std::fs::read_to_string(&path).unwrap(), "text,topic\nWe agree.,peace\n");
/// # Ok::<(), rapporteur::Error>(())
/// ```
pub struct Resumable {
    name: String,
    target: PathBuf,
    partial: PathBuf,
    journal: PathBuf,
    file: File,
    lines: File,
    hasher: Box<blake3::Hasher>,
    bytes: u64,
}

impl Resumable {
    /// Opens the partial file of `path`, or begins one. `run` stands for all that must be the same for the two parts to
    /// be of one piece. Returns where the partial file ends, if there is one.
    ///
    /// # Errors
    /// When the partial file was begun by another `run`, another process is writing it, or it cannot be written.
    pub fn open(path: &str, run: &str) -> Result<(Resumable, Option<Mark>)> {
        let ending = Path::new(path).extension().and_then(|e| e.to_str()).unwrap_or_default();
        if path == "-"
            || fs::metadata(path).is_ok_and(|m| !m.is_file())
            || ["gz", "zst"].iter().any(|e| e.eq_ignore_ascii_case(ending))
        {
            return Err(Error::usage(format!(
                "{path}: only a plain file can be gone on with; it cannot be compressed"
            )));
        }
        let target = behind_links(path)?;
        let beside = |ending: &str| {
            let mut name = target.file_name().unwrap_or_default().to_owned();
            name.push(ending);
            target.with_file_name(name)
        };
        let (partial, journal) = (beside(".partial"), beside(".partial.journal"));
        let open = |path: &Path| {
            let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
            opened.map_err(|e| Error::io("open", path, e))
        };
        let file = open(&partial)?;
        // Where the file system knows no locks, nothing warns of a second run.
        if matches!(file.try_lock(), Err(fs::TryLockError::WouldBlock)) {
            return Err(Error::input(
                Place::file(partial.display().to_string()),
                "another run is writing this file",
                "wait for it, or choose another --output",
            ));
        }
        let lines = open(&journal)?;
        let hasher = Box::default();
        let mut out = Resumable { name: path.to_owned(), target, partial, journal, file, lines, hasher, bytes: 0 };
        let (mark, at) = out.go_back(run)?;
        out.lines.set_len(at).and_then(|()| out.lines.seek(SeekFrom::End(0))).map_err(|e| out.journal_error(e))?;
        out.file.set_len(out.bytes).and_then(|()| out.file.seek(SeekFrom::End(0))).map_err(|e| out.error(e))?;
        if at == 0 {
            out.log(&Begun { run: run.to_owned() })?;
        }
        Ok((out, mark))
    }

    /// Finds the last line of the journal that is true of the partial file, and where it ends.
    fn go_back(&mut self, run: &str) -> Result<(Option<Mark>, u64)> {
        let mut lines = BufReader::new(&self.lines);
        let mut line = String::new();
        let mut next = |line: &mut String| -> io::Result<bool> {
            line.clear();
            // A line that is no text is one that was never finished.
            match lines.by_ref().take(1 << 16).read_line(line) {
                Ok(_) => Ok(line.ends_with('\n')),
                Err(e) if e.kind() == io::ErrorKind::InvalidData => Ok(false),
                Err(e) => Err(e),
            }
        };
        let failed = |e| Error::io("read", &self.journal, e);
        let Some(begun) = next(&mut line).map_err(failed)?.then(|| serde_json::from_str::<Begun>(&line).ok()).flatten()
        else {
            return Ok((None, 0));
        };
        if begun.run != run {
            return Err(Error::input(
                Place::file(self.partial.display().to_string()),
                "it was begun with another model, other options, other inputs or another version of the program",
                "go on as it was begun, or delete it to begin anew",
            ));
        }
        let mut true_until = (None, line.len() as u64);
        let mut at = line.len() as u64;
        let (mut hasher, mut hashed) = (blake3::Hasher::new(), 0);
        while next(&mut line).map_err(failed)? {
            at += line.len() as u64;
            let Ok(Line { bytes, blake3, mark }) = serde_json::from_str(&line) else { break };
            let Some(more) = bytes.checked_sub(hashed) else { break };
            let read = io::copy(&mut (&self.file).take(more), &mut hasher).map_err(|e| self.error(e))?;
            hashed += read;
            if read < more || hasher.finalize().to_hex().as_str() != blake3 {
                break;
            }
            (*self.hasher, self.bytes) = (hasher.clone(), bytes);
            true_until = (Some(mark), at);
        }
        Ok(true_until)
    }

    fn log(&mut self, line: &impl Serialize) -> Result<()> {
        let mut text = serde_json::to_string(line).map_err(|e| self.journal_error(e.into()))?;
        text.push('\n');
        self.lines.write_all(text.as_bytes()).map_err(|e| self.journal_error(e))
    }

    /// Writes a block, and that the input is done up to `mark`.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write_block(&mut self, block: &[u8], mark: &Mark) -> Result<()> {
        for piece in block.chunks(BUFFER) {
            self.file.write_all(piece).map_err(|e| self.error(e))?;
        }
        self.hasher.update(block);
        self.bytes += block.len() as u64;
        let blake3 = self.hasher.finalize().to_hex().to_string();
        self.log(&Line { bytes: self.bytes, blake3, mark: mark.clone() })
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// [`Error::Io`]; the partial file then stays.
    pub fn finish(self) -> Result<()> {
        self.file.sync_all().map_err(|e| self.error(e))?;
        fs::rename(&self.partial, &self.target).map_err(|e| Error::io("replace", &self.name, e))?;
        // A journal without its partial file says nothing, and is begun anew by the next run.
        fs::remove_file(&self.journal).map_err(|e| Error::io("remove", &self.journal, e))
    }

    fn error(&self, e: io::Error) -> Error {
        Error::io("write", &self.partial, e)
    }

    fn journal_error(&self, e: io::Error) -> Error {
        Error::io("write", &self.journal, e)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(rows: u64) -> Mark {
        Mark { rows, input: format!("digest of {rows}") }
    }

    /// A run of three blocks, killed; its directory, the path, and the two files.
    fn killed() -> (tempfile::TempDir, String, Vec<u8>, Vec<u8>) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.csv").display().to_string();
        let (mut out, done) = Resumable::open(&path, "run").unwrap();
        assert_eq!(done, None);
        for rows in 0..3 {
            out.write_block(format!("block {rows}\n").as_bytes(), &mark(rows)).unwrap();
        }
        drop(out);
        let read = |ending: &str| fs::read(format!("{path}{ending}")).unwrap();
        let (partial, journal) = (read(".partial"), read(".partial.journal"));
        (directory, path, partial, journal)
    }

    #[test]
    fn however_the_files_are_cut_whole_blocks_are_kept() {
        let (_directory, path, partial, journal) = killed();
        for (of_partial, of_journal) in
            (0..=partial.len()).map(|n| (n, journal.len())).chain((0..=journal.len()).map(|n| (partial.len(), n)))
        {
            fs::write(format!("{path}.partial"), &partial[..of_partial]).unwrap();
            fs::write(format!("{path}.partial.journal"), &journal[..of_journal]).unwrap();
            let (mut out, done) = Resumable::open(&path, "run").unwrap();
            let blocks = done.as_ref().map_or(0, |mark| mark.rows + 1);
            let lines = journal[..of_journal].iter().filter(|&&b| b == b'\n').count().saturating_sub(1);
            assert_eq!(blocks as usize, lines.min(of_partial / 8), "{of_partial} {of_journal}");
            for rows in blocks..4 {
                out.write_block(format!("block {rows}\n").as_bytes(), &mark(rows)).unwrap();
            }
            out.finish().unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), "block 0\nblock 1\nblock 2\nblock 3\n");
            assert!(!Path::new(&format!("{path}.partial")).exists());
            assert!(!Path::new(&format!("{path}.partial.journal")).exists());
        }
    }

    #[test]
    fn a_partial_file_that_was_changed_is_not_believed() {
        let (_directory, path, mut partial, journal) = killed();
        partial[9] ^= 1;
        fs::write(format!("{path}.partial"), &partial).unwrap();
        let (out, done) = Resumable::open(&path, "run").unwrap();
        assert_eq!((done, out.bytes), (Some(mark(0)), 8));
        drop(out);
        fs::write(format!("{path}.partial.journal"), journal.repeat(2)).unwrap();
        assert_eq!(Resumable::open(&path, "run").unwrap().1, Some(mark(0)));
        fs::write(format!("{path}.partial.journal"), b"\xFF\n\xFF").unwrap();
        assert_eq!(Resumable::open(&path, "run").unwrap().1, None);
    }

    #[test]
    fn another_run_is_refused() {
        let (_directory, path, ..) = killed();
        let said = Resumable::open(&path, "another").err().unwrap().to_string();
        assert!(said.contains("a.csv.partial: it was begun with another model, other options"), "{said}");
        let (first, _) = Resumable::open(&path, "run").unwrap();
        assert!(Resumable::open(&path, "run").err().unwrap().to_string().contains("another run is writing"));
        drop(first);
        assert!(Resumable::open("/dev/null", "run").is_err() && Resumable::open("a.csv.gz", "run").is_err());
    }
}
