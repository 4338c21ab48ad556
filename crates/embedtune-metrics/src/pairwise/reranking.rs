//! Are the good candidates of a query on top?

use serde::{Deserialize, Serialize};

use super::{Closeness, check_scores};
use crate::error::MetricsError;

/// The candidates of one query.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RerankingSample {
    /// Scores of the candidates that are relevant.
    pub positive: Vec<f64>,
    /// Scores of those that are not.
    pub negative: Vec<f64>,
    /// Relevant documents that the first stage did not retrieve, so that there is no score for
    /// them. See [`MissingPositives`].
    pub missing_positives: usize,
}

impl RerankingSample {
    /// A sample with every relevant document among the candidates.
    pub fn new(positive: impl Into<Vec<f64>>, negative: impl Into<Vec<f64>>) -> Self {
        Self { positive: positive.into(), negative: negative.into(), missing_positives: 0 }
    }

    /// Sets [`Self::missing_positives`].
    pub fn with_missing_positives(mut self, missing: usize) -> Self {
        self.missing_positives = missing;
        self
    }
}

/// What to make of relevant documents that are not among the candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MissingPositives {
    /// They count as relevant and are never found, as in `trec_eval`: the score of first stage and
    /// reranker together.
    #[default]
    NeverFound,
    /// They stand behind all candidates, as in the `base_*` numbers of Sentence Transformers'
    /// `CrossEncoderRerankingEvaluator`.
    Last,
    /// They do not exist, as there with `always_rerank_positives=False`: the reranker alone, on
    /// what it was given. A query with no retrieved positive is 0.
    Ignored,
}

/// Settings of [`evaluate_reranking`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RerankingOptions {
    /// Cut-off of MRR and nDCG, at least 1. Default 10. MAP has none.
    pub k: usize,
    /// Default [`MissingPositives::NeverFound`].
    pub missing_positives: MissingPositives,
    /// Default [`Closeness::Similarity`].
    pub closeness: Closeness,
}

impl Default for RerankingOptions {
    fn default() -> Self {
        Self {
            k: 10,
            missing_positives: MissingPositives::default(),
            closeness: Closeness::default(),
        }
    }
}

impl RerankingOptions {
    /// Sets [`RerankingOptions::k`].
    pub fn with_k(mut self, k: usize) -> Self {
        self.k = k;
        self
    }

    /// Sets [`RerankingOptions::missing_positives`].
    pub fn with_missing_positives(mut self, missing: MissingPositives) -> Self {
        self.missing_positives = missing;
        self
    }

    /// Sets [`RerankingOptions::closeness`].
    pub fn with_closeness(mut self, closeness: Closeness) -> Self {
        self.closeness = closeness;
        self
    }
}

/// The measures of one query, or their means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RerankingScores {
    /// Average precision over all candidates, `Σ (R_n - R_{n-1}) P_n` over the distinct scores.
    pub average_precision: f64,
    /// Reciprocal of the rank of the first relevant candidate, 0 beyond k.
    pub reciprocal_rank: f64,
    /// nDCG at k with gain 1 for relevant candidates.
    pub ndcg: f64,
}

/// The outcome of [`evaluate_reranking`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RerankingReport {
    /// MAP, MRR@k and nDCG@k over the queries that were scored.
    pub mean: RerankingScores,
    /// The values of each sample in order; `None` for one without a relevant or without another
    /// document, where no order is better than another. Such queries are left out of the means.
    pub per_query: Vec<Option<RerankingScores>>,
}

