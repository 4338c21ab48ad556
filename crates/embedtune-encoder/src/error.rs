use std::path::PathBuf;

/// What can go wrong when a model is loaded, run or saved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncoderError {
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A directory is no model.
    #[error("{}: no {missing} here; {remedy}", path.display())]
    MissingFile {
        /// The model directory.
        path: PathBuf,
        /// File that was looked for.
        missing: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// A JSON file does not parse or lacks a field.
    #[error("{}: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// A weight file is damaged: cut short, or no safetensors at all.
    #[error("{}: not a whole safetensors file ({source}); fetch it again", path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// Why.
        source: safetensors::SafeTensorError,
    },
    /// The weight file lacks a tensor that config.json calls for.
    #[error(
        "{}: tensor `{name}` is missing; config.json and the weights are of different models",
        path.display()
    )]
    MissingTensor {
        /// The weight file or its directory.
        path: PathBuf,
        /// The tensor.
        name: String,
    },
    /// A tensor's shape is not what config.json calls for.
    #[error(
        "{}: tensor `{name}` has shape {got:?}, config.json calls for {expected:?}; they are of \
         different models",
        path.display()
    )]
    TensorShape {
        /// The weight file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// Shape by config.json.
        expected: Vec<usize>,
        /// Shape in the file.
        got: Vec<usize>,
    },
    /// A tensor's type is not a floating-point type of 16 to 64 bits.
    #[error("{}: tensor `{name}` has type {dtype}; expected F32, F16, BF16 or F64", path.display())]
    TensorType {
        /// The weight file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// Its type.
        dtype: String,
    },
    /// A weight is NaN or infinite.
    #[error(
        "{}: tensor `{name}` has a value that is not finite; the file is damaged or the training \
         that made it diverged",
        path.display()
    )]
    NotFinite {
        /// The weight file.
        path: PathBuf,
        /// The tensor.
        name: String,
    },
    /// The model needs something that is not built in.
    #[error("{}: {what} `{value}` is not supported; supported: {supported}", path.display())]
    Unsupported {
        /// The file that asks for it.
        path: PathBuf,
        /// Kind of thing, e.g. `model_type`.
        what: &'static str,
        /// What is asked for.
        value: String,
        /// What there is.
        supported: &'static str,
    },
    /// A tokenizer file does not load.
    #[error("{}: no usable tokenizer ({source}); save it again with transformers", path.display())]
    TokenizerFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The tokenizer fails on a text.
    #[error("tokenizer: {source}")]
    Tokenizer {
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A maximum length that the model cannot serve.
    #[error(
        "maximum length {requested} tokens is out of range: this model takes {min} to {max} \
         (special tokens to position table)"
    )]
    MaxSeqLen {
        /// Length asked for.
        requested: usize,
        /// Number of special tokens plus one.
        min: usize,
        /// Rows of the position table.
        max: usize,
    },
    /// A token id outside the word table: tokenizer and weights are of different models.
    #[error(
        "token id {id} is outside the vocabulary of {vocab_size}; tokenizer.json and the weights \
         are of different models"
    )]
    TokenId {
        /// The token.
        id: u32,
        /// Rows of the word table.
        vocab_size: usize,
    },
    /// A buffer has the wrong length.
    #[error("{what}: expected {expected} values, got {got}")]
    Length {
        /// Which buffer.
        what: &'static str,
        /// Expected length.
        expected: usize,
        /// Length found.
        got: usize,
    },
    /// The output directory exists already.
    #[error("{} exists; choose another output or remove it", path.display())]
    OutputExists {
        /// The directory.
        path: PathBuf,
    },
    /// A tape was handed to an engine that did not record it.
    #[error("the tape was recorded by another engine than `{engine}`")]
    ForeignTape {
        /// Engine that was given the tape.
        engine: &'static str,
    },
    /// An engine cannot compute in a number format, or not what was asked of it.
    #[error("engine `{engine}` does not compute in {precision}; supported: {supported}")]
    Precision {
        /// The engine.
        engine: &'static str,
        /// The format.
        precision: crate::Precision,
        /// Formats that work.
        supported: &'static str,
    },
    /// An embedding is NaN or infinite, as is a weight of the model.
    #[error(
        "the embedding of text {text} (from 0) is not finite, because weight `{weight}` is not: the \
         model is damaged or its training diverged; load it again, or go back to an earlier \
         checkpoint and train with a lower learning rate"
    )]
    BrokenWeight {
        /// Number of the text in its call, from 0.
        text: usize,
        /// First weight that is not finite.
        weight: String,
    },
    /// An embedding is NaN or infinite although every weight is finite.
    #[error(
        "the embedding of text {text} (from 0) is not finite although every weight is: a sum \
         overflowed in {precision}; the weights are too large, as after a training that diverged, \
         or the model needs f32"
    )]
    Overflow {
        /// Number of the text in its call, from 0.
        text: usize,
        /// Format that was computed in.
        precision: crate::Precision,
    },
    /// A tensor operation failed.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
}

impl EncoderError {
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }

    pub(crate) fn json(path: impl Into<PathBuf>) -> impl FnOnce(serde_json::Error) -> Self {
        let path = path.into();
        move |source| Self::Json { path, source }
    }
}
