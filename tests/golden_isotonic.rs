//! Isotonic regression agrees with scikit-learn's. `tests/golden/isotonic.py` says how the numbers were made.

use rapporteur::linear::IsotonicRegression;
use serde_json::Value;

#[test]
fn curves_agree_with_scikit_learn() {
    let golden: Value = serde_json::from_str(include_str!("golden/isotonic.json")).expect("JSON");
    let cases = golden["cases"].as_array().expect("cases");
    assert_eq!(cases.len(), 4);
    for case in cases {
        let rows: Vec<(f64, bool, f64)> = serde_json::from_value(case["rows"].clone()).expect("rows");
        let probes: Vec<f64> = serde_json::from_value(case["probes"].clone()).expect("probes");
        let shares: Vec<f64> = serde_json::from_value(case["shares"].clone()).expect("shares");
        let curve = IsotonicRegression::fit(rows);
        assert_eq!(probes.len(), shares.len());
        for (probe, share) in probes.iter().zip(shares) {
            let ours = curve.predict(*probe);
            // Curves are kept in single precision.
            assert!((ours - share).abs() < 1e-6, "{}: at {probe} {ours}, not {share}", case["name"]);
        }
    }
}
