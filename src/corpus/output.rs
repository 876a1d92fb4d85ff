//! Writing results, whole or not at all.
//!
//! Flows in: bytes. Flows out: a file, a device, or standard output. A regular file is written to a temporary one
//! beside it and renamed by [`Output::finish`]: whoever reads the target sees the old file or the new one, never a
//! half, and an input may be its own output. Devices and pipes cannot be renamed over and are written directly. Errors
//! that a buffer would swallow when dropped are reported by `finish`, so every writer must end with it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::input::BUFFER;
use super::temporary::Temporary;
use crate::error::{Error, Place, Result};

/// Links followed before a target is taken for a loop, as Linux counts.
const LINKS: usize = 40;

/// Where results go. Names ending in `.gz` or `.zst` are compressed.
///
/// Dropped without [`Output::finish`], a regular file is left as it was.
///
/// ```
/// use rapporteur::corpus::Output;
/// # let directory = tempfile::tempdir().unwrap();
/// # let path = directory.path().join("labels.csv").display().to_string();
/// let mut output = Output::create(Some(path.as_str()), false)?;
/// output.write_block(b"text,topic\n")?;
/// assert!(!std::path::Path::new(&path).exists());
/// output.finish()?;
/// assert!(std::path::Path::new(&path).exists());
/// # Ok::<(), rapporteur::Error>(())
/// ```
pub struct Output {
    name: String,
    encoder: Encoder,
}

enum Encoder {
    Plain(BufWriter<Target>),
    Gzip(flate2::write::GzEncoder<BufWriter<Target>>),
    Zstd(zstd::Encoder<'static, BufWriter<Target>>),
}

enum Target {
    Stdout(io::Stdout),
    Direct(File),
    Replace { file: File, temporary: Temporary, target: PathBuf },
}

impl Output {
    /// Opens a target: standard output for `None` and `-`. With `bom`, a UTF-8 byte order mark comes first, which Excel
    /// asks for.
    ///
    /// # Errors
    /// When the target is a directory, may not be written, or its directory takes no new file.
    pub fn create(path: Option<&str>, bom: bool) -> Result<Output> {
        let (name, target) = match path {
            None | Some("-" | "/dev/stdout") => ("standard output", Target::Stdout(io::stdout())),
            Some(path) => (path, Target::open(path)?),
        };
        let buffered = BufWriter::with_capacity(BUFFER, target);
        let ending = Path::new(name).extension().and_then(|e| e.to_str()).unwrap_or_default();
        let encoder = if ending.eq_ignore_ascii_case("gz") {
            Encoder::Gzip(flate2::write::GzEncoder::new(buffered, flate2::Compression::default()))
        } else if ending.eq_ignore_ascii_case("zst") {
            let level = zstd::DEFAULT_COMPRESSION_LEVEL;
            Encoder::Zstd(zstd::Encoder::new(buffered, level).map_err(|e| Error::io("write", name, e))?)
        } else {
            Encoder::Plain(buffered)
        };
        let mut output = Output { name: name.to_owned(), encoder };
        if bom {
            output.write_block("\u{FEFF}".as_bytes())?;
        }
        Ok(output)
    }

    /// Removes the temporary files of all outputs that are not finished, for a process that ends at once, as on Ctrl-C:
    /// nothing is dropped then. From here on no output can be created or finished; whoever tries waits for the end.
    pub fn abandon_all() {
        Temporary::abandon_all();
    }

    /// The file as the user gave it, or `standard output`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Writes all of `bytes`; as [`Write::write_all`], with an error that names the file.
    ///
    /// # Errors
    /// [`Error::Io`]; see [`Error::is_broken_pipe`].
    pub fn write_block(&mut self, bytes: &[u8]) -> Result<()> {
        self.write_all(bytes).map_err(|e| self.error(e))
    }

    /// An error of this output's [`Write`], with the file's name put to it.
    pub fn error(&self, source: io::Error) -> Error {
        Error::io("write", &self.name, source)
    }

