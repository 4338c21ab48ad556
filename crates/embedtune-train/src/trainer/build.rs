//! Putting a run together.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::AtomicBool},
    time::Instant,
};

use embedtune_data::{BatchSampler, Dataset};
use embedtune_encoder::{EmbeddingModel, ModelCard};
use embedtune_losses::Loss;

use super::{Run, Trainer};
use crate::{
    Callback, Evaluator, Optimizer, TrainConfig, TrainError,
    heads::Heads,
    plan::{Feed, Plan},
    progress::Progress,
    token_table::TokenTable,
};

impl Trainer {
    /// A run of `loss` over the batches that `sampler` makes of `dataset`. Nothing is trained yet.
    ///
    /// # Errors
    /// [`TrainError`] if a setting is out of range, the data is empty or labelled in part, or
    /// nothing is left to train.
    pub fn new(
        mut model: EmbeddingModel,
        dataset: Dataset,
        loss: Box<dyn Loss>,
        sampler: Box<dyn BatchSampler>,
        config: TrainConfig,
    ) -> Result<Self, TrainError> {
        config.validate()?;
        check_rows(&dataset)?;
        if config.freeze_layers > 0 {
            model.freeze_layers(config.freeze_layers)?;
        }
        let heads = Heads::new(&*loss, &config.optimizer)?;
        if model.parameters().trainable().is_empty() && heads.is_empty() {
            return Err(TrainError::NothingToTrain);
        }
        Ok(Self {
            plan: Plan::new(&*sampler, &dataset, &config)?,
            optimizer: config.optimizer.build(model.parameters()),
            base: model.fingerprint().0,
            heads,
            model,
            dataset,
            loss,
            sampler,
            config,
            evaluators: Vec::new(),
            callbacks: Vec::new(),
            stop: Arc::default(),
            card: ModelCard::default(),
            settings: BTreeMap::new(),
            progress: Progress::default(),
            best_weights: None,
            last_checkpoint: None,
        })
    }

    /// Adds an evaluator. Several report together.
    #[must_use]
    pub fn with_evaluator(mut self, evaluator: Box<dyn Evaluator>) -> Self {
        self.evaluators.push(evaluator);
        self
    }

    /// Adds a callback.
    #[must_use]
    pub fn with_callback(mut self, callback: Box<dyn Callback>) -> Self {
        self.callbacks.push(callback);
        self
    }

    /// Uses an optimizer that is not in [`OptimizerConfig`](crate::OptimizerConfig), made for the
    /// trainable values of `model.parameters()`. Parameters of the loss keep the configured one.
    #[must_use]
    pub fn with_optimizer(mut self, optimizer: Box<dyn Optimizer>) -> Self {
        self.optimizer = optimizer;
        self
    }

    /// Ends the run after the step during which `stop` becomes true, with a checkpoint if there is
    /// an output directory.
    #[must_use]
    pub fn with_stop_flag(mut self, stop: Arc<AtomicBool>) -> Self {
        self.stop = stop;
        self
    }

    /// Facts for the README of the models in checkpoints. Settings of the run are added to it.
    #[must_use]
    pub fn with_card(mut self, card: ModelCard) -> Self {
        self.card = card;
        self
    }

    /// Records a setting that the trainer does not see itself, the temperature of the loss, say:
    /// it stands in the README of checkpoints, and a run with another value is not resumed.
    #[must_use]
    pub fn with_setting(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.settings.insert(name.into(), value.to_string());
        self
    }

    /// Optimizer steps of the whole run.
    pub fn total_steps(&self) -> u64 {
        self.plan.total_steps
    }

    /// The model as it is now.
    pub fn model(&self) -> &EmbeddingModel {
        &self.model
    }

    /// Readies everything up to the first step.
    pub(super) fn start(&mut self) -> Result<Run, TrainError> {
        self.check_metrics()?;
        let log = self.open_output()?;
        let started = Instant::now();
        let tokens = TokenTable::new(&self.model, &self.dataset)?;
        self.progress.train_seconds += started.elapsed().as_secs_f64();
        let gradients = vec![0.0; self.model.parameters().trainable().len()];
        let mut run = Run { tokens, feed: Feed::default(), gradients, log };
        let (step, total) = (self.progress.step, self.plan.total_steps);
        self.callbacks.iter_mut().for_each(|callback| callback.on_start(step, total));
        if self.config.eval_at_start && self.progress.evaluations.is_empty() {
            self.evaluate(&mut run)?;
        }
        Ok(run)
    }
}

fn check_rows(dataset: &Dataset) -> Result<(), TrainError> {
    let name = || dataset.name.clone();
    if dataset.is_empty() {
        return Err(TrainError::NoRows { dataset: name() });
    }
    let labelled = dataset.rows.iter().any(|row| row.label.is_some());
    match dataset.rows.iter().position(|row| labelled && row.label.is_none()) {
        Some(row) => Err(TrainError::MissingLabel { dataset: name(), row }),
        None => Ok(()),
    }
}
