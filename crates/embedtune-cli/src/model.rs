//! Loads the model that the flags name.

use anyhow::{Context, Result, bail};
use embedtune_encoder::{EmbeddingModel, Precision};

use crate::{
    args::{ModelArgs, PrecisionArgs},
    model_source::{self, ModelSource, SourceSettings},
    progress::Console,
};

/// A model that is ready to run, and its name for reports.
pub(crate) struct LoadedModel {
    pub(crate) model: EmbeddingModel,
    pub(crate) name: String,
}

/// Finds and loads the model, with the maximum length and the precision that were asked for.
pub(crate) fn load(args: &ModelArgs, console: Console) -> Result<LoadedModel> {
    let source = find(&args.model, console)?;
    let model = load_from(&source, args.max_seq_len, args.precision)?;
    Ok(LoadedModel { model, name: source.name })
}

/// Loads a model that was found.
pub(crate) fn load_from(
    source: &ModelSource,
    max_seq_len: Option<usize>,
    precision: PrecisionArgs,
) -> Result<EmbeddingModel> {
    let mut model = EmbeddingModel::load(&source.path)?;
    if let Some(tokens) = max_seq_len {
        model
            .set_max_seq_len(tokens)
            .with_context(|| format!("{}: --max-seq-len {tokens}", source.path.display()))?;
    }
    let PrecisionArgs { precision } = precision;
    model.set_precision(precision).with_context(|| {
        format!("--precision {precision} does not work here; use --precision f32 or auto")
    })?;
    Ok(model)
}

/// Finds the model without loading it.
pub(crate) fn find(model: &str, console: Console) -> Result<ModelSource> {
    model_source::resolve(model, &SourceSettings::from_env(), &|line| console.line(line))
}

/// Refuses a precision that cannot train, before anything is read for it.
pub(crate) fn check_trains(precision: PrecisionArgs) -> Result<()> {
    match precision.precision {
        Precision::Int8 => bail!(
            "--precision int8: 8-bit integers encode but cannot be trained; train with --precision \
             auto, bf16 or f32, and encode the result with int8"
        ),
        _ => Ok(()),
    }
}
