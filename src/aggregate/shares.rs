//! The estimates of every group, with their intervals.
//!
//! Flows in: gathered rows. Flows out: an [`Aggregation`]. The interval of a counted share is Wilson's (1927, *Probable inference, the law of succession, and statistical inference*), which needs no resample and is right
//! near 0 and 1; those of corrected shares are percentiles of the bootstrap (`resampling.rs`). Both take rows for independent, and are too narrow where paragraphs of one speech are alike. Where rows say what
//! they belong to, the bootstrap draws that whole, and a counted share has the wider of Wilson's interval and the bootstrap's on each side.

use rayon::prelude::*;
use serde::Serialize;

use super::adjusted::AdjustedCount;
use super::estimates::{Corrected, Figures, HeadKnowledge, Knowledge, Undo};
use super::resampling::{draw_errors, draw_rows};
use super::rows::{GroupRows, ShareCounter};
use crate::evaluate::{Interval, Units};
use crate::labels::UNLABELLED;

/// A group with fewer rows is flagged: its shares say little.
pub const FEW_ROWS: usize = 100;
/// The label of rows whose prediction was withheld because no label was probable enough (`classify --min-probability`).
pub const UNSURE: &str = "unsure";
/// The normal distribution's 97.5th percentile.
const Z: f64 = 1.959_963_984_540_054;

/// Of what a share is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Rows of a topic among the rows of the group.
    Topic,
    /// Rows of a stance among the rows of a topic in the group.
    Stance,
    /// Rows without a label.
    Unlabelled,
}

impl Kind {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Topic => "topic",
            Kind::Stance => "stance",
            Kind::Unlabelled => "unlabelled",
        }
    }
}

/// A share from 0 to 1 and its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Estimate {
    /// The share.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Estimate {
    /// A counted share, `part` of `whole`, and Wilson's interval; without anything counted, it may be anything.
    ///
    /// ```
    /// use rapporteur::aggregate::Estimate;
    /// let share = Estimate::wilson(8, 10);
    /// assert!(share.value == 0.8 && share.low > 0.49 && share.high < 0.95);
    /// ```
    pub fn wilson(part: u64, whole: u64) -> Estimate {
        if whole == 0 {
            return Estimate { value: 0.0, low: 0.0, high: 1.0 };
        }
        let (n, p, z2) = (whole as f64, part as f64 / whole as f64, Z * Z);
        let middle = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
        let reach = Z / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
        // At 0 and 1 the interval begins and ends there, but for rounding.
        let low = if part == 0 { 0.0 } else { middle - reach };
        let high = if part == whole { 1.0 } else { middle + reach };
        Estimate { value: p, low, high }
    }
}

/// Estimates of the share of a label in a group.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LabelShare {
    /// Of what.
    pub kind: Kind,
    /// The topic; empty in a corpus without topics.
    pub topic: String,
    /// The stance; empty for a share of a topic.
    pub stance: String,
    /// Rows that were given the label.
    pub rows: u64,
    /// Rows of which they are a part.
    pub of_rows: u64,
    /// Classify and count.
    pub share: Estimate,
    /// Adjusted count; `None` without a model, or for a label that it does not know.
    pub adjusted: Option<Estimate>,
    /// EM; `None` also without probabilities.
    pub em: Option<Estimate>,
}

impl LabelShare {
    /// The estimate to be trusted most: EM, else adjusted, else counted.
    pub fn best(&self) -> Estimate {
        self.em.or(self.adjusted).unwrap_or(self.share)
    }
}

/// The estimates of a group.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupShares {
    /// Its value in each column.
    pub key: Vec<String>,
    /// Its rows that have a label.
    pub rows: u64,
    /// What resamples draw of it: its rows, or what they belong to.
    pub units: usize,
    /// Its rows that have none.
    pub unlabelled: u64,
    /// Whether it has fewer than [`FEW_ROWS`] rows with a label.
    pub few_rows: bool,
    /// Topics in alphabetical order, [`UNSURE`] last; then the stances of each topic that has rows.
    pub shares: Vec<LabelShare>,
}

