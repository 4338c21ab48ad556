//! Batches in which no text occurs twice.

use serde::{Deserialize, Serialize};

use super::{BatchSampler, DEFAULT_BATCH_SIZE, neighbours::Neighbours, shuffled};
use crate::{Dataset, Example, TextId};

/// Batches being filled at once: one bit of a mask each.
const OPEN: usize = u64::BITS as usize;

/// No text occurs in two rows of a batch, be it as anchor, positive or negative, and (unless turned
/// off) no known positive of a row's anchor stands in another row: such a document would be pushed
/// away from a query that it answers.
///
/// # How
/// The rows are shuffled, and each goes into the oldest of up to 64 open batches that it does not
/// conflict with. Every text carries one bit mask of the open batches that hold it, so testing all
/// batches at once is one `or` per text and nothing is scanned again: the cost is linear in the
/// number of texts in all rows. A row that conflicts with all 64 closes the oldest batch as it is
/// and opens a new one; while 64 are open, rows go into the emptiest, so that these batches come
/// out about equally large.
///
/// # Every row, once
/// Each row comes exactly once in an epoch. Batches below `batch_size` are the few that are open at
/// the end, and more only where a text is in more than one row of every `batch_size`: a text in a
/// tenth of the rows forces batches of about ten, whatever the method. With `drop_last` only full
/// batches are made, and the rows that fit in none are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct NoDuplicatesSampler {
    /// Rows in a full batch.
    pub batch_size: usize,
    /// Leaves out batches that are not full. Off: every row is seen in every epoch.
    pub drop_last: bool,
    /// Keeps known positives of a row's anchor out of the other rows. On: they are false negatives
    /// otherwise, and keeping them apart costs nothing, where a mask in the loss wastes their places.
    pub avoid_known_positives: bool,
}

impl Default for NoDuplicatesSampler {
    fn default() -> Self {
        Self { batch_size: DEFAULT_BATCH_SIZE, drop_last: false, avoid_known_positives: true }
    }
}

impl NoDuplicatesSampler {
    /// Batches of `batch_size` rows.
    pub fn new(batch_size: usize) -> Self {
        Self { batch_size, ..Self::default() }
    }

    /// Sets [`drop_last`](Self::drop_last).
    pub fn with_drop_last(mut self, drop_last: bool) -> Self {
        self.drop_last = drop_last;
        self
    }

    /// Sets [`avoid_known_positives`](Self::avoid_known_positives).
    pub fn with_avoid_known_positives(mut self, avoid: bool) -> Self {
        self.avoid_known_positives = avoid;
        self
    }
}

impl BatchSampler for NoDuplicatesSampler {
    fn batches(&self, dataset: &Dataset, seed: u64, epoch: u64) -> Vec<Vec<u32>> {
        let neighbours = Neighbours::new(dataset, self.avoid_known_positives);
        let mut packer = Packer::new(dataset, &neighbours, self.batch_size.max(1));
        let mut left_out = 0usize;
        for row in shuffled(dataset, seed, epoch) {
            if !packer.place(row, !self.drop_last) {
                left_out += 1;
            }
        }
        let mut batches = packer.done;
        // A full batch closes at once, so the open ones are not.
        let full = batches.len();
        batches.extend(packer.open.into_iter().map(|open| open.rows));
        if self.drop_last {
            left_out += batches[full..].iter().map(Vec::len).sum::<usize>();
            batches.truncate(full);
        }
        let smaller = batches.iter().filter(|batch| batch.len() < self.batch_size).count();
        tracing::debug!(batches = batches.len(), smaller, left_out, "packed without duplicates");
        batches
    }
}

/// Open batches (as bits) in which a text may not be met, by reason.
#[derive(Clone, Copy, Default)]
struct Marks {
    /// It is the anchor of a row.
    anchor: u64,
    /// It is the positive or a negative of a row.
    document: u64,
    /// It is a known positive of an anchor, so it must not be another row's document.
    barred_document: u64,
    /// A document is a known positive of it, so it must not be another row's anchor.
    barred_anchor: u64,
}

struct OpenBatch {
    slot: usize,
    rows: Vec<u32>,
}

