//! Batches in random order.

use serde::{Deserialize, Serialize};

use super::{BatchSampler, DEFAULT_BATCH_SIZE, chunked, shuffled};
use crate::Dataset;

/// Shuffles the rows of every epoch anew and cuts them into batches.
///
/// A text may occur twice in a batch; a contrastive loss then needs its in-batch mask. For batches
/// without such texts see [`NoDuplicatesSampler`](crate::NoDuplicatesSampler).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RandomSampler {
    /// Rows in a batch.
    pub batch_size: usize,
    /// Leaves out a smaller last batch. Off: every row is seen in every epoch.
    pub drop_last: bool,
}

impl Default for RandomSampler {
    fn default() -> Self {
        Self { batch_size: DEFAULT_BATCH_SIZE, drop_last: false }
    }
}

impl RandomSampler {
    /// Batches of `batch_size` rows.
    pub fn new(batch_size: usize) -> Self {
        Self { batch_size, ..Self::default() }
    }

    /// Sets [`drop_last`](Self::drop_last).
    pub fn with_drop_last(mut self, drop_last: bool) -> Self {
        self.drop_last = drop_last;
        self
    }
}

impl BatchSampler for RandomSampler {
    fn batches(&self, dataset: &Dataset, seed: u64, epoch: u64) -> Vec<Vec<u32>> {
        chunked(&shuffled(dataset, seed, epoch), self.batch_size, self.drop_last)
    }
}
