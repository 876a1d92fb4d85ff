//! Models of released formats stay readable, or are refused by name.
//!
//! `tests/compat` keeps, for each format, a model (`format-N.model`, trained on `corpus.csv`, that of format 4 on `several.csv` with `--multi-label`, with `--char-ngrams 3 --calibration temperature` by the version
//! that first wrote it) and what that version said of `texts.csv` with `--scores` (`format-N.predictions.csv`). They are never made anew.

mod common;

use common::{Table, program};

fn read(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn path(name: &str) -> String {
    format!("{}/tests/compat/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn every_released_format_is_read_or_refused_by_name() {
    for format in 1..=rapporteur::model::FORMAT {
        let model = path(&format!("format-{format}.model"));
        let output = program().args(["classify", &path("texts.csv"), "--model", &model, "--scores"]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.code() == Some(1) {
            assert!(format < rapporteur::model::FORMAT, "its own format: {said}");
            assert!(said.contains(&format!("it is a model of format {format}, written by rapporteur ")), "{said}");
            continue;
        }
        assert!(output.status.success(), "{said}");
        let now = Table::of(std::str::from_utf8(&output.stdout).unwrap());
        let then = Table::of(&read(&format!("format-{format}.predictions.csv")));
        // Columns may be added; those there were keep their names and what they say.
        for name in &then.header {
            for (a, b) in then.column(name).into_iter().zip(now.column(name)) {
                match (a.parse::<f64>(), b.parse::<f64>()) {
                    (Ok(a), Ok(b)) => assert!((a - b).abs() <= 2e-4, "format {format}, {name}: {a} was, {b} is"),
                    _ => assert_eq!(a, b, "format {format}, {name}"),
                }
            }
        }
        assert_eq!(then.rows.len(), now.rows.len());
    }
}
