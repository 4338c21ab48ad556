//! Trained parameters of the loss itself (classifier heads, temperatures).

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor, Var};
use embedtune_encoder::Parameters;
use embedtune_losses::Loss;

use crate::{Optimizer, OptimizerConfig, OptimizerState, TrainError};

/// The loss's parameters in the same flat form as the model's, with an optimizer of their own.
pub(crate) struct Heads {
    loss: String,
    vars: Vec<(String, Var)>,
    parameters: Parameters,
    optimizer: Box<dyn Optimizer>,
    pub(crate) gradients: Vec<f32>,
}

impl Heads {
    pub(crate) fn new(loss: &dyn Loss, config: &OptimizerConfig) -> Result<Self, TrainError> {
        let vars = loss.parameters();
        let tensors = vars
            .iter()
            .map(|(name, var)| Ok((name.clone(), var.dims().to_vec(), values(var)?)))
            .collect::<Result<Vec<_>, TrainError>>()?;
        let parameters = Parameters::new(tensors);
        Ok(Self {
            loss: loss.name().to_owned(),
            vars,
            optimizer: config.build(&parameters),
            gradients: vec![0.0; parameters.trainable().len()],
            parameters,
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.vars.is_empty()
    }

    /// Adds the gradients of one batch.
    pub(crate) fn accumulate(&mut self, gradients: &[Tensor]) -> Result<(), TrainError> {
        if gradients.len() != self.vars.len() {
            return Err(self.shape("number of gradients", self.vars.len(), gradients.len()));
        }
        for (info, gradient) in self.parameters.infos().iter().zip(gradients) {
            let gradient = values(gradient)?;
            if gradient.len() != info.len() {
                return Err(self.shape("values in a gradient", info.len(), gradient.len()));
            }
            for (sum, value) in self.gradients[info.range()].iter_mut().zip(gradient) {
                *sum += value;
            }
        }
        Ok(())
    }

    fn shape(&self, what: &'static str, expected: usize, got: usize) -> TrainError {
        TrainError::LossShape { loss: self.loss.clone(), what, expected, got }
    }

    pub(crate) fn step(&mut self, lr: f64, grad_scale: f32) -> Result<(), TrainError> {
        self.optimizer.step(&mut self.parameters, &self.gradients, lr, grad_scale);
        self.write_back()
    }

    /// Hands the values to the loss.
    fn write_back(&self) -> Result<(), TrainError> {
        for ((_, var), info) in self.vars.iter().zip(self.parameters.infos()) {
            let values =
                Tensor::from_slice(self.parameters.values(info), var.shape(), &Device::Cpu)?;
            var.set(&values.to_dtype(var.dtype())?.to_device(var.device())?)?;
        }
        Ok(())
    }

    pub(crate) fn tensors(&self) -> BTreeMap<String, Tensor> {
        self.vars.iter().map(|(name, var)| (name.clone(), var.as_detached_tensor())).collect()
    }

    pub(crate) fn optimizer_state(&self) -> OptimizerState {
        self.optimizer.state()
    }

    /// Restores [`Heads::tensors`] and [`Heads::optimizer_state`].
    pub(crate) fn load(
        &mut self,
        tensors: &BTreeMap<String, Tensor>,
        optimizer: OptimizerState,
    ) -> Result<(), TrainError> {
        for index in 0..self.vars.len() {
            let (name, range) = (&self.vars[index].0, self.parameters.infos()[index].range());
            let saved = tensors.get(name).map_or(Ok(Vec::new()), values)?;
            if saved.len() != range.len() {
                return Err(self.shape("saved values of a parameter", range.len(), saved.len()));
            }
            self.parameters.trainable_mut()[range].copy_from_slice(&saved);
        }
        self.write_back()?;
        self.optimizer.load_state(optimizer)
    }
}

/// All values of `tensor`, as f32.
pub(crate) fn values(tensor: &Tensor) -> Result<Vec<f32>, TrainError> {
    Ok(tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?)
}
