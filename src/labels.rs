//! Sets of labels: what the corpus calls its topics and stances, and a number for each.
//!
//! Flows in: labels as they stand in a corpus. Flows out: numbers, in alphabetical order of the labels, so that no model depends on the order of its rows.
//! On the ground, because every room speaks of labels and none owns them.

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

/// In a vector of label numbers: the row has none.
pub const UNLABELLED: u32 = u32::MAX;

/// Distinct labels in alphabetical (code point) order; a label's number is its place.
///
/// ```
/// use rapporteur::labels::LabelSet;
/// let set = LabelSet::new(["oppose", "support", "oppose"].map(String::from));
/// assert_eq!((set.len(), set.find("support"), set.name(0)), (2, Some(1), "oppose"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<String>", into = "Vec<String>")]
pub struct LabelSet(Vec<String>);

impl LabelSet {
    /// The set of these labels.
    pub fn new(labels: impl IntoIterator<Item = String>) -> Self {
        let mut names: Vec<String> = labels.into_iter().collect();
        names.sort_unstable();
        names.dedup();
        LabelSet(names)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The label of a number.
    ///
    /// # Panics
    /// If no label has it.
    pub fn name(&self, number: usize) -> &str {
        &self.0[number]
    }

    /// The number of a label.
    pub fn find(&self, label: &str) -> Option<usize> {
        self.0.binary_search_by(|name| name.as_str().cmp(label)).ok()
    }

    /// All labels, in order.
    pub fn names(&self) -> &[String] {
        &self.0
    }
}

impl From<Vec<String>> for LabelSet {
    fn from(names: Vec<String>) -> Self {
        LabelSet::new(names)
    }
}

impl From<LabelSet> for Vec<String> {
    fn from(set: LabelSet) -> Self {
        set.0
    }
}

/// Numbers labels as they come, for a column of unknown length; [`LabelColumn::finish`] renumbers by alphabet.
///
/// ```
/// use rapporteur::labels::{LabelColumn, UNLABELLED};
/// let mut column = LabelColumn::default();
/// for label in [Some("support"), None, Some("oppose")] {
///     column.push(label);
/// }
/// let (set, numbers) = column.finish();
/// assert_eq!((set.names().join(" "), numbers), ("oppose support".into(), vec![1, UNLABELLED, 0]));
/// ```
#[derive(Debug, Clone, Default)]
pub struct LabelColumn {
    names: HashMap<String, u32>,
    numbers: Vec<u32>,
}

impl LabelColumn {
    /// Adds the label of the next row.
    pub fn push(&mut self, label: Option<&str>) {
        let number = match label {
            None => UNLABELLED,
            Some(label) => match self.names.get(label) {
                Some(&number) => number,
                None => {
                    let number = self.names.len() as u32;
                    self.names.insert(label.to_owned(), number);
                    number
                }
            },
        };
        self.numbers.push(number);
    }

    /// Rows so far.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// True when there is no row.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// The set, and the number of each row.
    pub fn finish(self) -> (LabelSet, Vec<u32>) {
        let set = LabelSet::new(self.names.keys().cloned());
        let mut renumber = vec![UNLABELLED; self.names.len()];
        for (name, &number) in &self.names {
            if let Some(place) = set.find(name) {
                renumber[number as usize] = place as u32;
            }
        }
        let numbers = self.numbers.iter().map(|&n| renumber.get(n as usize).copied().unwrap_or(UNLABELLED)).collect();
        (set, numbers)
    }

    /// The group of each row, for a column that says which rows belong together: a row that names none is a group of its own. `None` if no row names
    /// one.
    pub fn finish_groups(self) -> Option<Vec<u32>> {
        let (names, mut groups) = self.finish();
        for (own, group) in (names.len() as u32..).zip(groups.iter_mut()) {
            if *group == UNLABELLED {
                *group = own;
            }
        }
        (!names.is_empty()).then_some(groups)
    }
}
