//! What can be chosen about a linear classifier, and its checking.
//!
//! Flows in: numbers from a user. Flows out: [`LinearValidParams`], on which `fit` is called. Names and meanings are those of scikit-learn's
//! `LogisticRegression` and `LinearSVC`: the penalty is one half of the squared norm, `C` multiplies the losses.

use linfa::ParamGuard;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The loss of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Loss {
    /// Multinomial logistic: -ln softmax(z)\[y\]. Gives probabilities.
    #[default]
    Logistic,
    /// One-vs-rest squared hinge, max(0, 1 - yz)²: the L2-loss linear SVM, `LinearSVC`'s default.
    Svm,
}

/// How much each class counts.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum ClassWeight {
    /// All the same.
    #[default]
    None,
    /// n / (classes * rows of the class), as scikit-learn's `class_weight="balanced"`.
    Balanced,
    /// A factor for each class.
    Given(Vec<f64>),
}

/// Checked parameters of a linear classifier; made by [`LinearParams`].
#[derive(Debug, Clone, PartialEq)]
pub struct LinearValidParams {
    /// The loss of a row.
    pub loss: Loss,
    /// Inverse strength of the penalty.
    pub c: f64,
    /// How much each class counts.
    pub class_weight: ClassWeight,
    /// The intercept is the weight of a constant column with this value, so it is penalised like any other weight (liblinear's treatment); 0 for no intercept.
    pub intercept_scaling: f64,
    /// Stop when the duality gap is at most this share of the objective.
    pub tolerance: f64,
    /// Stop after so many passes in any case.
    pub max_epochs: usize,
    /// Seed of the order in which rows are visited.
    pub seed: u64,
}

impl Default for LinearValidParams {
    fn default() -> Self {
        LinearValidParams {
            loss: Loss::Logistic,
            c: 1.0,
            class_weight: ClassWeight::None,
            intercept_scaling: 1.0,
            tolerance: 5e-3,
            max_epochs: 200,
            seed: 42,
        }
    }
}

/// Parameters of a linear classifier: builder style, unchecked until [`ParamGuard::check`].
///
/// ```
/// use linfa::prelude::*;
/// use ndarray::array;
/// use rapporteur::linear::LinearParams;
/// use rapporteur::sparse::SparseMatrix;
/// let mut x = SparseMatrix::with_cols(2);
/// for row in [[(0, 1.0)], [(1, 1.0)], [(0, 0.8)], [(1, 0.9)]] {
///     x.push_row(row);
/// }
/// let data = DatasetBase::new(x, array![0usize, 1, 0, 1]);
/// let model = LinearParams::default().c(10.0).check()?.fit(&data)?;
/// assert_eq!(model.predict(&data), array![0, 1, 0, 1]);
/// # Ok::<(), rapporteur::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LinearParams(LinearValidParams);

impl LinearParams {
    /// The loss of a row; default [`Loss::Logistic`].
    pub fn loss(mut self, loss: Loss) -> Self {
        self.0.loss = loss;
        self
    }

    /// Inverse strength of the penalty, from 1e-9 to 1e9; default 1. At the lower end weights vanish, at the upper end rounding outweighs what the penalty still does.
    pub fn c(mut self, c: f64) -> Self {
        self.0.c = c;
        self
    }

    /// How much each class counts; default all the same.
    pub fn class_weight(mut self, weight: ClassWeight) -> Self {
        self.0.class_weight = weight;
        self
    }

    /// Value of the constant column whose weight is the intercept; default 1; 0 for no intercept.
    pub fn intercept_scaling(mut self, value: f64) -> Self {
        self.0.intercept_scaling = value;
        self
    }

    /// Relative duality gap at which to stop; default 1e-3.
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.0.tolerance = tolerance;
        self
    }

    /// Most passes over the rows; default 200.
    pub fn max_epochs(mut self, epochs: usize) -> Self {
        self.0.max_epochs = epochs;
        self
    }

    /// Seed of the order in which rows are visited; default 42.
    pub fn seed(mut self, seed: u64) -> Self {
        self.0.seed = seed;
        self
    }
}

/// What `C` may be.
const LEAST_C: f64 = 1e-9;
const MOST_C: f64 = 1e9;

impl ParamGuard for LinearParams {
    type Checked = LinearValidParams;
    type Error = Error;

    fn check_ref(&self) -> Result<&LinearValidParams, Error> {
        let p = &self.0;
        let positive = |x: f64| x.is_finite() && x > 0.0;
        if !(LEAST_C..=MOST_C).contains(&p.c) {
            return Err(Error::parameter("C", p.c, "a number from 1e-9 to 1e9"));
        }
        if !p.intercept_scaling.is_finite() || p.intercept_scaling < 0.0 {
            return Err(Error::parameter("intercept_scaling", p.intercept_scaling, "a number of at least 0"));
        }
        if !positive(p.tolerance) {
            return Err(Error::parameter("tolerance", p.tolerance, "a number above 0"));
        }
        if p.max_epochs == 0 {
            return Err(Error::parameter("max_epochs", 0, "at least 1"));
        }
        if let ClassWeight::Given(weights) = &p.class_weight
            && let Some(bad) = weights.iter().find(|w| !w.is_finite() || **w < 0.0)
        {
            return Err(Error::parameter("class_weight", bad, "finite numbers of at least 0"));
        }
        Ok(p)
    }

    fn check(self) -> Result<LinearValidParams, Error> {
        self.check_ref()?;
        Ok(self.0)
    }
}
