//! An evaluation as a page for a terminal.
//!
//! Flows in: an [`Evaluation`]. Flows out: tables of at most 100 columns: first the headline, then each label, then
//! what was taken for what, and last in plain words what the numbers mean. Few labels get the whole confusion table;
//! many get the commonest confusions, for nobody reads a table of 200 columns.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::bootstrap::Interval;
use super::head::with_interval;
use super::metrics::{HeadScores, LabelScores, share};
use super::report::Evaluation;
use super::resampled::Resampled;
use super::selective::AcceptedScores;

/// Labels whose whole confusion table is shown.
const TABLE_LABELS: usize = 10;
/// Confusions listed where there are more labels.
const LISTED: usize = 15;
/// Columns of a page.
const PAGE: usize = 96;
/// Columns of a label at most.
const LABEL: usize = 44;
/// Columns of a figure with its interval, mostly.
pub(super) const INTERVAL: usize = 20;
/// Columns of a figure without.
const BARE: usize = 8;

impl Evaluation {
    /// Writes the tables; a label longer than its column ends in an ellipsis.
    ///
    /// ```
    /// use rapporteur::evaluate::{Evaluation, Row};
    /// let row = Row { gold_topic: Some("peace"), topic: Some("peace"), ..Row::default() };
    /// let mut page = Vec::new();
    /// Evaluation::from_rows(&[row], &["peace"], &["support"]).write_text(&mut page)?;
    /// assert!(String::from_utf8_lossy(&page).contains("macro-F1"));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        self.write_headline(out)?;
        self.write_accepted(out)?;
        self.write_measures(out)?;
        let heads = [
            ("Topic", &self.topic, true),
            ("Stance, given the predicted topic", &self.stance, true),
            ("Stance, given the true topic", &self.stance_given_true_topic, false),
        ];
        for (name, scores, with_confusion) in heads {
            let Some(scores) = scores else { continue };
            write_labels(out, name, &scores.labels, !scores.intervals.is_empty())?;
            if with_confusion {
                write_confusion(out, name, scores)?;
            }
        }
        writeln!(out)?;
        for warning in &self.warnings {
            writeln!(out, "Warning: {}", plain(warning))?;
        }
        for note in &self.notes {
            writeln!(out, "Note: {}", plain(note))?;
        }
        writeln!(
            out,
            "Precision: of the rows given a label, the share that has it. Recall: of the rows that have it,\n\
             the share given it. F1 is high only if both are. Macro-F1 is the plain mean of the labels' F1:\n\
             a rare label counts as much as a common one. \"(gold)\" leaves out labels that were predicted\n\
             but are true of no row. Cohen's kappa and Matthews correlation are 0 for guessing. Log loss, Brier\n\
             score and calibration error are of the probabilities, and best at 0; so is AURC, the mean share of\n\
             errors as ever more rows are answered, the surest first."
        )?;
        self.bootstrap.write_text(out)
    }

    fn write_headline(&self, out: &mut dyn Write) -> io::Result<()> {
        const NAMES: [&str; 4] =
            ["topic", "stance, given the predicted topic", "stance, given the true topic", "topic and stance together"];
        let width = NAMES.iter().map(|n| n.len()).max().unwrap_or(0);
        let cell = if self.bootstrap.resamples > 0 { INTERVAL } else { BARE };
        writeln!(out, "{:width$}  {:>8}  {:<cell$}  macro-F1", "", "rows", "accuracy")?;
        let mut line = |name: &str, rows: u64, (accuracy, in_accuracy), (f1, in_f1)| {
            let (accuracy, f1) = (with_interval(accuracy, in_accuracy), with_interval(f1, in_f1));
            writeln!(out, "{name:width$}  {rows:>8}  {accuracy:<cell$}  {f1}")
        };
        for (name, scores) in NAMES.iter().zip([&self.topic, &self.stance, &self.stance_given_true_topic]) {
            if let Some(s) = scores {
                let interval = |name| s.intervals.get(name);
                line(name, s.rows, (s.accuracy, interval("accuracy")), (s.macro_f1, interval("macro_f1")))?;
            }
        }
        if let Some(joint) = &self.joint {
            let interval = |name| joint.intervals.get(name);
            let (accuracy, f1) = ((joint.accuracy, interval("accuracy")), (joint.macro_f1, interval("macro_f1")));
            line(NAMES[3], joint.rows, accuracy, f1)?;
        }
        Ok(())
    }

    /// The scores of the labels that are sure enough, where thresholds were given.
    fn write_accepted(&self, out: &mut dyn Write) -> io::Result<()> {
        let accepted = |head: &Option<HeadScores>| head.as_ref().and_then(|scores| scores.accepted);
        let heads = [("topic", accepted(&self.topic)), ("stance, of an accepted topic", accepted(&self.stance))];
        if heads.iter().all(|(_, scores)| scores.is_none()) {
            return Ok(());
        }
        let width = heads.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        writeln!(out, "\nAccepted labels, those that are sure enough; the others are unsure")?;
        writeln!(out, "{:width$}  {:>8}  {:>8}  {:>8}  {:>8}  macro-F1", "", "from", "rows", "coverage", "accuracy")?;
        for (name, scores) in heads {
            let Some(AcceptedScores { threshold, rows, coverage, accuracy, macro_f1 }) = scores else { continue };
            let of_any = |figure: Option<f64>| figure.map_or("-".to_owned(), |f| format!("{f:.3}"));
            let from = if threshold.is_finite() { format!("{threshold:.4}") } else { "none".to_owned() };
            let (accuracy, macro_f1) = (of_any(accuracy), of_any(macro_f1));
            writeln!(out, "{name:width$}  {from:>8}  {rows:>8}  {coverage:>8.3}  {accuracy:>8}  {macro_f1:>8}")?;
        }
        Ok(())
    }

    /// The scores beside the headline, the heads side by side.
    fn write_measures(&self, out: &mut dyn Write) -> io::Result<()> {
        let heads: Vec<(&str, &HeadScores)> = [
            ("topic", &self.topic),
            ("stance (predicted topic)", &self.stance),
            ("stance (true topic)", &self.stance_given_true_topic),
        ]
        .into_iter()
        .filter_map(|(name, head)| Some((name, head.as_ref()?)))
        .collect();
        let of_labels = format!("mean F1 of {}", self.f1_labels.join(", "));
        type Figure<'a> = (&'a str, &'a str, fn(&HeadScores) -> Option<f64>);
        let figures: [Figure<'_>; 10] = [
            ("macro-F1 (gold)", "macro_f1_gold", |s| Some(s.macro_f1_gold)),
            (&of_labels, "macro_f1_labels", |s| s.macro_f1_labels),
            ("weighted F1", "weighted_f1", |s| Some(s.weighted_f1)),
            ("balanced accuracy", "balanced_accuracy", |s| Some(s.balanced_accuracy)),
            ("Cohen's kappa", "cohen_kappa", |s| Some(s.cohen_kappa)),
            ("Matthews correlation", "matthews_corrcoef", |s| Some(s.matthews_corrcoef)),
            ("log loss", "log_loss", |s| Some(s.probabilities.as_ref()?.log_loss)),
            ("Brier score", "brier_score", |s| Some(s.probabilities.as_ref()?.brier_score)),
            ("calibration error", "expected_calibration_error", |s| {
                Some(s.probabilities.as_ref()?.expected_calibration_error)
            }),
            ("AURC", "aurc", |s| Some(s.probabilities.as_ref()?.aurc)),
        ];
        let shown: Vec<&Figure<'_>> =
            figures.iter().filter(|(.., of)| heads.iter().any(|(_, s)| of(s).is_some())).collect();
        let width = shown.iter().map(|(name, ..)| columns(name)).max().unwrap_or(0).clamp(20, 24);
        let cell = heads.iter().map(|(name, _)| columns(name)).max().unwrap_or(0).max(INTERVAL);
        let line = |first: &str, cells: Vec<String>| {
            let cells = cells.iter().fold(fitted(first, width), |line, text| format!("{line}  {text:<cell$}"));
            cells.trim_end().to_owned()
        };
        writeln!(out, "\n{}", line("", heads.iter().map(|(name, _)| (*name).to_owned()).collect()))?;
        for (name, key, of) in shown {
            let figure = |scores: &HeadScores| Some(with_interval(of(scores)?, scores.intervals.get(key)));
            writeln!(out, "{}", line(name, heads.iter().map(|(_, s)| figure(s).unwrap_or_default()).collect()))?;
        }
        Ok(())
    }
}