struct Packer<'a> {
    dataset: &'a Dataset,
    neighbours: &'a Neighbours,
    size: usize,
    marks: Vec<Marks>,
    /// Oldest first. The slot of a batch is its bit.
    open: Vec<OpenBatch>,
    free: Vec<usize>,
    done: Vec<Vec<u32>>,
}

impl<'a> Packer<'a> {
    fn new(dataset: &'a Dataset, neighbours: &'a Neighbours, size: usize) -> Self {
        Self {
            dataset,
            neighbours,
            size,
            marks: vec![Marks::default(); dataset.texts.len()],
            open: Vec::with_capacity(OPEN),
            free: (0..OPEN).rev().collect(),
            done: Vec::with_capacity(dataset.len() / size + 1),
        }
    }

    /// Puts `row` into a batch. If it fits in none of 64, room is made by closing the oldest, or
    /// the answer is `false` if that is not wanted.
    fn place(&mut self, row: u32, make_room: bool) -> bool {
        let index = match self.choose(self.conflicts(row), make_room) {
            Some(index) => index,
            None if self.free.is_empty() && !make_room => return false,
            None => self.open_batch(),
        };
        self.mark(row, self.open[index].slot, |mask, bit| *mask |= bit);
        self.open[index].rows.push(row);
        if self.open[index].rows.len() == self.size {
            self.close(index);
        }
        true
    }

    /// The oldest open batch without a conflict; the emptiest when batches are about to be closed
    /// before they are full.
    fn choose(&self, conflicts: u64, even_out: bool) -> Option<usize> {
        let joinable = |index: &usize| (conflicts >> self.open[*index].slot) & 1 == 0;
        let mut candidates = (0..self.open.len()).filter(joinable);
        if even_out && self.free.is_empty() {
            candidates.min_by_key(|&index| self.open[index].rows.len())
        } else {
            candidates.next()
        }
    }

    /// Opens a batch, in the place of the oldest if there are 64.
    fn open_batch(&mut self) -> usize {
        if self.free.is_empty() {
            self.close(0);
        }
        let slot = self.free.pop().expect("a slot is free: one was closed if none was");
        self.open.push(OpenBatch { slot, rows: Vec::new() });
        self.open.len() - 1
    }

    /// Open batches that `row` may not join.
    fn conflicts(&self, row: u32) -> u64 {
        let example = self.example(row);
        let of = |text: TextId| self.marks[text as usize];
        let anchor = of(example.anchor);
        let mut conflicts = anchor.anchor | anchor.document | anchor.barred_anchor;
        for &document in self.neighbours.of_anchor(example.anchor) {
            conflicts |= of(document).document;
        }
        for document in documents(example) {
            let marks = of(document);
            conflicts |= marks.anchor | marks.document | marks.barred_document;
            for &anchor in self.neighbours.of_document(document) {
                conflicts |= of(anchor).anchor;
            }
        }
        conflicts
    }

    /// Changes the bit of `slot` in every mask that `row` is a reason for.
    fn mark(&mut self, row: u32, slot: usize, change: impl Fn(&mut u64, u64)) {
        let bit = 1u64 << slot;
        let example = &self.dataset.rows[row as usize];
        change(&mut self.marks[example.anchor as usize].anchor, bit);
        for &document in self.neighbours.of_anchor(example.anchor) {
            change(&mut self.marks[document as usize].barred_document, bit);
        }
        for document in documents(example) {
            change(&mut self.marks[document as usize].document, bit);
            for &anchor in self.neighbours.of_document(document) {
                change(&mut self.marks[anchor as usize].barred_anchor, bit);
            }
        }
    }

    fn close(&mut self, index: usize) {
        let OpenBatch { slot, rows } = self.open.remove(index);
        for &row in &rows {
            self.mark(row, slot, |mask, bit| *mask &= !bit);
        }
        self.free.push(slot);
        self.done.push(rows);
    }

    fn example(&self, row: u32) -> &'a Example {
        &self.dataset.rows[row as usize]
    }
}

fn documents(example: &Example) -> impl Iterator<Item = TextId> + '_ {
    std::iter::once(example.positive).chain(example.negatives.iter().copied())
}
