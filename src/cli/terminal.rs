//! What the user sees while work goes on: a progress line, notes, and Ctrl-C.
//!
//! Flows in: reports of the library. Flows out: a spinner line on standard error where that is a terminal, nothing where it is not.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use rapporteur::control::Control;
use rapporteur::corpus::Output;
use rapporteur::memory::Bytes;

/// How long work that was asked to stop has for it.
const GRACE: Duration = Duration::from_millis(500);

/// The terminal of this process.
pub struct Terminal {
    quiet: bool,
    bar: ProgressBar,
    control: Control,
    patient: Arc<AtomicBool>,
}

impl Terminal {
    /// Takes over Ctrl-C: the first asks the work to stop; if it has not soon after (it may wait for input), or at the second, the process ends.
    pub fn new(quiet: bool) -> Self {
        let bar =
            if quiet || !std::io::stderr().is_terminal() { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
        bar.set_style(
            ProgressStyle::with_template("{spinner} {msg} [{elapsed}]")
                .unwrap_or_else(|_| ProgressStyle::default_spinner()),
        );
        let (drawn, warned) = (bar.clone(), bar.clone());
        let since = Mutex::new((Instant::now(), 1.0));
        let control = Control::reporting(move |what, share| {
            drawn.set_message(match share {
                Some(share) => {
                    let mut since = since.lock().unwrap_or_else(PoisonError::into_inner);
                    // Work that is less far than before is other work.
                    let started = if share < since.1 { Instant::now() } else { since.0 };
                    *since = (started, share);
                    format!("{what} ({:.0} %{})", share * 100.0, time_left(started.elapsed(), share))
                }
                None => what.to_owned(),
            });
            drawn.tick();
        })
        .warning(move |text| {
            if !quiet {
                warned.suspend(|| say(text));
            }
        });
        let stop = control.stop_flag();
        let patient = Arc::new(AtomicBool::new(false));
        let waits = patient.clone();
        // Without a handler Ctrl-C ends the process at once, which is no worse than an error here would be.
        let _ = ctrlc::set_handler(move || {
            if stop.swap(true, Ordering::Relaxed) {
                end();
            }
            if waits.load(Ordering::Relaxed) {
                return;
            }
            // On a thread of its own, so that a second Ctrl-C is heard meanwhile.
            std::thread::spawn(|| {
                std::thread::sleep(GRACE);
                end();
            });
        });
        Terminal { quiet, bar, control, patient }
    }

    /// From here on the first Ctrl-C is a request that the work itself meets, by ending with what it has; the second ends the process.
    pub fn be_patient(&self) {
        self.patient.store(true, Ordering::Relaxed);
    }

    /// The handle that long work reports to.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// The same handle, with a bound on memory where one is given.
    pub fn control_within(&self, most: Option<Bytes>) -> Control {
        let control = self.control.clone();
        match most {
            Some(most) => control.with_max_memory(most),
            None => control,
        }
    }

    /// Tells the user something on standard error, unless quiet.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            self.bar.suspend(|| say(text));
        }
    }

    /// What tells as [`Terminal::note`] does, for other threads.
    pub fn teller(&self) -> impl Fn(&str) + Send + 'static {
        let (quiet, bar) = (self.quiet, self.bar.clone());
        move |text| {
            if !quiet {
                bar.suspend(|| say(text));
            }
        }
    }

    /// Takes the progress line away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

/// How long the rest of the work will take, if it goes on as it went; empty as long as that says little.
fn time_left(passed: Duration, share: f64) -> String {
    if passed < Duration::from_secs(2) || share < 0.01 {
        return String::new();
    }
    let seconds = (passed.as_secs_f64() * (1.0 - share) / share).round() as u64;
    match (seconds / 3_600, seconds / 60) {
        (0, 0) => format!(", {seconds} s left"),
        (0, minutes) => format!(", {minutes} min {} s left", seconds % 60),
        (hours, minutes) => format!(", {hours} h {} min left", minutes % 60),
    }
}

/// A word for one thing, or that for any other number of them.
pub fn one_or(n: u64, one: &'static str, many: &'static str) -> &'static str {
    if n == 1 { one } else { many }
}

/// A number and what it counts: `1 row`, `2 rows`.
pub fn counted(n: u64, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

/// Writes a line to standard error. If that is closed or full there is nobody to tell.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Ends the process as one that was interrupted, with nothing left behind.
fn end() -> ! {
    Output::abandon_all();
    std::process::exit(130)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_told_once_it_can_be() {
        let left = |seconds, share| time_left(Duration::from_secs(seconds), share);
        assert_eq!((left(1, 0.5), left(100, 0.001)), (String::new(), String::new()));
        assert_eq!(left(10, 0.5), ", 10 s left");
        assert_eq!(left(30, 0.2), ", 2 min 0 s left");
        assert_eq!(left(3_600, 0.25), ", 3 h 0 min left");
    }
}