impl Resampled {
    /// Says how the intervals were made, if there are any.
    pub(super) fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Resampled { resamples, seed, level, unit, units } = self;
        if *resamples == 0 {
            return Ok(());
        }
        let (level, s) = (level * 100.0, if *units == 1 { "" } else { "s" });
        writeln!(
            out,
            "In brackets: {level:.0} % bootstrap intervals, {resamples} resamples of {units} {unit}{s} (seed {seed})."
        )
    }
}

/// A line for each label.
pub(super) fn write_labels(
    out: &mut dyn Write,
    name: &str,
    labels: &BTreeMap<String, LabelScores>,
    with_intervals: bool,
) -> io::Result<()> {
    let (cell, most) = if with_intervals { (INTERVAL, 24) } else { (9, LABEL) };
    let width = labels.keys().map(|l| columns(l)).max().unwrap_or(0).min(most);
    writeln!(out, "\n{}", plain(name))?;
    writeln!(out, "{:width$}  {:>8}  {:<cell$}  {:<cell$}  F1", "", "support", "precision", "recall")?;
    for (label, s) in labels {
        let figure = |f: f64, interval: &Option<Interval>| with_interval(f, interval.as_ref());
        let (precision, recall) = (figure(s.precision, &s.precision_interval), figure(s.recall, &s.recall_interval));
        let (label, f1) = (fitted(label, width), figure(s.f1, &s.f1_interval));
        writeln!(out, "{label}  {:>8}  {precision:<cell$}  {recall:<cell$}  {f1}", s.support)?;
    }
    Ok(())
}

