//! Loads the model that the flags name, and runs it over a corpus.

use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result, bail};
use embedtune_data::{Corpus, Embed, Embeddings, Role};
use embedtune_encoder::{EmbeddingModel, Precision};
use embedtune_index::ExactIndex;

use crate::{
    args::{ModelArgs, PrecisionArgs},
    interrupt,
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

/// Vectors of all documents, ready to be searched, with a bar.
pub(crate) fn index(
    model: &EmbeddingModel,
    corpus: &Corpus,
    stop: &AtomicBool,
    console: Console,
) -> Result<ExactIndex> {
    /// Documents that are embedded between two movements of the bar.
    const CHUNK: usize = 512;
    let bar = console.bar("documents", corpus.len() as u64);
    let mut vectors = Vec::with_capacity(corpus.len() * model.dim());
    for (done, chunk) in (1..).zip(corpus.texts().chunks(CHUNK)) {
        interrupt::check(stop)?;
        let chunk: Vec<&str> = chunk.iter().map(String::as_str).collect();
        vectors.extend(model.embed(&chunk, Role::Document)?.into_vec());
        bar.set((done * CHUNK as u64).min(corpus.len() as u64), "embedded");
    }
    bar.finish();
    Ok(ExactIndex::new(Embeddings::new(model.dim(), vectors), model.fingerprint())?)
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
