//! Settings of a run.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{Every, OptimizerConfig, Schedule, TrainError, Warmup};

/// Settings of a [`Trainer`](crate::Trainer). The batch size is the sampler's and the maximum
/// length the model's.
///
/// ```
/// use embedtune_train::{TrainConfig, Warmup};
///
/// let config = TrainConfig::default().with_epochs(2.0).with_warmup(Warmup::Steps(50));
/// assert_eq!(config.learning_rate, 2e-5);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TrainConfig {
    /// Passes over the data; a fraction stops within the last one. Default 1: fine-tuning of a
    /// trained encoder gains most in its first pass.
    pub epochs: f64,
    /// Ends the run after this many optimizer steps, whatever `epochs` says. Default none.
    pub max_steps: Option<u64>,
    /// Batches whose gradients are averaged in one optimizer step. It does not enlarge the pool of
    /// in-batch negatives. Default 1.
    pub gradient_accumulation: usize,
    /// Highest learning rate. Default 2e-5, what published recipes for small encoders use.
    pub learning_rate: f64,
    /// Steps in which the learning rate rises from 0. Default 0.1, a tenth of the run.
    pub warmup: Warmup,
    /// What the learning rate does afterwards. Default linear, to 0.
    pub schedule: Schedule,
    /// The optimizer. Default AdamW with weight decay 0.01, on matrices only.
    pub optimizer: OptimizerConfig,
    /// Longest gradient, as a Euclidean norm over all trained weights; longer ones are scaled
    /// down. `None` clips nothing. Default 1.
    pub max_grad_norm: Option<f64>,
    /// Dropout on hidden values and attention probabilities, in `[0, 1)`. Default `None`: what the
    /// model was pretrained with.
    pub dropout: Option<f32>,
    /// Freezes the embedding tables and this many lowest blocks. Default 0, which leaves the
    /// model's own choice of frozen weights.
    pub freeze_layers: usize,
    /// Tells the loss which documents of a batch are no negatives of an example: the same document
    /// as its positive, and other known positives of its anchor. Default true.
    pub mask_false_negatives: bool,
    /// Most tokens in one call of the engine, at least 1; a single longer text is a call of its
    /// own. A batch is cut into as few calls as it needs, alike in length within and about equally
    /// large. Results do not depend on it beyond rounding. With `gradient_caching` it bounds the
    /// memory of a step; without, that of its working buffers only. Default 16,384: large enough to
    /// keep every core busy.
    pub micro_tokens: usize,
    /// Bounds the memory of a batch by that of `micro_tokens`: texts are embedded first without a
    /// record, and run again one call at a time for their gradients, with the same dropout (Gao et
    /// al., *Scaling deep contrastive learning batch size under memory limited setup*, 2021). The
    /// same result to the bit, for any loss, for one more forward pass of all calls but one.
    /// Default false.
    pub gradient_caching: bool,
    /// Seed of sampling and dropout. Default 42.
    pub seed: u64,
    /// Steps between lines of the metrics log. Default 1: a line is cheap next to a step.
    pub log_every: u64,
    /// When evaluators run; they also run after the last step. Default after each epoch.
    pub eval_every: Every,
    /// Evaluates before the first step too, so that the weights given count as the best until
    /// training improves on them. Default false.
    pub eval_at_start: bool,
    /// Metric (higher is better) by which the best weights are kept and handed back in the end.
    /// Default none: the last weights are.
    pub best_metric: Option<String>,
    /// Ends the run when `best_metric` no longer improves. Default none.
    pub early_stopping: Option<EarlyStopping>,
    /// Where checkpoints and the metrics log (`metrics.jsonl`) go. Default none: neither is
    /// written.
    pub output_dir: Option<PathBuf>,
    /// When a checkpoint is written. Default none: only when the run is interrupted.
    pub checkpoint_every: Option<Every>,
    /// Most checkpoints on disk: the newest ones and the best. Default 2, so that one is whole
    /// whatever happens to the other; `None` keeps all.
    pub checkpoint_limit: Option<usize>,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            epochs: 1.0,
            max_steps: None,
            gradient_accumulation: 1,
            learning_rate: 2e-5,
            warmup: Warmup::Ratio(0.1),
            schedule: Schedule::Linear,
            optimizer: OptimizerConfig::default(),
            max_grad_norm: Some(1.0),
            dropout: None,
            freeze_layers: 0,
            mask_false_negatives: true,
            micro_tokens: 16_384,
            gradient_caching: false,
            seed: 42,
            log_every: 1,
            eval_every: Every::Epoch,
            eval_at_start: false,
            best_metric: None,
            early_stopping: None,
            output_dir: None,
            checkpoint_every: None,
            checkpoint_limit: Some(2),
        }
    }
}

