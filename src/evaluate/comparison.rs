//! Two models, or two files of predictions, on the same labelled rows.
//!
//! Flows in: the rows as A and as B judged them. Flows out: a [`Comparison`]: for topic, stance and both together the differences of accuracy and
//! macro-F1, each with an interval and a p-value; as JSON by serde and as text by [`Comparison::write_text`].

use std::io::{self, Write};

use serde::Serialize;

use super::bootstrap::{Bootstrap, Units};
use super::joint::JointLabels;
use super::report::Row;
use super::resampled::{Resampled, few_groups};
use super::significance::{Difference, HeadComparison, Paired, Test, compare_head};
use crate::error::{Error, Result};

/// How two classifiers differ. A difference is A's figure less B's.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// What A is called.
    pub a: String,
    /// What B is called.
    pub b: String,
    /// Rows with at least one gold label.
    pub rows: u64,
    /// The topics, if any row has a gold topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<HeadComparison>,
    /// The stances given the topic that each predicted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stance: Option<HeadComparison>,
    /// The stances given the gold topic, where both were asked for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stance_given_true_topic: Option<HeadComparison>,
    /// Topic and stance together, on the rows that [`super::Evaluation::joint`] counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub joint: Option<HeadComparison>,
    /// How intervals were made, and how many random swaps a test has.
    pub bootstrap: Resampled,
    /// What makes intervals and tests less sure than they look.
    pub warnings: Vec<String>,
}

