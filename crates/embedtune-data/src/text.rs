//! Text identity: a named, versioned hash, and a table that stores each distinct text once.

use std::{collections::HashMap, fmt};

/// Hash of a text's bytes: XXH3, 128 bits. Stable across versions and machines; a change of the
/// function would change [`TextHash::NAME`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TextHash(pub u128);

impl TextHash {
    /// Name and version of the hash function, as written into manifests.
    pub const NAME: &'static str = "xxh3-128-v1";

    /// Hashes the bytes of `text` as they are.
    pub fn of(text: &str) -> Self {
        Self(xxhash_rust::xxh3::xxh3_128(text.as_bytes()))
    }
}

impl fmt::Display for TextHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for TextHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TextHash({self})")
    }
}

/// Number of a text in a [`TextTable`]. Equal texts have equal numbers.
pub type TextId = u32;

/// Distinct texts in order of first appearance.
#[derive(Debug, Clone, Default)]
pub struct TextTable {
    texts: Vec<String>,
    hashes: Vec<TextHash>,
    by_hash: HashMap<TextHash, TextId>,
}

impl TextTable {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of `text`, which is added if it is new.
    ///
    /// # Panics
    /// With more than `u32::MAX` distinct texts.
    pub fn intern(&mut self, text: &str) -> TextId {
        let hash = TextHash::of(text);
        if let Some(&id) = self.by_hash.get(&hash) {
            return id;
        }
        let id = TextId::try_from(self.texts.len()).expect("at most u32::MAX distinct texts");
        self.texts.push(text.to_owned());
        self.hashes.push(hash);
        self.by_hash.insert(hash, id);
        id
    }

    /// Number of `text` if it is in the table.
    pub fn find(&self, text: &str) -> Option<TextId> {
        self.by_hash.get(&TextHash::of(text)).copied()
    }

    /// Text number `id`.
    ///
    /// # Panics
    /// If `id` is not of this table.
    pub fn text(&self, id: TextId) -> &str {
        &self.texts[id as usize]
    }

    /// Hash of text number `id`.
    ///
    /// # Panics
    /// If `id` is not of this table.
    pub fn hash(&self, id: TextId) -> TextHash {
        self.hashes[id as usize]
    }

    /// Number of distinct texts.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether the table has no text.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Texts in order of their numbers.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.texts.iter().map(String::as_str)
    }
}
