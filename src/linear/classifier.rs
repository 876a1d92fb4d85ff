//! A fitted linear classifier.
//!
//! Flows in: rows. Flows out: a score for each class, probabilities, the best class. A linfa citizen: [`Fit`] on a `DatasetBase` of sparse records, [`PredictInplace`], [`Predict`].

use linfa::dataset::DatasetBase;
use linfa::traits::{Fit, Predict, PredictInplace};
use ndarray::{Array1, Array2};

use super::dual::{Certificate, DualSolver};
use super::params::{ClassWeight, LinearValidParams, Loss};
use super::weights::Weights;
use crate::error::Error;
use crate::sparse::{SparseMatrix, SparseRow};

/// Weights of each term for each class, and intercepts.
///
/// See [`super::LinearParams`] for an example.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearClassifier {
    loss: Loss,
    weights: Weights,
    intercept: Vec<f64>,
}

impl LinearClassifier {
    /// From weights, feature by feature with the classes side by side, and one intercept a class.
    ///
    /// # Panics
    /// If the number of weights is no multiple of the number of classes, or there is no class.
    pub fn from_parts(loss: Loss, weights: Vec<f32>, intercept: Vec<f64>) -> Self {
        Self::of_weights(loss, Weights::Wide(weights), intercept)
    }

    /// The same, of weights wide or narrow.
    pub(crate) fn of_weights(loss: Loss, weights: Weights, intercept: Vec<f64>) -> Self {
        assert!(!intercept.is_empty() && weights.len().is_multiple_of(intercept.len()));
        LinearClassifier { loss, weights, intercept }
    }

    /// The loss it was fitted with.
    pub fn loss(&self) -> Loss {
        self.loss
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.intercept.len()
    }

    /// Number of features.
    pub fn features(&self) -> usize {
        self.weights.len() / self.intercept.len()
    }

    /// The weights of a feature, one a class.
    ///
    /// # Panics
    /// If the feature does not exist.
    pub fn feature_weights(&self, feature: usize) -> impl Iterator<Item = f32> {
        let classes = self.classes();
        assert!(feature < self.features());
        (feature * classes..(feature + 1) * classes).map(|i| self.weights.get(i))
    }

    /// All weights, feature by feature.
    pub(crate) fn weights(&self) -> &Weights {
        &self.weights
    }

    /// The same classifier with its weights replaced.
    pub(crate) fn with_weights(self, change: impl FnOnce(Weights) -> Weights) -> Self {
        Self::of_weights(self.loss, change(self.weights), self.intercept)
    }

    /// The same classifier with the scores of each class multiplied.
    pub(crate) fn scaled(mut self, factors: &[f64]) -> Self {
        self.intercept.iter_mut().zip(factors).for_each(|(intercept, factor)| *intercept *= factor);
        self.with_weights(|weights| weights.scaled(factors))
    }

    /// The intercepts, one a class.
    pub fn intercept(&self) -> &[f64] {
        &self.intercept
    }

    /// Coefficients as scikit-learn has them: `classes x features`.
    pub fn coefficients(&self) -> Array2<f32> {
        Array2::from_shape_fn((self.classes(), self.features()), |(k, j)| self.weights.get(j * self.classes() + k))
    }

    /// Writes the score of each class.
    pub fn decision_into(&self, row: SparseRow<'_>, scores: &mut [f64]) {
        scores.copy_from_slice(&self.intercept);
        self.weights.add_scores(row, scores);
    }

    /// Scores of all rows, `rows x classes`.
    pub fn decision_function(&self, x: &SparseMatrix) -> Array2<f64> {
        let mut out = Array2::zeros((x.rows(), self.classes()));
        for (i, mut scores) in out.rows_mut().into_iter().enumerate() {
            if let Some(scores) = scores.as_slice_mut() {
                self.decision_into(x.row(i), scores);
            }
        }
        out
    }

    /// Probabilities of all rows, `rows x classes`: the softmax of the scores. Those of an SVM are scores in this form and no more, until calibrated.
    pub fn predict_proba(&self, x: &SparseMatrix) -> Array2<f64> {
        let mut out = self.decision_function(x);
        for mut scores in out.rows_mut() {
            if let Some(scores) = scores.as_slice_mut() {
                softmax(scores);
            }
        }
        out
    }
}