/// Scores the order that a reranker gives to the candidates of each query.
///
/// Candidates with equal scores are in no order: each value is the mean over all orders they could
/// have (average precision: the precision behind the whole group, as scikit-learn has it). So the
/// values do not depend on the order of the input.
///
/// MAP and nDCG@k are those of Sentence Transformers' `RerankingEvaluator` (scikit-learn's
/// `average_precision_score` and `ndcg_score`), and so is MRR@k, but for ties at the first relevant
/// candidate: there the order in which a sort happens to leave them decides. The numbers are not
/// comparable with retrieval measures over a whole corpus, and not with
/// [`evaluate`](crate::evaluate), which breaks ties by document id.
///
/// # Errors
/// [`MetricsError::BadScore`], [`MetricsError::InvalidOption`] for k = 0;
/// [`MetricsError::NothingToScore`] when no sample has both a relevant and another document.
///
/// ```
/// use embedtune_metrics::pairwise::{RerankingOptions, RerankingSample, evaluate_reranking};
///
/// let samples = [
///     RerankingSample::new([0.9, 0.4], [0.6, 0.1]),
///     RerankingSample::new([0.2], [0.8, 0.7, 0.1]),
/// ];
/// let report = evaluate_reranking(&samples, &RerankingOptions::default())?;
/// assert_eq!(report.mean.reciprocal_rank, (1.0 + 1.0 / 3.0) / 2.0);
/// # Ok::<(), embedtune_metrics::MetricsError>(())
/// ```
pub fn evaluate_reranking(
    samples: &[RerankingSample],
    options: &RerankingOptions,
) -> Result<RerankingReport, MetricsError> {
    if options.k == 0 {
        let (option, expected, got) = ("k", "at least 1", "0".to_owned());
        return Err(MetricsError::InvalidOption { option, expected, got });
    }
    let mut per_query = Vec::with_capacity(samples.len());
    for sample in samples {
        check_scores("positive score", &sample.positive)?;
        check_scores("negative score", &sample.negative)?;
        per_query.push(score(sample, options));
    }
    let scored: Vec<&RerankingScores> = per_query.iter().flatten().collect();
    if scored.is_empty() {
        return Err(MetricsError::NothingToScore {
            what: "sample with a relevant and another document",
        });
    }
    let mean = |value: fn(&RerankingScores) -> f64| {
        scored.iter().map(|it| value(it)).sum::<f64>() / scored.len() as f64
    };
    let mean = RerankingScores {
        average_precision: mean(|it| it.average_precision),
        reciprocal_rank: mean(|it| it.reciprocal_rank),
        ndcg: mean(|it| it.ndcg),
    };
    Ok(RerankingReport { mean, per_query })
}

fn score(sample: &RerankingSample, options: &RerankingOptions) -> Option<RerankingScores> {
    let known = sample.positive.len() + sample.missing_positives;
    if known == 0 || sample.negative.is_empty() {
        return None;
    }
    let relevant = match options.missing_positives {
        MissingPositives::Ignored => sample.positive.len(),
        MissingPositives::NeverFound | MissingPositives::Last => known,
    };
    if relevant == 0 {
        return Some(RerankingScores::default());
    }
    let groups = groups(sample, options);
    Some(RerankingScores {
        average_precision: average_precision(&groups, relevant),
        reciprocal_rank: reciprocal_rank(&groups, options.k),
        ndcg: ndcg(&groups, relevant, options.k),
    })
}

/// Candidates with one score.
struct Group {
    /// Candidates with a higher score.
    before: usize,
    size: usize,
    relevant: usize,
}

/// The candidates from the highest score down.
fn groups(sample: &RerankingSample, options: &RerankingOptions) -> Vec<Group> {
    let labelled = |scores: &[f64], label: bool| {
        scores.iter().map(|&score| (options.closeness.toward(score), label)).collect::<Vec<_>>()
    };
    let mut candidates = labelled(&sample.positive, true);
    candidates.extend(labelled(&sample.negative, false));
    candidates.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let mut before = 0;
    let mut groups = Vec::new();
    for group in candidates.chunk_by(|a, b| a.0 == b.0) {
        let relevant = group.iter().filter(|candidate| candidate.1).count();
        groups.push(Group { before, size: group.len(), relevant });
        before += group.len();
    }
    if options.missing_positives == MissingPositives::Last {
        let behind = (before..).take(sample.missing_positives);
        groups.extend(behind.map(|before| Group { before, size: 1, relevant: 1 }));
    }
    groups
}

fn average_precision(groups: &[Group], relevant: usize) -> f64 {
    let mut found = 0;
    let mut sum = 0.0;
    for group in groups {
        found += group.relevant;
        let precision = found as f64 / (group.before + group.size) as f64;
        sum += group.relevant as f64 * precision;
    }
    sum / relevant as f64
}

/// The expected reciprocal rank when every order within a group is equally likely.
fn reciprocal_rank(groups: &[Group], k: usize) -> f64 {
    let Some(group) = groups.iter().find(|group| group.relevant > 0) else { return 0.0 };
    let mut none_yet = 1.0;
    let mut expected = 0.0;
    for place in 0..=group.size - group.relevant {
        let rank = group.before + place + 1;
        if rank > k {
            break;
        }
        let here = group.relevant as f64 / (group.size - place) as f64;
        expected += none_yet * here / rank as f64;
        none_yet *= 1.0 - here;
    }
    expected
}