/// Ends a run when the best metric no longer improves.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct EarlyStopping {
    /// Evaluations in a row without improvement after which the run ends. Default 3.
    pub patience: u64,
    /// A rise of the metric up to this much is no improvement. Default 0.
    pub min_delta: f64,
}

impl Default for EarlyStopping {
    fn default() -> Self {
        Self { patience: 3, min_delta: 0.0 }
    }
}

impl EarlyStopping {
    /// Stops after `patience` evaluations without improvement.
    pub fn new(patience: u64) -> Self {
        Self { patience, ..Self::default() }
    }

    /// Sets [`min_delta`](Self::min_delta).
    #[must_use]
    pub fn with_min_delta(self, min_delta: f64) -> Self {
        Self { min_delta, ..self }
    }
}

/// `with_*` setters of the fields named.
macro_rules! setters {
    ($($setter:ident $field:ident: $type:ty),* $(,)?) => {
        impl TrainConfig {
            $(
                #[doc = concat!("Sets [`", stringify!($field), "`](Self::", stringify!($field), ").")]
                #[must_use]
                pub fn $setter(mut self, $field: $type) -> Self {
                    self.$field = $field;
                    self
                }
            )*
        }
    };
}

setters! {
    with_epochs epochs: f64,
    with_max_steps max_steps: Option<u64>,
    with_gradient_accumulation gradient_accumulation: usize,
    with_learning_rate learning_rate: f64,
    with_warmup warmup: Warmup,
    with_schedule schedule: Schedule,
    with_optimizer optimizer: OptimizerConfig,
    with_max_grad_norm max_grad_norm: Option<f64>,
    with_dropout dropout: Option<f32>,
    with_freeze_layers freeze_layers: usize,
    with_mask_false_negatives mask_false_negatives: bool,
    with_micro_tokens micro_tokens: usize,
    with_gradient_caching gradient_caching: bool,
    with_seed seed: u64,
    with_log_every log_every: u64,
    with_eval_every eval_every: Every,
    with_eval_at_start eval_at_start: bool,
    with_best_metric best_metric: Option<String>,
    with_early_stopping early_stopping: Option<EarlyStopping>,
    with_output_dir output_dir: Option<PathBuf>,
    with_checkpoint_every checkpoint_every: Option<Every>,
    with_checkpoint_limit checkpoint_limit: Option<usize>,
}

