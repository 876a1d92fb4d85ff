//! Stance given its topic: weights shared by all topics, plus what each topic adds to them.
//!
//! Flows in: rows and the topic of each. For training, flows out a wider matrix in which every row stands twice, once for all topics and once for its own
//! (Daumé 2007, *Frustratingly easy domain adaptation*), so that the solver needs to know nothing of topics; the penalty then draws each topic toward the shared weights, and
//! a rare topic leans on them. For prediction, flows out the sum of both parts for any one topic. Only pairs of topic and term that occur in training
//! have a weight: two hundred topics cost no more memory than the corpus has terms.

use crate::labels::UNLABELLED;
use crate::linear::LinearClassifier;
use crate::sparse::{SparseMatrix, SparseRow};

/// A matrix with per-topic copies of its columns, and the meaning of the copies.
///
/// A column and its copies lie side by side, topics ascending, and one constant a topic, its own intercept, comes last: the weights that a row needs of
/// a column, shared and its topic's own, are then mostly in one line of memory, of which the solver waits for little else.
pub(super) struct Copied {
    pub x: SparseMatrix,
    /// Where the copies of each column begin and end among `topics`.
    starts: Vec<u32>,
    /// The topic of each copy, column by column.
    topics: Vec<u32>,
}

impl Copied {
    /// Copies the columns of `x` by topic, each copy `departure` times the original. `topics[i]` is the topic of row i, or [`UNLABELLED`] for a row that trains the shared weights alone.
    pub fn new(x: &SparseMatrix, topics: &[u32], topic_count: usize, departure: f64) -> Self {
        let base = x.cols();
        let mut by_topic: Vec<Vec<u32>> = vec![Vec::new(); topic_count];
        for (row, &topic) in topics.iter().enumerate() {
            if topic != UNLABELLED {
                by_topic[topic as usize].push(row as u32);
            }
        }
        // Calls `each` once for each pair of topic and column, topics ascending.
        let pairs = |each: &mut dyn FnMut(usize, usize)| {
            let mut last = vec![UNLABELLED; base];
            for (topic, rows) in by_topic.iter().enumerate() {
                for &column in rows.iter().flat_map(|&row| x.row(row as usize).indices) {
                    let column = column as usize;
                    if last[column] != topic as u32 {
                        last[column] = topic as u32;
                        each(topic, column);
                    }
                }
            }
        };
        let mut starts = vec![0u32; base + 1];
        pairs(&mut |_, column| starts[column + 1] += 1);
        for column in 0..base {
            starts[column + 1] += starts[column];
        }
        let total = starts[base] as usize;
        let mut copy_topics = vec![0u32; total];
        let mut next = starts.clone();
        pairs(&mut |topic, column| {
            copy_topics[next[column] as usize] = topic as u32;
            next[column] += 1;
        });
        // Where each row's copies stand; filled topic by topic, with a place for each column that moves on from topic to topic.
        let mut own = vec![0u32; x.nnz()];
        next.copy_from_slice(&starts);
        for (topic, rows) in by_topic.iter().enumerate() {
            for &row in rows {
                let first = x.row_start(row as usize);
                for (own, &column) in own[first..].iter_mut().zip(x.row(row as usize).indices) {
                    let (at, column) = (&mut next[column as usize], column as usize);
                    while copy_topics[*at as usize] != topic as u32 {
                        *at += 1;
                    }
                    *own = column as u32 + 1 + *at;
                }
            }
        }
        let mut out = SparseMatrix::with_capacity(base + total + topic_count, x.rows(), x.nnz() * 2 + x.rows());
        for (i, &topic) in topics.iter().enumerate() {
            let row = x.row(i);
            let shared = row.indices.iter().map(|&j| j + starts[j as usize]).zip(row.values.iter().copied());
            if topic == UNLABELLED {
                out.push_row(shared);
                continue;
            }
            let scaled = row.values.iter().map(|v| (f64::from(*v) * departure) as f32);
            let own = own[x.row_start(i)..].iter().copied().zip(scaled);
            let constant = ((base + total) as u32 + topic, 1.0);
            out.push_row(shared.zip(own).flat_map(|(shared, own)| [shared, own]).chain([constant]));
        }
        Copied { x: out, starts, topics: copy_topics }
    }

