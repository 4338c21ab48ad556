//! Retrieval on the dev split as an evaluator of the training loop: training and evaluation do not
//! know each other, this program joins them.

use std::{collections::BTreeMap, error::Error};

use embedtune_encoder::EmbeddingModel;
use embedtune_eval::RetrievalEvaluator;
use embedtune_train::Evaluator;

/// Evaluates the model under training on (a sample of) the dev split.
pub(crate) struct DevRetrieval {
    pub(crate) evaluator: RetrievalEvaluator,
}

impl Evaluator for DevRetrieval {
    fn metric_names(&self) -> Vec<String> {
        self.evaluator.config().measures.iter().map(ToString::to_string).collect()
    }

    fn evaluate(
        &mut self,
        model: &EmbeddingModel,
    ) -> Result<BTreeMap<String, f64>, Box<dyn Error + Send + Sync>> {
        Ok(self.evaluator.evaluate(model)?.metrics())
    }
}
