//! What long work has to do with the world around it: say how far it is, and stop when asked.
//!
//! Flows in: a request to stop, from any thread. Flows out: progress, as a word and a share. The library draws nothing and handles no signal; a caller that
//! wants a progress bar or Ctrl-C gives a [`Control`] that does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::error::{Error, Result};

type Report = dyn Fn(&str, Option<f64>) + Send + Sync;

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
}

impl Control {
    /// Work that reports what it does to `report`: a few words, and the share done where it is known.
    pub fn reporting(report: impl Fn(&str, Option<f64>) + Send + Sync + 'static) -> Self {
        Control { stop: Arc::default(), report: Some(Arc::new(report)), deadline: None }
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
        Control { report: self.report.clone(), ..Control::default() }
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
