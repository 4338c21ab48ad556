/// What can go wrong in a loss.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LossError {
    /// A list has the wrong length, or an index points outside (`got` is then `usize::MAX`).
    #[error("{what}: expected {expected}, got {got}")]
    Shape {
        /// Which input.
        what: &'static str,
        /// Expected length.
        expected: usize,
        /// Length found.
        got: usize,
    },
    /// The batch lacks something the loss needs.
    #[error("loss {loss} needs {needs}, and example {example} of the batch has none")]
    Missing {
        /// Name of the loss.
        loss: &'static str,
        /// What it needs, e.g. `a label`.
        needs: &'static str,
        /// First example without it.
        example: usize,
    },
    /// A parameter of a loss is out of its range.
    #[error("{name} = {value} is out of range: {expected}")]
    Config {
        /// Name of the setting.
        name: &'static str,
        /// Its value.
        value: f64,
        /// What is allowed.
        expected: &'static str,
    },
    /// Settings of a loss do not go together.
    #[error("{setting}: {expected}")]
    Conflict {
        /// The setting to change.
        setting: &'static str,
        /// What is required.
        expected: &'static str,
    },
    /// No loss has this name.
    #[error("there is no loss `{name}`; choose one of {}", known.join(", "))]
    Unknown {
        /// The name given.
        name: String,
        /// Names of all losses.
        known: &'static [&'static str],
    },
    /// A number of the batch is out of its range.
    #[error("{what} of example {example} is {value}, expected {expected}")]
    Value {
        /// Which number, e.g. `label`.
        what: &'static str,
        /// Example of the batch.
        example: usize,
        /// Its value.
        value: f64,
        /// What is allowed.
        expected: &'static str,
    },
    /// A closure's result does not depend on the embeddings, or an operation in it has no
    /// backward pass.
    #[error(
        "loss {loss} has no gradient by the embeddings: compose it of differentiable operations \
         (fused ones such as candle_nn::ops::softmax_last_dim cut the gradient)"
    )]
    NoGradient {
        /// Name of the loss.
        loss: String,
    },
    /// A checkpoint holds state that the loss does not know, or lacks some.
    #[error("state `{name}` does not belong to loss {loss}")]
    State {
        /// Name of the loss.
        loss: String,
        /// Name of the entry.
        name: String,
    },
    /// A tensor operation failed.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
}
