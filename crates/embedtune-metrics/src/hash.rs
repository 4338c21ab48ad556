//! A quick hash of document ids, for tables that live as long as one process.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::OnceLock;

/// An odd constant with its bits well mixed (the golden ratio in 64 bits).
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// Hashes ids by folded multiplication, sixteen bytes a step.
///
/// All hashers of a process share one random seed: hashes can be kept next to the ids, and nobody
/// can prepare a file whose ids collide. No result depends on a hash, only the time it takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IdHasher {
    seed: u64,
}

impl IdHasher {
    pub(crate) fn new() -> Self {
        static SEED: OnceLock<u64> = OnceLock::new();
        Self { seed: *SEED.get_or_init(|| RandomState::new().build_hasher().finish()) }
    }

    #[inline]
    pub(crate) fn hash(self, id: &str) -> u32 {
        let mut rest = id.as_bytes();
        let mut state = self.seed ^ rest.len() as u64;
        while let Some((head, tail)) = rest.split_first_chunk::<16>() {
            state = fold(state ^ eight(head), MULTIPLIER ^ eight(&head[8..]));
            rest = tail;
        }
        let (first, last) = ends(rest);
        let state = fold(state ^ first, MULTIPLIER ^ last);
        (state ^ (state >> 32)) as u32
    }
}

/// The first and the last bytes of up to 15, overlapping so that none is left out.
#[inline]
fn ends(bytes: &[u8]) -> (u64, u64) {
    match bytes.len() {
        8.. => (eight(bytes), eight(&bytes[bytes.len() - 8..])),
        4.. => (four(bytes), four(&bytes[bytes.len() - 4..])),
        1.. => {
            let middle = u64::from(bytes[bytes.len() / 2]);
            (u64::from(bytes[0]), middle << 8 | u64::from(bytes[bytes.len() - 1]))
        }
        0 => (0, 0),
    }
}

#[inline]
fn eight(bytes: &[u8]) -> u64 {
    bytes.first_chunk::<8>().map_or(0, |chunk| u64::from_le_bytes(*chunk))
}

#[inline]
fn four(bytes: &[u8]) -> u64 {
    bytes.first_chunk::<4>().map_or(0, |chunk| u64::from(u32::from_le_bytes(*chunk)))
}

#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

/// An open-addressing table of indices: which entry of a list has this hash.
///
/// It holds no ids, so that whoever owns the list compares them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Slots {
    /// Entry number + 1, or 0; a power of two of them, at most half of them taken.
    slots: Vec<u32>,
}

impl Slots {
    /// Empties the table and makes room for `entries`.
    pub(crate) fn reset(&mut self, entries: usize) {
        let size = (entries.max(4) * 2).next_power_of_two();
        self.slots.clear();
        self.slots.resize(size, 0);
    }

    /// Whether the table has room for entry number `entries`.
    pub(crate) fn has_room_for(&self, entries: usize) -> bool {
        entries * 2 < self.slots.len()
    }

    /// Gives the memory back.
    pub(crate) fn free(&mut self) {
        self.slots = Vec::new();
    }

    /// The entry for which `is_it` holds, among those that may have this `hash`.
    #[inline]
    pub(crate) fn find(&self, hash: u32, mut is_it: impl FnMut(usize) -> bool) -> Option<usize> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut at = hash as usize & mask;
        loop {
            match self.slots[at] {
                0 => return None,
                entry if is_it(entry as usize - 1) => return Some(entry as usize - 1),
                _ => at = (at + 1) & mask,
            }
        }
    }

    /// Adds entry number `entry`, unless `is_it` finds it: then that entry is the answer.
    #[inline]
    pub(crate) fn insert(
        &mut self,
        hash: u32,
        entry: usize,
        mut is_it: impl FnMut(usize) -> bool,
    ) -> Option<usize> {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        while self.slots[at] != 0 {
            let other = self.slots[at] as usize - 1;
            if is_it(other) {
                return Some(other);
            }
            at = (at + 1) & mask;
        }
        self.slots[at] = entry as u32 + 1;
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_byte_of_an_id_of_any_length_counts() {
        let hasher = IdHasher::new();
        for length in 0..70 {
            let id = "a".repeat(length);
            let mut hashes = BTreeSet::from([hasher.hash(&id)]);
            for at in 0..length {
                let changed = format!("{}b{}", &id[..at], &id[at + 1..]);
                hashes.insert(hasher.hash(&changed));
            }
            assert_eq!(hashes.len(), length + 1, "a byte of {length} does not count");
        }
    }

    #[test]
    fn numbered_ids_spread_over_the_table() {
        let hasher = IdHasher::new();
        let mut taken = BTreeSet::new();
        for n in 0..4096 {
            taken.insert(hasher.hash(&format!("doc{n}")) & 4095);
        }
        // 1 - 1/e of the slots if chance decides, 2589; this is 20 standard deviations below.
        assert!(taken.len() > 2100, "{} of 4096", taken.len());
    }

    #[test]
    fn entries_are_found_under_equal_hashes() {
        let ids = ["a", "b", "c"];
        let mut slots = Slots::default();
        assert_eq!(slots.find(7, |_| true), None);
        slots.reset(3);
        for (n, id) in ids.iter().enumerate() {
            assert_eq!(slots.insert(7, n, |other| ids[other] == *id), None);
        }
        assert_eq!(slots.insert(7, 9, |other| ids[other] == "b"), Some(1));
        assert_eq!(slots.find(7, |entry| ids[entry] == "c"), Some(2));
        assert_eq!(slots.find(7, |entry| ids[entry] == "d"), None);
        assert!(slots.has_room_for(3) && !slots.has_room_for(4));
    }
}
