//! Training a model.
//!
//! Flows in: a [`TrainingSet`] and [`TrainOptions`]. Flows out: a [`Model`]. Topic and stance heads are trained side by side on the same vectors; the stance head sees the true topic of its rows.
//! Of several topics a row the topic head is one-vs-rest, and the stance head sees the row once for each of its topics.

use super::cascade::{Counts, Head, Model, StanceHead};
use super::decoding::{Gold, PairOffsets, StancesHeldOut, TopicsHeldOut, choose_pairs};
use super::departures::{Copied, MOST_TOPICS};
use super::heads::{Chosen, Dealing, Fitted, WithoutFold, choose, choose_weighting, fit, promises};
use super::known_errors::KnownErrors;
use super::memory;
use super::one_vs_rest::OneVsRest;
use super::options::{Choice, Decoding, FeatureWeighting, TrainOptions};
use super::out_of_fold::Task;
use super::topic_sets::TopicSets;
use super::training_set::TrainingSet;
use super::vectors::{blocks, ends, vectors};
use crate::control::Control;
use crate::error::{Error, Result};
use crate::features::{Blocks, Vectoriser};
use crate::labels::{LabelSet, UNLABELLED};
use crate::linear::{ClassWeight, Design};
use crate::sparse::SparseMatrix;

/// Factors by which topics may depart from the shared weights that are tried: first 1, where the path of `C` is walked, then the rest while it helps.
const DEPARTURES: [f64; 4] = [1.0, 0.5, 0.0, 2.0];
/// Another factor than 1 is to lower the log loss by this share at least: where topics differ, 1 is hardly ever far from the best.
const LEAST_GAIN: f64 = 0.003;

/// The largest weight of a row: beyond it, sums of weights would lose the other rows.
const MOST_WEIGHT: f32 = 1e6;

/// Trains on all rows.
///
/// # Errors
/// When nothing can be learnt: no labelled row, a single class, no term; or an option is out of range.
pub fn train(set: &TrainingSet, options: &TrainOptions, control: &Control) -> Result<Model> {
    let rows: Vec<u32> = (0..set.len() as u32).collect();
    train_rows(set, &rows, options, control)
}

/// Trains on some rows, as a fold needs it: vocabulary and all.
///
/// # Errors
/// As [`train`].
pub fn train_rows(set: &TrainingSet, rows: &[u32], options: &TrainOptions, control: &Control) -> Result<Model> {
    let rows = labelled_rows(set, rows.iter().copied())?;
    check(set, options)?;
    control.report("building the vocabulary", None);
    let vectors = vectorise(set, &rows, rows.len(), options, control)?;
    fit_heads(set, &rows, vectors, options, control)
}

/// Trains on all rows of a set that nobody needs afterwards: its token streams are given back before the heads are fitted, a tenth of the memory that training takes.
///
/// # Errors
/// As [`train`].
pub fn train_once(mut set: TrainingSet, options: &TrainOptions, control: &Control) -> Result<Model> {
    let rows = labelled_rows(&set, 0..set.len() as u32)?;
    check(&set, options)?;
    control.report("building the vocabulary", None);
    let vectors = vectorise(&set, &rows, rows.len(), options, control)?;
    (set.documents, set.context) = Default::default();
    fit_heads(&set, &rows, vectors, options, control)
}

/// Those of the rows that have a label.
fn labelled_rows(set: &TrainingSet, rows: impl IntoIterator<Item = u32>) -> Result<Vec<u32>> {
    let rows: Vec<u32> = rows.into_iter().filter(|&r| set.is_labelled(r as usize)).collect();
    match rows.is_empty() {
        true => Err(Error::corpus(
            "no row has a label",
            "check the label columns (--topic-column, --stance-column) and which cells count as missing (--missing)",
        )),
        false => Ok(rows),
    }
}

