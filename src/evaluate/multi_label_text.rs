//! An evaluation of several topics a paragraph as a page for a terminal.
//!
//! Flows in: a [`MultiLabelEvaluation`]. Flows out: tables of at most 100 columns: first all decisions together, then each topic, then the stances.

use std::io::{self, Write};

use super::head::with_interval;
use super::multi_label::{MultiLabelEvaluation, MultiLabelScores};
use super::text::{INTERVAL, plain, write_labels};

impl MultiLabelEvaluation {
    /// Writes the tables.
    pub fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let columns: Vec<(&str, &MultiLabelScores)> =
            [("topic", Some(&self.topic)), ("topic and stance", self.topic_and_stance.as_ref())]
                .into_iter()
                .filter_map(|(name, scores)| Some((name, scores?)))
                .collect();
        let mut line = |first: &str, cells: Vec<String>| {
            let line = cells.iter().fold(format!("{first:<17}"), |line, cell| format!("{line}  {cell:<INTERVAL$}"));
            writeln!(out, "{}", line.trim_end())
        };
        line("", columns.iter().map(|(name, _)| (*name).to_owned()).collect())?;
        line("rows", columns.iter().map(|(_, scores)| scores.rows.to_string()).collect())?;
        type Figure = (&'static str, &'static str, fn(&MultiLabelScores) -> f64);
        let figures: [Figure; 7] = [
            ("macro-F1", "macro_f1", |s| s.macro_f1),
            ("micro-F1", "micro_f1", |s| s.micro_f1),
            ("micro precision", "micro_precision", |s| s.micro_precision),
            ("micro recall", "micro_recall", |s| s.micro_recall),
            ("weighted F1", "weighted_f1", |s| s.weighted_f1),
            ("subset accuracy", "subset_accuracy", |s| s.subset_accuracy),
            ("Hamming loss", "hamming_loss", |s| s.hamming_loss),
        ];
        for (name, key, of) in figures {
            line(name, columns.iter().map(|(_, s)| with_interval(of(s), s.intervals.get(key))).collect())?;
        }
        write_labels(out, "Topic", &self.topic.labels, !self.topic.intervals.is_empty())?;
        if let Some(stance) = &self.stance_given_true_topic {
            let name = format!("Stance, given the true topic: {} pairs of row and topic", stance.rows);
            write_labels(out, &name, &stance.labels, !stance.intervals.is_empty())?;
            let figure = |name, value| with_interval(value, stance.intervals.get(name));
            writeln!(out, "accuracy  {}", figure("accuracy", stance.accuracy))?;
            writeln!(out, "macro-F1  {}", figure("macro_f1", stance.macro_f1))?;
        }
        writeln!(out)?;
        self.warnings.iter().try_for_each(|warning| writeln!(out, "Warning: {}", plain(warning)))?;
        self.notes.iter().try_for_each(|note| writeln!(out, "Note: {}", plain(note)))?;
        writeln!(
            out,
            "Each topic is decided by itself. Macro-F1 is the plain mean of the labels' F1; micro-F1 is that of all\n\
             decisions together. Subset accuracy: the share of rows whose topics are right, all of them and no\n\
             other. Hamming loss: the share of wrong decisions among those of all rows and topics, best at 0."
        )?;
        self.bootstrap.write_text(out)
    }
}
