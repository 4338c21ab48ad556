//! Training, with early stopping on dev.

use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use embedtune_data::{BeirData, CheckReport, Dataset, NoDuplicatesSampler};
use embedtune_encoder::EmbeddingModel;
use embedtune_eval::{SampleConfig, TrainingCurve};
use embedtune_losses::LossConfig;
use embedtune_mining::MinedNegatives;
use embedtune_train::{EarlyStopping, Every, StopReason, TrainConfig, Trainer};

use super::{
    BATCH_SIZE, LEARNING_RATE, NEGATIVES, Run,
    budget::{DEV_DOCUMENTS, DEV_EVALUATIONS},
    card_of,
};
use crate::{
    check_cache::CheckCache,
    data::{self, TrainingOptions},
    interrupt::Interrupted,
    preflight::{Plan, Preflight},
    training::{TrainingBar, TrainingFacts},
};

/// A finished training.
pub(super) struct Trained {
    pub(super) model: EmbeddingModel,
    pub(super) facts: TrainingFacts,
    pub(super) curve: TrainingCurve,
    pub(super) preflight: Preflight,
    pub(super) config: TrainConfig,
}

impl Run<'_> {
    pub(super) fn train(
        &self,
        model: EmbeddingModel,
        base_model: &str,
        data: &BeirData,
        mined: &MinedNegatives,
    ) -> Result<Trained> {
        let negatives = mined.by_query();
        let options = TrainingOptions {
            columns: None,
            negatives: Some(&negatives),
            negatives_per_row: Some(NEGATIVES),
            judged_negatives: 0,
            random_negatives: 0,
            evaluate: None,
            dev_fraction: 0.0,
            dev_sample: SampleConfig::default().with_documents(DEV_DOCUMENTS),
            seed: self.args.seed,
        };
        let prepared = data::from_beir(data.clone(), &options, None)?;
        prepared.notes.iter().for_each(|note| self.console.line(&format!("note: {note}")));
        let dev = prepared.dev.context("the data has a dev split")?;
        let config = self.train_config(&dev.metric);
        let sampler = Box::new(NoDuplicatesSampler::new(BATCH_SIZE));
        let preview: (Dataset, CheckReport) = (prepared.dataset.clone(), prepared.check);
        let loss = LossConfig::default();
        let trainer =
            Trainer::new(model, prepared.dataset, loss.build()?, sampler, config.clone())?;
        let plan = Plan {
            steps: trainer.total_steps(),
            epochs: config.epochs,
            batch_size: BATCH_SIZE,
            kept_tokens: config.gradient_caching.then_some(config.micro_tokens),
        };
        let preflight =
            Preflight::new(trainer.model(), &preview.0, preview.1, &plan, &CheckCache::from_env())?;
        preflight.show(self.console);
        let (bar, curve) = TrainingBar::new(self.console, Some(dev.metric));
        let outcome = trainer
            .with_evaluator(dev.evaluator)
            .with_callback(Box::new(bar))
            .with_stop_flag(Arc::clone(&self.stop))
            .with_card(card_of(base_model, &data.name))
            .run()?;
        if outcome.reason == StopReason::Interrupted {
            return Err(Interrupted.into());
        }
        if let Some(best) = &outcome.best {
            let kept = if best.step == 0 {
                "the base model's".to_owned()
            } else {
                format!("those of step {}", best.step)
            };
            self.console
                .line(&format!("kept weights: {kept}, dev {} {:.4}", best.metric, best.value));
        }
        let facts = TrainingFacts::of(&outcome);
        let curve = finished(&curve, facts.best.as_ref().map(|best| best.step));
        Ok(Trained { model: outcome.model, facts, curve, preflight, config })
    }

    fn train_config(&self, metric: &str) -> TrainConfig {
        TrainConfig::default()
            .with_learning_rate(LEARNING_RATE)
            .with_seed(self.args.seed)
            .with_eval_at_start(true)
            .with_eval_every(Every::Ratio(1.0 / (DEV_EVALUATIONS as f64 - 1.0)))
            .with_best_metric(Some(metric.to_owned()))
            .with_early_stopping(Some(EarlyStopping::new(2)))
    }
}

fn finished(curve: &Mutex<TrainingCurve>, kept_step: Option<u64>) -> TrainingCurve {
    let mut curve = curve.lock().map(|curve| curve.clone()).unwrap_or_default();
    curve.kept_step = kept_step;
    curve
}
