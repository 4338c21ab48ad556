//! Which batches make up which optimizer step.

use embedtune_data::{BatchSampler, Dataset};
use sha2::{Digest, Sha256};

use crate::{TrainConfig, TrainError, progress::Position};

/// Length of a run, known before its first step because samplers are pure.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Optimizer steps of the run.
    pub(crate) total_steps: u64,
    /// Hash over the batches of the first epoch: another sampler is another run.
    pub(crate) batches: String,
}

impl Plan {
    /// Counts steps epoch by epoch: samplers need not make the same number of batches in each.
    pub(crate) fn new(
        sampler: &dyn BatchSampler,
        dataset: &Dataset,
        config: &TrainConfig,
    ) -> Result<Self, TrainError> {
        let batches = epoch_batches(sampler, dataset, config.seed, 0)?;
        let hash = hash(&batches);
        let mut left = config.epochs;
        let (mut epoch, mut total, mut count) = (0, 0, batches.len());
        loop {
            let steps = count.div_ceil(config.gradient_accumulation) as u64;
            total += match config.max_steps {
                Some(max_steps) => steps.min(max_steps - total),
                // The share of an epoch that is left, rounded up, but for the rounding of f64.
                None => (steps as f64 * left.min(1.0) - 1e-9).ceil() as u64,
            };
            left -= 1.0;
            if config.max_steps.map_or(left <= 1e-9, |max_steps| total == max_steps) {
                return Ok(Self { total_steps: total, batches: hash });
            }
            epoch += 1;
            count = epoch_batches(sampler, dataset, config.seed, epoch)?.len();
        }
    }
}

/// Hands out the batches of one optimizer step after the other.
#[derive(Default)]
pub(crate) struct Feed {
    epoch: Option<(u64, Vec<Vec<u32>>)>,
}

/// The batches of one optimizer step.
pub(crate) struct StepBatches {
    /// Row numbers of each batch.
    pub(crate) batches: Vec<Vec<u32>>,
    /// Where the next step begins.
    pub(crate) next: Position,
    /// Passes over the data after this step.
    pub(crate) epochs: f64,
}

impl StepBatches {
    /// Whether the step ends an epoch.
    pub(crate) fn ends_epoch(&self) -> bool {
        self.next.batch == 0
    }
}

impl Feed {
    /// The step that begins at `position`. Steps do not reach across epochs, so the last one of an
    /// epoch may have fewer batches.
    pub(crate) fn take(
        &mut self,
        sampler: &dyn BatchSampler,
        dataset: &Dataset,
        config: &TrainConfig,
        position: Position,
    ) -> Result<StepBatches, TrainError> {
        let Position { epoch, batch } = position;
        let all = match self.epoch.take() {
            Some((current, batches)) if current == epoch => batches,
            _ => epoch_batches(sampler, dataset, config.seed, epoch)?,
        };
        let end = all.len().min(batch + config.gradient_accumulation);
        let batches = all[batch..end].to_vec();
        let epochs = epoch as f64 + end as f64 / all.len() as f64;
        let next = if end == all.len() {
            Position { epoch: epoch + 1, batch: 0 }
        } else {
            Position { epoch, batch: end }
        };
        self.epoch = Some((epoch, all));
        Ok(StepBatches { batches, next, epochs })
    }
}

/// The batches of `epoch`, of which there is at least one.
pub(crate) fn epoch_batches(
    sampler: &dyn BatchSampler,
    dataset: &Dataset,
    seed: u64,
    epoch: u64,
) -> Result<Vec<Vec<u32>>, TrainError> {
    let mut batches = sampler.batches(dataset, seed, epoch);
    batches.retain(|batch| !batch.is_empty());
    if batches.is_empty() {
        let (dataset, rows) = (dataset.name.clone(), dataset.len());
        return Err(TrainError::NoBatches { dataset, rows, epoch });
    }
    match batches.iter().flatten().find(|&&row| row as usize >= dataset.len()) {
        Some(&row) => {
            let (dataset, rows) = (dataset.name.clone(), dataset.len());
            Err(TrainError::UnknownRow { dataset, rows, row })
        }
        None => Ok(batches),
    }
}

fn hash(batches: &[Vec<u32>]) -> String {
    let mut hash = Sha256::new();
    for batch in batches {
        hash.update((batch.len() as u64).to_le_bytes());
        batch.iter().for_each(|row| hash.update(row.to_le_bytes()));
    }
    format!("{:x}", hash.finalize())
}

#[cfg(test)]
mod tests {
    use embedtune_data::{Example, SequentialSampler};

    use super::*;

    fn total(rows: u32, batch: usize, config: &TrainConfig) -> u64 {
        let mut dataset = Dataset::new("test");
        for row in 0..rows {
            let anchor = dataset.texts.intern(&row.to_string());
            dataset.push(Example::pair(anchor, anchor));
        }
        Plan::new(&SequentialSampler::new(batch), &dataset, config).unwrap().total_steps
    }

    #[test]
    fn counts_like_transformers() {
        let config = TrainConfig::default();
        assert_eq!(total(10, 3, &config), 4);
        assert_eq!(total(10, 3, &config.clone().with_gradient_accumulation(3)), 2);
        assert_eq!(total(10, 3, &config.clone().with_epochs(2.5)), 10);
        assert_eq!(total(10, 1, &config.clone().with_epochs(0.11)), 2);
        assert_eq!(total(100, 10, &config.clone().with_epochs(1.1)), 11);
        assert_eq!(total(10, 3, &config.with_max_steps(Some(11))), 11);
    }

    #[test]
    fn an_epoch_without_batches_is_an_error() {
        let (sampler, dataset) = (SequentialSampler::new(4), Dataset::new("empty"));
        let error = Plan::new(&sampler, &dataset, &TrainConfig::default()).unwrap_err();
        assert!(error.to_string().contains("no batch"));
    }
}