impl TrainConfig {
    /// Checks every setting.
    ///
    /// # Errors
    /// [`TrainError::Setting`] for the first that is out of its range.
    pub fn validate(&self) -> Result<(), TrainError> {
        let Self { epochs, learning_rate, .. } = *self;
        let positive = |value: f64| value.is_finite() && value > 0.0;
        let at_least_1 = |name, value: u64| check(value > 0, name, value, "at least 1");
        check(positive(epochs), "epochs", epochs, "a number above 0")?;
        check(positive(learning_rate), "learning_rate", learning_rate, "a number above 0")?;
        at_least_1("max_steps", self.max_steps.unwrap_or(1))?;
        at_least_1("gradient_accumulation", self.gradient_accumulation as u64)?;
        at_least_1("micro_tokens", self.micro_tokens as u64)?;
        at_least_1("log_every", self.log_every)?;
        at_least_1("checkpoint_limit", self.checkpoint_limit.unwrap_or(1) as u64)?;
        self.warmup.validate()?;
        self.optimizer.validate()?;
        let norm = self.max_grad_norm.unwrap_or(1.0);
        check(positive(norm), "max_grad_norm", norm, "a number above 0")?;
        let dropout = self.dropout.unwrap_or(0.0);
        check((0.0..1.0).contains(&dropout), "dropout", dropout, "at least 0 and below 1")?;
        self.eval_every.validate("eval_every")?;
        self.checkpoint_every.map_or(Ok(()), |every| every.validate("checkpoint_every"))?;
        let homeless = self.checkpoint_every.is_some() && self.output_dir.is_none();
        check(!homeless, "checkpoint_every", "set", "an output_dir to write checkpoints to")?;
        self.early_stopping.map_or(Ok(()), |stopping| {
            let EarlyStopping { patience, min_delta } = stopping;
            at_least_1("early_stopping.patience", patience)?;
            check(min_delta >= 0.0, "early_stopping.min_delta", min_delta, "at least 0")?;
            let metric = self.best_metric.is_some();
            check(metric, "early_stopping", "set", "a best_metric to watch")
        })
    }

    /// Every setting by name, as it stands in a model card.
    pub fn hyperparameters(&self) -> Vec<(String, String)> {
        let set = self.fields().into_iter().filter(|(_, value)| !value.is_null());
        set.map(|(name, value)| (name, plain(&value))).collect()
    }

    /// The settings as JSON, by name.
    pub(crate) fn fields(&self) -> serde_json::Map<String, serde_json::Value> {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::Object(fields)) => fields,
            _ => unreachable!("a struct of numbers and strings is a JSON object"),
        }
    }
}

/// JSON without the quotes around a string.
pub(crate) fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

pub(crate) fn check(
    valid: bool,
    name: &'static str,
    value: impl ToString,
    expected: &'static str,
) -> Result<(), TrainError> {
    if valid { Ok(()) } else { Err(setting(name, value.to_string(), expected)) }
}

pub(crate) fn setting(name: &'static str, value: String, expected: &'static str) -> TrainError {
    TrainError::Setting { name, value, expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_a_file() {
        let config = TrainConfig::default()
            .with_warmup(Warmup::Steps(3))
            .with_eval_every(Every::Ratio(0.2))
            .with_checkpoint_every(Some(Every::Epoch))
            .with_output_dir(Some("out".into()));
        let json = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<TrainConfig>(&json).unwrap(), config);
    }

    #[test]
    fn unknown_keys_are_refused() {
        let error = serde_json::from_str::<TrainConfig>(r#"{"epoch": 1}"#).unwrap_err();
        assert!(error.to_string().contains("unknown field `epoch`"));
    }

    #[test]
    fn each_setting_is_checked() {
        let base = TrainConfig::default;
        for (name, config) in [
            ("epochs", base().with_epochs(f64::NAN)),
            ("max_steps", base().with_max_steps(Some(0))),
            ("gradient_accumulation", base().with_gradient_accumulation(0)),
            ("learning_rate", base().with_learning_rate(-1.0)),
            ("warmup", base().with_warmup(Warmup::Ratio(1.0))),
            ("max_grad_norm", base().with_max_grad_norm(Some(0.0))),
            ("dropout", base().with_dropout(Some(1.0))),
            ("micro_tokens", base().with_micro_tokens(0)),
            ("log_every", base().with_log_every(0)),
            ("eval_every", base().with_eval_every(Every::Steps(0))),
            ("checkpoint_every", base().with_checkpoint_every(Some(Every::Epoch))),
            ("checkpoint_limit", base().with_checkpoint_limit(Some(0))),
            ("early_stopping", base().with_early_stopping(Some(EarlyStopping::new(2)))),
        ] {
            let error = config.validate().unwrap_err().to_string();
            assert!(error.starts_with(name), "{name}: {error}");
        }
        base().validate().unwrap();
    }
}
