//! Stance given its topic: weights shared by all topics, plus what each topic adds to them.
//!
//! Flows in: rows and the topic of each. For training, flows out a wider matrix in which every row stands twice, once for all topics and once for its own
//! (Daumé 2007, *Frustratingly easy domain adaptation*), so that the solver needs to know nothing of topics; the penalty then draws each topic toward the shared weights, and
//! a rare topic leans on them. For prediction, flows out the sum of both parts for any one topic. Only pairs of topic and term that occur in training
//! have a weight: two hundred topics cost no more memory than the corpus has terms.

use rayon::prelude::*;

use crate::labels::UNLABELLED;
use crate::linear::{Cell, Copies, LinearClassifier, MOST_LANES, Weights, add_products};
use crate::sparse::{SparseMatrix, SparseRow};

/// A matrix with per-topic copies of its columns, and the meaning of the copies.
///
/// A column and its copies lie side by side, topics ascending, and one constant a topic, its own intercept, comes last: the weights that a row needs of
/// a column, shared and its topic's own, are then mostly in one line of memory, of which the solver waits for little else.
pub(super) struct Copied<'a> {
    pub copies: Copies<'a>,
    /// Where the copies of each column begin and end among `topics`.
    starts: Vec<u32>,
    /// The topic of each copy, column by column.
    topics: Vec<u8>,
}

impl<'a> Copied<'a> {
    /// Copies the columns of `x` by topic, each copy `departure` times the original. `topics[i]` is the topic of row i, or [`UNLABELLED`] for a row that trains the shared weights alone; there are at most [`MOST_TOPICS`] of them.
    pub fn new(x: &'a SparseMatrix, topics: &[u32], topic_count: usize, departure: f64) -> Self {
        let base = x.cols();
        let blocks = topic_count.div_ceil(BLOCK);
        let masks: Vec<Vec<u64>> =
            (0..blocks).into_par_iter().map(|block| topics_of_columns(x, topics, block)).collect();
        let mut starts = Vec::with_capacity(base + 1);
        let (mut total, mut copy_topics) = (0u32, Vec::new());
        starts.push(0);
        for column in 0..base {
            for (block, masks) in masks.iter().enumerate() {
                let mut mask = masks[column];
                while mask != 0 {
                    copy_topics.push((block * BLOCK) as u8 + mask.trailing_zeros() as u8);
                    mask &= mask - 1;
                }
            }
            total = copy_topics.len() as u32;
            starts.push(total);
        }
        // How far each value's copy is from its column: one more than the topics before it.
        let own_of = |(row, topic): (usize, &u32)| -> Vec<u8> {
            let columns = x.row(row).indices;
            if *topic == UNLABELLED {
                return vec![0; columns.len()];
            }
            let (block, bit) = (*topic as usize / BLOCK, *topic as usize % BLOCK);
            let before = |&column: &u32| {
                let of = |mask: &Vec<u64>| mask[column as usize];
                let earlier: u32 = masks[..block].iter().map(|mask| of(mask).count_ones()).sum();
                (1 + earlier + (of(&masks[block]) & ((1 << bit) - 1)).count_ones()) as u8
            };
            columns.iter().map(before).collect()
        };
        let own = topics.par_chunks(CHUNK).enumerate().flat_map_iter(|(chunk, topics)| {
            topics.iter().enumerate().flat_map(move |(i, topic)| own_of((chunk * CHUNK + i, topic)))
        });
        let own: Vec<u8> = own.collect();
        let shared = x.indices().par_iter().map(|&j| j + starts[j as usize]).collect();
        let constant = |&topic: &u32| if topic == UNLABELLED { Copies::NONE } else { base as u32 + total + topic };
        let constants = topics.iter().map(constant).collect();
        let cols = base + total as usize + topic_count;
        let copies = Copies { x, shared, own, constants, factor: departure as f32, cols };
        Copied { copies, starts, topics: copy_topics }
    }

