//! Writing checkpoints and going on from one.

use std::{collections::BTreeMap, path::Path};

use candle_core::{Device, Tensor};
use embedtune_encoder::EmbeddingModel;

use super::{Run, Trainer};
use crate::{
    Checkpoint, TrainError,
    checkpoint::{self, Contents, State, Tensors},
    files,
    heads::values,
    identity::{Identity, dataset_hash},
    log::MetricsLog,
};

const OPTIMIZER: &str = "optimizer.safetensors";
const LOSS: &str = "loss.safetensors";
const BEST: &str = "best.safetensors";

impl Trainer {
    /// Goes on from a checkpoint: from `path` itself, or from the newest whole one in the output
    /// directory `path`. Call it last, on a trainer made as for the run that was interrupted, with
    /// the same model, data, loss, sampler and settings. The result is that of a run without
    /// interruption, bit for bit.
    ///
    /// # Errors
    /// [`TrainError::NoCheckpoint`] if there is no whole one, [`TrainError::Changed`] if the run
    /// was another one.
    pub fn resume(mut self, path: impl AsRef<Path>) -> Result<Self, TrainError> {
        let path = path.as_ref();
        let checkpoint = if checkpoint::is_checkpoint(path) {
            Checkpoint::open(path)?
        } else {
            let missing = || TrainError::NoCheckpoint { path: path.to_owned() };
            Checkpoint::latest(path)?.ok_or_else(missing)?
        };
        let State { progress, identity, .. } = checkpoint.state();
        if let Some((what, saved, given)) = identity.difference(&self.identity()) {
            let path = checkpoint.path().to_owned();
            return Err(TrainError::Changed { path, what, saved, given });
        }
        self.progress = progress.clone();
        self.load_weights(&checkpoint)?;
        self.load_loss(&checkpoint)?;
        tracing::info!(path = %checkpoint.path().display(), step = checkpoint.step(), "resuming");
        self.last_checkpoint = Some(checkpoint.path().to_owned());
        Ok(self)
    }

    /// Trained weights, the best ones, and the optimizer's state.
    fn load_weights(&mut self, checkpoint: &Checkpoint) -> Result<(), TrainError> {
        let saved = EmbeddingModel::load(checkpoint.model_dir())?;
        let parameters = self.model.parameters_mut();
        let trained: Vec<_> = parameters.trainable_infos().cloned().collect();
        for info in trained {
            let values = saved.parameters().get(&info.name).filter(|v| v.len() == info.len());
            let values = values.ok_or_else(|| checkpoint.damaged("the model is another one"))?;
            parameters.trainable_mut()[info.range()].copy_from_slice(values);
        }
        let best = checkpoint.tensors(BEST)?;
        self.best_weights = match (&self.progress.best, best.get("weights")) {
            (None, _) => None,
            (Some(_), Some(weights)) => Some(values(weights)?),
            // The best weights are those of the checkpoint itself.
            (Some(_), None) => Some(self.model.parameters().trainable().to_vec()),
        };
        let tensors = checkpoint.tensors(OPTIMIZER)?;
        self.optimizer.load_state(checkpoint::optimizer_state("model", &tensors)?)
    }

    fn load_loss(&mut self, checkpoint: &Checkpoint) -> Result<(), TrainError> {
        let optimizer = checkpoint::optimizer_state("loss", &checkpoint.tensors(OPTIMIZER)?)?;
        let tensors = checkpoint.tensors(LOSS)?;
        self.heads.load(&checkpoint::with_prefix("parameter", &tensors), optimizer)?;
        self.loss.load_state(checkpoint::with_prefix("state", &tensors)).map_err(|source| {
            let (path, source) = (checkpoint.path().to_owned(), Box::new(source));
            TrainError::LossState { path, source }
        })
    }

    /// Readies the output directory, if there is one, and opens the metrics log in it.
    pub(super) fn open_output(&mut self) -> Result<Option<MetricsLog>, TrainError> {
        let Some(dir) = &self.config.output_dir else { return Ok(None) };
        let in_use = !checkpoint::list(dir)?.is_empty();
        if in_use && self.last_checkpoint.is_none() {
            return Err(TrainError::OutputInUse { path: dir.clone() });
        }
        std::fs::create_dir_all(dir).map_err(TrainError::io(dir))?;
        files::sweep(dir)?;
        let resumed = self.last_checkpoint.is_some();
        MetricsLog::open(dir, resumed.then_some(self.progress.step)).map(Some)
    }

    /// Writes a checkpoint of the step just done, unless it is there, and removes old ones.
    pub(super) fn save_checkpoint(&mut self, run: &Run) -> Result<(), TrainError> {
        let Some(dir) = self.config.output_dir.clone() else { return Ok(()) };
        let step = self.progress.step;
        if self.last_checkpoint == Some(checkpoint::path(&dir, step)) {
            return Ok(());
        }
        // The log must be durable up to the step from which a resumed run goes on.
        run.log.as_ref().map_or(Ok(()), MetricsLog::sync)?;
        let state = State::new(self.progress.clone(), self.identity());
        let mut card = self.card.clone();
        card.hyperparameters.extend(self.config.hyperparameters());
        card.hyperparameters.extend(self.settings.clone());
        let tensors = self.checkpoint_tensors()?;
        let contents = Contents { model: &self.model, card: &card, state: &state, tensors };
        let path = contents.save(&dir)?;
        self.callbacks.iter_mut().for_each(|callback| callback.on_checkpoint(&path));
        self.last_checkpoint = Some(path);
        match self.config.checkpoint_limit {
            Some(limit) => {
                let best = self.progress.best.as_ref().map(|best| best.step);
                checkpoint::prune(&dir, limit, step, best)
            }
            None => Ok(()),
        }
    }

    fn checkpoint_tensors(&self) -> Result<BTreeMap<&'static str, Tensors>, TrainError> {
        let mut optimizer = checkpoint::optimizer_tensors("model", self.optimizer.state())?;
        optimizer.extend(checkpoint::optimizer_tensors("loss", self.heads.optimizer_state())?);
        let named = |prefix: &'static str, tensors: BTreeMap<String, Tensor>| {
            tensors.into_iter().map(move |(name, tensor)| (format!("{prefix}.{name}"), tensor))
        };
        let loss =
            named("parameter", self.heads.tensors()).chain(named("state", self.loss.state()));
        let mut files = BTreeMap::from([(OPTIMIZER, optimizer), (LOSS, loss.collect())]);
        let elsewhere = self.progress.best.as_ref().is_some_and(|b| b.step != self.progress.step);
        if let Some(best) = self.best_weights.as_ref().filter(|_| elsewhere) {
            let weights = Tensor::from_slice(best, best.len(), &Device::Cpu)?;
            files.insert(BEST, Tensors::from([("weights".to_owned(), weights)]));
        }
        Ok(files)
    }

    fn identity(&self) -> Identity {
        Identity {
            config: self.config.fields(),
            settings: self.settings.clone(),
            dataset: dataset_hash(&self.dataset),
            model: self.base.clone(),
            trained_values: self.model.parameters().trainable().len(),
            engine: self.model.engine().name().to_owned(),
            loss: self.loss.name().to_owned(),
            batches: self.plan.batches.clone(),
            total_steps: self.plan.total_steps,
        }
    }
}
