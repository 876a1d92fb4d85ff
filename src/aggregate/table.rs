//! The estimates as a tidy table: a row for each group, label and kind.
//!
//! Flows in: an [`Aggregation`]. Flows out: CSV, ready for a spreadsheet, R or pandas. Shares have six decimals; a cell is empty where there is no estimate.

use std::io::Write;

use super::shares::{Aggregation, Estimate, Kind};

/// The columns after those of the group.
const COLUMNS: [&str; 15] = [
    "kind",
    "topic",
    "stance",
    "rows",
    "of_rows",
    "share",
    "share_low",
    "share_high",
    "adjusted",
    "adjusted_low",
    "adjusted_high",
    "em",
    "em_low",
    "em_high",
    "flag",
];

impl Aggregation {
    /// Writes the table.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_csv(&self, out: impl Write) -> std::io::Result<()> {
        let mut table = csv::Writer::from_writer(out);
        table.write_record(self.by.iter().map(String::as_str).chain(COLUMNS))?;
        for group in &self.groups {
            let flag = if group.few_rows { "few_rows" } else { "" };
            for share in &group.shares {
                let numbers = [share.rows.to_string(), share.of_rows.to_string()];
                let estimates = [Some(share.share).filter(|_| share.of_rows > 0), share.adjusted, share.em];
                let fixed = [share.kind.name().to_owned(), share.topic.clone(), share.stance.clone()];
                let cells = fixed.into_iter().chain(numbers).chain(estimates.into_iter().flat_map(cells));
                table.write_record(group.key.iter().cloned().chain(cells).chain([flag.to_owned()]))?;
            }
            if group.unlabelled > 0 {
                let of_rows = group.rows + group.unlabelled;
                let fixed = [Kind::Unlabelled.name().into(), String::new(), String::new()];
                let numbers = [group.unlabelled.to_string(), of_rows.to_string()];
                let cells = fixed.into_iter().chain(numbers).chain(std::iter::repeat_n(String::new(), 9));
                table.write_record(group.key.iter().cloned().chain(cells).chain([flag.to_owned()]))?;
            }
        }
        table.flush()
    }
}

fn cells(estimate: Option<Estimate>) -> [String; 3] {
    match estimate {
        Some(e) => [e.value, e.low, e.high].map(|x| format!("{x:.6}")),
        None => Default::default(),
    }
}