/// Refuses weights and options that are out of range, before anything is counted.
fn check(set: &TrainingSet, options: &TrainOptions) -> Result<()> {
    if let Some(weight) = set.weights.iter().flatten().find(|w| !(0.0..=MOST_WEIGHT).contains(*w)) {
        return Err(Error::corpus(
            format!("the weight of a row is {weight}, expected a number from 0 to 1e6"),
            "correct it, or give no weights to count every row once",
        ));
    }
    options.linear().map(drop)
}

fn fit_heads(
    set: &TrainingSet,
    rows: &[u32],
    (vectoriser, blocks, x): (Vectoriser, Blocks, SparseMatrix),
    options: &TrainOptions,
    control: &Control,
) -> Result<Model> {
    control.check()?;
    control.report("fitting", None);
    let ends = ends(&vectoriser, &blocks);
    let of_stance = options.of_stance();
    let (topic, stance, pairs, counts, multi_label) = match &set.several {
        None => {
            let labels = Labels::of(set, rows);
            let data = Data { set, labels: &labels, x: &x, ends: &ends, options };
            let (topic, stance) =
                rayon::join(|| data.topic_head(control), || Data { options: &of_stance, ..data }.stance_head(control));
            let (topic, stance) = (topic?, stance?);
            let pairs = topic.as_ref().zip(stance.as_ref()).and_then(|(topic, stance)| data.pairs(topic, stance));
            (topic.map(|(head, _)| head), stance.map(|(head, _)| head), pairs, data.counts(), None)
        }
        Some(several) => {
            let (labels, of) = Labels::of_pairs(several, rows);
            let of_row = OneVsRest { set, several, rows, x: &x, ends: &ends, options };
            // Of a row's topics each is decided by itself, so there are no pairs to choose among.
            let of_stance = TrainOptions { decoding: Decoding::TopicFirst, ..of_stance };
            let (topic, stance) = rayon::join(
                || of_row.head(control),
                || {
                    Data { set, labels: &labels, x: &x.select(&of), ends: &ends, options: &of_stance }
                        .stance_head(control)
                },
            );
            let (topic, multi_label) = topic?.unzip();
            let counts = Data { set, labels: &labels, x: &x, ends: &ends, options }.counts();
            (topic, stance?.map(|(head, _)| head), None, of_row.counts(counts), multi_label)
        }
    };
    if topic.is_none() && stance.is_none() {
        let what = |name: &str, labels: &LabelSet| match labels.names() {
            [one] => format!("the only {name} is {one:?}"),
            _ => format!("there is no {name}"),
        };
        return Err(Error::corpus(
            format!("nothing to learn: {}, and {}", what("topic", &set.topics), what("stance", &set.stances)),
            "a label column needs at least two different labels",
        ));
    }
    let model = Model {
        vectoriser,
        blocks,
        side: set.side.clone(),
        topic,
        stance,
        pairs,
        codebook: None,
        options: options.clone(),
        counts,
        multi_label,
        program: concat!("rapporteur ", env!("CARGO_PKG_VERSION")).to_owned(),
        digest: set.digest.clone(),
        scores: Default::default(),
    };
    Ok(model.round())
}

/// The vectors of some rows, and what makes them of texts and of what is beside them; `of` is the number of rows by whose size defaults go.
pub(super) fn vectorise(
    set: &TrainingSet,
    rows: &[u32],
    of: usize,
    options: &TrainOptions,
    control: &Control,
) -> Result<(Vectoriser, Blocks, SparseMatrix)> {
    if options.context > TrainOptions::MOST_CONTEXT {
        return Err(Error::parameter("context", options.context, "at most 100 paragraphs"));
    }
    if options.context > 0 {
        set.check_documents()?;
        if set.context.is_some() {
            return Err(Error::usage(
                "--context and --context-columns both say what a row's context is: give one of them",
            ));
        }
    }
    let params = options.vectoriser(of, set.language)?;
    memory::expect_counting(set, of, options, control)?;
    let vectoriser = match &set.context {
        None => Vectoriser::fit_rows(&params, &set.documents, rows)?,
        // Words of context are terms too, whether a text has them or not.
        Some(context) => {
            let mut both = set.documents.clone();
            both.append(context);
            let beside = rows.iter().map(|r| r + set.len() as u32);
            Vectoriser::fit_rows(&params, &both, &rows.iter().copied().chain(beside).collect::<Vec<_>>())?
        }
    };
    let blocks = blocks(set, rows, options);
    let expect = |values| {
        let shape = (blocks.width(vectoriser.width()), values);
        memory::expect_fitting(set, (rows, of), &vectoriser, shape, options, control)
    };
    expect(None)?;
    let x = vectors(&vectoriser, &blocks, options.context, set, rows);
    if !blocks.is_empty() {
        expect(Some(x.nnz()))?;
    }
    Ok((vectoriser, blocks, x))
}

