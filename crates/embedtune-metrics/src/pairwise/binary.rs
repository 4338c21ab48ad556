//! Do scores tell pairs that mean the same from pairs that do not?

use serde::{Deserialize, Serialize};

use super::sweep::Sweep;
use super::{Closeness, check_lengths, check_scores};
use crate::error::MetricsError;

/// The outcome of [`evaluate_binary`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BinaryReport {
    /// The number of pairs.
    pub pairs: usize,
    /// How many are labelled as the same.
    pub positives: usize,
    /// The highest share of right predictions that a threshold reaches.
    pub accuracy: f64,
    /// The threshold that reaches it, in the unit of the scores; beyond the closest score when it
    /// is best to call every pair different.
    pub accuracy_threshold: f64,
    /// The highest F1 that a threshold reaches, 0 without positives.
    pub f1: f64,
    /// The threshold that reaches it; `None` without positives.
    pub f1_threshold: Option<f64>,
    /// Precision at [`Self::f1_threshold`].
    pub precision: f64,
    /// Recall at [`Self::f1_threshold`].
    pub recall: f64,
    /// Average precision `Σ (R_n - R_{n-1}) P_n` over the distinct scores, as scikit-learn's
    /// `average_precision_score`; 0 without positives. Needs no threshold: the one to compare
    /// models by.
    pub average_precision: f64,
    /// Matthews correlation at [`Self::f1_threshold`], -1 to 1; 0 when all pairs are predicted or
    /// labelled alike.
    pub mcc: f64,
}

/// Finds the thresholds that separate the positives best, and how well they do.
///
/// Pairs with the same score are on the same side of every threshold. A threshold lies half-way
/// between two scores, and of thresholds that do equally well the strictest is taken: as Sentence
/// Transformers' `BinaryClassificationEvaluator` does since 6.2 (before, the order of tied pairs in
/// the file decided). One difference: without positives it reports the F1 threshold 0, here there
/// is none.
///
/// **The thresholds are fitted to the very pairs they are judged on**, so accuracy and F1 are
/// optimistic. For an honest number take a threshold from development data to test data with
/// [`classify_at`].
///
/// # Errors
/// [`MetricsError::UnequalLengths`], [`MetricsError::NothingToScore`] without a pair,
/// [`MetricsError::BadScore`].
///
/// ```
/// use embedtune_metrics::pairwise::{Closeness, evaluate_binary};
///
/// let report = evaluate_binary(
///     &[0.9, 0.8, 0.7, 0.3],
///     &[true, true, false, false],
///     Closeness::Similarity,
/// )?;
/// assert_eq!((report.accuracy, report.f1, report.average_precision), (1.0, 1.0, 1.0));
/// assert_eq!(report.accuracy_threshold, 0.75);
/// # Ok::<(), embedtune_metrics::MetricsError>(())
/// ```
pub fn evaluate_binary(
    scores: &[f64],
    labels: &[bool],
    closeness: Closeness,
) -> Result<BinaryReport, MetricsError> {
    check(scores, labels)?;
    let toward = scores.iter().map(|&score| closeness.toward(score));
    let sweep = Sweep::new(toward.zip(labels.iter().copied()).collect());
    let positives = labels.iter().filter(|&&label| label).count();
    let (accuracy, accuracy_threshold) = best_accuracy(&sweep, scores, labels, closeness);
    let best = sweep.best_f1(positives);
    let f1_threshold = best.as_ref().map(|best| closeness.toward(best.threshold));
    let mcc = f1_threshold
        .map_or(0.0, |threshold| Confusion::count(scores, labels, threshold, closeness).mcc());
    let (f1, precision, recall) =
        best.map_or((0.0, 0.0, 0.0), |best| (best.f1, best.precision, best.recall));
    Ok(BinaryReport {
        pairs: scores.len(),
        positives,
        accuracy,
        accuracy_threshold,
        f1,
        f1_threshold,
        precision,
        recall,
        average_precision: sweep.average_precision(positives),
        mcc,
    })
}

