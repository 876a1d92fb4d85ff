//! What a reader is told of the intervals beside figures, whatever the figures are.
//!
//! Flows in: how was resampled, and what was drawn. Flows out: a [`Resampled`], and a warning where too little was drawn to trust.

use serde::Serialize;

use super::bootstrap::{Bootstrap, FEW_GROUPS, LEVEL, Units};

/// How the intervals were made.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Resampled {
    /// Resamples; 0 if intervals were not asked for.
    pub resamples: usize,
    /// Their seed.
    pub seed: u64,
    /// Share of the resamples that an interval spans.
    pub level: f64,
    /// What was drawn: `row` or `group`.
    pub unit: &'static str,
    /// How many of them the labelled rows make.
    pub units: usize,
}

impl Resampled {
    /// Of resamples of these units.
    pub(super) fn new(bootstrap: Bootstrap, units: &Units) -> Resampled {
        Resampled {
            resamples: bootstrap.resamples,
            seed: bootstrap.seed,
            level: LEVEL,
            unit: if units.grouped() { "group" } else { "row" },
            units: units.len(),
        }
    }
}

/// A warning where intervals and tests rest on few groups.
pub(super) fn few_groups(units: &Units) -> Option<String> {
    (units.grouped() && units.len() < FEW_GROUPS).then(|| {
        let (count, s) = (units.len(), if units.len() == 1 { "" } else { "s" });
        format!(
            "the labelled rows make {count} group{s}; with fewer than {FEW_GROUPS}, intervals and tests are rough, \
             and mostly too hopeful"
        )
    })
}
