//! The default model, inside the program.
//!
//! Flows in: nothing. Flows out: the model that `models/default.safetensors` holds, made from `data/statements.csv` with
//! `models/default.toml`; a test retrains it and compares the bytes.

use super::cascade::Model;
use crate::error::Result;

/// The name by which errors and cards call it.
pub const DEFAULT_MODEL: &str = "the default model";

/// The default model.
///
/// ```
/// let model = rapporteur::model::default_model()?;
/// assert!(model.topic.is_some_and(|head| head.labels.find("peacekeeping").is_some()));
/// # Ok::<(), rapporteur::Error>(())
/// ```
///
/// # Errors
/// Only if the program was built with a broken file.
pub fn default_model() -> Result<Model> {
    Model::from_bytes(DEFAULT_MODEL, include_bytes!("../../models/default.safetensors"))
}
