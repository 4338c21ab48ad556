//! What is known before the first step: counts, truncation, duplicates, overlap of the splits, and
//! what the run will need.

use std::time::Instant;

use anyhow::Result;
use embedtune_data::{CheckReport, Dataset, Role, Severity, TextId};
use embedtune_encoder::{EmbeddingModel, PackedBatch, Precision, Tokens};
use embedtune_eval::TextLengths;
use serde::Serialize;

use crate::{
    check_cache::{CheckCache, Key},
    progress::{Console, duration, thousands},
};

/// Texts of each side that are tokenized for lengths: enough for a rate, quick on any data.
const SAMPLE_TEXTS: usize = 2_000;
/// Tokens of the passes that measure speed: what they tell is a first guess, and the first step
/// waits for them.
const WARM_UP_TOKENS: usize = 128;
/// Time that a token takes in training over that in a forward pass: for each matrix product there,
/// the backward pass has two.
const TRAINING_SHARE: f64 = 3.0;
/// Memory beside weights and activations: the program, its tokenizer, the texts of a usual data set.
const BASE_BYTES: usize = 64 << 20;

/// The report before the first step.
#[derive(Debug, Serialize)]
pub(crate) struct Preflight {
    pub(crate) check: CheckReport,
    /// Rows to train on.
    pub(crate) training_rows: usize,
    /// Tokens of one pass over the data.
    pub(crate) tokens_per_epoch: u64,
    /// Optimizer steps of the run.
    pub(crate) steps: u64,
    /// Memory at the peak, in MiB.
    pub(crate) estimated_memory_mb: f64,
    /// Time of all steps.
    pub(crate) estimated_seconds: f64,
    /// Lengths of the texts, for the report.
    #[serde(skip)]
    pub(crate) lengths: Vec<TextLengths>,
}

/// Parts of a run that its needs depend on.
pub(crate) struct Plan {
    pub(crate) steps: u64,
    pub(crate) epochs: f64,
    pub(crate) batch_size: usize,
    /// Tokens that are kept at a time, where gradient caching bounds them; else a whole batch is.
    pub(crate) kept_tokens: Option<usize>,
}

impl Preflight {
    /// Looks at `dataset` with the eyes of `model`. `check` is what is known of the data already,
    /// and the lengths of its texts are in `cache` if the model saw them before.
    pub(crate) fn new(
        model: &EmbeddingModel,
        dataset: &Dataset,
        mut check: CheckReport,
        plan: &Plan,
        cache: &CheckCache,
    ) -> Result<Self> {
        let queries = lengths(model, dataset, Role::Query, cache)?;
        let documents = lengths(model, dataset, Role::Document, cache)?;
        let max_tokens = model.max_seq_len();
        let sides = [(Role::Query, &queries), (Role::Document, &documents)];
        for (role, lengths) in sides {
            check.add_truncation(role, lengths, max_tokens);
        }
        let lengths = sides.map(|(role, lengths)| TextLengths::of(role, lengths, max_tokens));
        let documents_in_rows: usize = dataset.rows.iter().map(|row| 1 + row.negatives.len()).sum();
        let tokens_per_epoch = dataset.len() as f64 * mean(&queries, max_tokens)
            + documents_in_rows as f64 * mean(&documents, max_tokens);
        let speed = first_speed(model, dataset)?;
        let batch_tokens = tokens_per_epoch / dataset.len() as f64 * plan.batch_size as f64;
        let kept_tokens = (batch_tokens as usize).min(plan.kept_tokens.unwrap_or(usize::MAX));
        Ok(Self {
            check,
            training_rows: dataset.len(),
            tokens_per_epoch: tokens_per_epoch as u64,
            steps: plan.steps,
            estimated_memory_mb: memory_mb(model, kept_tokens),
            estimated_seconds: tokens_per_epoch * plan.epochs / speed,
            lengths: lengths.into(),
        })
    }

    /// Shows the report.
    pub(crate) fn show(&self, console: Console) {
        let check = &self.check;
        console.line(&format!(
            "{}: {} rows to train on; {} queries and {} documents in all",
            check.name,
            thousands(self.training_rows),
            thousands(check.queries),
            thousands(check.documents)
        ));
        for side in &check.truncation {
            let name = if side.role == Role::Query { "queries" } else { "documents" };
            console.line(&format!(
                "{name}: {:.0} tokens on average, {} at the 95th percentile; {:.1} % are cut to {}",
                side.tokens.mean,
                side.tokens.p95,
                100.0 * side.rate,
                side.max_tokens
            ));
        }
        for finding in &check.findings {
            let mark = match finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                _ => "note",
            };
            console.line(&format!("{mark}: {finding}"));
        }
        console.line(&format!(
            "{} steps, {} tokens an epoch; about {} and {:.1} GB of memory",
            thousands(self.steps as usize),
            thousands(self.tokens_per_epoch as usize),
            duration(self.estimated_seconds),
            self.estimated_memory_mb / 1024.0
        ));
    }
}

