//! From row numbers to the sequences of a training batch and the relations between them.

use std::collections::{BTreeMap, HashMap};

use candle_core::{Device, Tensor};
use embedtune_data::{Dataset, Example, TextId};
use embedtune_losses::{LossBatch, LossError, Relation};

use crate::token_table::{TokenIds, TokenTable};

const ANCHORS: usize = 0;
const POSITIVES: usize = 1;
/// The first negatives of the rows; the second ones are the column after it, and so on.
const NEGATIVES: usize = 2;

/// One text to be encoded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sequence<'a> {
    pub(crate) tokens: TokenIds<'a>,
    /// Names the text within its optimizer step; see [`slot`].
    pub(crate) slot: u64,
}

/// Everything about a batch that does not depend on the weights.
pub(crate) struct TrainBatch<'a> {
    /// Distinct texts of each column; one row of embeddings each.
    pub(crate) sequences: Vec<Sequence<'a>>,
    anchors: Vec<u32>,
    candidates: Vec<u32>,
    candidate_ids: Vec<u64>,
    relations: Vec<Relation>,
    labels: Vec<f32>,
}

impl<'a> TrainBatch<'a> {
    /// The batch of `rows`, which is batch number `part` of its optimizer step.
    pub(crate) fn new(
        dataset: &Dataset,
        tokens: &'a TokenTable,
        rows: &[u32],
        part: usize,
        mask_false_negatives: bool,
    ) -> Self {
        let examples: Vec<&Example> = rows.iter().map(|&row| &dataset.rows[row as usize]).collect();
        let mut columns = Columns { tokens, part, sequences: Vec::new(), rows: HashMap::new() };
        let anchors = columns.rows_of(ANCHORS, examples.iter().map(|row| row.anchor).enumerate());
        let positives: Vec<TextId> = examples.iter().map(|row| row.positive).collect();
        let mut candidates = columns.rows_of(POSITIVES, positives.iter().copied().enumerate());
        let mut texts = positives;
        let mut relations: Vec<Relation> = (0..examples.len() as u32)
            .map(|index| Relation { positives: vec![index], ..Relation::default() })
            .collect();
        let width = examples.iter().map(|row| row.negatives.len()).max().unwrap_or(0);
        for number in 0..width {
            let column = examples.iter().enumerate();
            let column = column.filter_map(|(i, row)| Some((i, *row.negatives.get(number)?)));
            candidates.extend(columns.rows_of(NEGATIVES + number, column.clone()));
            for (example, text) in column {
                relations[example].negatives.push(texts.len() as u32);
                texts.push(text);
            }
        }
        if mask_false_negatives {
            let known = KnownPositives::new(dataset, &texts);
            for ((index, example), relation) in (0..).zip(&examples).zip(&mut relations) {
                relation.ignored = known.of(example, index);
            }
        }
        Self {
            sequences: columns.sequences,
            anchors,
            candidates,
            candidate_ids: texts.into_iter().map(u64::from).collect(),
            relations,
            labels: examples.iter().filter_map(|row| row.label).collect(),
        }
    }

    /// Tokens of all distinct texts.
    pub(crate) fn num_tokens(&self) -> usize {
        self.sequences.iter().map(|sequence| sequence.tokens.ids.len()).sum()
    }

    /// What the loss sees, given the embeddings of [`TrainBatch::sequences`], `(sequences, dim)`.
    pub(crate) fn with_embeddings(
        self,
        embeddings: Vec<f32>,
        dim: usize,
    ) -> Result<LossBatch, LossError> {
        let shape = (self.sequences.len(), dim);
        let embeddings = Tensor::from_vec(embeddings, shape, &Device::Cpu)?;
        let mut batch = LossBatch::new(embeddings, self.anchors, self.candidates, self.relations)?;
        batch.candidate_ids = self.candidate_ids;
        batch.labels = self.labels;
        Ok(batch)
    }
}

/// Collects the distinct texts of one column after the other.
struct Columns<'a> {
    tokens: &'a TokenTable,
    part: usize,
    sequences: Vec<Sequence<'a>>,
    /// Embedding row of each (column, text).
    rows: HashMap<(usize, TextId), u32>,
}

