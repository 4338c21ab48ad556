//! The engine's copy of the weights as candle tensors.

use std::collections::HashMap;

use candle_core::{DType, Device, Result, Tensor, Var};

use crate::Parameters;

/// Weights as candle variables (trainable) and tensors (frozen), brought up to date from
/// [`Parameters`] when their version has changed.
#[derive(Default)]
pub(super) struct Store {
    version: Option<u64>,
    vars: HashMap<String, Var>,
    frozen: HashMap<String, Tensor>,
}

/// The weights of one pass.
pub(super) struct Weights {
    tensors: HashMap<String, Tensor>,
}

impl Weights {
    pub(super) fn get(&self, name: &str) -> Result<&Tensor> {
        self.tensors
            .get(name)
            .ok_or_else(|| candle_core::Error::CannotFindTensor { path: name.to_owned() }.bt())
    }
}

impl Store {
    pub(super) fn update(
        &mut self,
        parameters: &Parameters,
        device: &Device,
        dtype: DType,
    ) -> Result<()> {
        if self.version == Some(parameters.version()) {
            return Ok(());
        }
        for info in parameters.infos() {
            let name = &info.name;
            if info.frozen && self.frozen.contains_key(name) {
                continue; // Frozen values never change while they are frozen.
            }
            let tensor =
                Tensor::from_slice(parameters.values(info), info.shape.as_slice(), device)?
                    .to_dtype(dtype)?;
            if info.frozen {
                self.vars.remove(name);
                self.frozen.insert(name.clone(), tensor);
            } else if let Some(var) = self.vars.get(name) {
                // candle refuses this while another thread reads; passes hold no lock then.
                var.set(&tensor)?;
            } else {
                self.frozen.remove(name);
                self.vars.insert(name.clone(), Var::from_tensor(&tensor)?);
            }
        }
        self.version = Some(parameters.version());
        Ok(())
    }

    /// Weights that record gradients where they are trainable.
    pub(super) fn tracked(&self) -> Weights {
        self.weights(|var| var.as_tensor().clone())
    }

    /// Weights that record nothing, over the same storage.
    pub(super) fn detached(&self) -> Weights {
        self.weights(Var::as_detached_tensor)
    }

    fn weights(&self, view: impl Fn(&Var) -> Tensor) -> Weights {
        let vars = self.vars.iter().map(|(name, var)| (name.clone(), view(var)));
        let frozen = self.frozen.iter().map(|(name, tensor)| (name.clone(), tensor.clone()));
        Weights { tensors: vars.chain(frozen).collect() }
    }
}