impl Comparison {
    /// Compares two judgements of the same rows. `groups`, if given, has the group of each row.
    ///
    /// ```
    /// use rapporteur::evaluate::{Bootstrap, Comparison, Row};
    /// let said = |topic| Row { gold_topic: Some("peace"), topic: Some(topic), ..Row::default() };
    /// let (a, b) = ([said("peace"); 9], [said("trade"); 9]);
    /// let comparison = Comparison::new(("a", &a), ("b", &b), None, Bootstrap::default())?;
    /// let accuracy = comparison.topic.expect("topics").accuracy;
    /// assert_eq!((accuracy.difference, accuracy.p_value), (1.0, Some(2.0 / 512.0)));
    /// # Ok::<(), rapporteur::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the rows are not as many, or their gold labels differ.
    pub fn new(
        (a_name, a): (&str, &[Row<'_>]),
        (b_name, b): (&str, &[Row<'_>]),
        groups: Option<&[u32]>,
        bootstrap: Bootstrap,
    ) -> Result<Comparison> {
        if a.len() != b.len() {
            return Err(Error::parameter("rows", b.len(), "as many rows of B as of A"));
        }
        if let Some(groups) = groups.filter(|g| g.len() != a.len()) {
            return Err(Error::parameter("groups", groups.len(), "as many groups as rows"));
        }
        let gold = |r: &Row<'_>| (r.gold_topic.map(str::to_owned), r.gold_stance.map(str::to_owned));
        if let Some(row) = a.iter().zip(b).position(|(a, b)| gold(a) != gold(b)) {
            return Err(Error::parameter("gold labels", format!("another in row {}", row + 1), "the same of A and B"));
        }
        let both: Vec<(usize, &Row<'_>, &Row<'_>)> = a
            .iter()
            .zip(b)
            .enumerate()
            .map(|(row, (a, b))| (row, a, b))
            .filter(|(_, a, _)| a.gold_topic.is_some() || a.gold_stance.is_some())
            .collect();
        let rows: Vec<usize> = both.iter().map(|(row, ..)| *row).collect();
        let units = Units::new(&rows, groups);
        let head = |pairs: Vec<Paired<'_>>| compare_head(&pairs, groups, bootstrap);
        let topic =
            both.iter().filter_map(|&(row, a, b)| Some(Paired { gold: a.gold_topic?, a: a.topic, b: b.topic, row }));
        let stance =
            both.iter().filter_map(|&(row, a, b)| Some(Paired { gold: a.gold_stance?, a: a.stance, b: b.stance, row }));
        let asked = [a, b].iter().all(|rows| rows.iter().any(|r| r.stance_given_true_topic.is_some()));
        let given = both.iter().filter(|(_, a, _)| asked && a.gold_topic.is_some()).filter_map(|&(row, a, b)| {
            Some(Paired { gold: a.gold_stance?, a: a.stance_given_true_topic, b: b.stance_given_true_topic, row })
        });
        Ok(Comparison {
            a: a_name.to_owned(),
            b: b_name.to_owned(),
            rows: both.len() as u64,
            topic: head(topic.collect()),
            stance: head(stance.collect()),
            stance_given_true_topic: head(given.collect()),
            joint: joint(&both, groups, bootstrap),
            bootstrap: Resampled::new(bootstrap, &units),
            warnings: if bootstrap.resamples > 0 { few_groups(&units).into_iter().collect() } else { Vec::new() },
        })
    }

    /// Writes the differences as a table and says how to read it.
    pub fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let name = |text: &str| text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
        writeln!(out, "A: {}\nB: {}\n", name(&self.a), name(&self.b))?;
        writeln!(out, "{:33}  {:>7}  {:8}  {:>6}  {:>6}  {:29}  p", "", "rows", "", "A", "B", "A - B")?;
        let heads = [
            ("topic", &self.topic),
            ("stance, given the predicted topic", &self.stance),
            ("stance, given the true topic", &self.stance_given_true_topic),
            ("topic and stance together", &self.joint),
        ];
        for (name, head) in heads {
            let Some(head) = head else { continue };
            write_difference(out, name, &head.rows.to_string(), "accuracy", &head.accuracy)?;
            write_difference(out, "", "", "macro-F1", &head.macro_f1)?;
        }
        writeln!(out)?;
        for warning in &self.warnings {
            writeln!(out, "Warning: {warning}")?;
        }
        let (made, by_group) = (&self.bootstrap, self.bootstrap.unit == "group");
        if made.resamples > 0 {
            writeln!(
                out,
                "In brackets: {:.0} % bootstrap intervals of the difference, {} resamples of {} {}{} (seed {}).",
                made.level * 100.0,
                made.resamples,
                made.units,
                made.unit,
                if made.units == 1 { "" } else { "s" },
                made.seed
            )?;
        }
        writeln!(
            out,
            "p: how often two equally good classifiers would differ as much. {}",
            if by_group {
                "By approximate randomisation that swaps\nthe answers of whole groups."
            } else {
                "Accuracy: McNemar's exact test;\nmacro-F1: approximate randomisation."
            }
        )
    }
}

fn write_difference(out: &mut dyn Write, name: &str, rows: &str, figure: &str, d: &Difference) -> io::Result<()> {
    let interval = d.interval.map_or(String::new(), |i| format!("[{:+.3}, {:+.3}]", i.low, i.high));
    let difference = format!("{:+.3} {interval}", d.difference);
    // A p-value of random swaps cannot be smaller than they are many.
    let p = match d.p_value {
        None => "-".to_owned(),
        Some(p) if p < 0.0001 && d.test == Test::McnemarExact => "< 0.0001".to_owned(),
        Some(p) => format!("{p:.4}"),
    };
    writeln!(out, "{name:33}  {rows:>7}  {figure:8}  {:>6.3}  {:>6.3}  {difference:29}  {p}", d.a, d.b)
}

fn joint(both: &[(usize, &Row<'_>, &Row<'_>)], groups: Option<&[u32]>, bootstrap: Bootstrap) -> Option<HeadComparison> {
    let labels = JointLabels::new(both.iter().map(|(_, a, _)| (a.gold_topic, a.gold_stance)))?;
    type Named = (usize, String, Option<String>, Option<String>);
    let named: Vec<Named> = both
        .iter()
        .filter_map(|(row, a, b)| {
            let gold = labels.label(a.gold_topic, a.gold_stance)?;
            Some((*row, gold, labels.label(a.topic, a.stance), labels.label(b.topic, b.stance)))
        })
        .collect();
    let pairs: Vec<Paired<'_>> =
        named.iter().map(|(row, gold, a, b)| Paired { gold, a: a.as_deref(), b: b.as_deref(), row: *row }).collect();
    compare_head(&pairs, groups, bootstrap)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row<'a>(gold: (&'a str, &'a str), said: (&'a str, &'a str)) -> Row<'a> {
        let some = |s: &'a str| (!s.is_empty()).then_some(s);
        Row {
            gold_topic: some(gold.0),
            gold_stance: some(gold.1),
            topic: some(said.0),
            stance: some(said.1),
            ..Row::default()
        }
    }

    #[test]
    fn every_head_is_compared_on_its_own_rows() {
        let a = [row(("t", "pro"), ("t", "pro")), row(("u", ""), ("u", "")), row(("", ""), ("t", "pro"))];
        let b = [row(("t", "pro"), ("t", "con")), row(("u", ""), ("t", "con")), row(("", ""), ("u", "pro"))];
        let c = Comparison::new(("a", &a), ("b", &b), None, Bootstrap::default()).expect("comparable");
        assert_eq!(c.rows, 2);
        assert_eq!(c.topic.as_ref().map(|t| (t.rows, t.only_a_right, t.accuracy.difference)), Some((2, 1, 0.5)));
        assert_eq!(c.stance.as_ref().map(|s| (s.rows, s.accuracy.difference)), Some((1, 1.0)));
        assert_eq!(c.joint.as_ref().map(|j| (j.rows, j.accuracy.difference)), Some((2, 1.0)));
        assert!(c.stance_given_true_topic.is_none());
        let mut page = Vec::new();
        c.write_text(&mut page).expect("memory");
        let page = String::from_utf8_lossy(&page);
        assert!(page.contains("+0.500 [") && page.lines().all(|l| l.chars().count() <= 110), "{page}");
    }

    #[test]
    fn other_rows_are_refused() {
        let (a, b) = ([row(("t", ""), ("t", ""))], [row(("u", ""), ("t", ""))]);
        let compare = |a: &[Row<'_>], b: &[Row<'_>], g: Option<&[u32]>| {
            Comparison::new(("a", a), ("b", b), g, Bootstrap::default()).is_err()
        };
        assert!(compare(&a, &b, None) && compare(&a, &[], None) && compare(&a, &a, Some(&[])));
        assert!(!compare(&[], &[], None));
    }
}