    /// Writes what is buffered and puts a regular file in its place.
    ///
    /// # Errors
    /// [`Error::Io`]: whatever went wrong late, such as a full disk. The old file then is as it was.
    pub fn finish(self) -> Result<()> {
        let Output { name, encoder } = self;
        let failed = |e| Error::io("write", &name, e);
        let buffered = match encoder {
            Encoder::Plain(buffered) => buffered,
            Encoder::Gzip(encoder) => encoder.finish().map_err(failed)?,
            Encoder::Zstd(encoder) => encoder.finish().map_err(failed)?,
        };
        match buffered.into_inner().map_err(|e| failed(e.into_error()))? {
            Target::Stdout(mut stdout) => stdout.flush().map_err(failed),
            Target::Direct(mut file) => file.flush().map_err(failed),
            Target::Replace { file, temporary, target } => {
                // Closing a file reports nothing in Rust; this reports what a network disk or a quota refuses late.
                file.sync_all().map_err(failed)?;
                drop(file);
                temporary.persist(target).map_err(|e| Error::io("replace", &name, e))
            }
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.encoder {
            Encoder::Plain(writer) => writer.write(bytes),
            Encoder::Gzip(writer) => writer.write(bytes),
            Encoder::Zstd(writer) => writer.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.encoder {
            Encoder::Plain(writer) => writer.flush(),
            Encoder::Gzip(writer) => writer.flush(),
            Encoder::Zstd(writer) => writer.flush(),
        }
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Target::Stdout(stdout) => stdout.write(bytes),
            Target::Direct(file) | Target::Replace { file, .. } => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Target::Stdout(stdout) => stdout.flush(),
            Target::Direct(file) | Target::Replace { file, .. } => file.flush(),
        }
    }
}

impl Target {
    fn open(path: &str) -> Result<Target> {
        let existing = match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                return Err(Error::input(
                    Place::file(path),
                    "this is a directory, expected a file to write",
                    format!("name a file in it, for example {}/out.csv", path.trim_end_matches('/')),
                ));
            }
            Ok(metadata) => Some(metadata),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(Error::io("open", path, e)),
        };
        if let Some(metadata) = &existing {
            // Opened even where it will be replaced: a file its owner has closed to writing must not fall to a rename.
            let file = OpenOptions::new().write(true).open(path).map_err(|e| Error::io("write", path, e))?;
            if !metadata.is_file() || is_descriptor(Path::new(path)) {
                return Ok(Target::Direct(file));
            }
        }
        let target = behind_links(path)?;
        let directory = match target.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        // Asked first for the sake of the message: a temporary file's error would name the temporary file.
        fs::metadata(directory).map_err(|e| Error::io("open", directory, e))?;
        Temporary::remove_orphans(directory);
        let (file, temporary) = Temporary::create(directory, existing.as_ref().map(fs::Metadata::permissions))
            .map_err(|e| Error::io("create a file beside", path, e))?;
        Ok(Target::Replace { file, temporary, target })
    }
}

/// True for names of open descriptors (`/dev/fd/3`): whoever holds the descriptor would not see a renamed file.
fn is_descriptor(path: &Path) -> bool {
    path.starts_with("/dev/fd") || path.starts_with("/proc") || path == Path::new("/dev/stderr")
}

/// The file at the end of a chain of symbolic links, whether it exists or not.
pub(super) fn behind_links(path: &str) -> Result<PathBuf> {
    let mut target = PathBuf::from(path);
    for _ in 0..LINKS {
        match fs::read_link(&target) {
            Ok(link) => target = target.parent().unwrap_or(Path::new("")).join(link),
            Err(_) => return Ok(target),
        }
    }
    Err(Error::input(Place::file(path), "too many symbolic links in a row", "write to the file they lead to"))
}

#[cfg(test)]
mod tests {
    use super::super::Input;
    use super::*;
    use std::io::Read;

    fn write(path: &str, text: &str) {
        let mut output = Output::create(Some(path), false).unwrap();
        output.write_block(text.as_bytes()).unwrap();
        output.finish().unwrap();
    }

    fn directory() -> (tempfile::TempDir, impl Fn(&str) -> String) {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().to_owned();
        (directory, move |name: &str| root.join(name).display().to_string())
    }