    /// Gives back the memory of what only a solver needs.
    pub fn forget_rows(&mut self) {
        (self.copies.shared, self.copies.own, self.copies.constants) = Default::default();
    }

    /// Splits a classifier of the wide matrix into the shared one and the departures.
    pub fn split(&self, wide: &LinearClassifier, departure: f64, topic_count: usize) -> (LinearClassifier, Departures) {
        let classes = wide.classes();
        let base = self.starts.len() - 1;
        let mut shared = Vec::with_capacity(base * classes);
        let (mut lengths, mut topics, mut weights) = (Vec::with_capacity(base), Vec::new(), Vec::new());
        let mut own = vec![0.0; classes];
        for (column, bounds) in self.starts.windows(2).enumerate() {
            let first = column + bounds[0] as usize;
            shared.extend(wide.feature_weights(first));
            let before = topics.len();
            for (copy, &topic) in (first + 1..).zip(&self.topics[bounds[0] as usize..bounds[1] as usize]) {
                own.iter_mut()
                    .zip(wide.feature_weights(copy))
                    .for_each(|(o, w)| *o = (f64::from(w) * departure) as f32);
                // A term that occurred with a topic may have taught nothing of it.
                if own.iter().any(|&w| w != 0.0) {
                    topics.push(u32::from(topic));
                    weights.extend_from_slice(&own);
                }
            }
            lengths.push((topics.len() - before) as u32);
        }
        let constants = (0..topic_count).flat_map(|t| wide.feature_weights(base + self.topics.len() + t));
        let intercepts = constants.map(f64::from).collect();
        let shared = LinearClassifier::from_parts(wide.loss(), shared, wide.intercept().to_vec());
        (shared, Departures::from_parts(classes, topic_count, (&lengths, &topics), Weights::Wide(weights), intercepts))
    }
}

/// Among more topics none has rows enough to depart, and there would be more masks than rows.
pub(super) const MOST_TOPICS: usize = u8::MAX as usize;
/// Topics in a mask.
const BLOCK: usize = 64;
/// Rows that a task looks at.
const CHUNK: usize = 4_096;

/// For each column which topics of a block of them it occurs with, one bit each.
fn topics_of_columns(x: &SparseMatrix, topics: &[u32], block: usize) -> Vec<u64> {
    let mut masks = vec![0; x.cols()];
    for (row, &topic) in topics.iter().enumerate() {
        if topic != UNLABELLED && topic as usize / BLOCK == block {
            x.row(row).indices.iter().for_each(|&column| masks[column as usize] |= 1 << (topic as usize % BLOCK));
        }
    }
    masks
}

/// What each topic adds to the shared stance weights.
///
/// The cells of a column are those of its entries, topics ascending: the number of the topic, then a weight a class. A column that most topics have an entry in
/// holds weights alone, of all topics: to find those of one, nothing is searched.
#[derive(Debug, Clone, PartialEq)]
pub struct Departures {
    classes: usize,
    topics: usize,
    /// Where the cells of each column begin.
    starts: Vec<u32>,
    cells: Weights,
    /// Intercepts of each topic, one a class.
    intercepts: Vec<f64>,
}

impl Departures {
    /// What a topic adds to the weights of a column, one a class; nothing where it adds nothing.
    ///
    /// # Panics
    /// If the column does not exist.
    pub fn weights_of(&self, column: usize, topic: usize) -> impl Iterator<Item = f32> {
        let bounds = (self.starts[column], self.starts[column + 1]);
        let place = match &self.cells {
            Weights::Wide(cells) => self.place(cells, bounds, topic as u32),
            Weights::Narrow { cells, .. } => self.place(cells, bounds, topic as u32),
        };
        place.into_iter().flat_map(|at| (at..at + self.classes).map(|i| self.cells.get(i)))
    }

    /// Number of classes.
    pub(super) fn classes(&self) -> usize {
        self.classes
    }

    /// Intercepts of each topic, one a class.
    pub(super) fn intercepts(&self) -> &[f64] {
        &self.intercepts
    }

