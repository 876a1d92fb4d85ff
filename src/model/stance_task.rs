//! The stance head: a task whose rows are told their topic.
//!
//! Flows in: the rows at hand, as [`Data`]. Flows out: a [`StanceHead`], whose topics depart from the weights that all share as far as out-of-fold scores advise. The columns that topics have of their own are
//! made once for each factor that is tried, and the path of `C` is walked for the first only: the best `C` of one is near the best of the next.

use super::cascade::StanceHead;
use super::decoding::StancesHeldOut;
use super::departures::{Copied, MOST_TOPICS};
use super::heads::{Chosen, Dealing, Fitted, WithoutFold, choose, choose_weighting, fit, promises};
use super::known_errors::KnownErrors;
use super::options::Choice;
use super::out_of_fold::Task;
use super::tasks::{Data, head};
use crate::control::Control;
use crate::error::Result;
use crate::labels::{LabelSet, UNLABELLED};
use crate::linear::Design;

/// Factors by which topics may depart from the shared weights that are tried: first 1, where the path of `C` is walked, then the rest while it helps.
const DEPARTURES: [f64; 4] = [1.0, 0.5, 0.0, 2.0];
/// Another factor than 1 is to lower the log loss by this share at least: where topics differ, 1 is hardly ever far from the best.
const LEAST_GAIN: f64 = 0.003;

/// What the folds said of the stances: how far topics depart.
pub(super) struct StanceChoice<'a> {
    labels: LabelSet,
    topics: LabelSet,
    numbers: Vec<u32>,
    topic_of: Vec<u32>,
    seen: Vec<bool>,
    departure: f64,
    copied: Copied<'a>,
    weighted: bool,
}

impl Data<'_> {
    /// The stance head, and what it would have said of rows it had not seen; `None` where there are no two stances.
    pub fn stance_head(&self, control: &Control) -> Result<Option<(StanceHead, StancesHeldOut)>> {
        let Some((choice, mut chosen)) = self.choose_stance(control)? else { return Ok(None) };
        let task = self.stance_task(&choice)?;
        let fitted = fit(&task, &mut chosen, self.options, control)?;
        let topics = Some((choice.topics.len(), choice.topic_of.as_slice()));
        let known = KnownErrors::of(&task, &chosen, &fitted, topics);
        let mut held_out = StancesHeldOut::default();
        if self.options.decides_pairs() && choice.topics.len() > 1 {
            let (parts, unseen_by) = chosen.without_folds(&task, &fitted, self.labels.rows.len(), control)?;
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

    /// What the folds say of the stances; `None` where there are no two.
    pub fn choose_stance(&self, control: &Control) -> Result<Option<(StanceChoice<'_>, Chosen)>> {
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
            let of = if departure > 0.0 { &copied_topic } else { &nowhere };
            Copied::new(self.x, of, topics.len(), departure)
        };
        let candidates = match self.options.topic_departure {
            _ if topics.len() > MOST_TOPICS => vec![0.0],
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
                // The path is walked once.
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
        Ok(Some((StanceChoice { labels, topics, numbers, topic_of, seen, departure, copied, weighted }, chosen)))
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear::Loss;
    use crate::model::{CalibrationMethod, LabelledText, TrainOptions, TrainingSetBuilder, train};

    #[test]
    fn among_more_topics_than_can_depart_no_departure_is_recorded() {
        for (topics, asked, recorded) in [
            (MOST_TOPICS, Choice::Value(1.0), 1.0),
            (MOST_TOPICS + 1, Choice::Value(1.0), 0.0),
            (MOST_TOPICS + 1, Choice::Auto, 0.0),
        ] {
            let mut rows = TrainingSetBuilder::default();
            for topic in (0..topics).map(|i| format!("topic{i}")) {
                for (stance, verb) in [("support", "welcome"), ("oppose", "reject")] {
                    let text = format!("We {verb} {topic}.");
                    rows.push(LabelledText {
                        text: &text,
                        topic: Some(&topic),
                        stance: Some(stance),
                        ..Default::default()
                    });
                }
            }
            let options = TrainOptions {
                char_ngrams: None,
                classifier: Loss::Logistic,
                c: Choice::Value(1.0),
                topic_departure: asked,
                calibration: CalibrationMethod::None,
                thresholds: false,
                ..Default::default()
            };
            let stance = train(&rows.finish(), &options, &Control::default()).unwrap().stance.unwrap();
            assert_eq!(stance.departure, recorded, "{topics} topics, asked for {asked}");
            assert_eq!(stance.departures.parts().1.is_empty(), recorded == 0.0);
        }
    }
}
