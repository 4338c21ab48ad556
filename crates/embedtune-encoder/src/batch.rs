//! Tokenized texts, packed without padding.

/// Token ids of one text, special tokens included, cut to the model's maximum length.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tokens {
    /// Token ids, `(tokens)`.
    pub ids: Vec<u32>,
    /// Leading tokens that belong to the prompt; pooling leaves them out if the model says so.
    pub prompt_len: u32,
    /// Length before it was cut, in tokens.
    pub full_len: u32,
}

impl Tokens {
    /// Whether the text was longer than the model's maximum length.
    pub fn truncated(&self) -> bool {
        self.full_len as usize > self.ids.len()
    }
}

/// Sequences laid end to end, `(tokens)`, with the border of each: no padding token anywhere.
#[derive(Debug, Clone, Default)]
pub struct PackedBatch {
    ids: Vec<u32>,
    ends: Vec<usize>,
    slots: Vec<u64>,
    prompt_lens: Vec<u32>,
}

impl PackedBatch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a sequence. `slot` names the text within its training step and keys its dropout mask:
    /// the same slot gives the same mask wherever the text lies in the packing.
    pub fn push(&mut self, tokens: &Tokens, slot: u64) {
        self.ids.extend_from_slice(&tokens.ids);
        self.ends.push(self.ids.len());
        self.slots.push(slot);
        self.prompt_lens.push(tokens.prompt_len);
    }

    /// Number of sequences.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no sequence.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Number of tokens in all sequences.
    pub fn num_tokens(&self) -> usize {
        self.ids.len()
    }

    /// Token ids of one sequence, `(tokens)`.
    ///
    /// # Panics
    /// If there is no such sequence.
    pub fn sequence(&self, index: usize) -> &[u32] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.ids[start..self.ends[index]]
    }

    /// Dropout slot of one sequence.
    pub fn slot(&self, index: usize) -> u64 {
        self.slots[index]
    }

    /// Leading prompt tokens of one sequence that pooling leaves out.
    pub fn prompt_len(&self, index: usize) -> usize {
        self.prompt_lens[index] as usize
    }
}

impl<'a> FromIterator<&'a Tokens> for PackedBatch {
    /// Packs sequences with slots 0, 1, 2, …
    fn from_iter<I: IntoIterator<Item = &'a Tokens>>(sequences: I) -> Self {
        let mut batch = Self::new();
        for (slot, tokens) in sequences.into_iter().enumerate() {
            batch.push(tokens, slot as u64);
        }
        batch
    }
}
