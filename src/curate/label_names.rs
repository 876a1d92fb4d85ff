//! Labels as a list: missing, misspelt, unknown, too rare.
//!
//! Flows in: the labels of all rows. Flows out: findings. What is wrong with a label and not with a row is told once, of the first row that has it, with the number of rows.

use super::corpus::Corpus;
use super::finding::{CheckOptions, Checked, Finding, Kind};
use crate::corpus::nearest;
use crate::labels::{LabelSet, UNLABELLED};

/// Fewer rows than this cannot be spread over five folds.
const TINY: usize = 5;
/// A label that differs from another by a letter is a slip only if it is so many times rarer: "legal" and "illegal" are two labels.
const RARER: usize = 10;

pub(super) fn look(corpus: &Corpus, options: &CheckOptions, out: &mut Checked) {
    unlabelled(corpus, out);
    let set = &corpus.set;
    for (what, labels, numbers) in [("topic", &set.topics, &set.topic), ("stance", &set.stances, &set.stance)] {
        let list = Listed::of(labels, numbers);
        variants(what, &list, out);
        if let Some(codebook) = options.codebook.as_ref().filter(|_| what == "topic") {
            let known = || codebook.entries().iter().map(|entry| entry.topic.as_str());
            for (number, name) in labels.names().iter().enumerate().filter(|(_, name)| codebook.get(name).is_none()) {
                let near = nearest(name, known()).unwrap_or_default();
                out.findings.push(list.finding(Kind::UnknownLabel, number, near, 1.0, "not in the codebook"));
            }
        }
        for number in (0..labels.len()).filter(|&number| list.counts[number] < TINY) {
            let score = 1.0 / list.counts[number].max(1) as f64;
            out.findings.push(list.finding(
                Kind::TinyClass,
                number,
                "",
                score,
                &format!("a {what} of fewer than {TINY} rows"),
            ));
        }
    }
}

/// Rows without a label, where the corpus has labels. A topic none of whose rows has a stance wants none.
fn unlabelled(corpus: &Corpus, out: &mut Checked) {
    let set = &corpus.set;
    if set.topics.is_empty() && set.stances.is_empty() {
        out.notes.push("no row has a label: labels are not checked".to_owned());
        return;
    }
    let mut has_stance = vec![false; set.topics.len()];
    for (&topic, &stance) in set.topic.iter().zip(&set.stance) {
        if topic != UNLABELLED && stance != UNLABELLED {
            has_stance[topic as usize] = true;
        }
    }
    for row in 0..corpus.len() {
        let (topic, stance) = (set.topic[row], set.stance[row]);
        let no_topic = topic == UNLABELLED && !set.topics.is_empty();
        let wants_stance = topic == UNLABELLED || has_stance[topic as usize];
        let no_stance = stance == UNLABELLED && !set.stances.is_empty() && wants_stance;
        let detail = match (no_topic, no_stance) {
            (true, true) => "neither topic nor stance",
            (true, false) => "no topic",
            (false, true) => "no stance, which other rows of this topic have",
            (false, false) => continue,
        };
        out.findings.push(Finding {
            row,
            kind: Kind::Unlabelled,
            label: corpus.labels(row),
            suggestion: String::new(),
            score: 1.0,
            detail: detail.to_owned(),
        });
    }
}

/// Labels with their numbers of rows, and the first row of each.
struct Listed<'a> {
    labels: &'a LabelSet,
    counts: Vec<usize>,
    first: Vec<usize>,
}

impl<'a> Listed<'a> {
    fn of(labels: &'a LabelSet, numbers: &[u32]) -> Self {
        let (mut counts, mut first) = (vec![0; labels.len()], vec![usize::MAX; labels.len()]);
        for (row, &number) in numbers.iter().enumerate().filter(|(_, number)| **number != UNLABELLED) {
            counts[number as usize] += 1;
            first[number as usize] = first[number as usize].min(row);
        }
        Listed { labels, counts, first }
    }

    fn finding(&self, kind: Kind, number: usize, suggestion: &str, score: f64, what: &str) -> Finding {
        Finding {
            row: self.first[number],
            kind,
            label: self.labels.name(number).to_owned(),
            suggestion: suggestion.to_owned(),
            score,
            detail: format!("{what}; {}, this is the first", rows(self.counts[number])),
        }
    }
}

fn rows(count: usize) -> String {
    if count == 1 { "1 row".to_owned() } else { format!("{count} rows") }
}

fn variants(what: &str, list: &Listed<'_>, out: &mut Checked) {
    let plain: Vec<String> = list.labels.names().iter().map(|name| plain(name)).collect();
    for number in 0..plain.len() {
        // What it most likely is: of its like, the one with the most rows; of as many, the first.
        let likes = (0..plain.len()).filter(|&other| other != number);
        let commoner = |&other: &usize| (list.counts[other], number) > (list.counts[number], other);
        let meant = likes
            .filter(commoner)
            .filter_map(|other| Some((likeness(list, &plain, number, other)?, list.counts[other], other)))
            .max_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)).then(b.2.cmp(&a.2)));
        let Some((score, count, other)) = meant else { continue };
        let how = if score == 1.0 {
            "differs from another in case, spaces or marks only"
        } else {
            "differs from another by a letter or two"
        };
        let other = list.labels.name(other);
        out.findings.push(list.finding(
            Kind::LabelVariant,
            number,
            other,
            score,
            &format!("the {what} {how}, which has {}", rows(count)),
        ));
    }
}

/// How much a rare label looks like a slip for a common one, from 0 to 1; `None` if it does not.
fn likeness(list: &Listed<'_>, plain: &[String], rare: usize, common: usize) -> Option<f64> {
    let (a, b) = (&plain[rare], &plain[common]);
    if a == b {
        return Some(1.0);
    }
    let letters = a.chars().count().max(b.chars().count());
    let allowed = match letters {
        0..5 => 0,
        5..10 => 1,
        _ => 2,
    };
    // Numbers are codes: 19 is not a slip for 20.
    let digits = |s: &str| s.chars().filter(|c| c.is_numeric()).collect::<String>();
    if allowed == 0 || list.counts[rare] * RARER > list.counts[common] || digits(a) != digits(b) {
        return None;
    }
    let distance = strsim::osa_distance(a, b);
    (distance <= allowed).then(|| 1.0 - distance as f64 / letters as f64)
}

/// Letters and digits in lower case; the label itself where it has none.
fn plain(label: &str) -> String {
    let plain: String = label.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    if plain.is_empty() { label.to_owned() } else { plain }
}
