//! A labelled file read once more, its rows beside what was said of them.
//!
//! Flows in: a file whose rows were judged, and the answers in their order. Flows out: batches with their answers, to whoever looks at them, or written as `--predictions` wants them.
//! The file is read twice because a corpus may be larger than memory: while rows are judged, only answers are kept.

use rapporteur::corpus::{Batch, LabelledReader, Output};
use rapporteur::{Error, Result};

use super::answers::{AnswerOptions, AnswerWriter, Layout};
use super::columns::ColumnArgs;
use super::reading::Reading;

/// Opens the file for a second reading, which tells nobody of rows that the first one has told of.
pub fn open_again(input: &str, (columns, reading): (&ColumnArgs, &Reading)) -> Result<LabelledReader> {
    LabelledReader::open(&[input.to_owned()], &columns.columns()?, &reading.again(columns.read_options()?))
}

/// Calls `each` with every batch and the answers to its rows.
pub fn read_beside<A>(
    input: &str,
    reader: &mut LabelledReader,
    answers: &[A],
    mut each: impl FnMut(&Batch, &[A]) -> Result<()>,
) -> Result<()> {
    let (mut batch, mut rest) = (Batch::new(), answers);
    while reader.read(&mut batch, 2_048, 1 << 20)? {
        let Some((its_own, others)) = rest.split_at_checked(batch.len()) else {
            return Err(Error::corpus(
                format!("{input} has grown while it was read"),
                "run again when nobody writes to it",
            ));
        };
        each(&batch, its_own)?;
        rest = others;
    }
    Ok(())
}

/// Writes the input with the answers beside it; `write` writes a row of the batch with its answer.
pub fn write_predictions<A>(
    path: &str,
    mut out: Output,
    input: &str,
    source: (&ColumnArgs, &Reading),
    answers: &[A],
    mut write: impl FnMut(&mut AnswerWriter<'_>, &Batch, usize, &A),
) -> Result<()> {
    let mut reader = open_again(input, source)?;
    let shape = Layout::of_output(Some(path), None);
    Layout::check(input, reader.header(), shape)?;
    let layout = Layout::new(reader.header(), None, &AnswerOptions::default(), shape);
    let mut writer = AnswerWriter::new(&layout);
    out.write_block(&writer.header())?;
    read_beside(input, &mut reader, answers, |batch, answers| {
        answers.iter().enumerate().for_each(|(i, answer)| write(&mut writer, batch, i, answer));
        out.write_block(&writer.take())
    })?;
    out.finish()
}
