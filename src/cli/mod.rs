//! The command line: one file a command, each with its arguments and its run.
//!
//! Flows in: arguments. Flows out: results to standard output or a file, everything else to standard error, and an exit code: 0 for success (a closed pipe
//! too), 1 for failure, 2 for wrong usage, 130 for Ctrl-C.

mod aggregate;
mod agree;
mod answers;
mod beside;
mod check;
mod classify;
mod classify_row;
mod columns;
mod compare;
mod config;
mod evaluate;
mod evaluate_topics;
mod evaluation_report;
mod explain;
mod inspect;
mod judged;
mod period;
mod pretty;
mod reading;
mod resume;
mod rows;
mod small_file;
mod suggest;
mod terminal;
mod train;
mod tune;
mod typed;
mod unsure;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use rapporteur::corpus::Output;
use rapporteur::{Error, Result};

use terminal::{Terminal, say};

/// Topic and stance of political statements, paragraph by paragraph: trained on a labelled CSV, offline, to CSV.
#[derive(Parser)]
#[command(name = "rapporteur", version, propagate_version = true, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(clap::Args, Clone)]
struct Common {
    /// Number of threads; results are the same for any number [default: one a core]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Seed of everything random [default: 42]
    #[arg(long, global = true, value_name = "N")]
    seed: Option<u64>,
    /// Say nothing but errors
    #[arg(long, short, global = true)]
    quiet: bool,
}

impl Common {
    fn threads(&self) -> usize {
        self.threads.map_or(0, usize::from)
    }

    /// These, and for what they leave open, those of a configuration file. Comes before all work, since work starts the threads.
    fn or(&self, config: &config::Config) -> Common {
        let threads = self.threads.or(config.threads);
        Common { threads, seed: self.seed.or(config.seed), quiet: self.quiet }.with_threads()
    }

    /// Starts the threads of the library, if their number is given.
    fn with_threads(self) -> Common {
        if let Some(threads) = self.threads {
            // Fails only if they were started already, with the number of the command line, which goes first.
            let _ = rayon::ThreadPoolBuilder::new().num_threads(usize::from(threads)).build_global();
        }
        self
    }
}

#[derive(Subcommand)]
enum Command {
    /// Train a model on a labelled CSV
    Train(Box<train::Args>),
    /// Find the options that suit a labelled CSV, and train with them
    Tune(Box<tune::Args>),
    /// Label the paragraphs of CSV, JSON Lines or plain text
    Classify(Box<classify::Args>),
    /// Measure how well a model, or a training recipe, agrees with labels given by people
    Evaluate(Box<evaluate::Args>),
    /// Find what is wrong with a corpus: suspect labels, duplicates, odd texts
    Check(Box<check::Args>),
    /// Choose the rows that are worth labelling next
    Suggest(Box<suggest::Args>),
    /// Measure how well coders agree on the same texts, and list where they do not
    Agree(Box<agree::Args>),
    /// Estimate the share of each topic and stance by group, corrected for the model's errors
    Aggregate(Box<aggregate::Args>),
    /// Show what a model is: labels, options, corpus, scores, weightiest terms
    Inspect(inspect::Args),
    /// Show the words behind the labels of a text
    Explain(explain::Args),
    /// Write shell completions to standard output
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Runs the command of this process's arguments.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are results and go to standard output with code 0; wrong usage to standard error with 2.
            let code = if error.use_stderr() { 2 } else { 0 };
            return match error.print() {
                Err(e) if code == 0 && e.kind() != std::io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
                _ => ExitCode::from(code),
            };
        }
    };
    let common = cli.common.with_threads();
    let terminal = Terminal::new(common.quiet);
    // Of `check --strict`: nothing failed, and the code is to say that something was found.
    let mut found = false;
    let outcome = match cli.command {
        Command::Train(args) => train::run(*args, &common, &terminal),
        Command::Tune(args) => tune::run(*args, &common, &terminal),
        Command::Classify(args) => classify::run(*args, &common, &terminal),
        Command::Evaluate(args) => evaluate::run(*args, &common, &terminal),
        Command::Check(args) => check::run(*args, &common, &terminal).map(|strictly_found| found = strictly_found),
        Command::Suggest(args) => suggest::run(*args, &common, &terminal),
        Command::Agree(args) => agree::run(*args, &common, &terminal),
        Command::Aggregate(args) => aggregate::run(*args, &common, &terminal),
        Command::Inspect(args) => inspect::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Completions { shell } => complete(shell),
    };
    terminal.clear();
    match outcome {
        Ok(()) => ExitCode::from(u8::from(found)),
        Err(error) if error.is_broken_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::from(match error {
                Error::Parameter { .. } | Error::Usage { .. } => 2,
                Error::Interrupted => 130,
                _ => 1,
            })
        }
    }
}

fn complete(shell: clap_complete::Shell) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "rapporteur", &mut script);
    let mut out = Output::create(None, false)?;
    out.write_block(&script)?;
    out.finish()
}

/// True when two names lead to one file that exists; standard input and output are none.
fn same_file(a: &str, b: &str) -> bool {
    let real = |path: &str| if path == "-" { None } else { std::fs::canonicalize(path).ok().filter(|p| p.is_file()) };
    real(a).is_some_and(|a| Some(a) == real(b))
}

/// Refuses to write a result other than labelled rows over what it is made from.
fn keep_input(option: &str, output: &str, inputs: &[String]) -> Result<()> {
    match inputs.iter().find(|input| same_file(output, input)) {
        Some(input) => {
            Err(Error::usage(format!("{option} {output} would write over {input}, which is read; give another name")))
        }
        None => Ok(()),
    }
}
