//! Optimizers over the flat buffer of trained weights.

mod adamw;

use std::collections::BTreeMap;

use embedtune_encoder::Parameters;
use serde::{Deserialize, Serialize};

pub use adamw::{AdamW, AdamWConfig};

use crate::TrainError;

/// Changes weights by their gradients.
///
/// The state is a step count and named buffers, so that every optimizer is saved and restored by
/// the same code and a resumed run is the same run.
pub trait Optimizer: Send {
    /// Updates the trainable values of `parameters`, given their `gradients` (laid out as
    /// [`Parameters::trainable`]), the learning rate of this step, and a factor on every gradient
    /// (averaging and clipping).
    ///
    /// # Panics
    /// If `gradients` has another length than the trainable values.
    fn step(&mut self, parameters: &mut Parameters, gradients: &[f32], lr: f64, grad_scale: f32);

    /// All that the next step depends on besides weights and gradients.
    fn state(&self) -> OptimizerState;

    /// Restores what [`Optimizer::state`] returned.
    ///
    /// # Errors
    /// [`TrainError::OptimizerState`] if a buffer is missing or does not fit the parameters.
    fn load_state(&mut self, state: OptimizerState) -> Result<(), TrainError>;
}

/// State of an [`Optimizer`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OptimizerState {
    /// Steps done.
    pub step: u64,
    /// Buffers by name.
    pub buffers: BTreeMap<String, Vec<f32>>,
}

/// An optimizer by name: in a file the field `type` names it and stands beside its settings.
///
/// ```
/// use embedtune_train::OptimizerConfig;
///
/// let json = r#"{"type": "adamw", "weight_decay": 0.0}"#;
/// let OptimizerConfig::AdamW(config) = serde_json::from_str(json)? else { unreachable!() };
/// assert_eq!((config.beta2, config.weight_decay), (0.999, 0.0));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
#[non_exhaustive]
pub enum OptimizerConfig {
    /// See [`AdamW`].
    AdamW(AdamWConfig),
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self::AdamW(AdamWConfig::default())
    }
}

impl OptimizerConfig {
    /// An optimizer for the trainable values of `parameters`.
    pub fn build(&self, parameters: &Parameters) -> Box<dyn Optimizer> {
        match self {
            Self::AdamW(config) => Box::new(AdamW::new(config.clone(), parameters)),
        }
    }

    pub(crate) fn validate(&self) -> Result<(), TrainError> {
        match self {
            Self::AdamW(config) => config.validate(),
        }
    }
}
