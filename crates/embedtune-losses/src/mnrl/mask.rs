//! Who competes with whom, as lists: nothing here is as large as the batch squared.

use std::collections::HashMap;

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

impl Term {
    /// Row of its anchor's embedding.
    pub(super) fn anchor_row(&self, batch: &LossBatch) -> u32 {
        batch.anchors[self.example]
    }

    /// Row of its positive's embedding.
    pub(super) fn positive_row(&self, batch: &LossBatch) -> u32 {
        batch.candidates[self.positive as usize]
    }
}

/// The terms of a batch in example order.
pub(super) fn terms(batch: &LossBatch, weights: &[f64]) -> Result<Vec<Term>, LossError> {
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
    /// For each candidate, the examples to which it is known to be relevant.
    relevant_to: Vec<Vec<u32>>,
    /// Examples of each anchor row.
    same_anchor: HashMap<u32, Vec<u32>>,
}

impl<'a> Masks<'a> {
    pub(super) fn new(config: &'a MnrlConfig, batch: &'a LossBatch) -> Self {
        let mut masks =
            Self { config, batch, relevant_to: Vec::new(), same_anchor: HashMap::new() };
        let to_query = [Direction::DocToQuery, Direction::QueryToQuery];
        let needed = config.directions.iter().any(|direction| to_query.contains(direction));
        if !(needed && config.mask_false_negatives) {
            return masks;
        }
        masks.relevant_to.resize(batch.candidates.len(), Vec::new());
        for (example, relation) in (0..).zip(&batch.relations) {
            for &candidate in relation.positives.iter().chain(&relation.ignored) {
                masks.relevant_to[candidate as usize].push(example);
            }
        }
        for (example, &anchor) in (0..).zip(&batch.anchors) {
            masks.same_anchor.entry(anchor).or_default().push(example);
        }
        masks
    }

    /// Sets to `-inf` what does not compete with the positive of `term` in one direction. `logits`,
    /// `(columns)`, has one value for each candidate (towards documents) or example (towards
    /// queries).
    pub(super) fn apply(&self, direction: Direction, term: &Term, logits: &mut [f32]) {
        match direction {
            Direction::QueryToDoc => self.query_to_doc(term, logits),
            Direction::DocToQuery => self.to_query(term, logits, true),
            Direction::QueryToQuery => self.to_query(term, logits, false),
            Direction::DocToDoc => self.doc_to_doc(term, logits),
        }
    }

    fn query_to_doc(&self, term: &Term, logits: &mut [f32]) {
        let relation = &self.batch.relations[term.example];
        let own = logits[term.positive as usize];
        if !self.config.in_batch_negatives {
            let kept: Vec<f32> = relation.negatives.iter().map(|&c| logits[c as usize]).collect();
            logits.fill(f32::NEG_INFINITY);
            relation.negatives.iter().zip(kept).for_each(|(&c, value)| logits[c as usize] = value);
        }
        exclude(logits, &relation.positives);
        if self.config.mask_false_negatives {
            exclude(logits, &relation.ignored);
        }
        logits[term.positive as usize] = own;
    }

    /// Columns are the examples' anchors. The example's own is the positive, seen from the
    /// document, and itself, seen from the anchor.
    fn to_query(&self, term: &Term, logits: &mut [f32], from_document: bool) {
        let own = logits[term.example];
        if self.config.mask_false_negatives {
            exclude(logits, &self.relevant_to[term.positive as usize]);
            exclude(logits, &self.same_anchor[&term.anchor_row(self.batch)]);
        }
        logits[term.example] = if from_document { own } else { f32::NEG_INFINITY };
    }

    fn doc_to_doc(&self, term: &Term, logits: &mut [f32]) {
        let relation = &self.batch.relations[term.example];
        exclude(logits, &relation.positives);
        exclude(logits, &relation.negatives);
        if self.config.mask_false_negatives {
            exclude(logits, &relation.ignored);
        }
    }
}

fn exclude(logits: &mut [f32], columns: &[u32]) {
    columns.iter().for_each(|&column| logits[column as usize] = f32::NEG_INFINITY);
}
