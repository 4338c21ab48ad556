//! Measures how well a model finds documents, next to BM25, and tests the difference.
//!
//! ```sh
//! cargo run --release -p embedtune-examples --example evaluate_retrieval -- MODEL [BEIR_DIR]
//! ```
//!
//! prints, for all-MiniLM-L6-v2 and the built-in handbook,
//!
//! ```text
//! handbook: 12 documents, 24 questions
//! measure           BM25   model
//! ndcg@10         0.0000  0.4228
//! recall@10       0.0000  0.9167
//! mrr@10          0.0000  0.2761
//! …
//! ndcg@10        +0.4228, p = 0.0001
//! recall@10      +0.9167, p = 0.0001
//!   +1.000  undo the last kestrel
//!   +1.000  brick was stolen
//! ```
//!
//! Neither does well: the questions use names that the pages do not mention. `finetune_pairs`
//! changes that.

#![allow(clippy::print_stdout)]

mod arguments;
mod handbook;

use anyhow::Context as _;
use embedtune::{data::Split, eval::CompareConfig, prelude::*};

fn main() -> anyhow::Result<()> {
    let model = EmbeddingModel::load(arguments::model_dir()?)?;
    let data = handbook::data()?;
    let test = data.qrels(Split::Test).context("the data has no test split")?;
    println!("{}: {} documents, {} questions", data.name, data.corpus.len(), test.len());

    // One evaluator holds the texts and judgements; any number of systems go through it.
    let evaluator = RetrievalEvaluator::new(
        data.corpus.clone(),
        &data.queries,
        test.clone(),
        RetrievalConfig::default(),
    )?;
    let words = evaluator.evaluate_bm25()?;
    let vectors = evaluator.evaluate(&model)?;
    println!("{:<14} {:>7} {:>7}", "measure", "BM25", "model");
    for ((measure, words), (_, vectors)) in words.report.means().zip(vectors.report.means()) {
        println!("{:<14} {words:>7.4} {vectors:>7.4}", measure.to_string());
    }

    // A difference over a few dozen queries may be chance. This is a paired test over the queries,
    // its p-value corrected for the number of measures.
    let comparison = evaluator.compare(&words, &vectors, &CompareConfig::default())?;
    for it in comparison.measures.iter().take(2) {
        let difference = it.comparison.difference;
        println!("{:<14} {difference:+.4}, p = {:.4}", it.measure.to_string(), it.p_holm);
    }
    for change in comparison.winners.iter().take(2) {
        println!("  {:+.3}  {}", change.gain, change.query);
    }
    Ok(())
}