fn best_accuracy(
    sweep: &Sweep,
    scores: &[f64],
    labels: &[bool],
    closeness: Closeness,
) -> (f64, f64) {
    let negatives = labels.iter().filter(|&&label| !label).count();
    let closest =
        scores.iter().map(|&score| closeness.toward(score)).fold(f64::NEG_INFINITY, f64::max);
    // To begin with, nothing is taken: every negative is right.
    let mut right = negatives;
    let mut threshold = closest.next_up();
    for step in &sweep.steps {
        let wrongly_taken = step.taken - step.correct;
        let now = step.correct + negatives - wrongly_taken;
        if now > right {
            right = now;
            threshold = step.threshold();
        }
    }
    (right as f64 / labels.len() as f64, closeness.toward(threshold))
}

/// Predictions against labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Confusion {
    /// Predicted the same, labelled the same.
    pub true_positives: usize,
    /// Predicted the same, labelled different.
    pub false_positives: usize,
    /// Predicted different, labelled the same.
    pub false_negatives: usize,
    /// Predicted different, labelled different.
    pub true_negatives: usize,
}

/// Counts the predictions of a threshold that was fixed beforehand, on other data: a pair is
/// predicted to be the same when its similarity is at least, or its distance at most, the
/// threshold.
///
/// # Errors
/// Those of [`evaluate_binary`], and [`MetricsError::InvalidOption`] for a NaN threshold.
///
/// ```
/// use embedtune_metrics::pairwise::{Closeness, classify_at, evaluate_binary};
///
/// let of = Closeness::Similarity;
/// let fitted = evaluate_binary(&[0.9, 0.2], &[true, false], of)?;
/// let test = classify_at(&[0.8, 0.6, 0.4], &[true, false, true], of, fitted.accuracy_threshold)?;
/// assert_eq!((test.true_positives, test.false_positives, test.false_negatives), (1, 1, 1));
/// assert_eq!(test.accuracy(), 1.0 / 3.0);
/// # Ok::<(), embedtune_metrics::MetricsError>(())
/// ```
pub fn classify_at(
    scores: &[f64],
    labels: &[bool],
    closeness: Closeness,
    threshold: f64,
) -> Result<Confusion, MetricsError> {
    check(scores, labels)?;
    if threshold.is_nan() {
        let (option, expected, got) = ("threshold", "a number", "NaN".to_owned());
        return Err(MetricsError::InvalidOption { option, expected, got });
    }
    Ok(Confusion::count(scores, labels, threshold, closeness))
}

impl Confusion {
    fn count(scores: &[f64], labels: &[bool], threshold: f64, closeness: Closeness) -> Self {
        let mut counts = [[0; 2]; 2];
        for (&score, &label) in scores.iter().zip(labels) {
            let predicted = closeness.toward(score) >= closeness.toward(threshold);
            counts[usize::from(predicted)][usize::from(label)] += 1;
        }
        let [[true_negatives, false_negatives], [false_positives, true_positives]] = counts;
        Self { true_positives, false_positives, false_negatives, true_negatives }
    }

    /// The share of right predictions.
    pub fn accuracy(&self) -> f64 {
        let right = self.true_positives + self.true_negatives;
        share(right, right + self.false_positives + self.false_negatives)
    }

    /// The share of predicted pairs that are labelled the same; 0 when none is predicted.
    pub fn precision(&self) -> f64 {
        share(self.true_positives, self.true_positives + self.false_positives)
    }

    /// The share of pairs labelled the same that are predicted; 0 when there are none.
    pub fn recall(&self) -> f64 {
        share(self.true_positives, self.true_positives + self.false_negatives)
    }

    /// The harmonic mean of precision and recall; 0 when both are.
    pub fn f1(&self) -> f64 {
        let wrong = self.false_positives + self.false_negatives;
        share(2 * self.true_positives, 2 * self.true_positives + wrong)
    }

