//! The outcome of an evaluation.

use std::collections::BTreeMap;

use embedtune_data::Fingerprint;
use embedtune_metrics::{Measure, Report, Run};
use serde::{Deserialize, Serialize};

/// What one system retrieved and how good it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Evaluation {
    /// The model that encoded both queries and documents; for BM25 its name and parameters.
    pub fingerprint: Fingerprint,
    /// Documents searched.
    pub documents: usize,
    /// Set when this is a sample of the collection, whose figures are not those of the whole.
    pub subset: Option<Subset>,
    /// Every measure, per query and on average.
    pub report: Report,
    /// The documents retrieved, with their scores. Not serialized.
    #[serde(skip)]
    pub run: Run,
}

impl Evaluation {
    /// The means by measure, in the order of [`Measure`].
    pub fn means(&self) -> BTreeMap<Measure, f64> {
        self.report.means().collect()
    }

    /// The means by the name of the measure (`"ndcg@10"`), as a training loop reports them.
    pub fn metrics(&self) -> BTreeMap<String, f64> {
        self.report.means().map(|(measure, mean)| (measure.to_string(), mean)).collect()
    }
}

/// How much of a collection a sample holds. Fewer documents make search easier: figures of a
/// sample are higher than those of the whole and comparable only with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Subset {
    /// Queries in the sample.
    pub queries: usize,
    /// Judged queries in the whole collection.
    pub of_queries: usize,
    /// Documents in the sample, every judged one of its queries included.
    pub documents: usize,
    /// Documents in the whole collection.
    pub of_documents: usize,
    /// Seed of the sample.
    pub seed: u64,
}
