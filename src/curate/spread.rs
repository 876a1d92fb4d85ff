//! What stands on both sides of a split, and what is named twice.
//!
//! Flows in: ids, groups (speeches, speakers) and folds of rows, and perhaps another corpus. Flows out: findings. A model tested on the other half of a speech it learnt from
//! looks better than it is.

use std::collections::BTreeMap;

use super::corpus::{Corpus, Names};
use super::finding::{Checked, Finding, Kind};
use crate::labels::UNLABELLED;

pub(super) fn look(corpus: &Corpus, other: Option<&Corpus>, out: &mut Checked) {
    repeated_ids(corpus, out);
    let groups = rows_of(&corpus.groups);
    for (group, rows) in groups.iter().enumerate() {
        let (Some(&row), name) = (rows.first(), corpus.groups.set.name(group)) else { continue };
        let mut told = Vec::new();
        let mut folds: BTreeMap<&str, usize> = BTreeMap::new();
        rows.iter().filter_map(|&row| corpus.folds.get(row)).for_each(|fold| *folds.entry(fold).or_default() += 1);
        if folds.len() > 1 {
            let counts: Vec<String> = folds.iter().map(|(fold, count)| format!("{fold} ({count})")).collect();
            told.push(format!("its rows are in the folds {}", counts.join(", ")));
        }
        if let Some(other) = other
            && let Some(theirs) = other.groups.set.find(name)
        {
            let twin = other.groups.rows.iter().position(|&number| number as usize == theirs).unwrap_or_default();
            told.push(format!("{} of its rows are here, and it is in {} too", rows.len(), other.mention_outside(twin)));
        }
        if !told.is_empty() {
            out.findings.push(Finding {
                row,
                kind: Kind::GroupSpread,
                label: String::new(),
                suggestion: String::new(),
                score: rows.len() as f64,
                detail: format!("group {name}: {}", told.join("; ")),
            });
        }
    }
}

/// Rows of each name.
fn rows_of(names: &Names) -> Vec<Vec<usize>> {
    let mut rows = vec![Vec::new(); names.set.len()];
    for (row, &number) in names.rows.iter().enumerate().filter(|(_, number)| **number != UNLABELLED) {
        rows[number as usize].push(row);
    }
    rows
}

fn repeated_ids(corpus: &Corpus, out: &mut Checked) {
    let by_id = rows_of(&corpus.ids);
    let repeated: usize = by_id.iter().map(|rows| rows.len().saturating_sub(1)).sum();
    if repeated * 2 > corpus.len() {
        out.notes
            .push(format!("{repeated} rows have the id of another row: the column is taken to name something else"));
        return;
    }
    for rows in by_id {
        for &row in rows.iter().skip(1) {
            out.findings.push(Finding {
                row,
                kind: Kind::DuplicateId,
                label: String::new(),
                suggestion: String::new(),
                score: 1.0,
                detail: format!("the id of {}", corpus.mention(rows[0])),
            });
        }
    }
}
