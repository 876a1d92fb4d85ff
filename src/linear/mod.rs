//! From vectors to classes: parameters, solver, classifier, calibration.
//!
//! Flows in: a [`crate::sparse::SparseMatrix`], a class number for each row, a cost for each row. Flows out: a [`LinearClassifier`] with a certificate of
//! how far from the optimum it can be at most. This room knows no text and no label names.

mod calibration;
mod classifier;
mod design;
mod dual;
mod exp;
mod hinge;
mod isotonic;
mod logistic;
mod newton;
mod params;
mod vector_scaling;
mod weights;

pub use calibration::{Calibration, HeldOut};
pub use classifier::{LinearClassifier, argmax, softmax};
pub(crate) use design::{Copies, Design};
pub(crate) use dual::stride_of;
pub use dual::{Certificate, DualSolver};
pub use isotonic::IsotonicRegression;
pub use params::{ClassWeight, LinearParams, LinearValidParams, Loss};
pub(crate) use vector_scaling::{VectorScaling, scale_classes};
pub(crate) use weights::{Cell, MOST_LANES, Weights, add_products};
