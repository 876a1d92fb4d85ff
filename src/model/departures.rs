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
pub(super) struct Copied {
    pub x: SparseMatrix,
    /// First copied column.
    base: usize,
    /// Topic and column of each copy, topic by topic; the column `base` stands for a constant, the topic's own intercept.
    copies: Vec<(u32, u32)>,
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
        let mut copies = Vec::new();
        // Where each row's copies are numbered; filled topic by topic, because one topic's map of columns fits the cache.
        let mut numbered: Vec<Vec<u32>> = vec![Vec::new(); topics.len()];
        let mut number_of = vec![0u32; base];
        for (topic, rows) in by_topic.iter().enumerate() {
            let mut columns: Vec<u32> = rows.iter().flat_map(|&row| x.row(row as usize).indices).copied().collect();
            columns.sort_unstable();
            columns.dedup();
            for &column in &columns {
                number_of[column as usize] = (base + copies.len()) as u32;
                copies.push((topic as u32, column));
            }
            let constant = (base + copies.len()) as u32;
            copies.push((topic as u32, base as u32));
            for &row in rows {
                let indices = x.row(row as usize).indices;
                numbered[row as usize] = indices.iter().map(|&j| number_of[j as usize]).chain([constant]).collect();
            }
        }
        let mut out = SparseMatrix::with_capacity(base + copies.len(), x.rows(), x.nnz() * 2 + x.rows());
        for (i, numbers) in numbered.iter().enumerate() {
            let row = x.row(i);
            let shared = row.indices.iter().copied().zip(row.values.iter().copied());
            let scaled = row.values.iter().map(|v| (f64::from(*v) * departure) as f32).chain([1.0]);
            out.push_row(shared.chain(numbers.iter().copied().zip(scaled)));
        }
        Copied { x: out, base, copies }
    }

    /// Splits a classifier of the wide matrix into the shared one and the departures.
    pub fn split(&self, wide: &LinearClassifier, departure: f64, topic_count: usize) -> (LinearClassifier, Departures) {
        let classes = wide.classes();
        let shared = LinearClassifier::from_parts(
            wide.loss(),
            wide.weights()[..self.base * classes].to_vec(),
            wide.intercept().to_vec(),
        );
        let mut intercepts = vec![0.0; topic_count * classes];
        // Copies are sorted by topic; what prediction wants is the topics of a column side by side.
        let mut starts = vec![0u32; self.base + 1];
        for &(_, column) in &self.copies {
            if (column as usize) < self.base {
                starts[column as usize + 1] += 1;
            }
        }
        for j in 0..self.base {
            starts[j + 1] += starts[j];
        }
        let total = starts[self.base] as usize;
        let (mut topics, mut weights) = (vec![0u32; total], vec![0.0f32; total * classes]);
        let mut next = starts.clone();
        for (i, &(topic, column)) in self.copies.iter().enumerate() {
            let found = wide.feature_weights(self.base + i);
            if column as usize == self.base {
                let own = &mut intercepts[topic as usize * classes..(topic as usize + 1) * classes];
                own.iter_mut().zip(found).for_each(|(b, &w)| *b = f64::from(w));
            } else {
                let at = next[column as usize] as usize;
                next[column as usize] += 1;
                topics[at] = topic;
                let own = &mut weights[at * classes..(at + 1) * classes];
                own.iter_mut().zip(found).for_each(|(w, &f)| *w = (f64::from(f) * departure) as f32);
            }
        }
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
    pub(super) fn add_scores(&self, row: SparseRow<'_>, topic: usize, scores: &mut [f64]) {
        let own = self.intercepts.get(topic * self.classes..(topic + 1) * self.classes).unwrap_or_default();
        scores.iter_mut().zip(own).for_each(|(z, b)| *z += b);
        for (j, x) in row.iter() {
            for (z, &w) in scores.iter_mut().zip(self.weights_of(j, topic)) {
                *z += f64::from(x) * f64::from(w);
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
        let (shared, departures) = copied.split(&wide, 0.5, 2);
        for (i, &topic) in topics.iter().enumerate() {
            let (mut want, mut got) = ([0.0; 2], [0.0; 2]);
            wide.decision_into(copied.x.row(i), &mut want);
            shared.decision_into(x.row(i), &mut got);
            if topic != UNLABELLED {
                departures.add_scores(x.row(i), topic as usize, &mut got);
            }
            assert!(want.iter().zip(got).all(|(a, b)| (a - b).abs() < 1e-6), "{want:?} {got:?}");
        }
    }
}
