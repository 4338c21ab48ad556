use std::{error::Error, io, path::PathBuf};

use embedtune_encoder::EncoderError;
use embedtune_losses::LossError;

/// What can go wrong in a training run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A setting is out of its range.
    #[error("{name} = {value}: expected {expected}")]
    Setting {
        /// Name of the setting.
        name: &'static str,
        /// Its value.
        value: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// There is nothing to learn from.
    #[error("{dataset}: no rows to train on")]
    NoRows {
        /// Name of the dataset.
        dataset: String,
    },
    /// The sampler makes no batch of the dataset.
    #[error(
        "{dataset}: no batch of {rows} rows in epoch {epoch}; use a smaller batch or keep batches \
         that are not full"
    )]
    NoBatches {
        /// Name of the dataset.
        dataset: String,
        /// Its rows.
        rows: usize,
        /// Epoch without a batch, from 0.
        epoch: u64,
    },
    /// The sampler names a row that the dataset does not have.
    #[error("{dataset}: the sampler names row {row} of {rows}; it belongs to other data")]
    UnknownRow {
        /// Name of the dataset.
        dataset: String,
        /// Its rows.
        rows: usize,
        /// The row number, from 0.
        row: u32,
    },
    /// Some rows have a label and this one has none.
    #[error("{dataset}, row {row}: no label, though other rows have one; label every row or none")]
    MissingLabel {
        /// Name of the dataset.
        dataset: String,
        /// Row number, from 0.
        row: usize,
    },
    /// Every weight of the model is frozen, and the loss has none.
    #[error("every weight is frozen, so there is nothing to train; freeze fewer layers")]
    NothingToTrain,
    /// No evaluator reports the metric that decides which weights are best.
    #[error(
        "no evaluator reports `{metric}`; {}",
        if known.is_empty() { "add an evaluator that does".to_owned() }
        else { format!("choose one of {}", known.join(", ")) }
    )]
    UnknownMetric {
        /// The name asked for.
        metric: String,
        /// Names that are reported.
        known: Vec<String>,
    },
    /// Two evaluators report the same metric, and only one could be logged.
    #[error("two evaluators report `{metric}`; leave one out or rename its metric")]
    DuplicateMetric {
        /// The name of both.
        metric: String,
    },
    /// An evaluation lacks a metric that its evaluator announced.
    #[error("the evaluation after step {step} lacks `{metric}`, which its evaluator announced")]
    MetricMissing {
        /// The metric.
        metric: String,
        /// Steps done.
        step: u64,
    },
    /// An evaluator failed.
    #[error("evaluation after step {step}: {source}")]
    Evaluator {
        /// Steps done.
        step: u64,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The loss or the gradient is NaN or infinite. Weights were not touched by this batch.
    #[error(
        "{what} is {value} at step {step}; the batch holds rows {rows:?} of {dataset}; {}",
        match checkpoint {
            Some(path) => format!("the last good checkpoint is {}", path.display()),
            None => "no checkpoint was written before".to_owned(),
        }
    )]
    NonFinite {
        /// `loss` or `norm of the gradient`.
        what: &'static str,
        /// NaN or an infinity.
        value: f64,
        /// Number of the step, from 1.
        step: u64,
        /// Name of the dataset.
        dataset: String,
        /// Row numbers of the batch, from 0.
        rows: Vec<u32>,
        /// Newest checkpoint of the run.
        checkpoint: Option<PathBuf>,
    },
    /// An embedding is NaN or infinite. Weights were not touched by this batch.
    #[error(
        "step {step}, rows {rows:?} of {dataset}: {source}; {}",
        match checkpoint {
            Some(path) => format!("the last good checkpoint is {}", path.display()),
            None => "no checkpoint was written before".to_owned(),
        }
    )]
    Diverged {
        /// Number of the step, from 1.
        step: u64,
        /// Name of the dataset.
        dataset: String,
        /// Row numbers of the batch, from 0.
        rows: Vec<u32>,
        /// Newest checkpoint of the run.
        checkpoint: Option<PathBuf>,
        /// Which weight is broken, or that a sum overflowed.
        source: Box<EncoderError>,
    },
    /// The loss refuses a batch.
    #[error("step {step}, rows {rows:?} of {dataset}: {source}")]
    Loss {
        /// Number of the step, from 1.
        step: u64,
        /// Name of the dataset.
        dataset: String,
        /// Row numbers of the batch, from 0, in the order of its examples.
        rows: Vec<u32>,
        /// Why.
        source: Box<LossError>,
    },
    /// A loss returned another number of values than it was given.
    #[error("loss {loss}: {what}: expected {expected}, got {got}")]
    LossShape {
        /// Name of the loss.
        loss: String,
        /// Which result.
        what: &'static str,
        /// Expected number.
        expected: usize,
        /// Number found.
        got: usize,
    },
    /// A file cannot be read or written (a full disk, say).
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A new run was pointed at the checkpoints of another.
    #[error(
        "{} holds checkpoints of an earlier run; resume it or choose another output directory",
        path.display()
    )]
    OutputInUse {
        /// The output directory.
        path: PathBuf,
    },
    /// There is no whole checkpoint to resume from.
    #[error("{}: no whole checkpoint here; start the run anew", path.display())]
    NoCheckpoint {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A checkpoint is not whole: cut short, changed, or of another format.
    #[error("{}: damaged checkpoint ({reason}); resume from an older one", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: &'static str,
    },
    /// The run to be resumed was another one.
    #[error(
        "{}: cannot resume: {what} was {saved} and is now {given}; start anew or restore it",
        path.display()
    )]
    Changed {
        /// The checkpoint.
        path: PathBuf,
        /// What differs: a setting, the dataset, the model, the loss.
        what: String,
        /// Value in the checkpoint.
        saved: String,
        /// Value now.
        given: String,
    },
    /// The loss refuses its saved state.
    #[error("{}: {source}; was it written with another loss?", path.display())]
    LossState {
        /// The checkpoint.
        path: PathBuf,
        /// Why.
        source: Box<LossError>,
    },
    /// State of an optimizer does not fit the parameters.
    #[error("state `{name}` of optimizer {optimizer}: expected {expected} values, got {got}")]
    OptimizerState {
        /// Name of the optimizer.
        optimizer: &'static str,
        /// Name of the buffer.
        name: String,
        /// Values expected.
        expected: usize,
        /// Values found.
        got: usize,
    },
    /// The model failed.
    #[error(transparent)]
    Encoder(#[from] EncoderError),
    /// A tensor operation failed.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
}

impl TrainError {
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
