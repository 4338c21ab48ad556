//! Loads the model that the flags name.

use anyhow::{Context, Result, bail};
use embedtune_encoder::EmbeddingModel;

use crate::{
    args::{ModelArgs, Precision},
    model_source::{self, ModelSource, SourceSettings},
    progress::Console,
};

/// A model that is ready to run, and its name for reports.
pub(crate) struct LoadedModel {
    pub(crate) model: EmbeddingModel,
    pub(crate) name: String,
}

/// Finds and loads the model, with the maximum length that was asked for.
pub(crate) fn load(args: &ModelArgs, console: Console) -> Result<LoadedModel> {
    check_precision(args.precision)?;
    let source = find(&args.model, console)?;
    let mut model = EmbeddingModel::load(&source.path)?;
    if let Some(tokens) = args.max_seq_len {
        model
            .set_max_seq_len(tokens)
            .with_context(|| format!("{}: --max-seq-len {tokens}", source.path.display()))?;
    }
    Ok(LoadedModel { model, name: source.name })
}

/// Finds the model without loading it.
pub(crate) fn find(model: &str, console: Console) -> Result<ModelSource> {
    model_source::resolve(model, &SourceSettings::from_env(), &|line| console.line(line))
}

/// Refuses a precision that this build does not have instead of taking another in silence.
pub(crate) fn check_precision(precision: Precision) -> Result<()> {
    if precision == Precision::Bf16 {
        bail!(
            "--precision bf16: this build computes in f32 only; use --precision f32 or --precision \
             auto"
        );
    }
    Ok(())
}
