//! How fast rows go by, and how much of the input is read.
//!
//! Flows in: the names of the files, what their readers tell a [`ReadLog`] of the bytes read, and the rows that are done. Flows out: reports to a [`Control`]: rows, rows a second, and
//! the share that is done where all inputs are files, whose length is known; from which whoever draws it can tell the time left.

use std::time::{Duration, Instant};

use super::read_log::ReadLog;
use crate::control::Control;

/// Rates of the first moments say nothing.
const SOON: Duration = Duration::from_secs(1);

/// Work on the rows of some files.
///
/// ```
/// use rapporteur::Control;
/// use rapporteur::corpus::{Pace, ReadLog};
/// let pace = Pace::new(&["-".to_owned()], &ReadLog::default());
/// pace.report(&Control::reporting(|what, share| assert_eq!((what, share), ("classified 7 rows", None))), "classified", 7);
/// ```
#[derive(Debug, Clone)]
pub struct Pace {
    log: ReadLog,
    /// Bytes of all inputs, where that is known.
    total: Option<u64>,
    /// Bytes that were read through the log before.
    before: u64,
    started: Instant,
}

impl Pace {
    /// Begins now. The readers of the files are to be given this log.
    pub fn new(paths: &[String], log: &ReadLog) -> Pace {
        let length = |path: &String| {
            std::fs::metadata(path).ok().filter(|data| path != "-" && data.is_file()).map(|data| data.len())
        };
        let total = paths.iter().map(length).sum::<Option<u64>>().filter(|&total| total > 0);
        Pace { log: log.clone(), total, before: log.bytes_read(), started: Instant::now() }
    }

    /// Says how many rows are done; `verb` is what was done to them.
    pub fn report(&self, control: &Control, verb: &str, rows: u64) {
        let passed = self.started.elapsed();
        let rate = match passed >= SOON {
            true => format!(", {:.0} a second", rows as f64 / passed.as_secs_f64()),
            false => String::new(),
        };
        let read = self.log.bytes_read() - self.before;
        let share = self.total.map(|total| (read as f64 / total as f64).min(1.0));
        control.report(&format!("{verb} {rows} rows{rate}"), share);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::{Batch, ReadOptions, open_records};
    use std::sync::{Arc, Mutex};

    #[test]
    fn the_share_is_that_of_all_files() {
        let folder = tempfile::tempdir().unwrap();
        let paths: Vec<String> =
            ["a.csv", "b.csv"].iter().map(|name| folder.path().join(name).display().to_string()).collect();
        paths.iter().for_each(|path| std::fs::write(path, "text\nWe agree.\n").unwrap());
        let options = ReadOptions::default();
        let pace = Pace::new(&paths, &options.log);
        let said = Arc::new(Mutex::new(Vec::new()));
        let heard = said.clone();
        let control = Control::reporting(move |what, share| heard.lock().unwrap().push((what.to_owned(), share)));
        for (i, path) in paths.iter().enumerate() {
            let mut reader = open_records(path, &options).unwrap();
            while reader.read(&mut Batch::new(), 10, 1_000).unwrap() {}
            pace.report(&control, "read", i as u64 + 1);
        }
        let wanted = [("read 1 rows".to_owned(), Some(0.5)), ("read 2 rows".to_owned(), Some(1.0))];
        assert_eq!(*said.lock().unwrap(), wanted);
    }
}
