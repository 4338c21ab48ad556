//! Retrieval measures exactly as `trec_eval` computes them, with the statistics to tell whether a
//! difference between two systems is real.
//!
//! - [`Qrels`] holds relevance judgements, [`Run`] what a system retrieved; both read and write TREC
//!   and JSON files, judgements also those of BEIR.
//! - [`evaluate`] scores a run by any [`Measure`]s into a [`Report`]: per query and on average.
//!   [`evaluate_rankings`] does so for rankings that are in memory already.
//! - [`TrecEval`] prints what `trec_eval` prints, byte for byte.
//! - [`Comparison`] compares two systems over the same queries: difference, permutation test,
//!   t-test, bootstrap interval, effect size, smallest detectable effect. [`compare_reports`] does
//!   so for several measures, corrected by [`holm`], and [`compare_many`] for many models.
//! - [`stats`] has all tests, intervals and effect sizes by themselves, and a page on which to
//!   choose. [`fusion`] merges runs, [`pairwise`] evaluates triplets, candidate lists and pairs.
//!
//! # Why another implementation
//!
//! Published numbers come from `trec_eval`, and most reimplementations differ from it in ties, in
//! the gain of nDCG or in the denominator of average precision. Here values are the same to the
//! last bit: sums run in the same order, ties break by document id descending, and
//! [`ScorePrecision`] chooses between the two precisions in which its versions compare scores. One
//! default differs: judged queries that retrieved nothing count as 0 (its flag `-c`), see
//! [`EvaluateOptions::complete`].
//!
//! Numbers of ranx, `pytrec_eval` and Sentence Transformers have their conventions by name:
//! [`EvaluateOptions::ranx`] and its like.
//!
//! The crate is a leaf: `serde`, `serde_json` and `thiserror`, no tensors, no logging, no thread pool.
//!
//! # Example
//!
//! ```
//! use embedtune_metrics::{
//!     EvaluateOptions, Measure, Qrels, Run, compare_reports, evaluate, ComparisonOptions,
//! };
//!
//! let judged = "query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td4\t1\nq3\td5\t2\n";
//! let qrels = Qrels::read_beir_tsv_from(judged.as_bytes(), "test.tsv")?;
//!
//! let mut base = Run::new();
//! base.insert("q1", "d2", 0.8)?;
//! base.insert("q1", "d1", 0.7)?;
//! base.insert("q2", "d3", 0.9)?;
//! let mut tuned = base.clone();
//! tuned.insert("q2", "d4", 0.95)?;
//! tuned.insert("q3", "d5", 0.6)?;
//!
//! let measures = [Measure::NDCG_10, "recall@5".parse()?];
//! let options = EvaluateOptions::default();
//! let base = evaluate(&qrels, &base, &measures, &options)?;
//! let tuned = evaluate(&qrels, &tuned, &measures, &options)?;
//! assert_eq!(base.query_ids(), ["q1", "q2", "q3"]);
//! assert_eq!(tuned.mean(&measures[1]), Some(1.0));
//!
//! for it in compare_reports(&base, &tuned, &ComparisonOptions::default())? {
//!     let gain = it.comparison.difference;
//!     println!("{:<10} {gain:+.4} (p = {:.3})", it.measure, it.p_holm);
//! }
//! # Ok::<(), embedtune_metrics::MetricsError>(())
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used))]

/// The examples of the README compile and hold.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod compare;
mod error;
mod evaluate;
pub mod fusion;
mod hash;
mod json;
mod lines;
mod measure;
pub mod pairwise;
mod qrels;
mod ranking;
mod report;
mod run;
pub mod stats;
mod trec_eval;

pub use crate::compare::{
    Comparison, ComparisonOptions, MeasureComparison, ModelPairs, PairComparison, compare_many,
    compare_reports,
};
pub use crate::error::MetricsError;
pub use crate::evaluate::{EvaluateOptions, RecallPoints, evaluate, evaluate_rankings};
pub use crate::measure::{Gains, Measure, Parameter, Points};
pub use crate::qrels::Qrels;
pub use crate::ranking::{ScorePrecision, TieOrder};
pub use crate::report::Report;
pub use crate::run::Run;
pub use crate::stats::{PermutationMethod, holm};
pub use crate::trec_eval::{TrecEval, TrecEvalOutput, ZScores};
