//! Files that are read whole: configurations, lists of stop words.
//!
//! Flows in: a path. Flows out: its text. A name may lead to something without an end, such as a device, so reading stops where no such file is that long.

use std::fs::File;
use std::io::Read;

use rapporteur::error::Place;
use rapporteur::{Error, Result};

/// The longest file, in bytes.
const MOST: u64 = 16 << 20;

/// Reads a file of at most 16 MiB; `action` is what an error calls it.
pub fn read(action: &'static str, path: &str) -> Result<String> {
    let failed = |e| Error::io(action, path, e);
    let mut text = String::new();
    let read = File::open(path).map_err(failed)?.take(MOST + 1).read_to_string(&mut text).map_err(failed)?;
    if read as u64 > MOST {
        let problem = format!("found more than {} MiB, expected a configuration or a list of words", MOST >> 20);
        return Err(Error::input(Place::file(path), problem, "name another file"));
    }
    Ok(text)
}
