//! Measures a model while it is trained.

mod held_out;
mod in_batch_mrr;
mod triplet_accuracy;

use std::{collections::BTreeMap, error::Error};

use embedtune_encoder::EmbeddingModel;

pub use in_batch_mrr::InBatchMrr;
pub use triplet_accuracy::TripletAccuracy;

/// Measures a model during a run. Retrieval over a corpus implements it outside this crate, which
/// knows of no index; what needs only held-out rows is here.
///
/// ```
/// use std::{collections::BTreeMap, error::Error};
/// use embedtune_encoder::EmbeddingModel;
/// use embedtune_train::Evaluator;
///
/// /// Watches how long the weights grow.
/// struct WeightNorm;
///
/// impl Evaluator for WeightNorm {
///     fn metric_names(&self) -> Vec<String> {
///         vec!["weight_norm".to_owned()]
///     }
///
///     fn evaluate(
///         &mut self,
///         model: &EmbeddingModel,
///     ) -> Result<BTreeMap<String, f64>, Box<dyn Error + Send + Sync>> {
///         let squares: f64 =
///             model.parameters().trainable().iter().map(|&w| f64::from(w).powi(2)).sum();
///         Ok(BTreeMap::from([("weight_norm".to_owned(), squares.sqrt())]))
///     }
/// }
/// ```
pub trait Evaluator: Send {
    /// Names of all that [`Evaluator::evaluate`] reports, known before the first step so that a
    /// misspelt metric is refused at once.
    fn metric_names(&self) -> Vec<String>;

    /// Value of each metric.
    ///
    /// # Errors
    /// Whatever can go wrong; it ends the run.
    fn evaluate(
        &mut self,
        model: &EmbeddingModel,
    ) -> Result<BTreeMap<String, f64>, Box<dyn Error + Send + Sync>>;
}
