//! The training loop.

mod build;
mod evaluate;
mod report;
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
use embedtune_encoder::{Dropout, EmbeddingModel, EncoderError, ModelCard};
use embedtune_kernels::sum_of_squares;
use embedtune_losses::{Loss, LossOutput, StepContext};
use rayon::prelude::*;

use crate::{
    Callback, Evaluator, Every, Optimizer, StepReport, StopReason, TrainConfig, TrainError,
    TrainOutcome,
    batch::TrainBatch,
    clip::clip_factor,
    heads::{Heads, values},
    log::MetricsLog,
    pass::Pass,
    plan::{Feed, Plan, StepBatches},
    progress::Progress,
    token_table::TokenTable,
};

/// Values that a thread sets to zero at a time: 1 MiB.
const ZEROED: usize = 1 << 18;

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

/// What is needed while a run goes on.
struct Run {
    tokens: TokenTable,
    feed: Feed,
    /// One value for each trained one of the model.
    gradients: Vec<f32>,
    log: Option<MetricsLog>,
}

impl Trainer {
    /// Trains until the last step, until the best metric no longer improves, or until the stop
    /// flag is raised.
    ///
    /// # Errors
    /// [`TrainError::UnknownMetric`] before the first step; [`TrainError::Diverged`] and
    /// [`TrainError::NonFinite`] as soon as an embedding, loss or gradient is not finite, before it
    /// touches a weight; whatever the model, the loss,
    /// an evaluator or the disk report. Checkpoints written so far stay.
    pub fn run(mut self) -> Result<TrainOutcome, TrainError> {
        let mut run = self.start()?;
        let reason = loop {
            if let Some(reason) = self.reason_to_stop() {
                break reason;
            }
            let position = self.progress.position;
            let step = run.feed.take(&*self.sampler, &self.dataset, &self.config, position)?;
            // In the thread pool: from outside, each of the thousand kernels of a step would hand
            // its work over to it and sleep until it is done.
            let report = rayon::scope(|_| self.train_step(&step, &mut run))?;
            self.log_step(&report, &mut run)?;
            let (done, total) = (report.step, report.total_steps);
            let due = |every: Every| every.is_due(done, total, step.ends_epoch());
            if due(self.config.eval_every) || done == total {
                self.evaluate(&mut run)?;
            }
            if self.config.checkpoint_every.is_some_and(due) {
                self.save_checkpoint(&run)?;
            }
        };
        if reason == StopReason::Interrupted {
            self.save_checkpoint(&run)?;
        }
        self.callbacks.iter_mut().for_each(|callback| callback.on_end(reason));
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
    fn train_step(&mut self, step: &StepBatches, run: &mut Run) -> Result<StepReport, TrainError> {
        let started = Instant::now();
        let learning_rate = self.learning_rate();
        let share = 1.0 / step.batches.len() as f64;
        let mut report = StepReport { learning_rate, ..StepReport::default() };
        run.gradients.par_chunks_mut(ZEROED).for_each(|chunk| chunk.fill(0.0));
        self.heads.gradients.fill(0.0);
        for (part, rows) in step.batches.iter().enumerate() {
            let output = self.train_batch(rows, part, run, &mut report);
            let output = output.map_err(|error| self.located(error, rows))?;
            report.loss += output.value * share;
            for (name, value) in output.components {
                *report.components.entry(name).or_default() += value * share;
            }
        }
        let squares = sum_of_squares(&run.gradients) + sum_of_squares(&self.heads.gradients);
        report.grad_norm = squares.sqrt() * share;
        self.check_finite("norm of the gradient", report.grad_norm, &step.batches.concat())?;
        let clip = clip_factor(report.grad_norm, self.config.max_grad_norm);
        let grad_scale = (share * clip) as f32;
        let parameters = self.model.parameters_mut();
        self.optimizer.step(parameters, &run.gradients, learning_rate, grad_scale);
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
        rows: &[u32],
        part: usize,
        run: &mut Run,
        report: &mut StepReport,
    ) -> Result<LossOutput, TrainError> {
        let TrainConfig { seed, mask_false_negatives, micro_tokens, gradient_caching, .. } =
            self.config;
        let dataset = &self.dataset;
        let batch = TrainBatch::new(dataset, &run.tokens, rows, part, mask_false_negatives);
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

        let d_embeddings = self.d_embeddings(&output, expected)?;
        pass.backward(&self.model, &d_embeddings, &mut run.gradients)?;
        self.heads.accumulate(&output.d_parameters)?;
        Ok(output)
    }

    /// Gradient of the embeddings, of which there are `expected` values.
    fn d_embeddings(&self, output: &LossOutput, expected: usize) -> Result<Vec<f32>, TrainError> {
        let values = values(&output.d_embeddings)?;
        if values.len() != expected {
            let (loss, got) = (self.loss.name().to_owned(), values.len());
            let what = "values in the gradient of the embeddings";
            return Err(TrainError::LossShape { loss, what, expected, got });
        }
        Ok(values)
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

    /// Says where embeddings ceased to be finite.
    fn located(&self, error: TrainError, rows: &[u32]) -> TrainError {
        match error {
            TrainError::Encoder(
                source @ (EncoderError::BrokenWeight { .. } | EncoderError::Overflow { .. }),
            ) => TrainError::Diverged {
                step: self.progress.step + 1,
                dataset: self.dataset.name.clone(),
                rows: rows.to_vec(),
                checkpoint: self.last_checkpoint.clone(),
                source: Box::new(source),
            },
            error => error,
        }
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
}