    /// Splits a classifier of the wide matrix into the shared one and the departures.
    pub fn split(self, wide: &LinearClassifier, departure: f64, topic_count: usize) -> (LinearClassifier, Departures) {
        let classes = wide.classes();
        let base = self.starts.len() - 1;
        let mut shared = Vec::with_capacity(base * classes);
        let (mut starts, mut topics, mut weights) = (vec![0u32], Vec::new(), Vec::new());
        for (column, bounds) in self.starts.windows(2).enumerate() {
            let first = column + bounds[0] as usize;
            shared.extend_from_slice(wide.feature_weights(first));
            for (copy, &topic) in (first + 1..).zip(&self.topics[bounds[0] as usize..bounds[1] as usize]) {
                let own = wide.feature_weights(copy);
                // A term that occurred with a topic may have taught nothing of it.
                if own.iter().any(|&w| w != 0.0) {
                    topics.push(topic);
                    weights.extend(own.iter().map(|&w| (f64::from(w) * departure) as f32));
                }
            }
            starts.push(topics.len() as u32);
        }
        let constants = (0..topic_count).flat_map(|t| wide.feature_weights(base + self.topics.len() + t));
        let intercepts = constants.map(|&b| f64::from(b)).collect();
        let shared = LinearClassifier::from_parts(wide.loss(), shared, wide.intercept().to_vec());
        (shared, Departures { classes, starts, topics, weights, intercepts })
    }
}

/// What each topic adds to the shared stance weights.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Departures {
    pub(super) classes: usize,
    /// Where the entries of each column begin.
    pub(super) starts: Vec<u32>,
    /// Topic of each entry, ascending within a column.
    pub(super) topics: Vec<u32>,
    /// Weights of each entry, one a class.
    pub(super) weights: Vec<f32>,
    /// Intercepts of each topic, one a class.
    pub(super) intercepts: Vec<f64>,
}

impl Departures {
    /// What a topic adds to the weights of a column; empty where it adds nothing.
    ///
    /// # Panics
    /// If the column does not exist.
    pub fn weights_of(&self, column: usize, topic: usize) -> &[f32] {
        let range = self.starts[column] as usize..self.starts[column + 1] as usize;
        match self.topics[range.clone()].binary_search(&(topic as u32)) {
            Ok(i) => &self.weights[(range.start + i) * self.classes..(range.start + i + 1) * self.classes],
            Err(_) => &[],
        }
    }

    /// Adds a topic's part of the scores of a row.
    ///
    /// The weights of a large corpus do not fit the cache, so a row goes by in blocks and each block in three steps: where its columns' entries are, which
    /// of them are the topic's, and their weights. Within a step no look-up waits for another.
    pub(super) fn add_scores(&self, row: SparseRow<'_>, topic: usize, scores: &mut [f64]) {
        const BLOCK: usize = 64;
        let own = self.intercepts.get(topic * self.classes..(topic + 1) * self.classes).unwrap_or_default();
        scores.iter_mut().zip(own).for_each(|(z, b)| *z += b);
        let topic = topic as u32;
        for (columns, values) in row.indices.chunks(BLOCK).zip(row.values.chunks(BLOCK)) {
            let mut ranges = [(0, 0); BLOCK];
            for (range, &j) in ranges.iter_mut().zip(columns) {
                *range = (self.starts[j as usize], self.starts[j as usize + 1]);
            }
            let (mut found, mut count) = ([(0, 0.0); BLOCK], 0);
            for (&(start, end), &x) in ranges.iter().zip(values) {
                let topics = &self.topics[start as usize..end as usize];
                // Counting does not branch on what is being fetched; of many topics it would cost more than that.
                let (before, hit) = match topics.len() {
                    0..=BLOCK => topics.iter().fold((0, 0), |(before, hit), &t| {
                        (before + u32::from(t < topic), hit + usize::from(t == topic))
                    }),
                    _ => topics.binary_search(&topic).map_or((0, 0), |at| (at as u32, 1)),
                };
                found[count] = (start + before, x);
                count += hit;
            }
            for &(entry, x) in &found[..count] {
                let at = entry as usize * self.classes;
                for (z, &w) in scores.iter_mut().zip(&self.weights[at..at + self.classes]) {
                    *z += f64::from(x) * f64::from(w);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear::Loss;

    #[test]
    fn splitting_keeps_every_score() {
        let mut x = SparseMatrix::with_cols(3);
        x.push_row([(0, 1.0), (2, 0.5)]);
        x.push_row([(1, 2.0)]);
        x.push_row([(0, 0.25), (1, 0.5)]);
        let topics = [1, 0, UNLABELLED];
        let copied = Copied::new(&x, &topics, 2, 0.5);
        let weights: Vec<f32> = (0..copied.x.cols() * 2).map(|i| i as f32 / 10.0 - 0.7).collect();
        let wide = LinearClassifier::from_parts(Loss::Logistic, weights, vec![0.1, -0.2]);
        let wide_x = copied.x.clone();
        let (shared, departures) = copied.split(&wide, 0.5, 2);
        for (i, &topic) in topics.iter().enumerate() {
            let (mut want, mut got) = ([0.0; 2], [0.0; 2]);
            wide.decision_into(wide_x.row(i), &mut want);
            shared.decision_into(x.row(i), &mut got);
            if topic != UNLABELLED {
                departures.add_scores(x.row(i), topic as usize, &mut got);
            }
            assert!(want.iter().zip(got).all(|(a, b)| (a - b).abs() < 1e-6), "{want:?} {got:?}");
        }
    }
}