/// The estimates of all groups, in order of their keys.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Aggregation {
    /// Columns by which rows were grouped.
    pub by: Vec<String>,
    /// What is drawn for intervals: `row`, or `group` where rows say what they belong to.
    pub unit: &'static str,
    /// Resamples behind the intervals of corrected shares, and of all where groups are drawn.
    pub resamples: usize,
    /// Seed of the first.
    pub seed: u64,
    /// The groups.
    pub groups: Vec<GroupShares>,
}

impl Aggregation {
    /// Whether any share is corrected: by adjusted count, and by EM.
    pub fn corrected(&self) -> (bool, bool) {
        let any = |is: fn(&LabelShare) -> bool| self.groups.iter().flat_map(|g| &g.shares).any(is);
        (any(|s| s.adjusted.is_some()), any(|s| s.em.is_some()))
    }
}

impl ShareCounter<'_> {
    /// Estimates the shares of all groups, with `resamples` resamples from `seed` on.
    pub fn finish(&self, resamples: usize, seed: u64) -> Aggregation {
        let knowledge = self.model.map(Knowledge::of);
        let corrector = knowledge.as_ref().map(|knowledge| Corrector::new(knowledge, resamples, seed));
        let draws = (resamples, seed);
        let groups = self.groups.iter().map(|(key, rows)| self.group(key, rows, corrector.as_ref(), draws)).collect();
        let unit = if self.together() { "group" } else { "row" };
        Aggregation { by: self.by.clone(), unit, resamples, seed, groups }
    }

    fn group(
        &self,
        key: &[String],
        group: &GroupRows,
        corrector: Option<&Corrector<'_>>,
        draws: (usize, u64),
    ) -> GroupShares {
        let units = group.units(self.together());
        let counted = self
            .together()
            .then(|| Counted::new(group, &units, (self.topics.list.len(), self.stances.list.len()), draws));
        let labelled =
            (0..group.topic.len()).filter(|&i| group.topic[i] != UNLABELLED || group.stance[i] != UNLABELLED);
        let rows = labelled.count() as u64;
        let (corrected, intervals) = corrector.map(|c| c.group(group, &units)).unwrap_or_default();
        let estimate = |of: fn(&Corrected) -> Option<&Vec<f64>>, topic: Option<usize>, label: usize| {
            let pick = |figures: &Figures| {
                let head = topic.map_or(Some(&figures.topics), |t| figures.stances.get(t))?;
                of(head)?.get(label).copied()
            };
            let value = pick(&corrected)?;
            let Interval { low, high } = Interval::of(intervals.iter().filter_map(pick).collect())?;
            Some(Estimate { value, low: low.min(value), high: high.max(value) })
        };
        let share = |kind, topic: Option<usize>, stance: Option<usize>, (rows, of_rows): (u64, u64)| {
            // Without a topic head the stances are those of one nameless topic, the first.
            let head = stance.map(|_| topic.unwrap_or(0));
            let label = stance.or(topic).unwrap_or(0);
            LabelShare {
                kind,
                topic: topic.map_or(String::new(), |t| self.topics.list[t].clone()),
                stance: stance.map_or(String::new(), |s| self.stances.list[s].clone()),
                rows,
                of_rows,
                share: match &counted {
                    None => Estimate::wilson(rows, of_rows),
                    Some(counted) => counted.widen(Estimate::wilson(rows, of_rows), topic, stance),
                },
                adjusted: estimate(|c| c.adjusted.as_ref(), head, label),
                em: estimate(|c| c.em.as_ref(), head, label),
            }
        };
        let mut shares = Vec::new();
        let of_topics = tally(self.topics.list.len(), group.topic.iter().copied());
        let with_topic: u64 = of_topics.iter().sum();
        for topic in self.topics.ordered() {
            shares.push(share(Kind::Topic, Some(topic), None, (of_topics[topic], with_topic)));
        }
        let nameless = [None];
        let topics: Vec<Option<usize>> = self.topics.ordered().into_iter().map(Some).collect();
        for &topic in if topics.is_empty() { &nameless[..] } else { &topics } {
            let number = topic.map_or(UNLABELLED, |t| t as u32);
            let pairs = group.topic.iter().zip(&group.stance).filter(|(t, _)| **t == number);
            let of_stances = tally(self.stances.list.len(), pairs.map(|(_, &s)| s));
            let with_stance: u64 = of_stances.iter().sum();
            for stance in self.stances.ordered().into_iter().filter(|_| with_stance > 0) {
                shares.push(share(Kind::Stance, topic, Some(stance), (of_stances[stance], with_stance)));
            }
        }
        let unlabelled = group.topic.len() as u64 - rows;
        GroupShares {
            key: key.to_vec(),
            rows,
            units: units.len(),
            unlabelled,
            few_rows: rows < FEW_ROWS as u64,
            shares,
        }
    }
}

