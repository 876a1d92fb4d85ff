//! `classify --resume`: where rows go, and from which row a run goes on.
//!
//! Flows in: batches as they are read, blocks as they are written. Flows out: the output, whole at the end; what a killed run has done is verified, by a
//! digest of the rows that it read, and not done again.

use rapporteur::corpus::{Batch, Mark, Output, Resumable};
use rapporteur::model::Model;
use rapporteur::{Error, Result};

/// Where the output goes.
pub enum Target {
    /// Whole at the end or not at all.
    Plain(Output),
    /// Kept through a kill.
    Resumable(Resumable),
}

impl Target {
    /// Writes a block; the rows before `mark` are then done.
    pub fn write_block(&mut self, bytes: &[u8], mark: &Mark) -> Result<()> {
        match self {
            Target::Plain(output) => output.write_block(bytes),
            Target::Resumable(output) => output.write_block(bytes, mark),
        }
    }

    /// Puts it in its place.
    pub fn finish(self) -> Result<()> {
        match self {
            Target::Plain(output) => output.finish(),
            Target::Resumable(output) => output.finish(),
        }
    }
}

/// Stands for all that must be the same when a run goes on: program, model and options as `typed`.
pub fn run_of(model: &Model, typed: &str) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(env!("CARGO_PKG_VERSION").as_bytes());
    hasher.update(blake3::hash(&model.to_bytes()?).as_bytes());
    hasher.update(typed.as_bytes());
    Ok(hasher.finalize().to_hex().to_string())
}

/// Follows what is read.
#[derive(Default)]
pub struct Follower {
    /// `None` where nobody will ask for a digest.
    hasher: Option<blake3::Hasher>,
    rows: u64,
}

impl Follower {
    /// One that keeps a digest of the rows, if it is `wanted`.
    pub fn new(wanted: bool) -> Follower {
        Follower { hasher: wanted.then(blake3::Hasher::new), rows: 0 }
    }

    /// How far reading has come with this batch.
    pub fn follow(&mut self, batch: &Batch) -> Mark {
        self.rows += batch.len() as u64;
        if let Some(hasher) = &mut self.hasher {
            for (i, record) in batch.records().iter().enumerate() {
                for cell in [batch.raw(i).unwrap_or_default()].into_iter().chain(record.iter()) {
                    hasher.update(&(cell.len() as u64).to_le_bytes());
                    hasher.update(cell.as_bytes());
                }
            }
        }
        self.mark()
    }

    /// How far reading has come.
    pub fn mark(&self) -> Mark {
        let input = self.hasher.as_ref().map_or(String::new(), |hasher| hasher.finalize().to_hex().to_string());
        Mark { rows: self.rows, input }
    }

    /// Reads and passes over what an earlier run has done, which must be the same rows.
    pub fn pass_over(&mut self, done: &Mark, mut read: impl FnMut(&mut Batch, usize) -> Result<bool>) -> Result<()> {
        const MOST_ROWS: u64 = 2_048;
        let mut batch = Batch::new();
        while self.rows < done.rows && read(&mut batch, (done.rows - self.rows).min(MOST_ROWS) as usize)? {
            self.follow(&batch);
        }
        if self.mark() == *done {
            return Ok(());
        }
        Err(Error::corpus(
            format!("the first {} rows are not those that the earlier run has read", done.rows),
            "give the same input, or delete the .partial file to begin anew",
        ))
    }
}
