//! Ranking by words.

mod analyzer;

use std::collections::HashMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

pub use self::analyzer::Stemming;
use self::analyzer::tokens;
use crate::{IndexError, Neighbor, TopK};

/// Settings of [`Bm25`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Bm25Config {
    /// How slowly repeated words stop to count; at least 0. The default, 0.9, and that of
    /// [`b`](Self::b) are those of Anserini and Pyserini, whose figures are the published baselines
    /// of retrieval benchmarks; Lucene's own are 1.2 and 0.75.
    pub k1: f32,
    /// How much longer documents are penalised, from 0 (not) to 1 (fully); 0.4 by default.
    pub b: f32,
    /// Whether the 33 English stop words of Lucene are dropped; yes by default.
    pub stop_words: bool,
    /// How words are reduced to stems.
    pub stemming: Stemming,
}

impl Default for Bm25Config {
    fn default() -> Self {
        Self { k1: 0.9, b: 0.4, stop_words: true, stemming: Stemming::default() }
    }
}

impl Bm25Config {
    /// Sets [`k1`](Self::k1).
    pub fn with_k1(mut self, k1: f32) -> Self {
        self.k1 = k1;
        self
    }

    /// Sets [`b`](Self::b).
    pub fn with_b(mut self, b: f32) -> Self {
        self.b = b;
        self
    }

    /// Sets [`stop_words`](Self::stop_words).
    pub fn with_stop_words(mut self, stop_words: bool) -> Self {
        self.stop_words = stop_words;
        self
    }

    /// Sets [`stemming`](Self::stemming).
    pub fn with_stemming(mut self, stemming: Stemming) -> Self {
        self.stemming = stemming;
        self
    }

    fn validate(&self) -> Result<(), IndexError> {
        let refuse = |field, value: f32, allowed| {
            Err(IndexError::Config { field, value: f64::from(value), allowed })
        };
        if !(self.k1 >= 0.0 && self.k1.is_finite()) {
            return refuse("k1", self.k1, "at least 0");
        }
        if !(0.0..=1.0).contains(&self.b) {
            return refuse("b", self.b, "between 0 and 1");
        }
        Ok(())
    }
}

/// BM25 as Lucene computes it (Robertson and Zaragoza, *The Probabilistic Relevance Framework*,
/// 2009, without the constant factor `k1 + 1`): the score of a document is the sum over the
/// query's words, repeated ones counted again, of
///
/// ```text
/// ln(1 + (N − df + 0.5) / (df + 0.5)) · tf / (tf + k1·(1 − b + b·length / average length))
/// ```
///
/// Words are runs of letters and digits in lower case. Lengths are exact, where Lucene rounds
/// them to a byte.
///
/// ```
/// use embedtune_index::{Bm25, Bm25Config};
///
/// let documents = ["The cat sat.", "Dogs bark at cats and dogs.", "Birds sing."];
/// let index = Bm25::build(&documents, &Bm25Config::default())?;
/// let found = index.search(&["barking dog"], 10);
/// assert_eq!(found[0].len(), 1);
/// assert_eq!(found[0][0].id, 1);
/// # Ok::<(), embedtune_index::IndexError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Bm25 {
    config: Bm25Config,
    documents: usize,
    /// Number of each word, in order of first appearance.
    words: HashMap<String, u32>,
    /// Postings of word `w` are `postings[starts[w]..starts[w + 1]]`, by ascending document.
    starts: Vec<usize>,
    postings: Vec<Neighbor>,
}