/// What would be counted in other units of the same kind.
struct Counted {
    stances: usize,
    /// Of each resample the rows of each topic and stance; one more topic and stance are none.
    tables: Vec<Vec<f64>>,
}

impl Counted {
    fn new(
        group: &GroupRows,
        units: &Units,
        (topics, stances): (usize, usize),
        (resamples, seed): (usize, u64),
    ) -> Self {
        let place = |label: u32, count: usize| (label as usize).min(count);
        let table = |number: usize| {
            let mut table = vec![0.0; (topics + 1) * (stances + 1)];
            for (row, times) in draw_rows(units, seed, number) {
                table[place(group.topic[row], topics) * (stances + 1) + place(group.stance[row], stances)] += times;
            }
            table
        };
        Counted { stances, tables: (0..resamples).into_par_iter().map(table).collect() }
    }

    /// The estimate, with an interval that holds its own and that of the resamples.
    fn widen(&self, wilson: Estimate, topic: Option<usize>, stance: Option<usize>) -> Estimate {
        let wide = self.stances + 1;
        let share = |table: &Vec<f64>| {
            let of_topic = |t: usize| &table[t * wide..(t + 1) * wide];
            let topics = table.len() / wide - 1;
            let (part, whole) = match (topic, stance) {
                // Without topics, all rows are of none.
                (topic, Some(s)) => {
                    let row = of_topic(topic.unwrap_or(topics));
                    (row[s], row[..self.stances].iter().sum::<f64>())
                }
                (topic, None) => {
                    let all: f64 = (0..topics).flat_map(of_topic).sum();
                    (topic.map_or(0.0, |t| of_topic(t).iter().sum()), all)
                }
            };
            if whole > 0.0 { part / whole } else { f64::NAN }
        };
        let Some(Interval { low, high }) = Interval::of(self.tables.iter().map(share).collect()) else { return wilson };
        Estimate { value: wilson.value, low: wilson.low.min(low), high: wilson.high.max(high) }
    }
}

/// Corrects the shares of groups; the errors of every resample are drawn once for all of them.
struct Corrector<'a> {
    knowledge: &'a Knowledge<'a>,
    whole: Undo,
    resampled: Vec<Undo>,
    seed: u64,
}