/// Turns scores into probabilities, in place.
///
/// ```
/// let mut z = [1000.0, 1000.0];
/// rapporteur::linear::softmax(&mut z);
/// assert_eq!(z, [0.5, 0.5]);
/// ```
pub fn softmax(z: &mut [f64]) {
    let most = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for z in z.iter_mut() {
        *z = libm::exp(*z - most);
        sum += *z;
    }
    z.iter_mut().for_each(|z| *z /= sum);
}

impl LinearValidParams {
    /// The cost of each row at `C` = 1: its own weight times that of its class.
    pub fn costs(&self, targets: &[u32], classes: usize, row_weights: Option<&[f32]>) -> Vec<f64> {
        let mut counts = vec![0.0; classes];
        targets.iter().for_each(|&t| counts[t as usize] += 1.0);
        let of_class = |k: usize| match &self.class_weight {
            ClassWeight::None => 1.0,
            ClassWeight::Balanced => targets.len() as f64 / (classes as f64 * counts[k]),
            ClassWeight::Given(weights) => weights.get(k).copied().unwrap_or(1.0),
        };
        let of_row = |i: usize| row_weights.and_then(|w| w.get(i)).map_or(1.0, |&w| f64::from(w));
        targets.iter().enumerate().map(|(i, &t)| of_class(t as usize) * of_row(i)).collect()
    }

    /// Fits a classifier to all rows of a matrix and says how good it is.
    ///
    /// # Errors
    /// When there is no row, or no second class, or there is not one target and one weight of at least 0 a row.
    pub fn fit_certified(
        &self,
        x: &SparseMatrix,
        targets: &[u32],
        row_weights: Option<&[f32]>,
    ) -> Result<(LinearClassifier, Certificate), Error> {
        let classes = targets.iter().max().map_or(0, |&t| t as usize + 1);
        if classes < 2 {
            return Err(Error::corpus("a classifier needs rows of at least two classes", "check the label column"));
        }
        if targets.len() != x.rows() {
            return Err(Error::corpus(
                format!("{} rows and {} targets", x.rows(), targets.len()),
                "give one target a row",
            ));
        }
        if row_weights.is_some_and(|w| w.len() != x.rows() || !w.iter().all(|w| w.is_finite() && *w >= 0.0)) {
            return Err(Error::corpus("the weights do not fit the rows", "give one number of at least 0 a row"));
        }
        let rows: Vec<u32> = (0..x.rows() as u32).collect();
        let costs = self.costs(targets, classes, row_weights);
        let mut solver =
            DualSolver::new(x, &rows, targets, costs, classes, (self.loss, self.intercept_scaling, self.seed));
        let certificate = solver.solve(self.c, self.tolerance, self.max_epochs);
        Ok((solver.into_classifier(), certificate))
    }
}

impl Fit<SparseMatrix, Array1<usize>, Error> for LinearValidParams {
    type Object = LinearClassifier;

    fn fit(&self, dataset: &DatasetBase<SparseMatrix, Array1<usize>>) -> Result<LinearClassifier, Error> {
        let targets: Vec<u32> = dataset.targets.iter().map(|&t| t as u32).collect();
        self.fit_certified(&dataset.records, &targets, dataset.weights()).map(|(classifier, _)| classifier)
    }
}

impl PredictInplace<SparseMatrix, Array1<usize>> for LinearClassifier {
    fn predict_inplace(&self, x: &SparseMatrix, y: &mut Array1<usize>) {
        let mut scores = vec![0.0; self.classes()];
        for (i, y) in y.iter_mut().enumerate() {
            self.decision_into(x.row(i), &mut scores);
            *y = argmax(&scores);
        }
    }

    fn default_target(&self, x: &SparseMatrix) -> Array1<usize> {
        Array1::zeros(x.rows())
    }
}

/// linfa has this for dense records and for datasets, and leaves it to others for records of their own.
impl Predict<&SparseMatrix, Array1<usize>> for LinearClassifier {
    fn predict(&self, x: &SparseMatrix) -> Array1<usize> {
        let mut y = self.default_target(x);
        self.predict_inplace(x, &mut y);
        y
    }
}

/// The place of the greatest value, the first among equals.
pub fn argmax(values: &[f64]) -> usize {
    let mut best = 0;
    for (i, v) in values.iter().enumerate() {
        if *v > values[best] {
            best = i;
        }
    }
    best
}
