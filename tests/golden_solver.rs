//! The solvers find scikit-learn's optima. `tests/golden/solver.py` says what was solved and how.
//!
//! What the certificate promises is held to as well. The penalty makes the objective strongly convex with constant 1, so a gap g puts the weights W within
//! ‖W − W*‖² ≤ 2g of the optimum.

use linfa::ParamGuard;
use linfa::traits::Fit;
use ndarray::{Array1, Array2, array};
use rapporteur::linear::{Certificate, ClassWeight, LinearClassifier, LinearParams, Loss};
use rapporteur::sparse::SparseMatrix;
use serde::Deserialize;

/// Gaps below this share of the objective cannot be told from the rounding of weights in `f32`; a solver asked for less runs to its last epoch.
const FINEST: f64 = 1e-7;
/// What weights in `f32` cost beside the gap, as a share of the largest weight.
const ROUNDING: f64 = 1e-5;

#[derive(Deserialize)]
struct Golden {
    problems: Vec<Problem>,
}

#[derive(Deserialize)]
struct Problem {
    name: String,
    features: usize,
    classes: usize,
    x: Vec<Vec<(u32, f32)>>,
    y: Vec<u32>,
    class_weight: Vec<f64>,
    sample_weight: Vec<f32>,
    solutions: Vec<Solution>,
}

#[derive(Deserialize)]
struct Solution {
    loss: Loss,
    #[serde(rename = "C")]
    c: f64,
    objective: f64,
    coefficients: Vec<Vec<f64>>,
    intercepts: Vec<f64>,
}

impl Problem {
    fn matrix(&self) -> SparseMatrix {
        let mut x = SparseMatrix::with_cols(self.features);
        self.x.iter().for_each(|row| x.push_row(row.iter().copied()));
        x
    }

    /// The objective of a classifier, computed here in `f64` and not by the solver.
    fn objective(&self, classifier: &LinearClassifier, c: f64) -> f64 {
        let square = |x: f64| x * x;
        let norm: f64 = classifier.coefficients().iter().map(|&w| square(f64::from(w))).sum::<f64>()
            + classifier.intercept().iter().map(|&b| square(b)).sum::<f64>();
        let scores = classifier.decision_function(&self.matrix());
        let losses = scores.rows().into_iter().zip(&self.y).zip(&self.sample_weight).map(|((z, &y), &weight)| {
            let y = y as usize;
            let loss = match classifier.loss() {
                Loss::Logistic => z.iter().map(|z| z.exp()).sum::<f64>().ln() - z[y],
                Loss::Svm => {
                    let short = |(k, z): (usize, &f64)| (1.0 - if k == y { *z } else { -z }).max(0.0);
                    z.iter().enumerate().map(|(k, z)| square(short((k, z)))).sum()
                }
            };
            c * self.class_weight[y] * f64::from(weight) * loss
        });
        0.5 * norm + losses.sum::<f64>()
    }
}

fn check(what: &str, problem: &Problem, solution: &Solution, fitted: &(LinearClassifier, Certificate), tolerance: f64) {
    let (classifier, certificate) = fitted;
    let objective = problem.objective(classifier, solution.c);
    let excess = (objective - solution.objective) / solution.objective;
    assert!((-1e-7..1e-4).contains(&excess), "{what}: objective {objective} here, {} there", solution.objective);
    let claimed = (certificate.objective - objective).abs() / objective;
    assert!(claimed < 1e-6, "{what}: says its objective is {}, but it is {objective}", certificate.objective);
    assert!(certificate.gap >= 0.0 && certificate.relative_gap() <= tolerance, "{what}: {certificate:?}");
    assert!(excess <= certificate.relative_gap() + 1e-6, "{what}: {excess} above the optimum, but {certificate:?}");

    let ours = classifier.coefficients();
    let (mut distance, mut largest) = (0.0f64, 0.0f64);
    for (k, row) in solution.coefficients.iter().enumerate() {
        for (j, &theirs) in row.iter().enumerate() {
            distance += (f64::from(ours[(k, j)]) - theirs).powi(2);
            largest = largest.max(theirs.abs());
        }
        distance += (classifier.intercept()[k] - solution.intercepts[k]).powi(2);
    }
    let allowed = (2.0 * certificate.gap).sqrt() + ROUNDING * largest * (distance_terms(solution) as f64).sqrt();
    assert!(distance.sqrt() <= allowed, "{what}: {} from the optimum, {allowed} allowed", distance.sqrt());
}

fn distance_terms(solution: &Solution) -> usize {
    solution.intercepts.len() + solution.coefficients.iter().map(Vec::len).sum::<usize>()
}