fn write_confusion(out: &mut dyn Write, name: &str, scores: &HeadScores) -> io::Result<()> {
    if scores.labels.len() <= 1 && scores.confusion.predicted_count(None) == 0 {
        return Ok(());
    }
    if scores.labels.len() <= TABLE_LABELS {
        write_table(out, name, scores)
    } else {
        write_commonest(out, name, scores)
    }
}

fn write_table(out: &mut dyn Write, name: &str, scores: &HeadScores) -> io::Result<()> {
    let confusion = &scores.confusion;
    let used: Vec<usize> =
        (0..confusion.labels().len()).filter(|&i| scores.labels.contains_key(&confusion.labels()[i])).collect();
    let with_empty = confusion.predicted_count(None) > 0;
    let longest_count = confusion.cells().map(|(_, _, n)| n.to_string().len()).max().unwrap_or(1);
    let cell_count = used.len() + usize::from(with_empty);
    // Full names head the columns if they fit; else numbers, which stand before the names of the rows too.
    let row_width = used.iter().map(|&i| columns(&confusion.labels()[i])).max().unwrap_or(0).clamp(6, LABEL);
    let widest = used.iter().map(|&i| columns(&confusion.labels()[i])).max().unwrap_or(0).max(longest_count).max(6);
    let numbered = row_width + cell_count * (widest + 2) > PAGE;
    let width = if numbered { longest_count.max(4) } else { widest };
    // Numbered rows leave their names what the columns spare, but always enough to know them by.
    let row_width =
        if numbered { row_width.min(PAGE.saturating_sub(4 + cell_count * (width + 2)).max(12)) } else { row_width };
    let none = if numbered { "none" } else { "(none)" };
    writeln!(out, "\n{name}: gold labels on rows, predicted labels on columns")?;
    let heading = |place: usize, label: &str| if numbered { (place + 1).to_string() } else { plain(label) };
    write!(out, "{:1$}", "", if numbered { row_width + 4 } else { row_width })?;
    for (place, &i) in used.iter().enumerate() {
        write!(out, "  {}", format_args!("{:>width$}", heading(place, &confusion.labels()[i])))?;
    }
    writeln!(out, "{}", if with_empty { format!("  {none:>width$}") } else { String::new() })?;
    for (place, &gold) in used.iter().enumerate() {
        if numbered {
            write!(out, "{:>2}  ", place + 1)?;
        }
        write!(out, "{}", fitted(&confusion.labels()[gold], row_width))?;
        for &predicted in &used {
            write!(out, "  {:>width$}", confusion.count(gold, Some(predicted)))?;
        }
        writeln!(
            out,
            "{}",
            if with_empty { format!("  {:>width$}", confusion.count(gold, None)) } else { String::new() }
        )?;
    }
    Ok(())
}