impl Columns<'_> {
    /// Embedding rows of the texts of `column`, given with their positions in the batch. Equal
    /// texts share a row within a column only: two dropout views of one text stay two.
    fn rows_of(&mut self, column: usize, texts: impl Iterator<Item = (usize, TextId)>) -> Vec<u32> {
        texts
            .map(|(position, text)| {
                *self.rows.entry((column, text)).or_insert_with(|| {
                    let tokens = match column {
                        ANCHORS => self.tokens.query(text),
                        _ => self.tokens.document(text),
                    };
                    let slot = slot(self.part, column, position);
                    self.sequences.push(Sequence { tokens, slot });
                    self.sequences.len() as u32 - 1
                })
            })
            .collect()
    }
}

/// Keys a text's dropout mask by its place in the optimizer step, not in the packing.
fn slot(part: usize, column: usize, position: usize) -> u64 {
    (part as u64) << 48 | (column as u64) << 32 | position as u64
}

/// Finds the candidates that are no negatives of an example.
struct KnownPositives<'a> {
    dataset: &'a Dataset,
    /// Candidates of each text.
    candidates: BTreeMap<TextId, Vec<u32>>,
}

impl<'a> KnownPositives<'a> {
    fn new(dataset: &'a Dataset, texts: &[TextId]) -> Self {
        let mut candidates: BTreeMap<TextId, Vec<u32>> = BTreeMap::new();
        for (candidate, &text) in (0..).zip(texts) {
            candidates.entry(text).or_default().push(candidate);
        }
        Self { dataset, candidates }
    }

    /// Candidates that are the same document as the example's positive or a known positive of its
    /// anchor, in ascending order, without its positive itself, which is candidate `own`.
    fn of(&self, example: &Example, own: u32) -> Vec<u32> {
        let mut ignored: Vec<u32> = self
            .dataset
            .known_positives(example.anchor)
            .filter(|&text| text != example.positive)
            .chain([example.positive])
            .filter_map(|text| self.candidates.get(&text))
            .flatten()
            .copied()
            .filter(|&candidate| candidate != own)
            .collect();
        ignored.sort_unstable();
        ignored
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn dataset(rows: &[(&str, &str, &[&str])]) -> Dataset {
        let mut dataset = Dataset::new("test");
        for (anchor, positive, negatives) in rows {
            let mut intern = |text: &str| dataset.texts.intern(text);
            let mut row = Example::pair(intern(anchor), intern(positive));
            row.negatives = negatives.iter().map(|text| intern(text)).collect();
            dataset.push(row);
        }
        dataset
    }

    #[test]
    fn a_text_is_encoded_once_within_a_column() {
        let data = dataset(&[("q", "d", &["n", "q"]), ("q", "e", &["n"]), ("r", "d", &[])]);
        let tokens = TokenTable::of_numbers(&data);
        let batch = TrainBatch::new(&data, &tokens, &[0, 1, 2], 1, false);
        let texts: Vec<_> =
            batch.sequences.iter().map(|s| data.texts.text(s.tokens.ids[0])).collect();
        // Column by column: anchors, positives, first and second negatives.
        assert_eq!(texts, ["q", "r", "d", "e", "n", "q"]);
        assert_eq!(batch.anchors, [0, 0, 1]);
        assert_eq!(batch.candidates, [2, 3, 2, 4, 4, 5]);
        let negatives: Vec<_> = batch.relations.iter().map(|r| r.negatives.clone()).collect();
        assert_eq!(negatives, [vec![3, 5], vec![4], vec![]]);
        assert_eq!(batch.candidate_ids[0], batch.candidate_ids[2]);
        let slots: BTreeSet<u64> = batch.sequences.iter().map(|s| s.slot).collect();
        assert_eq!(slots.len(), batch.sequences.len());
        assert!(slots.iter().all(|slot| slot >> 48 == 1));
    }

    #[test]
    fn known_positives_are_no_negatives() {
        let mut data =
            dataset(&[("q", "d", &["x"]), ("q", "e", &[]), ("r", "d", &[]), ("s", "f", &["d"])]);
        let (q, f) = (data.texts.find("q").unwrap(), data.texts.find("f").unwrap());
        data.add_known_positive(q, f);
        let tokens = TokenTable::of_numbers(&data);
        let rows = [0, 1, 2, 3];
        let ignored = |mask| -> Vec<Vec<u32>> {
            let batch = TrainBatch::new(&data, &tokens, &rows, 0, mask);
            batch.relations.into_iter().map(|relation| relation.ignored).collect()
        };
        // Candidates: d e d f, then negatives x d.
        assert_eq!(ignored(true), [vec![1, 2, 3, 5], vec![0, 2, 3, 5], vec![0, 5], vec![]]);
        assert_eq!(ignored(false), vec![Vec::<u32>::new(); 4]);
    }
}
