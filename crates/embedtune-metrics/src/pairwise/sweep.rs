//! Moving a threshold from the highest score down.

/// What a threshold between two scores takes in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Step {
    /// Everything with at least this score is taken.
    score: f64,
    /// The next lower score, if there is one.
    below: Option<f64>,
    /// How many are taken.
    pub(super) taken: usize,
    /// How many of them are positive.
    pub(super) correct: usize,
}

impl Step {
    /// Half-way to the next score, so that the threshold is as safe as can be on both sides; the
    /// score itself where there is no number in between or no next score.
    pub(super) fn threshold(&self) -> f64 {
        let Some(below) = self.below else { return self.score };
        let middle = 0.5 * self.score + 0.5 * below;
        if middle <= below { self.score } else { middle }
    }
}

/// Scored items from the highest score down. Equal scores are one step: no threshold can tell them
/// apart, and their order in the input means nothing.
pub(super) struct Sweep {
    pub(super) steps: Vec<Step>,
}

/// The threshold with the highest F1.
pub(super) struct BestF1 {
    pub(super) f1: f64,
    pub(super) precision: f64,
    pub(super) recall: f64,
    pub(super) threshold: f64,
}

impl Sweep {
    /// From scores, higher is closer, and whether each is positive. Scores must not be NaN.
    pub(super) fn new(mut items: Vec<(f64, bool)>) -> Self {
        items.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let mut steps: Vec<Step> = Vec::new();
        let (mut taken, mut correct) = (0, 0);
        for group in items.chunk_by(|a, b| a.0 == b.0) {
            taken += group.len();
            correct += group.iter().filter(|item| item.1).count();
            let score = group[0].0;
            if let Some(last) = steps.last_mut() {
                last.below = Some(score);
            }
            steps.push(Step { score, below: None, taken, correct });
        }
        Self { steps }
    }

    /// `Σ (R_n - R_{n-1}) P_n` over the steps, with recall out of `positives`: those that were
    /// never scored count as never found. 0 without positives.
    pub(super) fn average_precision(&self, positives: usize) -> f64 {
        let mut before = 0;
        let mut sum = 0.0;
        for step in &self.steps {
            sum += (step.correct - before) as f64 * step.correct as f64 / step.taken as f64;
            before = step.correct;
        }
        if positives == 0 { 0.0 } else { sum / positives as f64 }
    }

    /// The highest F1, at the highest threshold that reaches it; `None` when nothing positive was
    /// scored.
    pub(super) fn best_f1(&self, positives: usize) -> Option<BestF1> {
        let mut best: Option<BestF1> = None;
        for step in self.steps.iter().filter(|step| step.correct > 0) {
            let precision = step.correct as f64 / step.taken as f64;
            let recall = step.correct as f64 / positives as f64;
            let f1 = 2.0 * precision * recall / (precision + recall);
            if best.as_ref().is_none_or(|best| f1 > best.f1) {
                best = Some(BestF1 { f1, precision, recall, threshold: step.threshold() });
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_scores_are_one_step() {
        let sweep = Sweep::new(vec![(0.5, true), (0.9, true), (0.5, false), (0.1, false)]);
        let counts: Vec<_> = sweep.steps.iter().map(|step| (step.taken, step.correct)).collect();
        assert_eq!(counts, [(1, 1), (3, 2), (4, 2)]);
        let thresholds: Vec<_> = sweep.steps.iter().map(Step::threshold).collect();
        assert_eq!(thresholds, [0.7, 0.3, 0.1]);
        // 1/2 · 1 + 1/2 · 2/3.
        assert!((sweep.average_precision(2) - 5.0 / 6.0).abs() < 1e-15);
    }

    #[test]
    fn a_threshold_never_takes_in_the_next_score() {
        let high = 1.0f64.next_up();
        let sweep = Sweep::new(vec![(1.0, false), (high, true)]);
        assert_eq!(sweep.steps[0].threshold(), high);
    }

    #[test]
    fn nothing_positive_has_no_best_threshold() {
        let sweep = Sweep::new(vec![(0.2, false)]);
        assert!(sweep.best_f1(0).is_none());
        assert_eq!(sweep.average_precision(0), 0.0);
        assert!(Sweep::new(Vec::new()).best_f1(3).is_none());
    }
}
