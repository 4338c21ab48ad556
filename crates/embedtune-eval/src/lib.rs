//! Is this model good at finding my documents, would fine-tuning help, and did it?
//!
//! - [`RetrievalEvaluator`] encodes judged queries and documents with any
//!   [`Embed`](embedtune_data::Embed), searches and scores as `trec_eval` does; BM25 is the
//!   yardstick that needs no model. [`RetrievalEvaluator::sample`] is the small, fast version for
//!   the training loop.
//! - [`RetrievalEvaluator::compare`] sets a tuned model against its base: gain, interval, p-values,
//!   and the queries that won and lost most, with their texts.
//! - [`Advice`] says beforehand whether fine-tuning is worth it.
//! - [`JsonReport`] keeps it all for machines and [`HtmlReport`] draws it for people, as one page
//!   without scripts.
//!
//! # Why
//!
//! Two mistakes make most reported gains meaningless: documents encoded by one model and queries
//! by another, and a difference on a hundred queries taken for a result. Here a model always
//! encodes both sides, an index refuses vectors of another model, and a gain comes with its
//! interval and a paired test that is corrected for the number of measures.
//!
//! # Example
//!
//! ```
//! use embedtune_data::{Corpus, Document, Queries};
//! use embedtune_eval::{CompareConfig, RetrievalConfig, RetrievalEvaluator};
//! use embedtune_metrics::{Measure, Qrels};
//! # use embedtune_testkit::HashEmbed;
//!
//! let mut corpus = Corpus::new();
//! let mut queries = Queries::new();
//! let mut qrels = Qrels::new();
//! for (id, animal) in ["cat", "dog", "owl"].into_iter().enumerate() {
//!     let text = format!("the {animal} and what it eats");
//!     corpus.push(Document { id: format!("d{id}"), title: String::new(), text });
//!     queries.push(format!("q{id}"), format!("food of the {animal}"));
//!     qrels.insert(&format!("q{id}"), &format!("d{id}"), 1)?;
//! }
//!
//! let evaluator = RetrievalEvaluator::new(corpus, &queries, qrels, RetrievalConfig::default())?;
//! # let (base_model, tuned_model) = (HashEmbed::new(2, 1), HashEmbed::new(64, 1));
//! let base = evaluator.evaluate(&base_model)?;
//! let tuned = evaluator.evaluate(&tuned_model)?;
//! assert_eq!(tuned.report.mean(&Measure::NDCG_10), Some(1.0));
//!
//! let comparison = evaluator.compare(&base, &tuned, &CompareConfig::default())?;
//! println!("{} {}", comparison.headline_sentence(), comparison.explanation());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod advice;
mod comparison;
mod config;
mod curve;
mod encode;
mod error;
mod evaluation;
mod evaluator;
mod report;
mod sample;
mod wording;

pub use advice::{
    Advice, AdviceFacts, AdviceRules, Alternative, AlternativeChoice, AlternativeCost, CurveSays,
    GainErrors, GainPrediction, LearningOutcome, LearningRun, LearningStudy, Need, Supply,
};
pub use comparison::{
    CompareConfig, DocumentExcerpt, Forgetting, GainVerdict, GeneralCheck, KeptPrecision,
    MarginTests, ModelComparison, OperatingPoint, QueryChange, QueryGroup, RelevantRank, SliceBy,
    SliceComparison, Slices, ThresholdTransfer,
};
pub use config::RetrievalConfig;
pub use curve::{CurveEvaluation, CurvePoint, TrainingCurve};
pub use encode::Progress;
pub use error::EvalError;
pub use evaluation::{Evaluation, Subset};
pub use evaluator::RetrievalEvaluator;
pub use report::{
    DataFacts, Facts, Histogram, HtmlReport, JsonReport, LearningCurve, LearningPoint,
    ScoreDistribution, SystemScores, TextLengths,
};
pub use sample::SampleConfig;
