//! Batch samplers: which rows meet in a contrastive batch.

mod neighbours;
mod no_duplicates;
mod random;
mod sequential;

use serde::{Deserialize, Serialize};

use crate::{DataError, Dataset, SeededRng};

pub use no_duplicates::NoDuplicatesSampler;
pub use random::RandomSampler;
pub use sequential::SequentialSampler;

/// Rows in a batch when nothing else is said: what the published recipes for small sentence
/// encoders start from, and small enough for a laptop.
pub const DEFAULT_BATCH_SIZE: usize = 32;

/// Chooses the batches of an epoch. Pure in (dataset, seed, epoch): the same call gives the same
/// batches, so that an interrupted run continues with exactly the rows it had not seen.
pub trait BatchSampler: Send {
    /// Row numbers of each batch of `epoch` (from 0).
    fn batches(&self, dataset: &Dataset, seed: u64, epoch: u64) -> Vec<Vec<u32>>;
}

/// A sampler by name, as it stands in a configuration file:
///
/// ```
/// use embedtune_data::SamplerConfig;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let json = r#"{"type": "no_duplicates", "batch_size": 64}"#;
/// let config: SamplerConfig = serde_json::from_str(json)?;
/// let sampler = config.build()?;
/// # let _ = sampler;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum SamplerConfig {
    /// See [`NoDuplicatesSampler`].
    NoDuplicates(NoDuplicatesSampler),
    /// See [`RandomSampler`].
    Random(RandomSampler),
    /// See [`SequentialSampler`].
    Sequential(SequentialSampler),
}

impl Default for SamplerConfig {
    /// No duplicates: a text that occurs twice in a contrastive batch is its own false negative.
    fn default() -> Self {
        Self::NoDuplicates(NoDuplicatesSampler::default())
    }
}

impl SamplerConfig {
    /// Rows in a full batch.
    pub fn batch_size(&self) -> usize {
        match self {
            Self::NoDuplicates(sampler) => sampler.batch_size,
            Self::Random(sampler) => sampler.batch_size,
            Self::Sequential(sampler) => sampler.batch_size,
        }
    }

    /// The sampler.
    ///
    /// # Errors
    /// If the batch size is 0.
    pub fn build(&self) -> Result<Box<dyn BatchSampler>, DataError> {
        if self.batch_size() == 0 {
            return Err(DataError::Setting {
                name: "batch_size",
                value: "0".to_owned(),
                expected: "at least 1 row",
            });
        }
        Ok(match self.clone() {
            Self::NoDuplicates(sampler) => Box::new(sampler),
            Self::Random(sampler) => Box::new(sampler),
            Self::Sequential(sampler) => Box::new(sampler),
        })
    }
}

/// Every row number of `dataset` in an order drawn for `seed` and `epoch`.
fn shuffled(dataset: &Dataset, seed: u64, epoch: u64) -> Vec<u32> {
    let mut rows: Vec<u32> = (0..dataset.len() as u32).collect();
    SeededRng::derive(seed, &[epoch]).shuffle(&mut rows);
    rows
}

/// Cuts `rows` into batches; the last one may be smaller unless `drop_last`.
fn chunked(rows: &[u32], batch_size: usize, drop_last: bool) -> Vec<Vec<u32>> {
    let size = batch_size.max(1);
    rows.chunks(size)
        .filter(|batch| !drop_last || batch.len() == size)
        .map(<[u32]>::to_vec)
        .collect()
}