    /// The number of entries of each column, the topics of all, and the weights of all, one a class. One that adds nothing is no entry.
    pub(super) fn parts(&self) -> (Vec<u32>, Vec<u32>, Weights) {
        match &self.cells {
            Weights::Wide(cells) => {
                let (lengths, topics, weights) = self.parts_of(cells);
                (lengths, topics, Weights::Wide(weights))
            }
            Weights::Narrow { cells, unit } => {
                let (lengths, topics, cells) = self.parts_of(cells);
                (lengths, topics, Weights::Narrow { cells, unit: *unit })
            }
        }
    }

    fn parts_of<C: Cell>(&self, cells: &[C]) -> (Vec<u32>, Vec<u32>, Vec<C>) {
        let (mut lengths, mut topics, mut weights) = (Vec::with_capacity(self.starts.len()), Vec::new(), Vec::new());
        for bounds in self.starts.windows(2) {
            let column = &cells[bounds[0] as usize..bounds[1] as usize];
            let full = column.len() == self.topics * self.classes;
            let (size, before) = (self.classes + usize::from(!full), topics.len());
            for (i, entry) in column.chunks_exact(size.max(1)).enumerate() {
                let (topic, own) = if full { (i as u32, entry) } else { (entry[0].number(), &entry[1..]) };
                if own.iter().any(|w| w.weight() != 0.0) {
                    topics.push(topic);
                    weights.extend_from_slice(own);
                }
            }
            lengths.push((topics.len() - before) as u32);
        }
        (lengths, topics, weights)
    }

    /// From the number of entries of each column and the topics of all, ascending in a column, and the weights of all, one a class. The caller vouches that these fit each other.
    pub(super) fn from_parts(
        classes: usize,
        topics: usize,
        layout: (&[u32], &[u32]),
        weights: Weights,
        intercepts: Vec<f64>,
    ) -> Self {
        let (starts, cells) = match weights {
            Weights::Narrow { cells, unit } if topics <= <i16 as Cell>::NUMBERS => {
                let (starts, cells) = lay_out(classes, topics, layout, &cells);
                (starts, Weights::Narrow { cells, unit })
            }
            weights => {
                let (starts, cells) = lay_out(classes, topics, layout, &weights.iter().collect::<Vec<f32>>());
                (starts, Weights::Wide(cells))
            }
        };
        Departures { classes, topics, starts, cells, intercepts }
    }

    /// With the weights changed; what adds nothing afterwards is no entry any more.
    pub(super) fn with_weights(self, change: impl FnOnce(Weights) -> Weights) -> Self {
        let (lengths, topics, weights) = self.parts();
        let all = Self::from_parts(self.classes, self.topics, (&lengths, &topics), change(weights), Vec::new());
        let (lengths, topics, weights) = all.parts();
        Self::from_parts(self.classes, self.topics, (&lengths, &topics), weights, self.intercepts)
    }

    /// Where the weights of a topic are among the cells of a column.
    #[inline]
    fn place<C: Cell>(&self, cells: &[C], (start, end): (u32, u32), topic: u32) -> Option<usize> {
        let (start, end) = (start as usize, end as usize);
        if end - start == self.topics * self.classes {
            return (end > start).then_some(start + topic as usize * self.classes);
        }
        (start..end)
            .step_by(self.classes + 1)
            .find(|&at| cells[at].number() >= topic)
            .filter(|&at| cells[at].number() == topic)
            .map(|at| at + 1)
    }

    /// Adds a topic's part of the scores of a row.
    pub(super) fn add_scores(&self, row: SparseRow<'_>, topic: usize, scores: &mut [f64]) {
        let own = self.intercepts.get(topic * self.classes..(topic + 1) * self.classes).unwrap_or_default();
        scores.iter_mut().zip(own).for_each(|(z, b)| *z += b);
        match &self.cells {
            Weights::Wide(cells) => self.add_products(cells, 1.0, row, topic as u32, scores),
            Weights::Narrow { cells, unit } => self.add_products(cells, *unit, row, topic as u32, scores),
        }
    }

