//! Readers and writers: files in, rows and paragraphs out.
//!
//! Flows in: files and standard input, compressed or not. Flows out: UTF-8 through [`Input`]; on the way back, [`Output`].

mod input;
mod output;

pub use input::Input;
pub use output::Output;
