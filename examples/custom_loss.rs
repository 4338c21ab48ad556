//! An objective of your own: alignment and uniformity (Wang and Isola, *Understanding contrastive
//! representation learning through alignment and uniformity on the hypersphere*, 2020).
//!
//! ```sh
//! cargo run --release -p embedtune-examples --example custom_loss -- MODEL [BEIR_DIR]
//! ```
//!
//! prints, for all-MiniLM-L6-v2 and the built-in handbook,
//!
//! ```text
//! loss -0.194 → -1.210
//! Fine-tuning made the search better.
//! nDCG@10 went from 0.4228 to 0.8968 (+112.1 %) over 24 queries, p < 0.001: a difference of
//!   this size is not chance at the level 0.05.
//! ```
//!
//! A loss sees embeddings and how they relate, never texts or models; so this one works with every
//! encoder and with gradient caching.

#![allow(clippy::print_stdout)]

mod arguments;
mod handbook;

use anyhow::Context as _;
use candle_core::{D, Tensor};
use embedtune::{
    data::{DatasetBuilder, Split},
    losses::{FnLoss, LossBatch, LossError},
    prelude::*,
};

/// `mean |a − p|²` over the pairs, plus `log mean exp(−2 |x − y|²)` over all pages of the batch:
/// draws each question to its page, and all pages apart.
///
/// Plain candle operations only: fused ones, `softmax_last_dim` for example, have no backward pass
/// and would cut the gradient without an error.
fn align_and_spread(embeddings: &Tensor, batch: &LossBatch) -> Result<Tensor, LossError> {
    let device = embeddings.device();
    let rows = |rows: &[u32]| embeddings.index_select(&Tensor::new(rows, device)?, 0);
    let first = |relation: &embedtune::losses::Relation| relation.positives[0] as usize;
    let positives: Vec<u32> =
        batch.relations.iter().map(|relation| batch.candidates[first(relation)]).collect();
    let (anchors, pages) = (rows(&batch.anchors)?, rows(&positives)?);
    let alignment = (&anchors - &pages)?.sqr()?.sum(D::Minus1)?.mean_all()?;

    // For vectors of length 1, |x − y|² = 2 − 2 x·y.
    let products = pages.matmul(&pages.t()?)?;
    let squares = products.affine(-2.0, 2.0)?;
    let uniformity = squares.affine(-2.0, 0.0)?.exp()?.mean_all()?.log()?;
    Ok((alignment + uniformity)?)
}

fn main() -> anyhow::Result<()> {
    let model = EmbeddingModel::load(arguments::model_dir()?)?;
    let data = handbook::data()?;
    let train = data.qrels(Split::Train).context("the data has no train split")?;
    let test = data.qrels(Split::Test).context("the data has no test split")?;
    let (pairs, _) = DatasetBuilder::new(&data.corpus, &data.queries, train).build(&*data.name)?;
    let evaluator = RetrievalEvaluator::new(
        data.corpus.clone(),
        &data.queries,
        test.clone(),
        RetrievalConfig::default(),
    )?;
    let before = evaluator.evaluate(&model)?;

    // A closure is enough for an objective without parameters. One that has them (a temperature
    // that is learned, say) or keeps a queue implements the trait `Loss`.
    let loss = Box::new(FnLoss::new("align_and_spread", align_and_spread));
    let sampler = Box::new(NoDuplicatesSampler::new(12));
    let config = TrainConfig::default().with_epochs(8.0).with_learning_rate(4e-5);
    let outcome = Trainer::new(model, pairs, loss, sampler, config)?.run()?;

    let first = outcome.losses.first().copied().unwrap_or(f64::NAN);
    println!("loss {first:.3} → {:.3}", outcome.final_loss().unwrap_or(f64::NAN));
    let after = evaluator.evaluate(&outcome.model)?;
    let comparison = evaluator.compare(&before, &after, &Default::default())?;
    println!("{}\n{}", comparison.headline_sentence(), comparison.explanation());
    Ok(())
}
