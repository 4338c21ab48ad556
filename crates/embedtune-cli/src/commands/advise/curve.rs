//! The learning curve: short runs on parts of the training pairs.

use std::sync::{Arc, atomic::AtomicBool};

use anyhow::Result;
use embedtune_data::{Corpus, Dataset, DatasetBuilder, NoDuplicatesSampler, Queries, SeededRng};
use embedtune_encoder::EmbeddingModel;
use embedtune_eval::{LearningOutcome, LearningStudy};
use embedtune_losses::LossConfig;
use embedtune_metrics::Qrels;
use embedtune_train::{StopReason, TrainConfig, Trainer};

use super::budget::SHARES;
use crate::{
    args::AdviseArgs,
    interrupt::Interrupted,
    model,
    model_source::ModelSource,
    progress::{Console, thousands},
    training::TrainingBar,
};

/// Trains on parts of the pairs, as `embedtune train` would.
pub(super) struct ShortRuns<'a> {
    pub(super) args: &'a AdviseArgs,
    pub(super) console: Console,
    pub(super) stop: &'a Arc<AtomicBool>,
    pub(super) source: &'a ModelSource,
    /// What may be learned from.
    pub(super) pairs: Dataset,
    /// Pairs of the largest run.
    pub(super) count: usize,
}

impl ShortRuns<'_> {
    /// The curve, and the tokens that a second of training takes.
    pub(super) fn measure(&self, study: &LearningStudy<'_>) -> Result<(LearningOutcome, f64)> {
        let pairs = self.largest();
        let (mut tokens, mut seconds) = (0, 0.0);
        let outcome = study.run(&SHARES, |share| {
            let count = ((share * pairs.len() as f64).round() as usize).max(1);
            let heading = format!("{} pairs, {:.0} %", thousands(count), 100.0 * share);
            self.console.line(&heading);
            // A smaller run learns from a part of what a larger one learns from.
            let rows: Vec<u32> = (0..count as u32).collect();
            let trainer = self.trainer(pairs.subset(&pairs.name, &rows))?;
            let outcome = trainer.run()?;
            if outcome.reason == StopReason::Interrupted {
                return Err(Interrupted.into());
            }
            tokens += outcome.tokens;
            seconds += outcome.train_seconds;
            anyhow::Ok((count, outcome.model))
        })?;
        Ok((outcome, tokens as f64 / f64::max(seconds, 1e-9)))
    }

    /// The pairs of the largest run, in an order that depends on the seed.
    fn largest(&self) -> Dataset {
        let mut rows: Vec<u32> = (0..self.pairs.len() as u32).collect();
        SeededRng::derive(self.args.seed, &[rows.len() as u64]).shuffle(&mut rows);
        rows.truncate(self.count);
        self.pairs.subset(&self.pairs.name, &rows)
    }

    fn trainer(&self, pairs: Dataset) -> Result<Trainer> {
        let model = self.base()?;
        let loss = LossConfig::default().build()?;
        let sampler = NoDuplicatesSampler::new(self.args.batch_size);
        let sampler = Box::new(sampler.with_avoid_known_positives(true));
        let (bar, _) = TrainingBar::new(self.console, None);
        let trainer = Trainer::new(model, pairs, loss, sampler, settings(self.args))?;
        Ok(trainer.with_callback(Box::new(bar)).with_stop_flag(Arc::clone(self.stop)))
    }

    /// The base model, which each run changes.
    fn base(&self) -> Result<EmbeddingModel> {
        let args = &self.args.model;
        model::load_from(self.source, args.max_seq_len, args.precision)
    }
}

/// Queries with the documents that `train` judges relevant.
pub(super) fn pairs(corpus: &Corpus, queries: &Queries, train: &Qrels) -> Result<Dataset> {
    Ok(DatasetBuilder::new(corpus, queries, train).build("short runs")?.0)
}

/// Settings of the full run, and of the short ones.
pub(super) fn settings(args: &AdviseArgs) -> TrainConfig {
    TrainConfig::default()
        .with_learning_rate(args.learning_rate)
        .with_epochs(args.epochs)
        .with_seed(args.seed)
}
