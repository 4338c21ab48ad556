//! Connected components.

use std::cell::Cell;

use crate::TextHash;

/// Disjoint sets of numbered items (union-find with path halving). The root of a set is the member
/// with the smallest hash, so its name depends neither on the order of joining nor on numbers.
pub(super) struct Groups {
    parents: Vec<Cell<u32>>,
    hashes: Vec<TextHash>,
}

impl Groups {
    /// One set for each hash.
    pub(super) fn new(hashes: Vec<TextHash>) -> Self {
        Self { parents: (0..hashes.len() as u32).map(Cell::new).collect(), hashes }
    }

    /// Root of the set of `item`.
    pub(super) fn find(&self, mut item: u32) -> u32 {
        loop {
            let parent = self.parents[item as usize].get();
            if parent == item {
                return item;
            }
            let above = self.parents[parent as usize].get();
            self.parents[item as usize].set(above);
            item = above;
        }
    }

    /// Makes one set of the sets of both.
    pub(super) fn join(&mut self, first: u32, second: u32) {
        let (first, second) = (self.find(first), self.find(second));
        let (root, child) = if self.hashes[first as usize] <= self.hashes[second as usize] {
            (first, second)
        } else {
            (second, first)
        };
        self.parents[child as usize].set(root);
    }

    /// Name of the set with this root.
    pub(super) fn name(&self, root: u32) -> TextHash {
        self.hashes[root as usize]
    }
}