    #[test]
    fn an_unfinished_file_leaves_the_old_one() {
        let (directory, path) = directory();
        write(&path("a"), "old");
        let mut output = Output::create(Some(path("a").as_str()), false).unwrap();
        output.write_block(&[b'x'; 200_000]).unwrap();
        drop(output);
        assert_eq!(fs::read_to_string(path("a")).unwrap(), "old");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        write(&path("a"), "new");
        assert_eq!(fs::read_to_string(path("a")).unwrap(), "new");
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_what_is_written_stays() {
        let (directory, path) = directory();
        fs::write(path(".rapporteur-dead.tmp"), "left").unwrap();
        fs::write(path(".rapporteur-other"), "of the user").unwrap();
        fs::create_dir(path(".rapporteur-folder.tmp")).unwrap();
        let first = Output::create(Some(path("a").as_str()), false).unwrap();
        let second = Output::create(Some(path("b").as_str()), false).unwrap();
        assert!(!Path::new(&path(".rapporteur-dead.tmp")).exists());
        first.finish().unwrap();
        second.finish().unwrap();
        let mut names: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, [".rapporteur-folder.tmp", ".rapporteur-other", "a", "b"]);
    }

    #[test]
    fn compresses_by_name_and_reads_back() {
        let (_directory, path) = directory();
        for name in ["a.csv.gz", "a.csv.zst", "a.csv"] {
            let mut output = Output::create(Some(path(name).as_str()), true).unwrap();
            output.write_all(b"id,text\n").unwrap();
            output.finish().unwrap();
            let mut text = String::new();
            Input::open(&path(name)).unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(text, "id,text\n");
            assert_eq!(fs::read(path(name)).unwrap().starts_with(b"\xEF\xBB\xBF"), name == "a.csv");
        }
    }

    #[test]
    fn a_missing_directory_is_named() {
        let (_directory, path) = directory();
        let error = Output::create(Some(path("absent/a.csv").as_str()), false).err().unwrap().to_string();
        assert!(error.starts_with("cannot open") && error.contains("absent: "), "{error}");
        let error = Output::create(Some(path("").as_str()), false).err().unwrap().to_string();
        assert!(error.contains("this is a directory"), "{error}");
    }

    #[cfg(unix)]
    mod unix {
        use super::*;
        use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

        #[test]
        fn a_links_target_is_replaced_and_not_the_link() {
            let (_directory, path) = directory();
            fs::create_dir(path("real")).unwrap();
            write(&path("real/a"), "old");
            symlink("real/a", path("b")).unwrap();
            symlink("b", path("c")).unwrap();
            write(&path("c"), "new");
            assert!(fs::symlink_metadata(path("b")).unwrap().is_symlink());
            assert!(fs::symlink_metadata(path("c")).unwrap().is_symlink());
            assert_eq!(fs::read_to_string(path("real/a")).unwrap(), "new");
            symlink("real/to-come", path("dangling")).unwrap();
            write(&path("dangling"), "new");
            assert_eq!(fs::read_to_string(path("real/to-come")).unwrap(), "new");
            symlink("loop", path("loop")).unwrap();
            assert!(Output::create(Some(path("loop").as_str()), false).is_err());
        }

        #[test]
        fn permissions_are_kept_and_new_files_are_ordinary() {
            let (_directory, path) = directory();
            write(&path("a"), "old");
            fs::write(path("plain"), "").unwrap();
            let mode = |name: &str| fs::metadata(path(name)).unwrap().mode() & 0o777;
            assert_eq!(mode("a"), mode("plain"));
            fs::set_permissions(path("a"), fs::Permissions::from_mode(0o642)).unwrap();
            write(&path("a"), "new");
            assert_eq!(mode("a"), 0o642);
        }

        #[test]
        fn devices_are_written_directly() {
            write("/dev/null", "gone");
            assert!(!fs::metadata("/dev/null").unwrap().is_file());
        }

        #[test]
        #[cfg(target_os = "linux")]
        fn a_full_device_is_reported_by_finish() {
            let mut output = Output::create(Some("/dev/full"), false).unwrap();
            output.write_block(b"small enough to be buffered").unwrap();
            let error = output.finish().unwrap_err();
            assert!(error.to_string().starts_with("cannot write /dev/full: "), "{error}");
            assert!(!error.is_broken_pipe());
        }

        #[test]
        fn a_reader_that_went_away_is_recognisable() {
            let (_directory, path) = directory();
            let fifo = path("fifo");
            assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
            let reader = std::thread::spawn({
                let fifo = fifo.clone();
                move || drop(File::open(fifo).unwrap())
            });
            let mut output = Output::create(Some(fifo.as_str()), false).unwrap();
            reader.join().unwrap();
            output.write_block(b"unread").unwrap();
            assert!(output.finish().unwrap_err().is_broken_pipe());
        }
    }
}
