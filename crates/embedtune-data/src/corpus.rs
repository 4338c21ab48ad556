//! Documents and queries by id.

use std::collections::HashMap;

/// Number of a document in its [`Corpus`].
pub type DocId = u32;
/// Number of a query in its [`Queries`].
pub type QueryId = u32;

/// A document as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Document {
    /// Identifier, unique in the corpus.
    pub id: String,
    /// Title; may be empty.
    pub title: String,
    /// Body.
    pub text: String,
}

impl Document {
    /// What is embedded: title and text joined by a space, trimmed. BEIR and Sentence Transformers
    /// join them so.
    pub fn full_text(&self) -> String {
        if self.title.is_empty() {
            self.text.trim().to_owned()
        } else {
            format!("{} {}", self.title, self.text).trim().to_owned()
        }
    }
}

/// Documents in file order, found by id.
#[derive(Debug, Clone, Default)]
pub struct Corpus {
    ids: Vec<String>,
    texts: Vec<String>,
    /// Bytes at the start of each text that are the title.
    title_lens: Vec<u32>,
    by_id: HashMap<String, DocId>,
}

impl Corpus {
    /// An empty corpus.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a document; its text becomes [`Document::full_text`]. Returns its number, or `None`
    /// (and changes nothing) if the id is taken.
    pub fn push(&mut self, document: Document) -> Option<DocId> {
        let text = document.full_text();
        let title_len = document.title.trim_start().len().min(text.len());
        let number = push(&mut self.ids, &mut self.texts, &mut self.by_id, document.id, text)?;
        self.title_lens.push(title_len as u32);
        Some(number)
    }

    /// Document number `number`, its embedded text cut into title and body again.
    ///
    /// # Panics
    /// If there is no such document.
    pub fn document(&self, number: DocId) -> Document {
        let number = number as usize;
        let (title, rest) = self.texts[number].split_at(self.title_lens[number] as usize);
        // One space joins them.
        let text = if title.is_empty() { rest } else { rest.strip_prefix(' ').unwrap_or(rest) };
        Document { id: self.ids[number].clone(), title: title.to_owned(), text: text.to_owned() }
    }

    /// Number of the document called `id`.
    pub fn find(&self, id: &str) -> Option<DocId> {
        self.by_id.get(id).copied()
    }

    /// Identifiers in file order.
    pub fn ids(&self) -> &[String] {
        &self.ids
    }

    /// Embedded texts (title and body) in file order.
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// Number of documents.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is no document.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

/// Queries in file order, found by id.
#[derive(Debug, Clone, Default)]
pub struct Queries {
    ids: Vec<String>,
    texts: Vec<String>,
    by_id: HashMap<String, QueryId>,
}

impl Queries {
    /// No queries.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a query. Returns its number, or `None` (and changes nothing) if the id is taken.
    pub fn push(&mut self, id: impl Into<String>, text: impl Into<String>) -> Option<QueryId> {
        push(&mut self.ids, &mut self.texts, &mut self.by_id, id.into(), text.into())
    }

    /// Number of the query called `id`.
    pub fn find(&self, id: &str) -> Option<QueryId> {
        self.by_id.get(id).copied()
    }

    /// Identifiers in file order.
    pub fn ids(&self) -> &[String] {
        &self.ids
    }

    /// Texts in file order.
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// Number of queries.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is no query.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

fn push(
    ids: &mut Vec<String>,
    texts: &mut Vec<String>,
    by_id: &mut HashMap<String, u32>,
    id: String,
    text: String,
) -> Option<u32> {
    let number = u32::try_from(ids.len()).ok()?;
    match by_id.entry(id.clone()) {
        std::collections::hash_map::Entry::Occupied(_) => None,
        std::collections::hash_map::Entry::Vacant(entry) => {
            entry.insert(number);
            ids.push(id);
            texts.push(text);
            Some(number)
        }
    }
}