fn write_commonest(out: &mut dyn Write, name: &str, scores: &HeadScores) -> io::Result<()> {
    let confusion = &scores.confusion;
    let mut errors: Vec<(usize, Option<usize>, u64)> = confusion.cells().filter(|(g, p, _)| Some(*g) != *p).collect();
    if errors.is_empty() {
        return Ok(());
    }
    // A stable sort: of equal counts, the order of the labels.
    errors.sort_by_key(|&(_, _, n)| std::cmp::Reverse(n));
    errors.truncate(LISTED);
    let said = |p: Option<usize>| p.map_or("(none)", |p| confusion.labels()[p].as_str());
    let limit = |longest: Option<usize>| longest.unwrap_or(0).clamp(9, 34);
    let gold_width = limit(errors.iter().map(|e| columns(&confusion.labels()[e.0])).max());
    let said_width = limit(errors.iter().map(|e| columns(said(e.1))).max());
    writeln!(out, "\n{name}: the commonest confusions")?;
    writeln!(
        out,
        "{} -> {}  {:>7}  {:>13}",
        fitted("gold", gold_width),
        fitted("predicted", said_width),
        "rows",
        "share of gold"
    )?;
    for (gold, predicted, n) in errors {
        let (from, to) = (fitted(&confusion.labels()[gold], gold_width), fitted(said(predicted), said_width));
        writeln!(out, "{from} -> {to}  {n:>7}  {:>12.1}%", 100.0 * share(n, confusion.gold_count(gold)))?;
    }
    Ok(())
}

/// A text without control characters: labels come from files, and must not steer the terminal.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn columns(text: &str) -> usize {
    text.chars().count()
}

/// The text in exactly `width` columns, cut with an ellipsis or filled with spaces.
fn fitted(text: &str, width: usize) -> String {
    let mut text = plain(text);
    if columns(&text) > width {
        text = text.chars().take(width.saturating_sub(1)).chain(['…']).collect();
    }
    format!("{text:width$}")
}

#[cfg(test)]
mod tests {
    use super::super::report::Row;
    use super::*;

    fn page(rows: &[Row<'_>]) -> String {
        let mut out = Vec::new();
        let written = Evaluation::from_rows(rows, &["a"], &["pro", "con"]).write_text(&mut out);
        assert!(written.is_ok());
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn few_labels_get_the_whole_table() {
        let rows = [
            Row { gold_topic: Some("arms"), topic: Some("arms"), ..Row::default() },
            Row { gold_topic: Some("arms"), topic: Some("trade & aid"), ..Row::default() },
            Row { gold_topic: Some("trade & aid"), topic: None, ..Row::default() },
        ];
        let page = page(&rows);
        let table = "\
Topic: gold labels on rows, predicted labels on columns
                    arms  trade & aid       (none)
arms                   1            1            0
trade & aid            0            0            1
";
        assert!(page.contains(table), "{page}");
        assert!(page.contains("arms                2  1.000      0.500      0.667"), "{page}");
        assert!(page.contains("Note: 1 row with a gold topic got no topic"), "{page}");
    }

    #[test]
    fn many_labels_get_the_commonest_confusions() {
        let labels: Vec<String> = (0..40).map(|i| format!("a label of some length, number {i} of very many")).collect();
        let rows: Vec<Row<'_>> = (0..400)
            .map(|i| Row { gold_topic: Some(&labels[i % 40]), topic: Some(&labels[i * i % 40]), ..Row::default() })
            .collect();
        let page = page(&rows);
        assert!(page.contains("commonest confusions"));
        assert_eq!(page.matches(" -> ").count(), LISTED + 1);
        assert!(page.contains('…'));
    }

    #[test]
    fn pages_are_narrow_and_control_characters_do_not_reach_the_terminal() {
        let labels: Vec<String> =
            (0..10).map(|i| format!("\u{1b}[31m a rather long label {i} {}", "x".repeat(i * 20))).collect();
        let rows: Vec<Row<'_>> = (0..100)
            .map(|i| Row {
                gold_topic: Some(&labels[i % 10]),
                topic: Some(&labels[i / 10]),
                gold_stance: Some(if i % 3 == 0 { "pro" } else { "con" }),
                stance: Some("pro"),
                stance_given_true_topic: Some("con"),
                ..Row::default()
            })
            .collect();
        let page = page(&rows);
        for line in page.lines().filter(|l| !l.starts_with("Note")) {
            assert!(columns(line) <= 100, "{line}");
        }
        assert!(!page.contains('\u{1b}'));
    }
}