    /// Matthews correlation, -1 to 1: Pearson's correlation of predictions and labels. 0 when
    /// either is the same for all pairs.
    pub fn mcc(&self) -> f64 {
        let [tp, fp, fn_, tn] =
            [self.true_positives, self.false_positives, self.false_negatives, self.true_negatives]
                .map(|count| count as f64);
        let scale = ((tp + fp) * (tp + fn_) * (tn + fp) * (tn + fn_)).sqrt();
        if scale == 0.0 { 0.0 } else { (tp * tn - fp * fn_) / scale }
    }
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn check(scores: &[f64], labels: &[bool]) -> Result<(), MetricsError> {
    check_lengths("labels", scores.len(), labels.len())?;
    check_scores("score", scores)?;
    if scores.is_empty() { Err(MetricsError::NothingToScore { what: "pair" }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluate(scores: &[f64], labels: &[bool]) -> BinaryReport {
        evaluate_binary(scores, labels, Closeness::Similarity).unwrap()
    }

    #[test]
    fn calling_everything_different_can_be_best() {
        let report = evaluate(&[0.9, 0.8, 0.7, 0.1], &[false, false, false, true]);
        assert_eq!(report.accuracy, 0.75);
        assert!(report.accuracy_threshold > 0.9);
        let far = evaluate_binary(&[0.1, 0.5], &[false, true], Closeness::Distance).unwrap();
        assert!(far.accuracy_threshold < 0.1);
    }

    #[test]
    fn the_order_of_tied_pairs_does_not_matter() {
        let there = evaluate(&[0.5, 0.5, 0.5, 0.2], &[true, true, false, false]);
        let back = evaluate(&[0.2, 0.5, 0.5, 0.5], &[false, false, true, true]);
        assert_eq!(there, back);
        assert_eq!((there.accuracy, there.f1), (0.75, 0.8));
    }

    #[test]
    fn the_report_is_what_its_threshold_does() {
        let scores = [0.91, 0.84, 0.84, 0.7, 0.66, 0.5, 0.31, 0.3];
        let labels = [true, true, false, true, false, true, false, false];
        for closeness in [Closeness::Similarity, Closeness::Distance] {
            let turned = scores.map(|score| closeness.toward(score));
            let report = evaluate_binary(&turned, &labels, closeness).unwrap();
            let at = |threshold| classify_at(&turned, &labels, closeness, threshold).unwrap();
            let by_f1 = at(report.f1_threshold.unwrap());
            assert_eq!((by_f1.f1(), by_f1.mcc()), (report.f1, report.mcc));
            assert_eq!((by_f1.precision(), by_f1.recall()), (report.precision, report.recall));
            assert_eq!(at(report.accuracy_threshold).accuracy(), report.accuracy);
        }
    }

    #[test]
    fn one_label_alone_and_nothing_at_all() {
        let none = evaluate(&[0.3, 0.6], &[false, false]);
        assert_eq!((none.accuracy, none.f1, none.f1_threshold), (1.0, 0.0, None));
        assert_eq!((none.average_precision, none.mcc), (0.0, 0.0));
        let all = evaluate(&[0.3, 0.6], &[true, true]);
        assert_eq!((all.accuracy, all.f1, all.average_precision, all.mcc), (1.0, 1.0, 1.0, 0.0));
        assert_eq!(all.f1_threshold, Some(0.3));
        let of = |scores: &[f64], labels: &[bool]| {
            evaluate_binary(scores, labels, Closeness::Similarity)
        };
        assert!(matches!(of(&[], &[]), Err(MetricsError::NothingToScore { .. })));
        assert!(matches!(of(&[0.1], &[]), Err(MetricsError::UnequalLengths { .. })));
        assert!(matches!(of(&[f64::NAN], &[true]), Err(MetricsError::BadScore { .. })));
        assert!(classify_at(&[0.1], &[true], Closeness::Distance, f64::NAN).is_err());
    }
}
