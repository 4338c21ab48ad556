//! Known positives as lists that are short on every side.

use crate::{Dataset, TextId};

/// The known positives of a dataset, each (anchor, document) stored once: with its anchor or with
/// its document, whichever has fewer.
///
/// A class label as anchor may have 100 000 documents, a stock answer 100 000 queries; walking such
/// a list for every row would be quadratic. Stored this way, no list is longer than the square root
/// of the number of pairs: if the list of `a` holds k documents, each of them has at least k anchors.
pub(super) struct Neighbours {
    of_anchor: Lists,
    of_document: Lists,
}

impl Neighbours {
    /// Lists of the pairs in `dataset`, or empty ones if they do not matter.
    pub(super) fn new(dataset: &Dataset, wanted: bool) -> Self {
        let texts = dataset.texts.len();
        if !wanted {
            return Self { of_anchor: Lists::new(texts, &[]), of_document: Lists::new(texts, &[]) };
        }
        let mut anchor_degree = vec![0u32; texts];
        let mut document_degree = vec![0u32; texts];
        for (anchor, document) in dataset.known_pairs() {
            anchor_degree[anchor as usize] += 1;
            document_degree[document as usize] += 1;
        }
        let (mut by_anchor, mut by_document) = (Vec::new(), Vec::new());
        for (anchor, document) in dataset.known_pairs() {
            if anchor_degree[anchor as usize] <= document_degree[document as usize] {
                by_anchor.push((anchor, document));
            } else {
                by_document.push((document, anchor));
            }
        }
        Self {
            of_anchor: Lists::new(texts, &by_anchor),
            of_document: Lists::new(texts, &by_document),
        }
    }

    /// Documents stored with `anchor`.
    pub(super) fn of_anchor(&self, anchor: TextId) -> &[TextId] {
        self.of_anchor.of(anchor)
    }

    /// Anchors stored with `document`.
    pub(super) fn of_document(&self, document: TextId) -> &[TextId] {
        self.of_document.of(document)
    }
}

/// One list for each text, all in one allocation.
struct Lists {
    starts: Vec<u32>,
    items: Vec<TextId>,
}

impl Lists {
    /// Lists of the second members by the first, in counting-sort order.
    fn new(texts: usize, pairs: &[(TextId, TextId)]) -> Self {
        let mut starts = vec![0u32; texts + 1];
        for &(key, _) in pairs {
            starts[key as usize + 1] += 1;
        }
        for key in 0..texts {
            starts[key + 1] += starts[key];
        }
        let mut next = starts.clone();
        let mut items = vec![0; pairs.len()];
        for &(key, item) in pairs {
            items[next[key as usize] as usize] = item;
            next[key as usize] += 1;
        }
        Self { starts, items }
    }

    fn of(&self, key: TextId) -> &[TextId] {
        let key = key as usize;
        &self.items[self.starts[key] as usize..self.starts[key + 1] as usize]
    }
}