impl Bm25 {
    /// Indexes `documents`, which are numbered in their order.
    ///
    /// # Errors
    /// If a setting is out of range, or there are more than `u32::MAX` documents.
    pub fn build<T: AsRef<str> + Sync>(
        documents: &[T],
        config: &Bm25Config,
    ) -> Result<Self, IndexError> {
        config.validate()?;
        if documents.len() > u32::MAX as usize {
            return Err(IndexError::TooMany { got: documents.len() });
        }
        let counts: Vec<(usize, Vec<(String, u32)>)> =
            documents.par_iter().map(|text| count_words(text.as_ref(), config)).collect();
        let total: usize = counts.iter().map(|(length, _)| length).sum();
        let average = total as f64 / documents.len().max(1) as f64;

        let mut words = HashMap::new();
        let mut lists: Vec<Vec<Neighbor>> = Vec::new();
        for (id, (length, counts)) in (0..).zip(counts) {
            let norm = f64::from(config.k1)
                * (1.0 - f64::from(config.b) + f64::from(config.b) * length as f64 / average);
            for (word, count) in counts {
                let word = *words.entry(word).or_insert_with(|| {
                    lists.push(Vec::new());
                    lists.len() as u32 - 1
                });
                let score = (f64::from(count) / (f64::from(count) + norm)) as f32;
                lists[word as usize].push(Neighbor { id, score });
            }
        }
        Ok(Self::assemble(config.clone(), documents.len(), words, lists))
    }

    /// Multiplies each word's list by the weight of its rarity and joins the lists.
    fn assemble(
        config: Bm25Config,
        documents: usize,
        words: HashMap<String, u32>,
        lists: Vec<Vec<Neighbor>>,
    ) -> Self {
        let mut starts = vec![0];
        let mut postings = Vec::with_capacity(lists.iter().map(Vec::len).sum());
        for list in lists {
            let frequency = list.len() as f64;
            let rarity = (documents as f64 - frequency + 0.5) / (frequency + 0.5);
            let weight = rarity.ln_1p() as f32;
            postings.extend(
                list.into_iter()
                    .map(|Neighbor { id, score }| Neighbor { id, score: weight * score }),
            );
            starts.push(postings.len());
        }
        Self { config, documents, words, starts, postings }
    }

    /// Number of documents.
    pub fn len(&self) -> usize {
        self.documents
    }

    /// Whether there is no document.
    pub fn is_empty(&self) -> bool {
        self.documents == 0
    }

    /// The best `k` documents of each query: score descending, equal scores by ascending id.
    /// Documents that share no word with the query are not listed, so a list may be shorter.
    pub fn search<T: AsRef<str> + Sync>(&self, queries: &[T], k: usize) -> Vec<Vec<Neighbor>> {
        queries
            .par_iter()
            .map_init(
                || vec![0.0; self.documents],
                |scores, query| self.search_one(query.as_ref(), k, scores),
            )
            .collect()
    }

    /// `scores` `(documents)` is zero at the start and at the end.
    fn search_one(&self, query: &str, k: usize, scores: &mut [f32]) -> Vec<Neighbor> {
        let mut words: Vec<u32> = tokens(query, &self.config)
            .filter_map(|word| self.words.get(word.as_ref()).copied())
            .collect();
        // The order of the sum must not depend on the order of the query's words.
        words.sort_unstable();
        let list = |word: u32| {
            let word = word as usize;
            &self.postings[self.starts[word]..self.starts[word + 1]]
        };
        for &word in &words {
            list(word).iter().for_each(|posting| scores[posting.id as usize] += posting.score);
        }
        let mut best = TopK::new(k);
        for &word in &words {
            for posting in list(word) {
                // Zero after the first visit.
                let score = std::mem::take(&mut scores[posting.id as usize]);
                if score > 0.0 {
                    best.offer(Neighbor { id: posting.id, score });
                }
            }
        }
        best.into_sorted()
    }
}

/// Number of words in `text`, and how often each occurs, in order of first appearance.
fn count_words(text: &str, config: &Bm25Config) -> (usize, Vec<(String, u32)>) {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut counts: Vec<(String, u32)> = Vec::new();
    let mut length = 0;
    for word in tokens(text, config) {
        length += 1;
        match places.get(word.as_ref()) {
            Some(&place) => counts[place].1 += 1,
            None => {
                places.insert(word.to_string(), counts.len());
                counts.push((word.into_owned(), 1));
            }
        }
    }
    (length, counts)
}
