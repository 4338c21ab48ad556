//! The training loop.

mod evaluate;
mod resume;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use embedtune_data::{BatchSampler, Dataset};
use embedtune_encoder::{Dropout, EmbeddingModel, ModelCard};
use embedtune_kernels::sum_of_squares;
use embedtune_losses::{Loss, LossOutput, StepContext};

use crate::{
    Callback, Evaluator, Optimizer, StepReport, StopReason, TrainConfig, TrainError, TrainOutcome,
    batch::{TokenTable, TrainBatch},
    clip::clip_factor,
    heads::{Heads, values},
    log::MetricsLog,
    pass::Pass,
    plan::{Feed, Plan, StepBatches},
    progress::Progress,
};

/// Trains a model on a dataset.
///
/// # Example
/// ```no_run
/// use embedtune_data::{NoDuplicatesSampler, RowOptions, read_rows};
/// use embedtune_encoder::EmbeddingModel;
/// use embedtune_losses::LossConfig;
/// use embedtune_train::{InBatchMrr, TrainConfig, Trainer};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let model = EmbeddingModel::load("models/all-MiniLM-L6-v2")?;
/// let train = read_rows("train.jsonl", &RowOptions::default())?;
/// let dev = read_rows("dev.jsonl", &RowOptions::default())?;
/// let config = TrainConfig::default()
///     .with_epochs(2.0)
///     .with_best_metric(Some(InBatchMrr::METRIC.to_owned()));
///
/// let sampler = Box::new(NoDuplicatesSampler::new(32));
/// let outcome = Trainer::new(model, train, LossConfig::default().build()?, sampler, config)?
///     .with_evaluator(Box::new(InBatchMrr::new(dev, 64)))
///     .run()?;
/// outcome.model.save("tuned", &Default::default())?;
/// # Ok(())
/// # }
/// ```
///
/// # What a run is
/// Weights after step `n` are a function of model, data, loss, sampler and settings alone: samplers
/// are pure, dropout is keyed by place, sums have a fixed order. So a run that was interrupted and
/// [resumed](Self::resume) ends with the same bits as one that was not.
pub struct Trainer {
    model: EmbeddingModel,
    dataset: Dataset,
    loss: Box<dyn Loss>,
    sampler: Box<dyn BatchSampler>,
    config: TrainConfig,
    evaluators: Vec<Box<dyn Evaluator>>,
    callbacks: Vec<Box<dyn Callback>>,
    stop: Arc<AtomicBool>,
    card: ModelCard,
    settings: BTreeMap<String, String>,
    plan: Plan,
    optimizer: Box<dyn Optimizer>,
    heads: Heads,
    progress: Progress,
    /// Fingerprint of the model before the first step.
    base: String,
    /// Trained values at the best evaluation.
    best_weights: Option<Vec<f32>>,
    last_checkpoint: Option<PathBuf>,
}

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

    /// Trains until the last step, until the best metric no longer improves, or until the stop
    /// flag is raised.
    ///
    /// # Errors
    /// [`TrainError::UnknownMetric`] before the first step; [`TrainError::NonFinite`] as soon as a
    /// loss or gradient is not finite, before it touches a weight; whatever the model, the loss,
    /// an evaluator or the disk report. Checkpoints written so far stay.
    pub fn run(mut self) -> Result<TrainOutcome, TrainError> {
        self.check_metrics()?;
        let mut log = self.open_output()?;
        let started = Instant::now();
        let tokens = TokenTable::new(&self.model, &self.dataset)?;
        self.progress.train_seconds += started.elapsed().as_secs_f64();
        let mut gradients = vec![0.0; self.model.parameters().trainable().len()];
        let mut feed = Feed::default();
        let total = self.plan.total_steps;
        self.callbacks.iter_mut().for_each(|c| c.on_start(self.progress.step, total));
        if self.config.eval_at_start && self.progress.evaluations.is_empty() {
            self.evaluate(&mut log)?;
        }
        let reason = loop {
            if let Some(reason) = self.reason_to_stop() {
                break reason;
            }
            let (sampler, position) = (&*self.sampler, self.progress.position);
            let step = feed.take(sampler, &self.dataset, &self.config, position)?;
            let report = self.train_step(&tokens, &step, &mut gradients)?;
            self.log_step(&report, &mut log)?;
            let last = report.step == total;
            if self.config.eval_every.is_due(report.step, total, step.ends_epoch()) || last {
                self.evaluate(&mut log)?;
            }
            let every = self.config.checkpoint_every;
            if every.is_some_and(|every| every.is_due(report.step, total, step.ends_epoch())) {
                self.save_checkpoint(&log)?;
            }
        };
        if reason == StopReason::Interrupted {
            self.save_checkpoint(&log)?;
        }
        self.callbacks.iter_mut().for_each(|c| c.on_end(reason));
        Ok(self.into_outcome(reason))
    }

    fn reason_to_stop(&self) -> Option<StopReason> {
        if self.progress.step >= self.plan.total_steps {
            Some(StopReason::Finished)
        } else if self.progress.exhausted(self.config.early_stopping) {
            Some(StopReason::EarlyStopping)
        } else if self.stop.load(Ordering::Relaxed) {
            Some(StopReason::Interrupted)
        } else {
            None
        }
    }

    /// One optimizer step over the mean of its batches' losses.
    fn train_step(
        &mut self,
        tokens: &TokenTable,
        step: &StepBatches,
        gradients: &mut [f32],
    ) -> Result<StepReport, TrainError> {
        let started = Instant::now();
        let learning_rate = self.learning_rate();
        let share = 1.0 / step.batches.len() as f64;
        let mut report = StepReport { learning_rate, ..StepReport::default() };
        gradients.fill(0.0);
        self.heads.gradients.fill(0.0);
        for (part, rows) in step.batches.iter().enumerate() {
            let output = self.train_batch(tokens, rows, part, gradients, &mut report)?;
            report.loss += output.value * share;
            for (name, value) in output.components {
                *report.components.entry(name).or_default() += value * share;
            }
        }
        let squares = sum_of_squares(gradients) + sum_of_squares(&self.heads.gradients);
        report.grad_norm = squares.sqrt() * share;
        self.check_finite("norm of the gradient", report.grad_norm, &step.batches.concat())?;
        let clip = clip_factor(report.grad_norm, self.config.max_grad_norm);
        let grad_scale = (share * clip) as f32;
        self.optimizer.step(self.model.parameters_mut(), gradients, learning_rate, grad_scale);
        self.heads.step(learning_rate, grad_scale)?;
        self.advance(step, &mut report, started.elapsed().as_secs_f64());
        Ok(report)
    }

    /// Learning rate of the step to come.
    fn learning_rate(&self) -> f64 {
        let total = self.plan.total_steps;
        let warmup = self.config.warmup.steps(total);
        self.config.learning_rate * self.config.schedule.factor(self.progress.step, warmup, total)
    }

    /// Forward, loss and backward of one batch; adds to the gradients.
    fn train_batch(
        &mut self,
        tokens: &TokenTable,
        rows: &[u32],
        part: usize,
        gradients: &mut [f32],
        report: &mut StepReport,
    ) -> Result<LossOutput, TrainError> {
        let TrainConfig { seed, mask_false_negatives, micro_tokens, gradient_caching, .. } =
            self.config;
        let dataset = &self.dataset;
        let batch = TrainBatch::new(dataset, tokens, rows, part, mask_false_negatives);
        report.pairs += rows.len() as u64;
        report.tokens += batch.num_tokens() as u64;

        let (model, dropout) = (&self.model, self.dropout());
        let (embeddings, pass) =
            Pass::forward(model, &batch.sequences, dropout, micro_tokens, gradient_caching)?;
        let expected = embeddings.len();

        let context = StepContext::new(self.progress.step, seed);
        let output = batch
            .with_embeddings(embeddings, self.model.spec().dim())
            .and_then(|batch| self.loss.evaluate(&batch, &context))
            .map_err(|source| TrainError::Loss {
                step: self.progress.step + 1,
                dataset: self.dataset.name.clone(),
                rows: rows.to_vec(),
                source: source.into(),
            })?;
        self.check_finite("loss", output.value, rows)?;

        let d_embeddings = values(&output.d_embeddings)?;
        if d_embeddings.len() != expected {
            return Err(TrainError::LossShape {
                loss: self.loss.name().to_owned(),
                what: "gradient of the embeddings",
                expected,
                got: d_embeddings.len(),
            });
        }
        pass.backward(&self.model, &d_embeddings, gradients)?;
        self.heads.accumulate(&output.d_parameters)?;
        Ok(output)
    }

    /// Dropout of the step to come; `None` if it drops nothing.
    fn dropout(&self) -> Option<Dropout> {
        let spec = &self.model.spec().transformer;
        let (hidden, attention) = match self.config.dropout {
            Some(rate) => (rate, rate),
            None => (spec.hidden_dropout, spec.attention_dropout),
        };
        let dropout =
            Dropout { seed: self.config.seed, step: self.progress.step, hidden, attention };
        (hidden > 0.0 || attention > 0.0).then_some(dropout)
    }

    fn check_finite(&self, what: &'static str, value: f64, rows: &[u32]) -> Result<(), TrainError> {
        if value.is_finite() {
            return Ok(());
        }
        Err(TrainError::NonFinite {
            what,
            value,
            step: self.progress.step + 1,
            dataset: self.dataset.name.clone(),
            rows: rows.to_vec(),
            checkpoint: self.last_checkpoint.clone(),
        })
    }

    /// Takes note of a step that was done and completes its report.
    fn advance(&mut self, step: &StepBatches, report: &mut StepReport, seconds: f64) {
        let progress = &mut self.progress;
        progress.step += 1;
        progress.position = step.next;
        progress.epochs = step.epochs;
        progress.pairs += report.pairs;
        progress.tokens += report.tokens;
        progress.train_seconds += seconds;
        progress.losses.push(report.loss);
        report.step = progress.step;
        report.total_steps = self.plan.total_steps;
        report.epoch = step.epochs;
        report.seconds = seconds;
        report.tokens_per_second = report.tokens as f64 / seconds;
    }

    fn log_step(
        &mut self,
        report: &StepReport,
        log: &mut Option<MetricsLog>,
    ) -> Result<(), TrainError> {
        self.callbacks.iter_mut().for_each(|c| c.on_step(report));
        let due = report.step.is_multiple_of(self.config.log_every);
        match log {
            Some(log) if due || report.step == report.total_steps => log.write(report),
            _ => Ok(()),
        }
    }

    fn into_outcome(mut self, reason: StopReason) -> TrainOutcome {
        if let Some(best) = self.best_weights.take() {
            self.model.parameters_mut().trainable_mut().copy_from_slice(&best);
        }
        let Progress { step, epochs, pairs, tokens, train_seconds, .. } = self.progress;
        TrainOutcome {
            model: self.model,
            reason,
            steps: step,
            epochs,
            losses: self.progress.losses,
            evaluations: self.progress.evaluations,
            best: self.progress.best,
            train_seconds,
            pairs,
            tokens,
        }
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
