//! The negatives of the rows of one query.

use std::collections::BTreeMap;

use super::{BuildReport, NegativeMix};
use crate::{Corpus, Dataset, DocId, SeededRng, TextHash, TextId};

/// Chooses negatives for the rows of one query.
pub(super) struct Chooser<'a> {
    corpus: &'a Corpus,
    /// Documents judged not relevant, in an order drawn for this query.
    judged: Vec<DocId>,
    mined: Vec<DocId>,
    rng: SeededRng,
}

impl<'a> Chooser<'a> {
    /// Ids must be those of `corpus`.
    pub(super) fn new(
        corpus: &'a Corpus,
        query: &str,
        judgements: &BTreeMap<String, i32>,
        mined: Option<&[String]>,
        seed: u64,
    ) -> Self {
        let find = |id: &String| corpus.find(id);
        let mut rng = SeededRng::derive(seed, &[TextHash::of(query).0 as u64]);
        let not_relevant = judgements.iter().filter(|&(_, &grade)| grade == 0);
        let mut judged: Vec<DocId> = not_relevant.filter_map(|(id, _)| find(id)).collect();
        rng.shuffle(&mut judged);
        let mined = mined.unwrap_or_default().iter().filter_map(find).collect();
        Self { corpus, judged, mined, rng }
    }

    /// The negatives of the next row.
    pub(super) fn choose(
        &mut self,
        dataset: &mut Dataset,
        anchor: TextId,
        mix: NegativeMix,
        report: &mut BuildReport,
    ) -> Vec<TextId> {
        let mut row = Row { corpus: self.corpus, dataset, anchor, chosen: Vec::new() };
        report.judged += row.take(&self.judged, mix.judged);
        report.mined += row.take(&self.mined, mix.mined);
        report.random += self.take_random(&mut row, mix.random);
        report.short += mix.judged + mix.mined + mix.random - row.chosen.len();
        // Rows of the same query get other judged negatives as long as there are some.
        let used = mix.judged.min(self.judged.len());
        self.judged.rotate_left(used);
        row.chosen
    }

    /// Draws from the whole corpus. In a large one a few draws do; in one where most documents are
    /// relevant or taken, what is left is listed instead.
    fn take_random(&mut self, row: &mut Row<'_>, wanted: usize) -> usize {
        if wanted == 0 {
            return 0;
        }
        let documents = self.corpus.len() as u64;
        let mut taken = 0;
        for _ in 0..4 * wanted + 16 {
            if taken == wanted {
                return taken;
            }
            taken += row.take(&[self.rng.below(documents) as DocId], 1);
        }
        let mut all: Vec<DocId> = (0..documents as DocId).collect();
        self.rng.shuffle(&mut all);
        taken + row.take(&all, wanted - taken)
    }
}

/// The negatives of one row so far.
struct Row<'a> {
    corpus: &'a Corpus,
    dataset: &'a mut Dataset,
    anchor: TextId,
    chosen: Vec<TextId>,
}

impl Row<'_> {
    /// Adds up to `wanted` of `candidates` that are neither relevant nor there already, by text.
    fn take(&mut self, candidates: &[DocId], wanted: usize) -> usize {
        let before = self.chosen.len();
        for &candidate in candidates {
            if self.chosen.len() - before == wanted {
                break;
            }
            let text = &self.corpus.texts()[candidate as usize];
            let known = self.dataset.texts.find(text);
            let refused = known.is_some_and(|id| {
                id == self.anchor
                    || self.dataset.is_known_positive(self.anchor, id)
                    || self.chosen.contains(&id)
            });
            if !refused {
                self.chosen.push(self.dataset.texts.intern(text));
            }
        }
        self.chosen.len() - before
    }
}
