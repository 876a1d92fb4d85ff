//! Batches on many threads, results in order.
//!
//! Flows in: a source of batches, read one at a time. Flows out: the result of each, in the order of the source. Whichever thread is free reads
//! the next batch, works on it, and leaves the result for its turn; nobody runs far ahead, so memory is a few batches whatever the length
//! of the input, and what comes out does not depend on the number of threads.
//!
//! On the ground: training reads this way as classifying does.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::control::Control;
use crate::error::Result;

/// Batches grow from the first to this many rows: the first results come out at once, and later ones cost little overhead.
const MOST_ROWS: usize = 2_048;
const FIRST_ROWS: usize = 16;
/// Bytes of text after which a batch is full, whatever its rows.
const MOST_BYTES: usize = 1 << 20;
/// Finished batches that may wait for their turn, for each thread.
const AHEAD: u64 = 4;

/// Runs `work` over batches on `threads` threads (`0`: one a core) and hands the results to `write`, in order.
///
/// `read` fills a batch with at most so many rows and bytes and returns false when nothing is left; `state` makes what a thread keeps between batches.
/// The first error, in the order of the input, ends the run; what came before it has been written.
///
/// ```
/// use rapporteur::{control::Control, pipeline::in_order};
/// let mut numbers = 0..100u64;
/// let mut out = Vec::new();
/// in_order(
///     2,
///     &Control::default(),
///     |batch: &mut Vec<u64>, rows, _bytes| {
///         *batch = numbers.by_ref().take(rows).collect();
///         Ok(!batch.is_empty())
///     },
///     || (),
///     |(), batch| Ok(batch.iter().map(|n| n * n).sum::<u64>()),
///     |sum| {
///         out.push(sum);
///         Ok(())
///     },
/// )?;
/// assert_eq!(out.iter().sum::<u64>(), 328_350);
/// # Ok::<(), rapporteur::Error>(())
/// ```
///
/// # Errors
/// The first of `read`, `work`, `write`, or the control's.
pub fn in_order<B: Default, S, T: Send>(
    threads: usize,
    control: &Control,
    read: impl FnMut(&mut B, usize, usize) -> Result<bool> + Send,
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, &B) -> Result<T> + Sync,
    write: impl FnMut(T) -> Result<()> + Send,
) -> Result<()> {
    let threads = match threads {
        0 => std::thread::available_parallelism().map_or(1, |n| n.get()),
        n => n,
    };
    let source = Mutex::new(Source { read, next: 0, rows: FIRST_ROWS, ended: false });
    let sink = Mutex::new(Sink { write, next: 0, waiting: BTreeMap::new(), failure: None });
    let turn = Condvar::new();
    let worker = || {
        let mut state = state();
        let mut batch = B::default();
        loop {
            let (sequence, more) = {
                let mut source = lock(&source);
                if source.ended {
                    return;
                }
                let rows = source.rows;
                source.rows = (rows * 4).min(MOST_ROWS);
                let more = control.check().and_then(|()| (source.read)(&mut batch, rows, MOST_BYTES));
                source.ended = !matches!(more, Ok(true));
                let sequence = source.next;
                source.next += 1;
                (sequence, more)
            };
            let result = match more {
                Ok(false) => return,
                Ok(true) => work(&mut state, &batch),
                Err(error) => Err(error),
            };
            let mut sink = lock(&sink);
            while sink.failure.is_none() && sequence > sink.next + AHEAD * threads as u64 {
                sink = turn.wait(sink).unwrap_or_else(PoisonError::into_inner);
            }
            sink.take(sequence, result);
            let failed = sink.failure.is_some();
            drop(sink);
            turn.notify_all();
            if failed {
                lock(&source).ended = true;
                return;
            }
        }
    };
    if threads == 1 {
        worker();
    } else {
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(worker);
            }
        });
    }
    let sink = sink.into_inner().unwrap_or_else(PoisonError::into_inner);
    sink.failure.map_or(Ok(()), Err)
}

struct Source<R> {
    read: R,
    next: u64,
    rows: usize,
    ended: bool,
}

struct Sink<W, T> {
    write: W,
    next: u64,
    waiting: BTreeMap<u64, Result<T>>,
    failure: Option<crate::error::Error>,
}

impl<T, W: FnMut(T) -> Result<()>> Sink<W, T> {
    /// Takes in a result and writes all whose turn has come.
    fn take(&mut self, sequence: u64, result: Result<T>) {
        self.waiting.insert(sequence, result);
        while self.failure.is_none()
            && let Some(result) = self.waiting.remove(&self.next)
        {
            self.next += 1;
            self.failure = result.and_then(&mut self.write).err();
        }
    }
}

/// A poisoned lock means that another thread panicked; the scope will pass the panic on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    fn run(threads: usize, fail_at: Option<u64>) -> (Vec<u64>, Result<()>) {
        let mut numbers = 0..50_000u64;
        let mut out = Vec::new();
        let result = in_order(
            threads,
            &Control::default(),
            |batch: &mut Vec<u64>, rows, _| {
                *batch = numbers.by_ref().take(rows).collect();
                Ok(!batch.is_empty())
            },
            || (),
            |(), batch| match fail_at.filter(|n| batch.contains(n)) {
                Some(n) => Err(Error::corpus(format!("row {n}"), "")),
                None => Ok(batch.clone()),
            },
            |batch| {
                out.extend(batch);
                Ok(())
            },
        );
        (out, result)
    }

    #[test]
    fn order_is_kept_on_any_number_of_threads() {
        for threads in [1, 2, 7] {
            let (out, result) = run(threads, None);
            assert!(result.is_ok() && out.iter().copied().eq(0..50_000), "{threads}");
        }
    }

    #[test]
    fn what_comes_before_an_error_is_written() {
        for threads in [1, 3] {
            let (out, result) = run(threads, Some(30_000));
            assert!(result.is_err());
            assert!(out.iter().copied().eq(0..out.len() as u64) && out.len() > 25_000 && out.len() <= 30_000);
        }
    }
}
