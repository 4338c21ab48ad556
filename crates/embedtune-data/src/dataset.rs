//! Training rows: what a loss learns from.

use std::collections::{BTreeSet, HashMap};

use crate::text::{TextId, TextTable};

/// One training row over the texts of a [`Dataset`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Example {
    /// Query side, or first text of a labelled pair.
    pub anchor: TextId,
    /// Relevant document, or second text of a labelled pair.
    pub positive: TextId,
    /// Irrelevant documents, hardest first if they were mined. Rows may differ in their number.
    pub negatives: Vec<TextId>,
    /// Label of a labelled pair (0 or 1 for contrastive losses, a similarity otherwise).
    pub label: Option<f32>,
}

impl Example {
    /// A (query, positive) pair.
    pub fn pair(anchor: TextId, positive: TextId) -> Self {
        Self { anchor, positive, ..Self::default() }
    }

    /// Every text of the row: anchor, positive, negatives.
    pub fn texts(&self) -> impl Iterator<Item = TextId> + '_ {
        [self.anchor, self.positive].into_iter().chain(self.negatives.iter().copied())
    }
}

/// Which columns the rows of a [`Dataset`] have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DatasetKind {
    /// (query, positive): negatives come from the batch.
    Pairs,
    /// (query, positive, negative, …): at least one row has negatives of its own.
    Tuples,
    /// (text, text, label).
    LabelledPairs,
}

/// Training rows, the texts they refer to, and what is known to be relevant.
#[derive(Debug, Clone, Default)]
pub struct Dataset {
    /// Where the rows came from, for logs and error messages.
    pub name: String,
    /// Every text that a row refers to, once.
    pub texts: TextTable,
    /// The rows.
    pub rows: Vec<Example>,
    known_positives: HashMap<TextId, BTreeSet<TextId>>,
}

impl Dataset {
    /// An empty dataset named `name`.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Adds a row. Its positive becomes a known positive of its anchor, unless its label says
    /// otherwise.
    pub fn push(&mut self, row: Example) {
        if row.label.is_none_or(|label| label > 0.0) {
            self.add_known_positive(row.anchor, row.positive);
        }
        self.rows.push(row);
    }

    /// Records that `document` is relevant to `anchor` although no row may say so (other splits,
    /// other judgements): it will not serve as a negative.
    pub fn add_known_positive(&mut self, anchor: TextId, document: TextId) {
        self.known_positives.entry(anchor).or_default().insert(document);
    }

    /// Whether `document` is known to be relevant to `anchor`.
    pub fn is_known_positive(&self, anchor: TextId, document: TextId) -> bool {
        self.known_positives.get(&anchor).is_some_and(|set| set.contains(&document))
    }

    /// Documents known to be relevant to `anchor`, in ascending order.
    pub fn known_positives(&self, anchor: TextId) -> impl Iterator<Item = TextId> + '_ {
        self.known_positives.get(&anchor).into_iter().flatten().copied()
    }

    /// Every (anchor, document) known to be relevant, in an order that means nothing.
    pub fn known_pairs(&self) -> impl Iterator<Item = (TextId, TextId)> + '_ {
        self.known_positives.iter().flat_map(|(&anchor, documents)| {
            documents.iter().map(move |&document| (anchor, document))
        })
    }

    /// The rows with the given numbers, in that order, with their texts and all that is known to be
    /// relevant to their anchors. Texts get new numbers.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn subset(&self, name: impl Into<String>, rows: &[u32]) -> Self {
        let mut subset = Self::new(name);
        let mut seen = BTreeSet::new();
        for &row in rows {
            let row = &self.rows[row as usize];
            let mut intern = |id: TextId| subset.texts.intern(self.texts.text(id));
            let example = Example {
                anchor: intern(row.anchor),
                positive: intern(row.positive),
                negatives: row.negatives.iter().map(|&id| intern(id)).collect(),
                label: row.label,
            };
            seen.insert((row.anchor, example.anchor));
            subset.rows.push(example);
        }
        for (old, new) in seen {
            for document in self.known_positives(old) {
                let document = subset.texts.intern(self.texts.text(document));
                subset.add_known_positive(new, document);
            }
        }
        subset
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Which columns the rows have.
    pub fn kind(&self) -> DatasetKind {
        if self.rows.iter().any(|row| row.label.is_some()) {
            DatasetKind::LabelledPairs
        } else if self.rows.iter().any(|row| !row.negatives.is_empty()) {
            DatasetKind::Tuples
        } else {
            DatasetKind::Pairs
        }
    }
}
