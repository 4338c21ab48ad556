//! Who competes with whom.

use candle_core::{Result, Tensor};

use super::{Direction, MnrlConfig};
use crate::{LossBatch, LossError};

/// One (example, positive) pair: a row of logits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Term {
    /// Index of the example.
    pub(super) example: usize,
    /// Its positive, an index into the candidates.
    pub(super) positive: u32,
    /// Share of the term in the loss; shares sum to 1 unless every weight is 0.
    pub(super) share: f64,
}

/// The terms of a batch in example order.
pub(super) fn terms(
    batch: &LossBatch,
    weights: &[f64],
) -> std::result::Result<Vec<Term>, LossError> {
    let total: f64 = weights.iter().sum();
    let mut terms = Vec::with_capacity(batch.len());
    for (example, relation) in batch.relations.iter().enumerate() {
        if relation.positives.is_empty() {
            return Err(LossError::Missing { loss: "mnrl", needs: "a positive", example });
        }
        let positives = relation.positives.len() as f64;
        let share = if total > 0.0 { weights[example] / total / positives } else { 0.0 };
        terms.extend(relation.positives.iter().map(|&positive| Term { example, positive, share }));
    }
    Ok(terms)
}

/// What is left out of each direction's softmax.
pub(super) struct Masks<'a> {
    config: &'a MnrlConfig,
    batch: &'a LossBatch,
    terms: &'a [Term],
    /// For each candidate, the examples to which it is known to be relevant.
    relevant_to: Vec<Vec<u32>>,
}

impl<'a> Masks<'a> {
    pub(super) fn new(config: &'a MnrlConfig, batch: &'a LossBatch, terms: &'a [Term]) -> Self {
        let mut relevant_to = vec![Vec::new(); batch.candidates.len()];
        for (example, relation) in (0..).zip(&batch.relations) {
            for &candidate in relation.positives.iter().chain(&relation.ignored) {
                relevant_to[candidate as usize].push(example);
            }
        }
        Self { config, batch, terms, relevant_to }
    }

    /// `logits`, `(terms, columns)`, with `-inf` where nothing competes.
    pub(super) fn apply(&self, direction: Direction, logits: Tensor) -> Result<Tensor> {
        let (_, columns) = logits.dims2()?;
        let mut mask = vec![0.0_f32; self.terms.len() * columns];
        for (row, term) in mask.chunks_exact_mut(columns).zip(self.terms) {
            match direction {
                Direction::QueryToDoc => self.query_to_doc(row, term),
                Direction::DocToQuery => self.to_query(row, term, true),
                Direction::QueryToQuery => self.to_query(row, term, false),
                Direction::DocToDoc => self.doc_to_doc(row, term),
            }
        }
        if mask.iter().all(|&m| m == 0.0) {
            return Ok(logits);
        }
        let mask = Tensor::from_vec(mask, logits.shape(), logits.device())?;
        &logits + mask.to_dtype(logits.dtype())?
    }

    fn query_to_doc(&self, row: &mut [f32], term: &Term) {
        let relation = &self.batch.relations[term.example];
        if !self.config.in_batch_negatives {
            row.fill(f32::NEG_INFINITY);
            relation.negatives.iter().for_each(|&c| row[c as usize] = 0.0);
        }
        exclude(row, &relation.positives);
        if self.config.mask_false_negatives {
            exclude(row, &relation.ignored);
        }
        row[term.positive as usize] = 0.0;
    }

    /// Columns are the examples' anchors. The example's own is the positive, seen from the
    /// document, and itself, seen from the anchor.
    fn to_query(&self, row: &mut [f32], term: &Term, from_document: bool) {
        if self.config.mask_false_negatives {
            exclude(row, &self.relevant_to[term.positive as usize]);
            let anchor = self.batch.anchors[term.example];
            for (value, &other) in row.iter_mut().zip(&self.batch.anchors) {
                if other == anchor {
                    *value = f32::NEG_INFINITY;
                }
            }
        }
        row[term.example] = if from_document { 0.0 } else { f32::NEG_INFINITY };
    }

    fn doc_to_doc(&self, row: &mut [f32], term: &Term) {
        let relation = &self.batch.relations[term.example];
        exclude(row, &relation.positives);
        exclude(row, &relation.negatives);
        if self.config.mask_false_negatives {
            exclude(row, &relation.ignored);
        }
    }
}

fn exclude(row: &mut [f32], columns: &[u32]) {
    columns.iter().for_each(|&column| row[column as usize] = f32::NEG_INFINITY);
}
