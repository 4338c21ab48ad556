//! Flags that every command with a model shares.

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use embedtune_encoder::Precision;

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
    #[command(flatten)]
    pub(crate) precision: PrecisionArgs,
}

/// How numbers are computed.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct PrecisionArgs {
    /// Number format of matrix products: int8 encodes but does not train; auto is the fastest that
    /// trains and encodes as well as f32 on this processor
    #[arg(long, value_name = "FORMAT", default_value_t = Precision::Auto, value_parser = precisions())]
    pub(crate) precision: Precision,
}

fn precisions() -> impl TypedValueParser<Value = Precision> {
    PossibleValuesParser::new(Precision::NAMES).try_map(|name| name.parse::<Precision>())
}
