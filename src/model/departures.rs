//! Stance given its topic: weights shared by all topics, plus what each topic adds to them.
//!
//! Flows in: rows and the topic of each. For training, flows out a wider matrix in which every row stands twice, once for all topics and once for its own
//! (Daumé 2007, *Frustratingly easy domain adaptation*), so that the solver needs to know nothing of topics; the penalty then draws each topic toward the shared weights, and
//! a rare topic leans on them. For prediction, flows out the sum of both parts for any one topic. Only pairs of topic and term that occur in training
//! have a weight: two hundred topics cost no more memory than the corpus has terms.

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
    topics: Vec<u32>,
}

impl<'a> Copied<'a> {
    /// Copies the columns of `x` by topic, each copy `departure` times the original. `topics[i]` is the topic of row i, or [`UNLABELLED`] for a row that trains the shared weights alone.
    pub fn new(x: &'a SparseMatrix, topics: &[u32], topic_count: usize, departure: f64) -> Self {
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
        // How far each value's copy is from its column; filled topic by topic, with a place for each column that moves on from topic to topic.
        let mut own = vec![0u16; x.nnz()];
        next.copy_from_slice(&starts);
        for (topic, rows) in by_topic.iter().enumerate() {
            for &row in rows {
                for (own, &column) in own[x.range(row as usize)].iter_mut().zip(x.row(row as usize).indices) {
                    let (at, column) = (&mut next[column as usize], column as usize);
                    while copy_topics[*at as usize] != topic as u32 {
                        *at += 1;
                    }
                    *own = (1 + *at - starts[column]) as u16;
                }
            }
        }
        let shared = x.indices().iter().map(|&j| j + starts[j as usize]).collect();
        let constant = |&topic: &u32| if topic == UNLABELLED { Copies::NONE } else { (base + total) as u32 + topic };
        let constants = topics.iter().map(constant).collect();
        let cols = base + total + topic_count;
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
                    topics.push(topic);
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

    /// Number of columns.
    pub(super) fn columns(&self) -> usize {
        self.starts.len() - 1
    }

    /// Intercepts of each topic, one a class.
    pub(super) fn intercepts(&self) -> &[f64] {
        &self.intercepts
    }

    /// Topics of the entries of a column, and where the weights of each are among the cells. One that adds nothing is no entry.
    fn entries(&self, column: usize) -> impl Iterator<Item = (u32, usize)> {
        let (start, end) = (self.starts[column] as usize, self.starts[column + 1] as usize);
        let full = end - start == self.topics * self.classes;
        let size = if full { self.classes } else { self.classes + 1 };
        let entry = move |(i, at)| match full {
            true => (i as u32, at),
            false => (self.cells.number(at), at + 1),
        };
        let adds = |&(_, at): &(u32, usize)| (at..at + self.classes).any(|i| self.cells.get(i) != 0.0);
        (start..end).step_by(size.max(1)).enumerate().map(entry).filter(adds)
    }

    /// The number of entries of each column, and the topics of all.
    pub(super) fn layout(&self) -> (Vec<u32>, Vec<u32>) {
        let mut topics = Vec::new();
        let mut before = 0;
        let lengths = (0..self.columns()).map(|column| {
            topics.extend(self.entries(column).map(|(topic, _)| topic));
            let length = (topics.len() - before) as u32;
            before = topics.len();
            length
        });
        (lengths.collect(), topics)
    }

    /// The weights of all entries, one a class, column by column.
    pub(super) fn weights(&self) -> Weights {
        let places = (0..self.columns()).flat_map(|column| self.entries(column)).map(|(_, at)| at);
        match &self.cells {
            Weights::Wide(cells) => {
                Weights::Wide(places.flat_map(|at| &cells[at..at + self.classes]).copied().collect())
            }
            Weights::Narrow { cells, unit } => {
                let cells = places.flat_map(|at| &cells[at..at + self.classes]).copied().collect();
                Weights::Narrow { cells, unit: *unit }
            }
        }
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
        let (lengths, topics) = self.layout();
        let weights = change(self.weights());
        let all = Self::from_parts(self.classes, self.topics, (&lengths, &topics), weights, Vec::new());
        let (lengths, topics) = all.layout();
        Self::from_parts(self.classes, self.topics, (&lengths, &topics), all.weights(), self.intercepts)
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
