//! Batches in the order of the file.

use serde::{Deserialize, Serialize};

use super::{BatchSampler, DEFAULT_BATCH_SIZE, chunked};
use crate::Dataset;

/// Cuts the rows into batches as they stand: for data that was ordered on purpose (a curriculum,
/// batches built elsewhere) and for comparing with another trainer step by step. Seed and epoch
/// change nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SequentialSampler {
    /// Rows in a batch.
    pub batch_size: usize,
    /// Leaves out a smaller last batch. Off: every row is seen in every epoch.
    pub drop_last: bool,
}

impl Default for SequentialSampler {
    fn default() -> Self {
        Self { batch_size: DEFAULT_BATCH_SIZE, drop_last: false }
    }
}

impl SequentialSampler {
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

impl BatchSampler for SequentialSampler {
    fn batches(&self, dataset: &Dataset, _seed: u64, _epoch: u64) -> Vec<Vec<u32>> {
        let rows: Vec<u32> = (0..dataset.len() as u32).collect();
        chunked(&rows, self.batch_size, self.drop_last)
    }
}