#[test]
fn optima_are_scikit_learns() {
    let golden: Golden = serde_json::from_str(include_str!("golden/solver.json")).expect("valid JSON");
    let mut checked = 0;
    for problem in &golden.problems {
        let x = problem.matrix();
        for solution in &problem.solutions {
            for tolerance in [1e-5, 1e-7, 1e-10] {
                let what = format!("{}, {:?}, C = {}, to {tolerance:e}", problem.name, solution.loss, solution.c);
                assert_eq!(solution.intercepts.len(), problem.classes, "{what}");
                let params = LinearParams::default()
                    .loss(solution.loss)
                    .c(solution.c)
                    .class_weight(ClassWeight::Given(problem.class_weight.clone()))
                    .tolerance(tolerance)
                    .max_epochs(2_000)
                    .check()
                    .expect("parameters");
                let fitted = params.fit_certified(&x, &problem.y, Some(&problem.sample_weight)).expect("a solution");
                check(&what, problem, solution, &fitted, tolerance.max(FINEST));
                checked += 1;
            }
        }
    }
    assert_eq!(checked, 54);
}

/// A weight of 2 is the row twice, a weight of 0 no row.
#[test]
fn weights_are_repetitions() {
    let mut x = SparseMatrix::with_cols(3);
    for row in [[(0, 1.0)], [(1, 1.0)], [(2, 1.0)], [(0, 0.5)], [(1, 0.25)]] {
        x.push_row(row);
    }
    let targets = [0, 1, 1, 1, 0];
    let repeated = x.select(&[0, 0, 1, 2, 4]);
    for loss in [Loss::Logistic, Loss::Svm] {
        let params = LinearParams::default().loss(loss).tolerance(1e-8).max_epochs(10_000).check().expect("parameters");
        let weights = [2.0, 1.0, 1.0, 0.0, 1.0];
        let (a, _) = params.fit_certified(&x, &targets, Some(&weights)).expect("a solution");
        let (b, _) = params.fit_certified(&repeated, &[0, 0, 1, 1, 0], None).expect("a solution");
        for (a, b) in a.coefficients().iter().zip(&b.coefficients()) {
            assert!((a - b).abs() < 1e-3, "{loss:?}: {a} {b}");
        }
    }
}

/// A small dense problem, the constant column appended by hand so that both penalise it.
#[test]
fn agrees_with_linfa_logistic() {
    let (rows, features, classes) = (45, 4, 3);
    let centres = array![[1.0, 0.0, 0.2, 0.0], [0.0, 1.0, 0.0, 0.3], [0.3, 0.2, 1.0, 0.0]];
    let noise = |i: usize, j: usize| ((i * 7 + j * 13 + i * j * 5) % 17) as f64 / 17.0 - 0.5;
    let dense = Array2::from_shape_fn((rows, features + 1), |(i, j)| {
        if j == features { 1.0 } else { f64::from((centres[(i % classes, j)] + 1.6 * noise(i, j)) as f32) }
    });
    let targets = Array1::from_shape_fn(rows, |i| if i % 11 == 0 { (i + 1) % classes } else { i % classes });
    let mut sparse = SparseMatrix::with_cols(features);
    for row in dense.rows() {
        sparse.push_row((0..features as u32).map(|j| (j, row[j as usize] as f32)));
    }
    for c in [0.1, 1.0, 10.0] {
        let theirs = linfa_logistic::MultiLogisticRegression::<f64>::default()
            .alpha(1.0 / c)
            .with_intercept(false)
            .gradient_tolerance(1e-9)
            .max_iterations(5_000)
            .fit(&linfa::Dataset::new(dense.clone(), targets.clone()))
            .expect("a solution");
        let params = LinearParams::default().c(c).tolerance(1e-8).max_epochs(50_000).check().expect("parameters");
        let numbers: Vec<u32> = targets.iter().map(|&t| t as u32).collect();
        let (ours, certificate) = params.fit_certified(&sparse, &numbers, None).expect("a solution");
        let mut distance = 0.0;
        for k in 0..classes {
            for j in 0..features {
                distance += (f64::from(ours.coefficients()[(k, j)]) - theirs.params()[(j, k)]).powi(2);
            }
            distance += (ours.intercept()[k] - theirs.params()[(features, k)]).powi(2);
        }
        let allowed = (2.0 * certificate.gap).sqrt() + 1e-4;
        assert!(distance.sqrt() < allowed, "C = {c}: {} apart, {certificate:?}", distance.sqrt());
        assert!(distance > 0.0 && ours.coefficients().iter().any(|w| w.abs() > 0.05), "the comparison is not of zeros");
    }
}