impl<'a> Corrector<'a> {
    fn new(knowledge: &'a Knowledge<'a>, resamples: usize, seed: u64) -> Self {
        let undo = |draw: &(dyn Fn(HeadKnowledge<'_>) -> Vec<u32> + Sync)| {
            let head = |head: Option<HeadKnowledge<'_>>| head.map(|head| AdjustedCount::new(head.labels, &draw(head)));
            Undo { topics: head(knowledge.topics), stances: head(knowledge.stances) }
        };
        let resampled = (0..resamples)
            .into_par_iter()
            .map(|number| undo(&|head| draw_errors(head.labels, head.confusion, seed, number)))
            .collect();
        Corrector { knowledge, whole: undo(&|head| head.confusion.to_vec()), resampled, seed }
    }

    /// The figures of a group, and those of its resamples.
    fn group(&self, group: &GroupRows, units: &Units) -> (Figures, Vec<Figures>) {
        let rows = group.topic.len();
        let all: Vec<(usize, f64)> = (0..rows).map(|row| (row, 1.0)).collect();
        let figures = Figures::of(self.knowledge, &self.whole, group, &all, None);
        let resampled = (0..self.resampled.len())
            .into_par_iter()
            .map(|number| {
                let drawn = draw_rows(units, self.seed, number);
                Figures::of(self.knowledge, &self.resampled[number], group, &drawn, Some(&figures))
            })
            .collect();
        (figures, resampled)
    }
}

fn tally(count: usize, labels: impl Iterator<Item = u32>) -> Vec<u64> {
    let mut out = vec![0; count];
    labels.filter_map(|l| usize::try_from(l).ok()).for_each(|label| {
        if let Some(n) = out.get_mut(label) {
            *n += 1;
        }
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::JudgedRow;

    #[test]
    fn wilsons_interval_is_the_published_one() {
        // Agresti & Coull 1998: for 10 of 10 the 95 % score interval begins at 0.722; statsmodels' proportion_confint(45, 60, method="wilson") is (0.627, 0.842).
        let all = Estimate::wilson(10, 10);
        assert!((all.low - 0.7225).abs() < 1e-4 && all.high == 1.0, "{all:?}");
        let some = Estimate::wilson(45, 60);
        assert!((some.low - 0.6277).abs() < 2e-3 && (some.high - 0.8422).abs() < 2e-3, "{some:?}");
    }

    #[test]
    fn unsure_is_a_label_of_its_own_and_the_last_and_empty_rows_are_counted_apart() {
        let mut counter = ShareCounter::new(vec!["group".into()], None);
        let mut push = |topic, stance, times| {
            for _ in 0..times {
                counter.push(&["g"], &JudgedRow { topic, stance, ..Default::default() });
            }
        };
        push(Some("zebra"), Some("support"), 50);
        push(Some(UNSURE), Some("oppose"), 30);
        push(Some("apple"), None, 20);
        push(None, None, 7);
        let group = counter.finish(10, 1).groups.remove(0);
        assert_eq!((group.rows, group.unlabelled, group.few_rows), (100, 7, false));
        let topics: Vec<_> = group.shares.iter().filter(|s| s.kind == Kind::Topic).collect();
        let shown: Vec<_> = topics.iter().map(|s| (s.topic.as_str(), s.rows, s.of_rows, s.share.value)).collect();
        assert_eq!(shown, [("apple", 20, 100, 0.2), ("zebra", 50, 100, 0.5), (UNSURE, 30, 100, 0.3)]);
        let stances: Vec<_> = group.shares.iter().filter(|s| s.kind == Kind::Stance).collect();
        let shown: Vec<_> = stances.iter().map(|s| (s.topic.as_str(), s.stance.as_str(), s.rows, s.of_rows)).collect();
        assert_eq!(
            shown,
            [
                ("zebra", "oppose", 0, 50),
                ("zebra", "support", 50, 50),
                (UNSURE, "oppose", 30, 30),
                (UNSURE, "support", 0, 30)
            ]
        );
        assert!(group.shares.iter().all(|s| s.adjusted.is_none() && s.em.is_none()));
    }
    #[test]
    fn rows_that_belong_together_widen_the_intervals_and_change_no_share() {
        let estimates = |together: bool| {
            let mut counter = ShareCounter::new(vec!["group".into()], None);
            for row in 0..400 {
                // Ten speeches of forty paragraphs each, each of one topic alone.
                let (speech, topic) = ((row / 40).to_string(), if row / 40 < 3 { "apple" } else { "zebra" });
                let unit = together.then_some(speech.as_str());
                let judged = JudgedRow { topic: Some(topic), stance: Some("support"), unit, ..Default::default() };
                counter.push(&["g"], &judged);
            }
            let mut aggregation = counter.finish(200, 1);
            (aggregation.unit, aggregation.groups.remove(0))
        };
        let ((row, single), (group, whole)) = (estimates(false), estimates(true));
        assert_eq!((row, single.units, group, whole.units), ("row", 400, "group", 10));
        for (a, b) in single.shares.iter().zip(&whole.shares).take(2) {
            assert_eq!(a.share.value, b.share.value);
            // As if there were 10 rows and not 400: the interval is about sqrt(40) times as wide.
            let wider = (b.share.high - b.share.low) / (a.share.high - a.share.low);
            assert!((4.0..8.0).contains(&wider), "{wider}");
        }
        let stance = whole.shares.iter().find(|share| share.kind == Kind::Stance).unwrap();
        assert_eq!((stance.share.value, stance.share.high), (1.0, 1.0));
    }
}
