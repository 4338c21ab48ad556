//! AdamW.

use std::collections::BTreeMap;

use embedtune_encoder::Parameters;
use embedtune_kernels::{AdamWStep, adamw_step};
use serde::{Deserialize, Serialize};

use super::{Optimizer, OptimizerState};
use crate::{TrainError, config::check};

/// Settings of [`AdamW`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct AdamWConfig {
    /// Decay of the mean of gradients, in `[0, 1)`. Default 0.9, from the paper of Adam.
    pub beta1: f64,
    /// Decay of the mean of squared gradients, in `[0, 1)`. Default 0.999, from the paper of Adam.
    pub beta2: f64,
    /// Added to the root of the mean square, above 0. Default 1e-8, from the paper of Adam.
    pub eps: f64,
    /// Share of a matrix that is taken away per step and unit of learning rate; biases and norms
    /// keep all. Default 0.01.
    pub weight_decay: f64,
}

impl Default for AdamWConfig {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.01 }
    }
}

impl AdamWConfig {
    /// Sets [`beta1`](Self::beta1) and [`beta2`](Self::beta2).
    #[must_use]
    pub fn with_betas(self, beta1: f64, beta2: f64) -> Self {
        Self { beta1, beta2, ..self }
    }

    /// Sets [`eps`](Self::eps).
    #[must_use]
    pub fn with_eps(self, eps: f64) -> Self {
        Self { eps, ..self }
    }

    /// Sets [`weight_decay`](Self::weight_decay).
    #[must_use]
    pub fn with_weight_decay(self, weight_decay: f64) -> Self {
        Self { weight_decay, ..self }
    }

    pub(crate) fn validate(&self) -> Result<(), TrainError> {
        let Self { beta1, beta2, eps, weight_decay } = *self;
        for (name, beta) in [("optimizer.beta1", beta1), ("optimizer.beta2", beta2)] {
            check((0.0..1.0).contains(&beta), name, beta, "at least 0 and below 1")?;
        }
        check(eps > 0.0, "optimizer.eps", eps, "a number above 0")?;
        let decay = weight_decay.is_finite() && weight_decay >= 0.0;
        check(decay, "optimizer.weight_decay", weight_decay, "a number of at least 0")
    }
}

/// Adam with decoupled weight decay (Loshchilov and Hutter, *Decoupled weight decay
/// regularization*, 2019), equal to `torch.optim.AdamW` with decay on matrices only. Costs two
/// further values a weight.
#[derive(Debug, Clone)]
pub struct AdamW {
    config: AdamWConfig,
    step: u64,
    m: Vec<f32>,
    v: Vec<f32>,
}

impl AdamW {
    /// An optimizer for the trainable values of `parameters`.
    pub fn new(config: AdamWConfig, parameters: &Parameters) -> Self {
        let zeros = vec![0.0; parameters.trainable().len()];
        Self { config, step: 0, m: zeros.clone(), v: zeros }
    }
}

impl Optimizer for AdamW {
    fn step(&mut self, parameters: &mut Parameters, gradients: &[f32], lr: f64, grad_scale: f32) {
        assert_eq!(gradients.len(), self.m.len(), "gradients do not fit the trained weights");
        self.step += 1;
        let AdamWConfig { beta1, beta2, eps, weight_decay } = self.config;
        let step = AdamWStep { lr, beta1, beta2, eps, weight_decay, step: self.step, grad_scale };
        let tensors: Vec<_> =
            parameters.trainable_infos().map(|info| (info.range(), info.decays())).collect();
        let values = parameters.trainable_mut();
        for (range, decays) in tensors {
            let weight_decay = if decays { weight_decay } else { 0.0 };
            adamw_step(
                &mut values[range.clone()],
                &gradients[range.clone()],
                &mut self.m[range.clone()],
                &mut self.v[range],
                AdamWStep { weight_decay, ..step },
            );
        }
    }

    fn state(&self) -> OptimizerState {
        let buffers = [("m", &self.m), ("v", &self.v)];
        let buffers = buffers.map(|(name, buffer)| (name.to_owned(), buffer.clone()));
        OptimizerState { step: self.step, buffers: BTreeMap::from(buffers) }
    }

    fn load_state(&mut self, mut state: OptimizerState) -> Result<(), TrainError> {
        for (name, buffer) in [("m", &mut self.m), ("v", &mut self.v)] {
            let saved = state.buffers.remove(name).unwrap_or_default();
            if saved.len() != buffer.len() {
                return Err(TrainError::OptimizerState {
                    optimizer: "adamw",
                    name: name.to_owned(),
                    expected: buffer.len(),
                    got: saved.len(),
                });
            }
            *buffer = saved;
        }
        self.step = state.step;
        Ok(())
    }
}
