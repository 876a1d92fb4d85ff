//! The agreement of coders about topic, stance, and both together.
//!
//! Flows in: what each coder wrote for every unit. Flows out: an [`AgreementReport`], as JSON by serde and as text by [`AgreementReport::write_text`].

use std::io::{self, Write};

use serde::Serialize;

use super::agreement::{Agreement, AgreementScores, agreement};
use super::bootstrap::{Bootstrap, Units};
use super::head::with_interval;
use super::joint::JointLabels;
use super::resampled::{Resampled, few_groups};

/// What one coder wrote.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Coding {
    /// Who it is.
    pub coder: String,
    /// The topic of each unit, if the coder gave one.
    pub topic: Vec<Option<String>>,
    /// The stance of each unit.
    pub stance: Vec<Option<String>>,
}

/// Agreement of coders.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AgreementReport {
    /// The coders.
    pub coders: Vec<String>,
    /// Units that anyone saw.
    pub units: usize,
    /// About the topics, if any unit has two.
    pub topic: Option<Agreement>,
    /// About the stances.
    pub stance: Option<Agreement>,
    /// About topic and stance as one label; a topic to which nobody ever gave a stance is whole without.
    pub joint: Option<Agreement>,
    /// How alpha's intervals were made.
    pub bootstrap: Resampled,
    /// What makes the figures less sure than they look.
    pub warnings: Vec<String>,
}

impl AgreementReport {
    /// Measures the agreement; `groups`, if given, has the group of each unit.
    ///
    /// ```
    /// use rapporteur::evaluate::{AgreementReport, Bootstrap, Coding};
    /// let labels = |list: &[&str]| list.iter().map(|l| Some((*l).to_owned())).collect();
    /// let a = Coding { coder: "a".into(), topic: labels(&["peace", "trade", "peace"]), stance: Vec::new() };
    /// let b = Coding { coder: "b".into(), topic: labels(&["peace", "trade", "trade"]), stance: Vec::new() };
    /// let report = AgreementReport::new(&[a, b], None, Bootstrap::default());
    /// assert_eq!(report.topic.map(|t| (t.units, t.disagreements)), Some((3, 1)));
    /// ```
    pub fn new(codings: &[Coding], groups: Option<&[u32]>, bootstrap: Bootstrap) -> AgreementReport {
        let units = codings.iter().map(|c| c.topic.len().max(c.stance.len())).max().unwrap_or(0);
        let all: Vec<usize> = (0..units).collect();
        let groups = groups.filter(|g| g.len() == units);
        let drawn = Units::new(&all, groups);
        let of = |lists: &[Vec<Option<&str>>]| {
            let lists: Vec<&[Option<&str>]> = lists.iter().map(Vec::as_slice).collect();
            agreement(&lists, groups, bootstrap)
        };
        fn borrowed(labels: &[Option<String>]) -> Vec<Option<&str>> {
            labels.iter().map(Option::as_deref).collect()
        }
        let topics: Vec<Vec<Option<&str>>> = codings.iter().map(|c| borrowed(&c.topic)).collect();
        let stances: Vec<Vec<Option<&str>>> = codings.iter().map(|c| borrowed(&c.stance)).collect();
        let pair = |coder: usize, unit: usize| {
            (topics[coder].get(unit).copied().flatten(), stances[coder].get(unit).copied().flatten())
        };
        let pairs = || (0..codings.len()).flat_map(|coder| (0..units).map(move |unit| (coder, unit)));
        let joint = JointLabels::new(pairs().map(|(coder, unit)| pair(coder, unit))).and_then(|labels| {
            let label = |coder, unit| {
                let (topic, stance) = pair(coder, unit);
                labels.label(topic, stance).map(|label| shown(&label))
            };
            let lists: Vec<Vec<Option<String>>> =
                (0..codings.len()).map(|coder| (0..units).map(|unit| label(coder, unit)).collect()).collect();
            of(&lists.iter().map(|list| borrowed(list)).collect::<Vec<_>>())
        });
        AgreementReport {
            coders: codings.iter().map(|c| c.coder.clone()).collect(),
            units,
            topic: of(&topics),
            stance: of(&stances),
            joint,
            bootstrap: Resampled::new(bootstrap, &drawn),
            warnings: if bootstrap.resamples > 0 { few_groups(&drawn).into_iter().collect() } else { Vec::new() },
        }
    }

    /// Writes the figures as tables, and says how to read them.
    pub fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let cell = if self.bootstrap.resamples > 0 { 23 } else { 8 };
        let line = |out: &mut dyn Write, name: &str, units: &str, s: &AgreementScores| {
            let figure = |f: Option<f64>| f.map_or("-".to_owned(), |f| format!("{f:.3}"));
            let alpha = s.alpha.map_or("-".to_owned(), |a| with_interval(a, s.alpha_interval.as_ref()));
            let name: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).take(34).collect();
            let (cohen, fleiss, alike) = (figure(s.cohen_kappa), figure(s.fleiss_kappa), figure(s.percent_agreement));
            writeln!(out, "{name:34}  {units:>6}  {alpha:<cell$}  {cohen:>6}  {fleiss:>6}  {alike:>6}")
        };
        let kinds = [("topic", &self.topic), ("stance", &self.stance), ("topic and stance together", &self.joint)];
        writeln!(
            out,
            "{:34}  {:>6}  {:<cell$}  {:>6}  {:>6}  {:>6}",
            "", "units", "alpha", "Cohen", "Fleiss", "alike"
        )?;
        for (name, found) in kinds {
            if let Some(found) = found {
                line(out, name, &found.units.to_string(), &found.scores)?;
            }
        }
        for (name, found) in &kinds[..2] {
            let Some(found) = found else { continue };
            writeln!(out, "\n{name}, each label against the rest")?;
            found.labels.iter().try_for_each(|(label, scores)| line(out, label, "", scores))?;
        }
        writeln!(out)?;
        self.warnings.iter().try_for_each(|warning| writeln!(out, "Warning: {warning}"))?;
        writeln!(
            out,
            "alpha: Krippendorff's, nominal: 1 is full agreement, 0 what chance would give. Units that two coders\n\
             or more labelled count. Cohen: kappa of two coders, of more the mean over pairs. Fleiss: kappa over\n\
             the units that all coders labelled. alike: share of pairs of labels that are the same."
        )?;
        let made = &self.bootstrap;
        if made.resamples > 0 {
            writeln!(
                out,
                "In brackets: {:.0} % bootstrap intervals, {} resamples by {} (seed {}).",
                made.level * 100.0,
                made.resamples,
                if made.unit == "group" { "group" } else { "unit" },
                made.seed
            )?;
        }
        Ok(())
    }
}

/// A pair of topic and stance for reading.
fn shown(label: &str) -> String {
    label.trim_end_matches('\u{1f}').replace('\u{1f}', " / ")
}