/// What is to be learnt of the rows at hand, one topic and one stance each.
pub(super) struct Labels {
    /// Rows of the training set.
    pub rows: Vec<u32>,
    topic: Vec<u32>,
    stance: Vec<u32>,
}

impl Labels {
    /// Of some rows, in a corpus of one topic a row.
    pub fn of(set: &TrainingSet, rows: &[u32]) -> Labels {
        let part = |numbers: &[u32]| rows.iter().map(|&r| numbers[r as usize]).collect();
        Labels { rows: rows.to_vec(), topic: part(&set.topic), stance: part(&set.stance) }
    }

    /// Of some rows, each as often as it has topics; and the place of each among the rows given.
    fn of_pairs(several: &TopicSets, rows: &[u32]) -> (Labels, Vec<usize>) {
        let (mut out, mut of) = (Labels { rows: Vec::new(), topic: Vec::new(), stance: Vec::new() }, Vec::new());
        for (place, &row) in rows.iter().enumerate() {
            for &(topic, stance) in several.of(row as usize) {
                of.push(place);
                out.rows.push(row);
                out.topic.push(topic);
                out.stance.push(stance);
            }
        }
        (out, of)
    }
}

/// Rows at hand and their vectors.
#[derive(Clone, Copy)]
pub(super) struct Data<'a> {
    pub set: &'a TrainingSet,
    pub labels: &'a Labels,
    pub x: &'a SparseMatrix,
    /// Where the blocks of columns end that have a length of their own.
    pub ends: &'a [usize],
    pub options: &'a TrainOptions,
}

/// The topics as a task, and what the folds said of it.
pub(super) struct TopicChoice<'a> {
    labels: LabelSet,
    pub task: Task<'a>,
    pub chosen: Chosen,
}

/// What the folds said of the stances: how far topics depart, and the rest at that departure.
pub(super) struct StanceChoice<'a> {
    labels: LabelSet,
    topics: LabelSet,
    numbers: Vec<u32>,
    topic_of: Vec<u32>,
    seen: Vec<bool>,
    departure: f64,
    copied: Copied<'a>,
    weighted: bool,
    pub chosen: Chosen,
}

