//! Token ids of a dataset.

use embedtune_data::{Dataset, Example, Role, TextId};
use embedtune_encoder::{EmbeddingModel, EncoderError, Tokens};

/// Texts that are tokenized before their ids are moved to the table: bounds what is held twice.
const CHUNK: usize = 4096;
/// Place of a text that is not in a list.
const ABSENT: u32 = u32::MAX;

/// Token ids of every text of a dataset, computed once for the whole run.
pub(crate) struct TokenTable {
    queries: TokenLists,
    documents: TokenLists,
}

impl TokenTable {
    pub(crate) fn new(model: &EmbeddingModel, dataset: &Dataset) -> Result<Self, EncoderError> {
        let anchors = dataset.rows.iter().map(|row| row.anchor);
        let documents = dataset.rows.iter().flat_map(documents);
        Self::with(dataset, anchors, documents, |texts, role| model.tokenize(texts, role))
    }

    fn with<E>(
        dataset: &Dataset,
        queries: impl Iterator<Item = TextId>,
        documents: impl Iterator<Item = TextId>,
        tokenize: impl Fn(&[&str], Role) -> Result<Vec<Tokens>, E>,
    ) -> Result<Self, E> {
        let lists =
            |ids: Vec<TextId>, role| TokenLists::new(dataset, ids, |texts| tokenize(texts, role));
        Ok(Self {
            queries: lists(queries.collect(), Role::Query)?,
            documents: lists(documents.collect(), Role::Document)?,
        })
    }

    /// Tokens of a text that some row has as its anchor.
    pub(crate) fn query(&self, text: TextId) -> TokenIds<'_> {
        self.queries.get(text)
    }

    /// Tokens of a text that some row has as its positive or among its negatives.
    pub(crate) fn document(&self, text: TextId) -> TokenIds<'_> {
        self.documents.get(text)
    }

    /// A table in which every text of `dataset` has its own number as its only token.
    #[cfg(test)]
    pub(crate) fn of_numbers(dataset: &Dataset) -> Self {
        let all = || 0..dataset.texts.len() as TextId;
        let number = |text: &&str| dataset.texts.find(text).unwrap();
        let tokens = |text: &&str| Tokens { ids: vec![number(text)], ..Tokens::default() };
        let tokenize =
            |texts: &[&str], _| Ok::<_, std::fmt::Error>(texts.iter().map(tokens).collect());
        Self::with(dataset, all(), all(), tokenize).unwrap()
    }
}

/// The positive and the negatives of a row.
fn documents(row: &Example) -> impl Iterator<Item = TextId> + '_ {
    row.texts().skip(1)
}

/// Token ids of one text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TokenIds<'a> {
    /// `(tokens)`.
    pub(crate) ids: &'a [u32],
    /// Leading tokens of the prompt.
    pub(crate) prompt_len: u32,
}

/// Token ids of many texts end to end: 4 bytes a token and 16 a text, in three allocations.
struct TokenLists {
    /// Place of each text of the dataset among the texts of the lists, or [`ABSENT`].
    places: Vec<u32>,
    ids: Vec<u32>,
    ends: Vec<usize>,
    prompt_lens: Vec<u32>,
}

impl TokenLists {
    /// Lists of the texts numbered `texts`, which may occur more than once.
    fn new<E>(
        dataset: &Dataset,
        mut texts: Vec<TextId>,
        tokenize: impl Fn(&[&str]) -> Result<Vec<Tokens>, E>,
    ) -> Result<Self, E> {
        texts.sort_unstable();
        texts.dedup();
        let mut lists = Self {
            places: vec![ABSENT; dataset.texts.len()],
            ids: Vec::new(),
            ends: Vec::with_capacity(texts.len()),
            prompt_lens: Vec::with_capacity(texts.len()),
        };
        for chunk in texts.chunks(CHUNK) {
            let words: Vec<&str> = chunk.iter().map(|&id| dataset.texts.text(id)).collect();
            for (&text, tokens) in chunk.iter().zip(tokenize(&words)?) {
                lists.places[text as usize] = lists.ends.len() as u32;
                lists.ids.extend_from_slice(&tokens.ids);
                lists.ends.push(lists.ids.len());
                lists.prompt_lens.push(tokens.prompt_len);
            }
        }
        lists.ids.shrink_to_fit();
        Ok(lists)
    }

    fn get(&self, text: TextId) -> TokenIds<'_> {
        let place = self.places[text as usize] as usize;
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        TokenIds { ids: &self.ids[start..self.ends[place]], prompt_len: self.prompt_lens[place] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_has_its_own_tokens_by_side() {
        let mut dataset = Dataset::new("test");
        // More than a chunk, so that lists grow across one.
        for number in 0..CHUNK + 3 {
            let query = dataset.texts.intern(&format!("q{number}"));
            let document = dataset.texts.intern(&format!("d{}", number / 2));
            dataset.push(Example { negatives: vec![query], ..Example::pair(query, document) });
        }
        let tokenize = |texts: &[&str], role: Role| {
            let tokens = |text: &&str| Tokens {
                ids: text.bytes().map(u32::from).collect(),
                prompt_len: if role == Role::Query { text.len() as u32 } else { 0 },
                full_len: 0,
            };
            Ok::<_, std::fmt::Error>(texts.iter().map(tokens).collect())
        };
        let anchors = dataset.rows.iter().map(|row| row.anchor);
        let documents = dataset.rows.iter().flat_map(documents);
        let table = TokenTable::with(&dataset, anchors, documents, tokenize).unwrap();
        for row in &dataset.rows {
            let bytes = |id| dataset.texts.text(id).bytes().map(u32::from).collect::<Vec<_>>();
            let (query, document) = (table.query(row.anchor), table.document(row.positive));
            assert_eq!(query.ids, bytes(row.anchor));
            assert_eq!(query.prompt_len as usize, query.ids.len());
            assert_eq!(document, TokenIds { ids: &bytes(row.positive), prompt_len: 0 });
            assert_eq!(table.document(row.negatives[0]).ids, query.ids);
        }
        assert_eq!(table.queries.ends.len(), CHUNK + 3);
    }
}
