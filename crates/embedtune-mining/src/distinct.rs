//! Documents of equal text are one document: the first of them stands for all, so that a copy of
//! a positive is never a negative, and no negative comes twice.

use std::collections::{BTreeSet, HashMap};

use embedtune_data::{Corpus, DocId, TextHash};

use crate::TrainQueries;

/// The distinct texts of a corpus, each with a place of its own.
pub(crate) struct DistinctDocuments {
    /// First document of each distinct text, in corpus order.
    documents: Vec<DocId>,
    /// Place in `documents` of every document's text.
    places: Vec<u32>,
}

impl DistinctDocuments {
    pub(crate) fn of(corpus: &Corpus) -> Self {
        let mut known = HashMap::new();
        let mut documents = Vec::new();
        let mut places = Vec::with_capacity(corpus.len());
        for (document, text) in (0..).zip(corpus.texts()) {
            let place = *known.entry(TextHash::of(text)).or_insert_with(|| {
                documents.push(document);
                documents.len() as u32 - 1
            });
            places.push(place);
        }
        Self { documents, places }
    }

    /// The document at `place`.
    pub(crate) fn document(&self, place: u32) -> DocId {
        self.documents[place as usize]
    }

    /// Row of the document at each place.
    pub(crate) fn rows(&self) -> Vec<usize> {
        self.documents.iter().map(|&document| document as usize).collect()
    }
}

/// For each query the places of all that is relevant to it or to a query of equal text.
pub(crate) fn excluded_by_query(
    train: &TrainQueries<'_>,
    distinct: &DistinctDocuments,
) -> Vec<BTreeSet<u32>> {
    let hashes: Vec<TextHash> = train.texts.iter().map(|text| TextHash::of(text)).collect();
    let mut by_text: HashMap<TextHash, BTreeSet<u32>> = HashMap::new();
    for (&hash, positives) in hashes.iter().zip(train.positives) {
        let places = positives.iter().map(|&document| distinct.places[document as usize]);
        by_text.entry(hash).or_default().extend(places);
    }
    hashes.iter().map(|hash| by_text[hash].clone()).collect()
}