impl Data<'_> {
    /// The labels of the rows at hand: those that occur in them, in order, and each row's number among these.
    fn labels(&self, all: &LabelSet, mine: &[u32]) -> (LabelSet, Vec<u32>) {
        let mut renumber = vec![UNLABELLED; all.len()];
        mine.iter().filter(|&&n| n != UNLABELLED).for_each(|&n| renumber[n as usize] = 0);
        let present: Vec<usize> = (0..all.len()).filter(|&n| renumber[n] == 0).collect();
        present.iter().enumerate().for_each(|(i, &n)| renumber[n] = i as u32);
        let set = LabelSet::new(present.iter().map(|&n| all.name(n).to_owned()));
        (set, mine.iter().map(|&n| renumber.get(n as usize).copied().unwrap_or(UNLABELLED)).collect())
    }

    fn task<'b>(
        &self,
        x: Design<'b>,
        labels: &LabelSet,
        numbers: &[u32],
        factors: &std::collections::BTreeMap<String, f64>,
        seed: u64,
    ) -> Result<Task<'b>> {
        let rows: Vec<u32> = (0..numbers.len() as u32).filter(|&i| numbers[i as usize] != UNLABELLED).collect();
        let targets: Vec<u32> = rows.iter().map(|&i| numbers[i as usize]).collect();
        let row_weights: Option<Vec<f32>> =
            self.set.weights.as_ref().map(|w| rows.iter().map(|&i| w[self.labels.rows[i as usize] as usize]).collect());
        let mut linear = self.options.linear()?;
        linear.class_weight =
            if self.options.class_weight.balanced { ClassWeight::Balanced } else { ClassWeight::None };
        let mut costs = linear.costs(&targets, labels.len(), row_weights.as_deref());
        if let Some(unknown) = factors.keys().find(|name| labels.find(name).is_none() && !self.known(name)) {
            return Err(Error::corpus(
                format!("--class-weight names {unknown:?}, which is no label of the corpus"),
                format!("its labels are: {}", labels.names().join(", ")),
            ));
        }
        for (cost, &target) in costs.iter_mut().zip(&targets) {
            *cost *= factors.get(labels.name(target as usize)).copied().unwrap_or(1.0);
        }
        let weights = match row_weights {
            Some(weights) => weights.iter().map(|&w| f64::from(w)).collect(),
            None => vec![1.0; rows.len()],
        };
        Ok(Task {
            x,
            ends: self.ends.to_vec(),
            rows,
            targets,
            costs,
            weights,
            classes: labels.len(),
            allowed: Vec::new(),
            loss: self.options.classifier,
            seed,
            weighted: self.options.feature_weighting != FeatureWeighting::None,
        })
    }

    /// Whether a label occurs anywhere in the corpus, if not in the rows at hand.
    fn known(&self, name: &str) -> bool {
        self.set.topics.find(name).is_some() || self.set.stances.find(name).is_some()
    }

    fn groups(&self, task: &Task<'_>) -> Option<Vec<u32>> {
        let row = |&i: &u32| self.labels.rows[i as usize];
        match (&self.set.groups, &self.set.several) {
            (Some(groups), _) => Some(task.rows.iter().map(|i| groups[row(i) as usize]).collect()),
            // A row that is there once for each of its topics is to be in one fold.
            (None, Some(_)) => Some(task.rows.iter().map(row).collect()),
            (None, None) => None,
        }
    }

    fn topic_head(&self, control: &Control) -> Result<Option<(Head, TopicsHeldOut)>> {
        let Some(TopicChoice { labels, task, chosen }) = self.choose_topic(control)? else { return Ok(None) };
        let fitted = fit(&task, &chosen, self.options, control)?;
        let known = KnownErrors::of(&task, &chosen, &fitted, None);
        let held_out = chosen.topics_held_out(&task, &fitted);
        Ok(Some((head(labels, fitted, known), held_out)))
    }

    /// Whether, and how, topic and stance are decided together.
    fn pairs(
        &self,
        (topic, topics): &(Head, TopicsHeldOut),
        (stance, stances): &(StanceHead, StancesHeldOut),
    ) -> Option<PairOffsets> {
        if !self.options.decides_pairs() {
            return None;
        }
        let group =
            |row: u32| self.set.groups.as_ref().map_or(row, |groups| groups[self.labels.rows[row as usize] as usize]);
        let gold = Gold {
            x: self.x,
            topic: &self.labels(&self.set.topics, &self.labels.topic).1,
            stance: &self.labels(&self.set.stances, &self.labels.stance).1,
            group: &group,
        };
        choose_pairs((topic, topics), (stance, stances), &gold, self.options)
    }

    pub fn choose_topic(&self, control: &Control) -> Result<Option<TopicChoice<'_>>> {
        let (labels, numbers) = self.labels(&self.set.topics, &self.labels.topic);
        if labels.len() < 2 {
            return Ok(None);
        }
        let mut task =
            self.task(Design::Plain(self.x), &labels, &numbers, &self.options.class_weight.topic, self.options.seed)?;
        let (strata, groups) = (task.targets.clone(), self.groups(&task));
        let dealing = Dealing { strata: &strata, groups: groups.as_deref() };
        let chosen = choose(&task, dealing, self.options, None, control)?;
        let chosen = choose_weighting(&mut task, chosen, dealing, self.options, control)?;
        Ok(Some(TopicChoice { labels, task, chosen }))
    }

    fn stance_head(&self, control: &Control) -> Result<Option<(StanceHead, StancesHeldOut)>> {
        let Some(choice) = self.choose_stance(control)? else { return Ok(None) };
        let task = self.stance_task(&choice)?;
        let fitted = fit(&task, &choice.chosen, self.options, control)?;
        let topics = Some((choice.topics.len(), choice.topic_of.as_slice()));
        let known = KnownErrors::of(&task, &choice.chosen, &fitted, topics);
        let mut held_out = StancesHeldOut::default();
        if self.options.decides_pairs() && choice.topics.len() > 1 {
            let (parts, unseen_by) = choice.chosen.without_folds(&task, &fitted, self.labels.rows.len(), control)?;
            let split = |part: WithoutFold| {
                let (classifier, departures) =
                    choice.copied.split(&part.classifier, choice.departure, choice.topics.len());
                (WithoutFold { classifier, ..part }, departures)
            };
            held_out = StancesHeldOut { heads: parts.into_iter().map(split).collect(), unseen_by };
        }
        let StanceChoice { labels, topics, seen, departure, mut copied, .. } = choice;
        copied.forget_rows();
        let (classifier, departures) = copied.split(&fitted.classifier, departure, topics.len());
        let head = head(labels, Fitted { classifier, ..fitted }, known);
        Ok(Some((StanceHead { head, topics, departures, departure, seen }, held_out)))
    }

    pub fn choose_stance(&self, control: &Control) -> Result<Option<StanceChoice<'_>>> {
        let (labels, numbers) = self.labels(&self.set.stances, &self.labels.stance);
        let (topics, topic_of) = self.labels(&self.set.topics, &self.labels.topic);
        if labels.len() < 2 {
            return Ok(None);
        }
        let k = labels.len();
        let mut seen = vec![false; topics.len() * k];
        for (&topic, &stance) in topic_of.iter().zip(&numbers) {
            if topic != UNLABELLED && stance != UNLABELLED {
                seen[topic as usize * k + stance as usize] = true;
            }
        }
        // Rows without a stance train nothing here; without a topic, the shared weights alone.
        let copied_topic: Vec<u32> =
            topic_of.iter().zip(&numbers).map(|(&t, &s)| if s == UNLABELLED { UNLABELLED } else { t }).collect();
        let nowhere = vec![UNLABELLED; copied_topic.len()];
        let prepare = |departure: f64| {
            let of = if departure > 0.0 && topics.len() <= MOST_TOPICS { &copied_topic } else { &nowhere };
            Copied::new(self.x, of, topics.len(), departure)
        };
        let candidates = match self.options.topic_departure {
            Choice::Value(x) => vec![x],
            Choice::Auto if topics.len() > 1 => DEPARTURES.to_vec(),
            Choice::Auto => vec![0.0],
        };
        let strata = |task: &Task<'_>| -> Vec<u32> {
            let stratum = |&i: &u32| topic_of[i as usize].wrapping_add(1) * k as u32 + numbers[i as usize];
            task.rows.iter().map(stratum).collect()
        };
        let mut best: Option<(f64, Copied<'_>, Chosen)> = None;
        for departure in candidates {
            // Not to depart at all is tried only where to depart less helped, to depart more only where it did not.
            let less = best.as_ref().map(|&(found, ..)| found < 1.0);
            if (departure == 0.0 && less == Some(false)) || (departure > 1.0 && less == Some(true)) {
                continue;
            }
            let copied = prepare(departure);
            let chosen = {
                let task = self.task_of_stance(&copied, &labels, &numbers, &topic_of, &seen)?;
                if let Some((_, _, found)) = &best
                    && !promises(&task, found, LEAST_GAIN, control)?
                {
                    continue;
                }
                let (strata, groups) = (strata(&task), self.groups(&task));
                let dealing = Dealing { strata: &strata, groups: groups.as_deref() };
                // The best C of one departure is near the best of the next: the path is walked once.
                choose(&task, dealing, self.options, best.as_ref().map(|(_, _, b)| b.c), control)?
            };
            if best.as_ref().is_none_or(|(_, _, b)| chosen.log_loss < b.log_loss * (1.0 - LEAST_GAIN)) {
                best = Some((departure, copied, chosen));
            }
        }
        let Some((departure, copied, chosen)) = best else { return Ok(None) };
        let (chosen, weighted) = {
            let mut task = self.task_of_stance(&copied, &labels, &numbers, &topic_of, &seen)?;
            let (strata, groups) = (strata(&task), self.groups(&task));
            let dealing = Dealing { strata: &strata, groups: groups.as_deref() };
            let chosen = choose_weighting(&mut task, chosen, dealing, self.options, control)?;
            (chosen, task.weighted)
        };
        Ok(Some(StanceChoice { labels, topics, numbers, topic_of, seen, departure, copied, weighted, chosen }))
    }

    /// The stances as a task, at the departure chosen.
    pub fn stance_task<'b>(&self, choice: &'b StanceChoice<'_>) -> Result<Task<'b>> {
        let task =
            self.task_of_stance(&choice.copied, &choice.labels, &choice.numbers, &choice.topic_of, &choice.seen)?;
        Ok(Task { weighted: choice.weighted, ..task })
    }

    fn task_of_stance<'b>(
        &self,
        copied: &'b Copied<'_>,
        labels: &LabelSet,
        numbers: &[u32],
        topic_of: &[u32],
        seen: &[bool],
    ) -> Result<Task<'b>> {
        let (k, factors) = (labels.len(), &self.options.class_weight.stance);
        let mut task = self.task(Design::Copied(&copied.copies), labels, numbers, factors, self.options.seed ^ 1)?;
        let allows = |row: u32, stance: usize| {
            let topic = topic_of[row as usize];
            topic == UNLABELLED || seen[topic as usize * k + stance]
        };
        task.allowed = task.rows.iter().flat_map(|&row| (0..k).map(move |s| allows(row, s))).collect();
        Ok(task)
    }

    fn counts(&self) -> Counts {
        let (topics, topic_of) = self.labels(&self.set.topics, &self.labels.topic);
        let (stances, stance_of) = self.labels(&self.set.stances, &self.labels.stance);
        let tally = |labels: &LabelSet, numbers: &[u32]| {
            let mut counts = vec![0; labels.len()];
            numbers.iter().filter(|&&n| n != UNLABELLED).for_each(|&n| counts[n as usize] += 1);
            labels.names().iter().cloned().zip(counts).collect()
        };
        let without = |numbers: &[u32]| numbers.iter().filter(|&&n| n == UNLABELLED).count();
        let groups = self.set.groups.as_ref().map(|groups| {
            let mut mine: Vec<u32> = self.labels.rows.iter().map(|&r| groups[r as usize]).collect();
            mine.sort_unstable();
            mine.dedup();
            mine.len()
        });
        Counts {
            rows: self.labels.rows.len(),
            groups,
            topics: tally(&topics, &topic_of),
            stances: tally(&stances, &stance_of),
            without_topic: without(&topic_of),
            without_stance: without(&stance_of),
        }
    }
}

fn head(labels: LabelSet, fitted: Fitted, known_errors: Option<KnownErrors>) -> Head {
    Head {
        labels,
        classifier: fitted.classifier,
        calibration: fitted.calibration,
        offsets: fitted.offsets,
        c: fitted.c,
        weighted: fitted.weighted,
        error_curve: fitted.error_curve,
        known_errors,
    }
}
