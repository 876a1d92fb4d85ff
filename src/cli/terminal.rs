//! What the user sees while work goes on: a progress line, notes, and Ctrl-C.
//!
//! Flows in: reports of the library. Flows out: a spinner line on standard error where that is a terminal, nothing where it is not.

use std::io::IsTerminal;
use std::sync::atomic::Ordering;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use rapporteur::control::Control;

/// The terminal of this process.
pub struct Terminal {
    quiet: bool,
    bar: ProgressBar,
    control: Control,
}

impl Terminal {
    /// Takes over Ctrl-C: the first asks the work to stop; if it has not within a few seconds (it may wait for input) the process ends.
    pub fn new(quiet: bool) -> Self {
        let bar =
            if quiet || !std::io::stderr().is_terminal() { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
        bar.set_style(
            ProgressStyle::with_template("{spinner} {msg} [{elapsed}]")
                .unwrap_or_else(|_| ProgressStyle::default_spinner()),
        );
        let drawn = bar.clone();
        let control = Control::reporting(move |what, share| {
            drawn.set_message(match share {
                Some(share) => format!("{what} ({:.0} %)", share * 100.0),
                None => what.to_owned(),
            });
            drawn.tick();
        });
        let stop = control.stop_flag();
        // Without a handler Ctrl-C ends the process at once, which is no worse than an error here would be.
        let _ = ctrlc::set_handler(move || {
            if stop.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
            std::thread::sleep(Duration::from_secs(3));
            std::process::exit(130);
        });
        Terminal { quiet, bar, control }
    }

    /// The handle that long work reports to.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// Tells the user something on standard error, unless quiet.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            self.bar.suspend(|| eprintln!("{text}"));
        }
    }

    /// Takes the progress line away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}
