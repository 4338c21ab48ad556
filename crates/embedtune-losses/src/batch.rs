//! What a loss sees of a batch: embeddings and how they relate. Never texts, never a model.

use candle_core::Tensor;

use crate::LossError;

/// Embeddings of a batch and the relations between its anchors and candidates.
///
/// Anchors and candidates refer to rows of `embeddings`, so a text that occurs twice is encoded
/// once. Candidates are every document of the batch: first the positives in example order, then
/// the negatives; a document that occurs twice is two candidates over one row.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LossBatch {
    /// Distinct embedding rows, `(rows, dim)`, f32 (f64 in tests).
    pub embeddings: Tensor,
    /// Row of each example's anchor, `(batch)`.
    pub anchors: Vec<u32>,
    /// Row of each candidate document, `(candidates)`.
    pub candidates: Vec<u32>,
    /// How each example relates to the candidates, `(batch)`.
    pub relations: Vec<Relation>,
    /// Identity of each candidate's text, `(candidates)`; equal numbers are equal documents.
    pub candidate_ids: Vec<u64>,
    /// Label of each example, `(batch)`; empty without labels.
    pub labels: Vec<f32>,
    /// Weight of each example, `(batch)`; empty means 1 for all.
    pub weights: Vec<f32>,
    /// Teacher scores of each example over its positives and own negatives, in that order,
    /// `(batch)`; empty without a teacher.
    pub teacher_scores: Vec<Vec<f32>>,
    /// A frozen guide model's scores, `(batch, candidates)`, if a loss asks for them.
    pub guide_scores: Option<Tensor>,
}

/// An example's relation to the candidates of its batch, as indices into
/// [`LossBatch::candidates`]. A candidate that is in no list is an in-batch negative.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Relation {
    /// The example's positive; more than one when a loss supports several.
    pub positives: Vec<u32>,
    /// The example's own (hard) negatives.
    pub negatives: Vec<u32>,
    /// Candidates that are neither: the same document as the positive, or another known positive
    /// of this query. In ascending order.
    pub ignored: Vec<u32>,
}

impl LossBatch {
    /// A batch whose example `i` has anchor row `anchors[i]`, candidates that are the rows
    /// `candidates`, and relation `relations[i]`.
    ///
    /// # Errors
    /// [`LossError::Shape`] if lengths differ or an index is out of range.
    pub fn new(
        embeddings: Tensor,
        anchors: Vec<u32>,
        candidates: Vec<u32>,
        relations: Vec<Relation>,
    ) -> Result<Self, LossError> {
        let (rows, _dim) = embeddings.dims2()?;
        let in_range = |indices: &[u32], len: usize| indices.iter().all(|&i| (i as usize) < len);
        let shape = |what, expected, got| Err(LossError::Shape { what, expected, got });
        if relations.len() != anchors.len() {
            return shape("relations", anchors.len(), relations.len());
        }
        if !in_range(&anchors, rows) || !in_range(&candidates, rows) {
            return shape("rows of embeddings", rows, usize::MAX);
        }
        for relation in &relations {
            for list in [&relation.positives, &relation.negatives, &relation.ignored] {
                if !in_range(list, candidates.len()) {
                    return shape("candidates", candidates.len(), usize::MAX);
                }
            }
        }
        let candidate_ids = candidates.iter().map(|&row| u64::from(row)).collect();
        Ok(Self {
            embeddings,
            anchors,
            candidates,
            relations,
            candidate_ids,
            labels: Vec::new(),
            weights: Vec::new(),
            teacher_scores: Vec::new(),
            guide_scores: None,
        })
    }

    /// Number of examples.
    pub fn len(&self) -> usize {
        self.anchors.len()
    }

    /// Whether the batch has no example.
    pub fn is_empty(&self) -> bool {
        self.anchors.is_empty()
    }

    /// Weight of each example, `(batch)`, with the default of 1 filled in.
    ///
    /// # Errors
    /// [`LossError::Shape`] if there is no example or another number of weights,
    /// [`LossError::Value`] for a weight that is negative or not finite.
    pub fn example_weights(&self) -> Result<Vec<f64>, LossError> {
        if self.is_empty() {
            return Err(LossError::Shape { what: "examples", expected: 1, got: 0 });
        }
        if self.weights.is_empty() {
            return Ok(vec![1.0; self.len()]);
        }
        let weights = per_example("weight", &self.weights, self.len())?;
        match weights.iter().position(|w| !(w.is_finite() && *w >= 0.0)) {
            Some(example) => Err(LossError::Value {
                what: "weight",
                example,
                value: weights[example],
                expected: "a finite number of at least 0",
            }),
            None => Ok(weights),
        }
    }

    /// Label of each example, `(batch)`; `None` without labels.
    ///
    /// # Errors
    /// [`LossError::Shape`] if there is another number of labels, [`LossError::Value`] for a
    /// label outside `[0, 1]`.
    pub fn example_labels(&self) -> Result<Option<Vec<f64>>, LossError> {
        if self.labels.is_empty() {
            return Ok(None);
        }
        let labels = per_example("label", &self.labels, self.len())?;
        match labels.iter().position(|label| !(0.0..=1.0).contains(label)) {
            Some(example) => Err(LossError::Value {
                what: "label",
                example,
                value: labels[example],
                expected: "a number from 0 (unrelated) to 1 (related)",
            }),
            None => Ok(Some(labels)),
        }
    }
}

fn per_example(what: &'static str, values: &[f32], batch: usize) -> Result<Vec<f64>, LossError> {
    if values.len() != batch {
        return Err(LossError::Shape { what, expected: batch, got: values.len() });
    }
    Ok(values.iter().map(|&v| f64::from(v)).collect())
}

/// Where training stands when a loss is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct StepContext {
    /// Optimizer steps done before this one.
    pub step: u64,
    /// Seed of the run, for losses that sample.
    pub seed: u64,
}

impl StepContext {
    /// Step number `step` (from 0) of the run with seed `seed`.
    pub fn new(step: u64, seed: u64) -> Self {
        Self { step, seed }
    }
}