    /// The weights of a large corpus do not fit the cache, so a row goes by in blocks and each block in three steps: where its columns' cells are, which
    /// of them are the topic's, and their weights. Within a step no look-up waits for another.
    fn add_products<C: Cell>(&self, cells: &[C], unit: f32, row: SparseRow<'_>, topic: u32, scores: &mut [f64]) {
        const BLOCK: usize = 64;
        for (columns, values) in row.indices.chunks(BLOCK).zip(row.values.chunks(BLOCK)) {
            let mut bounds = [(0, 0); BLOCK];
            for (bounds, &j) in bounds.iter_mut().zip(columns) {
                *bounds = (self.starts[j as usize], self.starts[j as usize + 1]);
            }
            let (mut found, mut count) = ([(0, 0.0); BLOCK], 0);
            for (&bounds, &x) in bounds.iter().zip(values) {
                if let Some(at) = self.place(cells, bounds, topic) {
                    found[count] = (at, x);
                    count += 1;
                }
            }
            let found = &found[..count];
            for (block, scores) in scores.chunks_mut(MOST_LANES).enumerate() {
                add_products(cells, unit, found.iter().map(|&(at, x)| (at + block * MOST_LANES, x)), scores);
            }
        }
    }
}

/// Where the cells of each column begin, and the cells.
fn lay_out<C: Cell>(
    classes: usize,
    topic_count: usize,
    (lengths, topics): (&[u32], &[u32]),
    weights: &[C],
) -> (Vec<u32>, Vec<C>) {
    let all = topic_count * classes;
    let mut starts = Vec::with_capacity(lengths.len() + 1);
    let mut cells: Vec<C> = Vec::with_capacity(topics.len() + weights.len());
    let mut entries = topics.iter().zip(weights.chunks_exact(classes));
    starts.push(0);
    for &length in lengths {
        let (start, entries) = (cells.len(), entries.by_ref().take(length as usize));
        if length as usize * (classes + 1) >= all {
            cells.resize(start + all, C::of_number(0));
            for (&topic, weights) in entries {
                let at = start + topic as usize * classes;
                cells[at..at + classes].copy_from_slice(weights);
            }
        } else {
            for (&topic, weights) in entries {
                cells.push(C::of_number(topic));
                cells.extend_from_slice(weights);
            }
        }
        starts.push(cells.len() as u32);
    }
    (starts, cells)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear::{Design, Loss};

    #[test]
    fn splitting_keeps_every_score() {
        let mut x = SparseMatrix::with_cols(3);
        x.push_row([(0, 1.0), (2, 0.5)]);
        x.push_row([(1, 2.0)]);
        x.push_row([(0, 0.25), (1, 0.5)]);
        let topics = [1, 0, UNLABELLED];
        let copied = Copied::new(&x, &topics, 2, 0.5);
        let weights: Vec<f32> = (0..copied.copies.cols * 2).map(|i| i as f32 / 10.0 - 0.7).collect();
        let wide = LinearClassifier::from_parts(Loss::Logistic, weights, vec![0.1, -0.2]);
        let copies = copied.copies.clone();
        let (shared, departures) = copied.split(&wide, 0.5, 2);
        for (i, &topic) in topics.iter().enumerate() {
            let (mut want, mut got) = ([0.1, -0.2], [0.0; 2]);
            Design::Copied(&copies).visit(i, |j, x| {
                want.iter_mut().zip(wide.feature_weights(j)).for_each(|(z, w)| *z += f64::from(x) * f64::from(w));
            });
            shared.decision_into(x.row(i), &mut got);
            if topic != UNLABELLED {
                departures.add_scores(x.row(i), topic as usize, &mut got);
            }
            assert!(want.iter().zip(got).all(|(a, b)| (a - b).abs() < 1e-6), "{want:?} {got:?}");
        }
    }
}
