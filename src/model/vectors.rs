//! Rows of a training set as the heads see them.
//!
//! Flows in: a set, a fitted vectoriser, the blocks beside the terms. Flows out: one matrix. The neighbours of a row are rows of the set, with a label or without, in the fold or out of it:
//! their texts are context, their labels are never looked at.

use crate::features::{Blocks, MetadataColumn, Vectoriser};
use crate::labels::{LabelSet, UNLABELLED};
use crate::sparse::{SparseMatrix, SparseRow};

use super::options::TrainOptions;
use super::training_set::TrainingSet;

/// The blocks that options and columns ask for; values of columns are those of the rows named.
pub(super) fn blocks(set: &TrainingSet, rows: &[u32], options: &TrainOptions) -> Blocks {
    let metadata = set.side.features.iter().zip(&set.features).map(|(name, (labels, numbers))| {
        let mut seen: Vec<u32> = rows.iter().map(|&r| numbers[r as usize]).filter(|&n| n != UNLABELLED).collect();
        seen.sort_unstable();
        seen.dedup();
        MetadataColumn::new(name, seen.iter().map(|&n| labels.name(n as usize)))
    });
    Blocks { context: options.context > 0 || set.context.is_some(), metadata: metadata.collect() }
}

/// Where the blocks of columns end that are of length one each: words, characters, and those of the context.
pub(super) fn ends(vectoriser: &Vectoriser, blocks: &Blocks) -> Vec<usize> {
    let (words, width) = (vectoriser.vocabulary().word_terms(), vectoriser.width());
    let mut ends = vec![words, width];
    if blocks.context {
        ends.extend([width + words, 2 * width]);
    }
    ends
}

/// The vectors of some rows, in the order given.
pub(super) fn vectors(
    vectoriser: &Vectoriser,
    blocks: &Blocks,
    neighbours: usize,
    set: &TrainingSet,
    rows: &[u32],
) -> SparseMatrix {
    if blocks.is_empty() {
        return vectoriser.transform_rows(&set.documents, rows);
    }
    // Vectors of the rows and of all neighbours, each made once.
    let mut needed: Vec<u32> = rows.to_vec();
    needed.extend(rows.iter().flat_map(|&r| set.neighbours(r as usize, neighbours).map(|n| n as u32)));
    needed.sort_unstable();
    needed.dedup();
    let texts = vectoriser.transform_rows(&set.documents, &needed);
    let context = set.context.as_ref().map(|context| vectoriser.transform_rows(context, rows));
    let text_of = |row: u32| texts.row(needed.binary_search(&row).unwrap_or_default());
    let mut out = SparseMatrix::with_cols(blocks.width(vectoriser.width()));
    for (i, &row) in rows.iter().enumerate() {
        let around: Vec<SparseRow<'_>> = match &context {
            Some(context) => vec![context.row(i)],
            None => set.neighbours(row as usize, neighbours).map(|n| text_of(n as u32)).collect(),
        };
        let metadata: Vec<&str> =
            set.features.iter().map(|(labels, numbers)| value(labels, numbers[row as usize])).collect();
        blocks.push_row(vectoriser.width(), text_of(row), &around, &metadata, &mut out);
    }
    out
}

fn value(labels: &LabelSet, number: u32) -> &str {
    if number == UNLABELLED { "" } else { labels.name(number as usize) }
}
