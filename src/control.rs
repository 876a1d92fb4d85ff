//! What long work has to do with the world around it: say how far it is, stop when asked, and take no more memory than it may.
//!
//! Flows in: a request to stop, from any thread; a bound on memory. Flows out: progress, as a word and a share, and warnings. The library draws nothing and handles no signal; a caller that
//! wants a progress bar or Ctrl-C gives a [`Control`] that does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use crate::error::{Error, Result};
use crate::memory::{self, Bytes};

type Report = dyn Fn(&str, Option<f64>) + Send + Sync;
type Warn = dyn Fn(&str) + Send + Sync;

/// A handle on running work.
///
/// ```
/// use rapporteur::control::Control;
/// let control = Control::default();
/// assert!(control.check().is_ok());
/// control.stop_flag().store(true, std::sync::atomic::Ordering::Relaxed);
/// assert!(control.check().is_err());
/// ```
#[derive(Clone, Default)]
pub struct Control {
    stop: Arc<AtomicBool>,
    report: Option<Arc<Report>>,
    deadline: Option<Instant>,
    memory: Memory,
}

/// What work may take of memory, what it is going to, and who is told when that is more than there is.
#[derive(Clone, Default)]
struct Memory {
    most: Option<Bytes>,
    forecast: Arc<AtomicU64>,
    warn: Option<Arc<Warn>>,
    warned: Arc<AtomicBool>,
}

impl Control {
    /// Work that reports what it does to `report`: a few words, and the share done where it is known.
    pub fn reporting(report: impl Fn(&str, Option<f64>) + Send + Sync + 'static) -> Self {
        Control { report: Some(Arc::new(report)), ..Control::default() }
    }

    /// The same handle, on work that hands warnings to `warn`: what its user should know before it goes on.
    pub fn warning(self, warn: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Control { memory: Memory { warn: Some(Arc::new(warn)), ..self.memory }, ..self }
    }

    /// The same handle, on work that is to end with [`Error::Memory`] before it takes more memory than this; see [`Control::expect_memory`].
    pub fn with_max_memory(self, most: Bytes) -> Self {
        Control { memory: Memory { most: Some(most), ..self.memory }, ..self }
    }

    /// Set this to true, and the work ends with [`Error::Interrupted`] at its next step.
    pub fn stop_flag(&self) -> Arc<AtomicBool> {
        self.stop.clone()
    }

    /// The same handle without reports, for work inside work.
    pub fn quiet(&self) -> Control {
        Control { report: None, ..self.clone() }
    }

    /// The same handle for work that is to end at an instant, as if someone had asked it to stop then.
    pub fn until(&self, deadline: Instant) -> Control {
        Control { deadline: Some(self.deadline.map_or(deadline, |earlier| earlier.min(deadline))), ..self.clone() }
    }

    /// A handle with the same reports on work that is to be finished whatever was asked before.
    pub fn to_the_end(&self) -> Control {
        Control { report: self.report.clone(), memory: self.memory.clone(), ..Control::default() }
    }

    /// Says how much memory the whole process will hold at most, before it is taken; `what` names the work. Where no bound was given, a forecast above what the machine has left is warned of, once.
    ///
    /// ```
    /// use rapporteur::{control::Control, memory::Bytes};
    /// let control = Control::default().with_max_memory(Bytes(800_000_000));
    /// assert!(control.expect_memory("training", Bytes(700_000_000), "").is_ok());
    /// let error = control.expect_memory("training", Bytes(900_000_000), "Give fewer rows.").unwrap_err();
    /// assert!(error.to_string().contains("about 900 MB of memory, and 800 MB are allowed"));
    /// assert_eq!(control.memory_forecast(), Bytes(900_000_000));
    /// ```
    ///
    /// # Errors
    /// [`Error::Memory`] when that is more than allowed; `mend` is what the user can do.
    pub fn expect_memory(&self, what: &'static str, forecast: Bytes, mend: &'static str) -> Result<()> {
        self.memory.forecast.fetch_max(forecast.0, Ordering::Relaxed);
        match (self.memory.most, &self.memory.warn) {
            (Some(most), _) if forecast > most => Err(Error::Memory { what, needed: forecast, allowed: most, mend }),
            (None, Some(warn)) => {
                let more = memory::held().map_or(forecast.0, |held| forecast.0.saturating_sub(held.0));
                if let Some(left) = memory::available().filter(|left| more > left.0)
                    && !self.memory.warned.swap(true, Ordering::Relaxed)
                {
                    warn(&format!(
                        "warning: {what} will take about {forecast} of memory, {} more than now, and {left} are left: the system may end it.\n  {mend} With --max-memory it ends by itself before that",
                        Bytes(more)
                    ));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The largest forecast so far.
    pub fn memory_forecast(&self) -> Bytes {
        Bytes(self.memory.forecast.load(Ordering::Relaxed))
    }

    /// Says what is being done.
    pub fn report(&self, what: &str, share: Option<f64>) {
        if let Some(report) = &self.report {
            report(what, share);
        }
    }

    /// Whether to go on.
    ///
    /// # Errors
    /// [`Error::Interrupted`] when someone asked to stop, or the time is up.
    pub fn check(&self) -> Result<()> {
        let late = self.deadline.is_some_and(|deadline| Instant::now() >= deadline);
        if late || self.stop.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) }
    }
}
