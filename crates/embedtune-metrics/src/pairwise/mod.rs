//! Evaluation without a search: of triplets, candidate lists and labelled pairs.
//!
//! Everything here takes scores, so that it works for embeddings of any kind, for cross-encoders
//! and for services that return scores alone.
//!
//! | the data | the question | use |
//! |---|---|---|
//! | (anchor, positive, negative) | is the positive closer? | [`triplet_accuracy`] |
//! | a query with good and bad candidates | are the good ones on top? | [`evaluate_reranking`] |
//! | pairs with a graded similarity (STS) | does the score grow with the grade? | [`evaluate_similarity`] |
//! | pairs labelled same / different | which threshold separates them, how well? | [`evaluate_binary`], then [`classify_at`] |
//! | one pool of texts with known duplicates | are the closest pairs the duplicates? | [`evaluate_paraphrase_mining`] |
//!
//! The definitions are those of the evaluators of Sentence Transformers 6, to whose numbers these
//! are tested; each function says where it differs and why. Scores there are single precision: feed
//! the same rounded scores for the same last digits.

mod binary;
mod paraphrase;
mod reranking;
mod sts;
mod sweep;
mod triplet;

use serde::{Deserialize, Serialize};

pub use self::binary::{BinaryReport, Confusion, classify_at, evaluate_binary};
pub use self::paraphrase::{
    ParaphraseReport, ScoredPair, evaluate_paraphrase_mining, transitive_closure,
};
pub use self::reranking::{
    MissingPositives, RerankingOptions, RerankingReport, RerankingSample, RerankingScores,
    evaluate_reranking,
};
pub use self::sts::{SimilarityReport, evaluate_similarity, pearson, spearman};
pub use self::triplet::{TripletReport, triplet_accuracy};
use crate::error::MetricsError;

/// Which way a score points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closeness {
    /// Higher is closer: cosine, dot product, the score of a cross-encoder.
    #[default]
    Similarity,
    /// Lower is closer: Euclidean or Manhattan distance.
    Distance,
}

impl Closeness {
    /// The score, turned so that higher is closer.
    fn toward(self, score: f64) -> f64 {
        match self {
            Self::Similarity => score,
            Self::Distance => -score,
        }
    }
}

fn check_scores(what: &'static str, scores: &[f64]) -> Result<(), MetricsError> {
    match scores.iter().position(|score| !score.is_finite()) {
        Some(index) => Err(MetricsError::BadScore { what, index, value: scores[index] }),
        None => Ok(()),
    }
}

fn check_lengths(what: &'static str, expected: usize, got: usize) -> Result<(), MetricsError> {
    if expected == got {
        return Ok(());
    }
    Err(MetricsError::UnequalLengths { what, expected, got })
}