fn ndcg(groups: &[Group], relevant: usize, k: usize) -> f64 {
    let discount = |place: usize| 1.0 / ((place + 2) as f64).log2();
    let gain: f64 = groups
        .iter()
        .map(|group| {
            let places = group.before..(group.before + group.size).min(k);
            group.relevant as f64 / group.size as f64 * places.map(discount).sum::<f64>()
        })
        .sum();
    gain / (0..relevant.min(k)).map(discount).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(sample: RerankingSample, options: &RerankingOptions) -> RerankingScores {
        evaluate_reranking(&[sample], options).unwrap().mean
    }

    #[test]
    fn ties_are_the_mean_over_their_orders() {
        // Ranks 2 to 4 are one relevant and two others in any order.
        let options = RerankingOptions::default();
        let tied = only(RerankingSample::new([0.5], [0.9, 0.5, 0.5]), &options);
        let at = |rank: f64| 1.0 / (rank + 1.0).log2();
        assert!((tied.reciprocal_rank - (1.0 / 2.0 + 1.0 / 3.0 + 1.0 / 4.0) / 3.0).abs() < 1e-15);
        assert!((tied.ndcg - (at(2.0) + at(3.0) + at(4.0)) / 3.0).abs() < 1e-15);
        assert_eq!(tied.average_precision, 0.25);
        // Two relevant among three: first at 1 with 2/3, else at 2.
        let tied = only(RerankingSample::new([0.5, 0.5], [0.5]), &options);
        assert!((tied.reciprocal_rank - (2.0 / 3.0 + 1.0 / 6.0)).abs() < 1e-15);
        let cut = only(RerankingSample::new([0.5, 0.5], [0.5]), &options.with_k(1));
        assert!((cut.reciprocal_rank - 2.0 / 3.0).abs() < 1e-15);
    }

    #[test]
    fn missing_positives_count_as_asked() {
        let sample = RerankingSample::new([0.9], [0.5]).with_missing_positives(1);
        let of = |missing| {
            only(sample.clone(), &RerankingOptions::default().with_missing_positives(missing))
        };
        let ideal = 1.0 + 1.0 / 3f64.log2();
        let never = of(MissingPositives::NeverFound);
        assert_eq!((never.average_precision, never.reciprocal_rank), (0.5, 1.0));
        assert!((never.ndcg - 1.0 / ideal).abs() < 1e-15);
        let last = of(MissingPositives::Last);
        assert!((last.average_precision - (1.0 + 2.0 / 3.0) / 2.0).abs() < 1e-15);
        assert!((last.ndcg - 1.5 / ideal).abs() < 1e-15);
        let ignored = of(MissingPositives::Ignored);
        assert_eq!((ignored.average_precision, ignored.ndcg), (1.0, 1.0));
        let nothing = RerankingSample::new([], [0.5]).with_missing_positives(2);
        let options = RerankingOptions::default().with_missing_positives(MissingPositives::Ignored);
        assert_eq!(only(nothing, &options), RerankingScores::default());
    }

    #[test]
    fn samples_without_a_side_are_left_out() {
        let samples = [
            RerankingSample::new([], [0.5]),
            RerankingSample::new([0.5], [0.7]),
            RerankingSample::new([0.5], []),
        ];
        let report = evaluate_reranking(&samples, &RerankingOptions::default()).unwrap();
        let scored: Vec<bool> = report.per_query.iter().map(Option::is_some).collect();
        assert_eq!(scored, [false, true, false]);
        assert_eq!(report.mean.reciprocal_rank, 0.5);
        let none = evaluate_reranking(&samples[..1], &RerankingOptions::default());
        assert!(matches!(none, Err(MetricsError::NothingToScore { .. })));
        assert!(evaluate_reranking(&samples, &RerankingOptions::default().with_k(0)).is_err());
        let nan = [RerankingSample::new([f64::NAN], [0.5])];
        assert!(evaluate_reranking(&nan, &RerankingOptions::default()).is_err());
    }

    #[test]
    fn distances_rank_the_other_way_round() {
        let options = RerankingOptions::default().with_closeness(Closeness::Distance);
        let near = only(RerankingSample::new([0.1], [0.5, 0.9]), &options);
        assert_eq!((near.average_precision, near.reciprocal_rank, near.ndcg), (1.0, 1.0, 1.0));
    }
}
