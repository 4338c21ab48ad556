//! The judgements of one query, ready to be looked up.

use std::collections::BTreeMap;

use crate::hash::{IdHasher, Slots};

/// Words of the filter: 4096 bits, eight cache lines.
const FILTER_WORDS: usize = 64;

/// Looks up the grades of documents by hash and id. The buffers are reused from query to query.
///
/// Most retrieved documents are not judged; a filter of one bit per hash value turns nearly all of
/// them away without a look at their ids.
#[derive(Debug)]
pub(crate) struct Judged<'q> {
    entries: Vec<Entry<'q>>,
    slots: Slots,
    filter: [u64; FILTER_WORDS],
}

#[derive(Debug, Clone, Copy)]
struct Entry<'q> {
    hash: u32,
    grade: i32,
    doc: &'q str,
}

impl<'q> Judged<'q> {
    pub(crate) fn new() -> Self {
        Self { entries: Vec::new(), slots: Slots::default(), filter: [0; FILTER_WORDS] }
    }

    /// Replaces the content.
    pub(crate) fn fill(&mut self, judgements: &'q BTreeMap<String, i32>) {
        let hasher = IdHasher::new();
        self.entries.clear();
        self.slots.reset(judgements.len());
        self.filter.fill(0);
        for (n, (doc, &grade)) in judgements.iter().enumerate() {
            let hash = hasher.hash(doc);
            let (word, bit) = filter_bit(hash);
            self.filter[word] |= bit;
            self.slots.insert(hash, n, |_| false);
            self.entries.push(Entry { hash, grade, doc });
        }
    }

    /// Whether a document with this hash may be judged; false means that it is not.
    #[inline]
    pub(crate) fn may_hold(&self, hash: u32) -> bool {
        let (word, bit) = filter_bit(hash);
        self.filter[word] & bit != 0
    }

    /// The grade of `doc`, if it is judged.
    #[inline]
    pub(crate) fn grade(&self, hash: u32, doc: &str) -> Option<i32> {
        let is_it = |n: usize| self.entries[n].hash == hash && self.entries[n].doc == doc;
        self.slots.find(hash, is_it).map(|n| self.entries[n].grade)
    }
}

/// The upper bits, since the table takes the lower ones.
#[inline]
fn filter_bit(hash: u32) -> (usize, u64) {
    ((hash >> 26) as usize, 1 << (hash >> 20 & 63))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_is_judged_and_nothing_else() {
        let judgements: BTreeMap<String, i32> =
            (0..500).map(|n| (format!("d{n}"), n % 4 - 1)).collect();
        let hasher = IdHasher::new();
        let mut judged = Judged::new();
        judged.fill(&judgements);
        for n in 0..1000 {
            let doc = format!("d{n}");
            let hash = hasher.hash(&doc);
            let expected = judgements.get(&doc).copied();
            assert_eq!(judged.grade(hash, &doc), expected);
            assert!(judged.may_hold(hash) || expected.is_none());
        }
        let other = BTreeMap::from([("x".to_owned(), 1)]);
        judged.fill(&other);
        assert_eq!(judged.grade(hasher.hash("d1"), "d1"), None);
    }
}
