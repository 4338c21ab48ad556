//! Flags that every command with a model shares.

use clap::{Args, ValueEnum};

use crate::model_source::DEFAULT_MODEL;

/// Which model, and how it runs.
#[derive(Debug, Clone, Args)]
pub(crate) struct ModelArgs {
    /// Model directory, or model id in the Hugging Face cache or on the hub
    #[arg(long, value_name = "MODEL", default_value = DEFAULT_MODEL)]
    pub(crate) model: String,
    /// Longest text in tokens, special ones included; longer ones are cut [default: the model's]
    #[arg(long, value_name = "TOKENS")]
    pub(crate) max_seq_len: Option<usize>,
    /// Number format of the computation; auto takes the fastest that this build has
    #[arg(long, value_enum, default_value_t = Precision::Auto)]
    pub(crate) precision: Precision,
}

/// Number format of the computation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Precision {
    /// 32-bit floats
    F32,
    /// bfloat16 products with 32-bit sums
    Bf16,
    /// The fastest that this build has
    Auto,
}
