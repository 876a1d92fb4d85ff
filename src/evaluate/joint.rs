//! Topic and stance as one label.
//!
//! Flows in: the gold pairs of all rows. Flows out: for a pair the one label that stands for both, or none where the pair is not whole. A topic that
//! never has a gold stance is whole without one: there the empty stance is the truth, and elsewhere a gap.

use std::collections::BTreeSet;

/// Which topics have stances.
pub(super) struct JointLabels<'a> {
    with_stance: BTreeSet<&'a str>,
}

impl<'a> JointLabels<'a> {
    /// From the gold topics and stances; `None` if no row has both.
    pub fn new(gold: impl Iterator<Item = (Option<&'a str>, Option<&'a str>)>) -> Option<JointLabels<'a>> {
        let with_stance: BTreeSet<&str> = gold.filter(|(_, s)| s.is_some()).filter_map(|(t, _)| t).collect();
        (!with_stance.is_empty()).then_some(JointLabels { with_stance })
    }

    /// The label of a pair, gold or predicted; `None` where it lacks the topic, or the stance of a topic that has stances.
    pub fn label(&self, topic: Option<&str>, stance: Option<&str>) -> Option<String> {
        let topic = topic?;
        (stance.is_some() || !self.with_stance.contains(topic)).then(|| pair(topic, stance))
    }
}

/// A separator that no cell of a table holds keeps `a/b, c` and `a, b/c` apart.
fn pair(topic: &str, stance: Option<&str>) -> String {
    format!("{topic}\u{1f}{}", stance.unwrap_or_default())
}