/// Up to [`SAMPLE_TEXTS`] texts of one side, evenly spread over the rows.
fn sample(dataset: &Dataset, role: Role) -> Vec<TextId> {
    let stride = dataset.len().div_ceil(SAMPLE_TEXTS).max(1);
    let rows = dataset.rows.iter().step_by(stride);
    match role {
        Role::Query => rows.map(|row| row.anchor).collect(),
        Role::Document => rows.map(|row| row.positive).collect(),
    }
}

fn tokenize(
    model: &EmbeddingModel,
    dataset: &Dataset,
    texts: &[TextId],
    role: Role,
) -> Result<Vec<Tokens>> {
    let texts: Vec<&str> = texts.iter().map(|&id| dataset.texts.text(id)).collect();
    Ok(model.tokenize(&texts, role)?)
}

/// Lengths in tokens, before any cut, of a sample of the texts of one side.
fn lengths(
    model: &EmbeddingModel,
    dataset: &Dataset,
    role: Role,
    cache: &CheckCache,
) -> Result<Vec<usize>> {
    let texts = sample(dataset, role);
    let side = format!("{role:?}");
    let mut parts = vec![model.fingerprint().0.into_bytes(), side.into_bytes()];
    parts.extend(texts.iter().map(|&id| dataset.texts.hash(id).0.to_le_bytes().to_vec()));
    cache.get_or(&Key::new("lengths", parts), || {
        let tokens = tokenize(model, dataset, &texts, role)?;
        Ok(tokens.iter().map(|text| text.full_len as usize).collect())
    })
}

/// Mean of the lengths after the cut.
fn mean(lengths: &[usize], max_tokens: usize) -> f64 {
    let cut: usize = lengths.iter().map(|&length| length.min(max_tokens)).sum();
    cut as f64 / lengths.len().max(1) as f64
}

/// Tokens per second in training on a query and document or a few.
fn first_speed(model: &EmbeddingModel, dataset: &Dataset) -> Result<f64> {
    let side = |role| {
        let texts = sample(dataset, role);
        tokenize(model, dataset, &texts[..texts.len().min(8)], role)
    };
    let (queries, documents) = (side(Role::Query)?, side(Role::Document)?);
    let mixed = queries.iter().zip(&documents).flat_map(|(query, document)| [query, document]);
    let batch = pack(mixed, WARM_UP_TOKENS);
    // The first pass readies the engine, which the first step needs as well.
    model.embed_batch(&batch, None)?;
    let started = Instant::now();
    model.embed_batch(&batch, None)?;
    Ok(batch.num_tokens() as f64 / started.elapsed().as_secs_f64().max(1e-6) / TRAINING_SHARE)
}

/// Texts until there are at least `tokens` tokens.
fn pack<'a>(texts: impl Iterator<Item = &'a Tokens>, tokens: usize) -> PackedBatch {
    let mut batch = PackedBatch::new();
    for (slot, text) in (0..).zip(texts) {
        batch.push(text, slot);
        if batch.num_tokens() >= tokens {
            break;
        }
    }
    batch
}

/// Tokens per second of a forward and a backward pass over some `tokens` tokens, measured.
pub(crate) fn speed<'a>(
    model: &EmbeddingModel,
    texts: impl Iterator<Item = &'a Tokens>,
    tokens: usize,
) -> Result<f64> {
    let batch = pack(texts, tokens);
    let mut gradients = vec![0.0; model.parameters().trainable().len()];
    let started = Instant::now();
    let (embeddings, tape) = model.forward(&batch, None)?;
    model.backward(tape, &vec![1.0; embeddings.len()], &mut gradients)?;
    Ok(batch.num_tokens() as f64 / started.elapsed().as_secs_f64().max(1e-6))
}

/// Weights, gradients, two moments and one copy of the best; the weights of linear layers, packed; and what is kept of a batch and worked in, in the format of the products.
fn memory_mb(model: &EmbeddingModel, tokens: usize) -> f64 {
    let spec = &model.spec().transformer;
    let (size, inner) = (spec.hidden_size, spec.intermediate_size);
    let layers = model.spec().names.layers.len();
    let value = if model.precision() == Precision::F32 { 4 } else { 2 };
    let weights = model.parameters().trainable().len() * 4 * 5;
    let packed = value * layers * (4 * size * size + 2 * size * inner);
    // Of each block: projections, context, two norms, input of the activation. The rest is one
    // block's gradients and the residual.
    let kept = value * (layers * (6 * size + inner) + size);
    let working = value * (2 * size + inner) + 4 * size;
    (BASE_BYTES + weights + packed + tokens * (kept + working)) as f64 / f64::from(1 << 20)
}
