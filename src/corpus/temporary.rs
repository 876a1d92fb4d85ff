//! Temporary files beside their targets.
//!
//! Flows in: a directory. Flows out: a file in it that is renamed over its target or goes away: when it is dropped, when the process is asked to end, and, where the
//! process is killed, when another writes to the same directory. It is locked while it is written, so that the other knows what nobody is writing any more.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How temporary files are named, with something random in between.
const PREFIX: &str = ".rapporteur-";
const SUFFIX: &str = ".tmp";

/// Temporary files of this process, for [`Temporary::abandon_all`].
static UNFINISHED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn unfinished() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A file of [`UNFINISHED`]; dropped, it is removed.
pub(super) struct Temporary(PathBuf);

impl Temporary {
    /// One with the permissions its target has, or would be given: `tempfile`'s own are for the owner only.
    pub fn create(directory: &Path, existing: Option<fs::Permissions>) -> io::Result<(File, Temporary)> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX).suffix(SUFFIX);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // The system takes the umask off these, as it does for any new file.
            builder.permissions(existing.clone().unwrap_or_else(|| fs::Permissions::from_mode(0o666)));
        }
        // Created and noted in one step: no signal finds a file that is not noted.
        let mut noted = unfinished();
        let (file, path) = loop {
            let (file, path) = builder.tempfile_in(directory)?.into_parts();
            // Where the file system knows no locks, nobody removes what nobody has locked either.
            let _ = file.try_lock();
            // Another process may have taken it for an orphan before it was locked.
            if path.exists() {
                break (file, path.keep().map_err(|e| e.error)?);
            }
        };
        noted.insert(path.clone());
        drop(noted);
        let path = Temporary(path);
        if let Some(permissions) = existing {
            file.set_permissions(permissions)?;
        }
        Ok((file, path))
    }

    /// Renames it over its target.
    pub fn persist(self, target: PathBuf) -> io::Result<()> {
        let mut noted = unfinished();
        fs::rename(&self.0, target)?;
        noted.remove(&self.0);
        Ok(())
    }

    /// Removes all of this process; from here on none can be created or renamed, and whoever tries waits for the end.
    pub fn abandon_all() {
        let unfinished = unfinished();
        for path in unfinished.iter() {
            // What cannot be removed now cannot be helped.
            let _ = fs::remove_file(path);
        }
        std::mem::forget(unfinished);
    }

    /// Removes those of processes that were killed: those that are not locked. What cannot be looked at or removed stays; it is in nobody's way.
    pub fn remove_orphans(directory: &Path) {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let ours =
                entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX));
            if ours
                && entry.file_type().is_ok_and(|kind| kind.is_file())
                && let Ok(file) = File::open(entry.path())
                && file.try_lock().is_ok()
            {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if unfinished().remove(&self.0) {
            let _ = fs::remove_file(&self.0);
        }
    }
}
