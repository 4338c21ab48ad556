//! All measures, each with its formula.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::{Gains, Parameter, Points};

/// A retrieval measure, as `trec_eval` computes it, or as another tool does under a name that
/// says so.
///
/// Its name is `family`, `family@cutoff` (`"ndcg@10"`) or `family(parameters)`
/// (`"rbp(p=0.8)"`); parsing also takes the spellings of `trec_eval` and `pytrec_eval`
/// (`"ndcg_cut_10"`, `"ndcg_cut.10"`, `"P_10"`, `"recip_rank"`, `"rbp.p=0.8"`) and ignores case.
/// In JSON and TOML a measure is its name. The crate's `docs/measures` has a page for each, with
/// range, ties and empty cases.
///
/// In the formulas, `R` is the number of relevant documents of the query (grade at or above
/// [`relevance_level`](crate::EvaluateOptions::relevance_level), retrieved or not), `k` the
/// cut-off, `n` the number of documents retrieved, `hits@k` the relevant ones among the first `k`.
/// Documents without a judgement count as not relevant, except where a measure says otherwise.
/// Every measure lies in `[0, 1]` and is 0 for a query that retrieved nothing or has `R = 0`,
/// unless it says otherwise. Where `trec_eval` divides 0 by 0, the value here is 0.
///
/// ```
/// use embedtune_metrics::Measure;
///
/// let measure: Measure = "ndcg_cut_10".parse()?;
/// assert_eq!(measure, Measure::NDCG_10);
/// assert_eq!(measure.to_string(), "ndcg@10");
/// # Ok::<(), embedtune_metrics::MetricsError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum Measure {
    /// Normalized discounted cumulative gain (Järvelin and Kekäläinen, 2002):
    /// `DCG@k / ideal DCG@k` with `DCG@k = Σ_{i ≤ k} grade_i / log2(i + 1)`.
    ///
    /// The gain is the grade itself, not `2^grade - 1`, and the relevance level does not matter.
    /// The ideal ranks every judged document, retrieved or not, by its grade. The measure of
    /// choice for graded judgements. `trec_eval`: `ndcg`, `ndcg_cut_k`.
    Ndcg {
        /// Ranks looked at; `None` is all retrieved documents against the whole ideal.
        cutoff: Option<NonZeroUsize>,
    },
    /// Average precision (its mean over queries is MAP): `(1/R) Σ hits@i / i` over the ranks
    /// `i ≤ k` of relevant documents.
    ///
    /// The denominator is `R`, not `min(k, R)`, so a query with `R > k` cannot reach 1.
    /// `trec_eval`: `map`, `map_cut_k`.
    AveragePrecision {
        /// Ranks looked at; `None` is all.
        cutoff: Option<NonZeroUsize>,
    },
    /// Reciprocal rank (its mean over queries is MRR): 1 over the rank of the first relevant
    /// document, 0 when there is none among the first `k`.
    ///
    /// For tasks where one right answer is enough. `trec_eval`: `recip_rank`, with `-M k` for a
    /// cut-off.
    ReciprocalRank {
        /// Ranks looked at; `None` is all.
        cutoff: Option<NonZeroUsize>,
    },
    /// `hits@k / R`: how much of what is relevant was found. What matters for the first stage of
    /// a pipeline. `trec_eval`: `recall_k`.
    Recall {
        /// Ranks looked at.
        cutoff: NonZeroUsize,
    },
    /// `hits@k / k`: how much of what is shown is relevant. The denominator stays `k` when fewer
    /// documents were retrieved. `trec_eval`: `P_k`.
    Precision {
        /// Ranks looked at.
        cutoff: NonZeroUsize,
    },
    /// 1 when any of the first `k` documents is relevant, else 0; also known as hit rate and, in
    /// Sentence Transformers, as accuracy. `trec_eval`: `success_k`.
    Success {
        /// Ranks looked at.
        cutoff: NonZeroUsize,
    },
    /// Precision at rank `R`: `hits@min(R, n) / R`, where precision equals recall. `trec_eval`:
    /// `Rprec`.
    RPrecision,
    /// Binary preference (Buckley and Voorhees, 2004), which looks at judged documents alone:
    /// `(1/R) Σ (1 - min(above, R) / min(N, R))` over the retrieved relevant documents, where
    /// `above` is the number of judged not relevant documents ranked above and `N` of all of them.
    /// A term is 1 when none is above.
    ///
    /// For incomplete judgements. `trec_eval`: `bpref`.
    Bpref,
    /// Interpolated precision: the best `hits@i / i` from the rank on where `recall · R` relevant
    /// documents are found; 0 when they are not. Rounding follows
    /// [`RecallPoints`](crate::RecallPoints). `trec_eval`: `iprec_at_recall_0.10`.
    InterpolatedPrecision {
        /// The share of the relevant documents.
        recall: Parameter,
    },
    /// The mean of [`Measure::InterpolatedPrecision`] over several recall points, by default 0,
    /// 0.1, …, 1. For old runs; [`Measure::AveragePrecision`] took its place. `trec_eval`:
    /// `11pt_avg`.
    ElevenPoint {
        /// The recall points.
        points: Points,
    },
    /// `hits@c / c` at `c = factor · R`, raised to a whole number. `trec_eval`: `Rprec_mult_0.20`.
    RPrecisionMultiple {
        /// The multiple.
        factor: Parameter,
    },
    /// `hits@k / min(k, R)`: precision over the best precision there can be; BEIR calls it capped
    /// recall. `trec_eval`: `relative_P_k`.
    RelativePrecision {
        /// Ranks looked at.
        cutoff: NonZeroUsize,
    },
    /// Inferred average precision (Yilmaz and Aslam, 2006), an estimate from judgements of a sample
    /// of the pool: documents of the pool that were left unjudged have a grade below 0.
    /// `trec_eval`: `infAP`.
    InferredAp,
    /// The geometric mean of average precision (Robertson, 2006), where a gain on a hard query
    /// weighs as much as the same ratio on an easy one. The value of a query is the logarithm of
    /// its average precision, at least `ln 0.00001`. `trec_eval`: `gm_map`.
    GeometricMap,
    /// The geometric mean of [`Measure::Bpref`], as [`Measure::GeometricMap`]. `trec_eval`:
    /// `gm_bpref`.
    GeometricBpref,
    /// Judged documents among the first `k`, over `k`. Below 1, other measures guess.
    Judged {
        /// Ranks looked at.
        cutoff: NonZeroUsize,
    },
    /// Retrieved documents among the first `k` that nobody judged, over `k`. `trec_eval`: `unj_k`.
    Unjudged {
        /// Ranks looked at.
        cutoff: NonZeroUsize,
    },
    /// Rank-biased precision (Moffat and Zobel, 2008) with graded gains:
    /// `(1 - p) Σ gain_i · p^(i-1)`. Gains are grades, brought to `[0, 1]` by the greatest of the
    /// query's judgements. `trec_eval` 10: `rbp`.
    RankBiased {
        /// `p`: how likely the reader goes on to the next document.
        persistence: Parameter,
        /// Gains in place of grades; they are brought to `[0, 1]` when they lie outside of it.
        gains: Gains,
    },
    /// Rank-biased precision as first published, where a document is relevant or not:
    /// `(1 - p) Σ p^(i-1)` over the ranks of relevant documents. ranx's `rbp`, if grades are 0 and 1.
    BinaryRankBiased {
        /// `p`: how likely the reader goes on to the next document.
        persistence: Parameter,
    },
    /// How much rank-biased precision could be more if all that is not judged were relevant:
    /// `p^n + (1 - p) Σ p^(i-1)` over the ranks of documents without a judgement; 0 when there are
    /// none. `trec_eval` 10: `rbp_resid`.
    RankBiasedResidual {
        /// `p`: how likely the reader goes on to the next document.
        persistence: Parameter,
    },
    /// Expected reciprocal rank (Chapelle et al., 2009), of a reader who stops when satisfied:
    /// `Σ_{i ≤ k} (1/i) s_i Π_{j < i} (1 - s_j)` with `s = (2^grade - 1) / 2^max`. Does not reach
    /// 1, and is not normalized.
    ExpectedReciprocalRank {
        /// Ranks looked at; `None` is all.
        cutoff: Option<NonZeroUsize>,
        /// The greatest grade of the scale; higher ones count as it. 4 in the TREC Web tracks.
        max_grade: u8,
    },
    /// nDCG with the gain `2^grade - 1` (Burges et al., 2005), as in Kaggle, LightGBM, scikit-learn
    /// by hand, and ranx's `ndcg_burges`. Grades above 1000 count as 1000.
    ExponentialNdcg {
        /// Ranks looked at; `None` is all retrieved documents against the whole ideal.
        cutoff: Option<NonZeroUsize>,
    },
    /// nDCG with the gain 1 for a relevant document, whatever its grade: what the
    /// `InformationRetrievalEvaluator` of Sentence Transformers reports as `ndcg@k`.
    BinaryNdcg {
        /// Ranks looked at; `None` is all retrieved documents against the whole ideal.
        cutoff: Option<NonZeroUsize>,
    },
    /// Average precision over `min(k, R)` in place of `R`, so that it can reach 1: what Sentence
    /// Transformers reports as `map@k`.
    CappedAveragePrecision {
        /// Ranks looked at.
        cutoff: NonZeroUsize,
    },
    /// [`Measure::Ndcg`] without a cut-off and with given gains. `trec_eval`: `ndcg.1=3.5,2=9`.
    ///
    /// Gains below 0 make values below 0 possible. As in `trec_eval`, gains that are less than 1 apart
    /// count as equal where the ideal is sorted: then it need not be the best, values above 1 are
    /// possible, and gains below 1 can make all values 0. Multiply such gains by 10 or 100 first;
    /// nDCG stays the same.
    GainNdcg {
        /// Gains in place of grades.
        gains: Gains,
    },
    /// Discounted cumulative gain, not normalized: `Σ gain_i / log2(i + 1)`, at least 0 unless a
    /// gain is below. `trec_eval` 10: `dcg`.
    Dcg {
        /// Gains in place of grades.
        gains: Gains,
    },
    /// The discounted cumulative gain of the best ranking, whatever was retrieved. `trec_eval` 10:
    /// `ideal_dcg`.
    IdealDcg {
        /// Gains in place of grades.
        gains: Gains,
    },
    /// nDCG at the rank of each document that gains something, averaged over all of them; those
    /// that were not retrieved count as found at the end. `trec_eval`: `ndcg_rel`.
    RelevantNdcg {
        /// Gains in place of grades.
        gains: Gains,
    },
    /// nDCG at each rank where the ideal gain falls to the next grade, and at the end, averaged.
    /// `trec_eval`: `Rndcg`.
    LevelNdcg {
        /// Gains in place of grades.
        gains: Gains,
    },
    /// Normalized gain: `Σ gain_i / log2(2 + cost_i - gained_i)` over the sum of all gains, where
    /// `gained_i` is the gain up to rank `i` and `cost_i` that of the best ranking, at least 1 a
    /// rank. What stands above a document costs only where it gained less than it could have.
    /// `trec_eval`: `G`.
    NormalizedGain {
        /// Gains in place of grades.
        gains: Gains,
    },
    /// [`Measure::NormalizedGain`] of relevant or not:
    /// `(1/R) Σ 1 / log2(2 + i - hits@i)` over the ranks of relevant documents. `trec_eval`:
    /// `binG`.
    BinaryGain,
    /// The logit of average precision, smoothed (Robertson, 2012):
    /// `ln((1 + s) / (1 + R - s))` with `s = Σ hits@i / i`. Any number; 0 for a query without a
    /// relevant document. `trec_eval`: `yaap`.
    Yaap,
    /// `hits / n`. `trec_eval`: `set_P`.
    SetPrecision,
    /// `hits / R`. `trec_eval`: `set_recall`.
    SetRecall,
    /// `hits / min(n, R)`. `trec_eval`: `set_relative_P`.
    SetRelativePrecision,
    /// `hits² / (n · R)`, set precision times set recall. `trec_eval`: `set_map`.
    SetAveragePrecision,
    /// `(w + 1) · P · R / (w · P + R)` of set precision `P` and set recall `R`. `trec_eval`:
    /// `set_F`, where `w` is the square of the usual β.
    SetF {
        /// `w`: how much recall weighs.
        weight: Parameter,
    },
    /// `a · hits + b · (n - hits) + c · (R - hits) + d · (N + hits - n - R)`, any number, where `N`
    /// is [`collection_size`](crate::EvaluateOptions::collection_size). By default hits minus
    /// misses. `trec_eval`: `utility`.
    Utility {
        /// `[a, b, c, d]`: the price of a document that is relevant and retrieved, retrieved alone,
        /// relevant alone, neither.
        coefficients: [Parameter; 4],
    },
    /// 1; its summary is the number of queries. `trec_eval`: `num_q`.
    NumQueries,
    /// `n`; summed over queries. `trec_eval`: `num_ret`.
    NumRetrieved,
    /// `R`; summed over queries, and when [`complete`](crate::EvaluateOptions::complete) over all
    /// judged ones and at every grade above 0. `trec_eval`: `num_rel`.
    NumRelevant,
    /// `hits`; summed over queries. `trec_eval`: `num_rel_ret`.
    NumRelevantRetrieved,
    /// Retrieved documents that were judged not relevant; summed over queries. `trec_eval`:
    /// `num_nonrel_judged_ret`.
    NumNonrelevantRetrieved,
}
